/** The span processor. It sees spans start, so it knows which parents are open. */
import { type Context, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { type HumanloopOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { NOTHING_PASSED_ON, type PassedOn } from '../pipeline/passing-on.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import type { Stats } from '../pipeline/stats.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { type Claim, createClaim } from './claim-spans.ts';
import { type LogReference, readLateFields, readReference } from './update-arguments.ts';

/** For one call of `forceFlush` or `shutdown`. */
export interface FlushLimit {
  /** Default: the option `flushTimeoutMillis`. */
  readonly timeoutMillis?: number;
}

/**
 * Turns the LLM spans of the app into Humanloop v4 logs.
 *
 * It is a `SpanProcessor` of OpenTelemetry SDK 1.30, 2.x and 3.x. Its methods never throw.
 */
export class HumanloopSpanProcessor {
  readonly #options: ResolvedOptions;
  readonly #pipeline: Pipeline;
  readonly #claim: Claim;

  /** @throws {HumanloopError} on a wrong option; the message names it, what was expected and what was given. */
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
   * Sets output, error or duration (in seconds) of a log, whether or not it was already sent. These fields win over the
   * span's. A field of a wrong type, or a reference that does not name a span, is ignored with a warning.
   */
  update(log: LogReference, fields: LateFields): void {
    const named = readReference(log);
    if (named) this.#pipeline.update(named.traceId, named.spanId, readLateFields(fields));
  }

  /**
   * Adds an event that is not on the span itself to the span's log. Only GenAI events have content for a log. Without a
   * span, an evaluation is counted as dropped, and any other event is ignored.
   */
  addEvent(log: LogReference | undefined, event: SpanEvent): void {
    if (log === undefined) return this.#pipeline.addEvent('', '', event);
    const named = readReference(log);
    if (named) this.#pipeline.addEvent(named.traceId, named.spanId, event);
  }

  /**
   * Returns what a request carries to another service that is sent within this span: `HumanloopPropagator` writes it. From
   * then on the span's nearest log is one, whatever it turns out to be.
   */
  passOn({ traceId, spanId, traceFlags }: SpanContext): PassedOn {
    const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    if (!isSampled || this.#pipeline.isShutDown) return NOTHING_PASSED_ON;
    return this.#pipeline.passingOn.from(traceId, spanId);
  }

  /**
   * Resolves when everything that ended before the call is acknowledged or dropped with a reason.
   *
   * @throws {HumanloopError} (as a rejection) after `flushTimeoutMillis`, or the limit's time. Nothing is lost then:
   * sending continues.
   */
  forceFlush(limit?: FlushLimit): Promise<void> {
    return this.#pipeline.flush(this.#timeoutOf(limit));
  }

  /**
   * Closes the logs of open spans with an error and flushes for at most `flushTimeoutMillis`, or the limit's time. The
   * rest is counted as dropped, or stays in the spool for the next start. Idempotent; never rejects.
   */
  shutdown(limit?: FlushLimit): Promise<void> {
    return this.#pipeline.shutdown(this.#timeoutOf(limit));
  }

  /** An SDK may pass anything. */
  #timeoutOf(limit: FlushLimit | undefined): number {
    const timeoutMillis = limit?.timeoutMillis;
    return typeof timeoutMillis === 'number' && timeoutMillis >= 0 ? timeoutMillis : this.#options.flushTimeoutMillis;
  }

  /** Returns what this processor has now, and what it has sent and dropped since its construction. */
  stats(): Stats {
    return this.#pipeline.stats();
  }
}
