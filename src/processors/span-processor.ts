/** The span processor: it sees starts, so it knows which parents are open and what hangs below them. */
import type { Context } from '@opentelemetry/api';
import { type HumanloopOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { Pipeline, type Stats } from '../pipeline/pipeline.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { type Claim, createClaim } from './claim-spans.ts';
import { type LogReference, readLateFields, readReference } from './late-fields.ts';

/**
 * Turns the LLM spans of the app into Humanloop v4 logs.
 *
 * Fits the `SpanProcessor` interface of OpenTelemetry SDK 1.30, 2.x and 3.x. Its methods never throw; wrong options do,
 * with a `HumanloopError`, at construction.
 */
export class HumanloopSpanProcessor {
  readonly #options: ResolvedOptions;
  readonly #pipeline: Pipeline;
  readonly #claim: Claim;

  constructor(options?: HumanloopOptions) {
    this.#options = resolveOptions(options);
    this.#pipeline = new Pipeline(this.#options, { awaitsUnseenParents: false });
    this.#claim = createClaim(this.#pipeline, this.#options);
  }

  onStart(span: SpanSlice, parentContext?: Context): void {
    if (!this.#pipeline.isShutDown && this.#claim(span)) this.#pipeline.start(span, parentContext);
  }

  onEnd(span: SpanSlice): void {
    if (this.#claim(span)) this.#pipeline.end(span);
  }

  /**
   * Completes a log with what the app learns later, whether it was sent already or not. Outranks what the span says.
   * A field of a wrong type, or a reference that names no span, is ignored with a warning.
   */
  update(log: LogReference, fields: LateFields): void {
    const named = readReference(log);
    if (named) this.#pipeline.update(named.traceId, named.spanId, readLateFields(fields));
  }

  /** Adds an event to a span's log that did not come on the span itself. Only GenAI events bear anything for a log. */
  addEvent(log: LogReference, event: SpanEvent): void {
    const named = readReference(log);
    if (named) this.#pipeline.addEvent(named.traceId, named.spanId, event);
  }

  /**
   * Resolves when everything that had ended before the call is acknowledged or dropped with a reason.
   *
   * @throws {HumanloopError} (as a rejection) after `flushTimeoutMillis`. Nothing is lost by that: sending goes on.
   */
  forceFlush(): Promise<void> {
    return this.#pipeline.flush(this.#options.flushTimeoutMillis);
  }

  /**
   * Closes the logs of open spans with an error, flushes for at most `flushTimeoutMillis`, and counts the rest as
   * dropped. Idempotent; never rejects.
   */
  shutdown(): Promise<void> {
    return this.#pipeline.shutdown(this.#options.flushTimeoutMillis);
  }

  stats(): Stats {
    return this.#pipeline.stats();
  }
}
