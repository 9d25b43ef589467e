/** Calls the app's `redact` between mapping and delivery. If the hook is synchronous, everything here is. */
import type { TraceContext } from '../conventions/context.ts';
import type { Evaluation } from '../conventions/convention.ts';
import { type Redacted, runRedact } from '../datapoint/redact.ts';
import { toFeedback } from '../datapoint/to-feedback.ts';
import type { ResolvedOptions } from '../options.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { Feedback, LogRequest } from '../wire/v4.ts';
import type { MapFlags, MapLog, SpanLog, StubLog } from './map-log.ts';

export class Redaction {
  readonly #map: MapLog;
  readonly #redact: ResolvedOptions['redact'];
  readonly #captureContent: boolean;
  /** How often a log was mapped for each owner. */
  readonly #versions = new WeakMap<object, number>();

  constructor(map: MapLog, { redact, captureContent }: Pick<ResolvedOptions, 'redact' | 'captureContent'>) {
    this.#map = map;
    this.#redact = redact;
    this.#captureContent = captureContent;
  }

  /**
   * Maps the log. `use` gets the datapoint that the hook returns, or null if the hook withholds it. Hooks may answer
   * out of order: an answer is ignored if a log was mapped for the same `owner` since.
   */
  map(
    owner: object,
    log: SpanLog | StubLog,
    context: TraceContext,
    flags: MapFlags,
    use: (cleared: LogRequest | null) => void,
  ): void {
    const datapoint = this.#map(log, context, flags);
    if (!this.#redact) return use(datapoint);
    const version = (this.#versions.get(owner) ?? 0) + 1;
    this.#versions.set(owner, version);
    whenRedacted(runRedact(this.#redact, datapoint), (result) => {
      if (this.#versions.get(owner) !== version) return;
      // If the hook fails, only the structure is sent.
      use(result === 'failed' ? flagged(this.#map(log, context, { ...flags, withContent: false })) : result);
    });
  }

  /** Redacts an update. `use` gets the late fields that the hook returns; none if it withholds the update. */
  redactLate(referenceId: string, late: LateFields, use: (cleared: LateFields) => void): void {
    const captured = this.#captureContent ? late : withoutText(late);
    if (!this.#redact) return use(captured);
    whenRedacted(runRedact(this.#redact, { reference_id: referenceId, ...captured }), (result) => {
      use(result === null ? {} : result === 'failed' ? withoutText(captured) : lateOf(result));
    });
  }

  /** Redacts feedback that is sent after its log. `use` gets what the hook returns; nothing if it withholds it. */
  redactFeedback(referenceId: string, evaluations: readonly Evaluation[], use: (cleared: Feedback[]) => void): void {
    const feedback = toFeedback(evaluations, this.#captureContent);
    if (!this.#redact || feedback.length === 0) return use(feedback);
    whenRedacted(runRedact(this.#redact, { reference_id: referenceId, feedback }), (result) => {
      use(result === 'failed' ? toFeedback(evaluations, false) : [result?.feedback ?? []].flat());
    });
  }
}

function whenRedacted(result: Redacted | Promise<Redacted>, use: (result: Redacted) => void): void {
  if (result instanceof Promise) void result.then(use);
  else use(result);
}

function lateOf({ output, error, duration }: LogRequest): LateFields {
  return { output: output ?? undefined, error: error ?? undefined, duration: duration ?? undefined };
}

/** Keeps that a call failed, which is structure, and removes how it failed, which is content. */
function withoutText({ error, duration }: LateFields): LateFields {
  return { duration, error: error === undefined ? undefined : 'error' };
}

function flagged(datapoint: LogRequest): LogRequest {
  return { ...datapoint, metadata: { ...datapoint.metadata, redaction: 'failed' } };
}
