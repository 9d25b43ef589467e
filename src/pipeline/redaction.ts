/** Puts the app's `redact` between a log and its delivery. Where the hook is synchronous, all of this is. */
import type { TraceContext } from '../conventions/context.ts';
import { type Redacted, runRedact } from '../datapoint/redact.ts';
import type { ResolvedOptions } from '../options.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { LogRequest } from '../wire/v4.ts';
import type { MapFlags, MapLog, SpanLog, StubLog } from './map-log.ts';

export class Redaction {
  readonly #map: MapLog;
  readonly #redact: ResolvedOptions['redact'];
  readonly #captureContent: boolean;
  /** How often something was mapped for each owner. */
  readonly #versions = new WeakMap<object, number>();

  constructor(map: MapLog, { redact, captureContent }: Pick<ResolvedOptions, 'redact' | 'captureContent'>) {
    this.#map = map;
    this.#redact = redact;
    this.#captureContent = captureContent;
  }

  /**
   * Maps the log. `use` gets it as the hook lets it through, or `null` if the hook withholds it. Hooks may answer out of
   * order: an answer is ignored if something was mapped for the same `owner` since.
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
      // A hook that fails clears nothing but the structure.
      use(result === 'failed' ? flagged(this.#map(log, context, { ...flags, withContent: false })) : result);
    });
  }

  /** `use` gets of an update what the hook lets through, and nothing of it where the hook withholds it. */
  clear(referenceId: string, late: LateFields, use: (cleared: LateFields) => void): void {
    const said = this.#captureContent ? late : withoutText(late);
    if (!this.#redact) return use(said);
    whenRedacted(runRedact(this.#redact, { reference_id: referenceId, ...said }), (result) => {
      use(result === null ? {} : result === 'failed' ? withoutText(said) : lateOf(result));
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

/** That a call failed is structure, how it failed is content. */
function withoutText({ error, duration }: LateFields): LateFields {
  return { duration, error: error === undefined ? undefined : 'error' };
}

function flagged(datapoint: LogRequest): LogRequest {
  return { ...datapoint, metadata: { ...datapoint.metadata, redaction: 'failed' } };
}
