/**
 * The exporter, for apps with a BatchSpanProcessor. It sees only ended spans, usually children before parents: a span
 * waits up to `holdMillis` for its parent, then the option `missingParent` decides.
 */

import { HumanloopError } from '../errors.ts';
import { type HumanloopOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import type { Stats } from '../pipeline/stats.ts';
import { type Claim, createClaim } from './claim-spans.ts';

/** `code` 0 is success, 1 failure, as in `@opentelemetry/core`. */
export interface ExportResult {
  code: number;
  error?: Error;
}

const SUCCESS = 0;
const FAILED = 1;

/**
 * Turns the LLM spans that a span processor exports into Humanloop v4 logs.
 *
 * It is a `SpanExporter` of OpenTelemetry SDK 1.30, 2.x and 3.x. Its methods never throw.
 */
export class HumanloopSpanExporter {
  readonly #options: ResolvedOptions;
  readonly #pipeline: Pipeline;
  readonly #claim: Claim;

  /** @throws {HumanloopError} on a wrong option; the message names it, what was expected and what was given. */
  constructor(options?: HumanloopOptions) {
    this.#options = resolveOptions(options);
    this.#pipeline = new Pipeline(this.#options, { awaitsUnseenParents: true });
    this.#claim = createClaim(this.#pipeline, this.#options);
  }

  /**
   * Takes the spans over. The callback is called exactly once: with success when the spans that do not wait for a
   * parent are acknowledged, or after `timeoutMillis`, since they are kept and sent anyway; with failure only after
   * shutdown.
   */
  export(spans: readonly SpanSlice[], resultCallback: (result: ExportResult) => void): void {
    const { isShutDown } = this.#pipeline;
    for (const span of spans) if (isShutDown || this.#claim(span)) this.#pipeline.end(span);
    const done = isShutDown
      ? Promise.resolve({ code: FAILED, error: new HumanloopError('export after shutdown') })
      : this.#pipeline.flushDue(this.#options.timeoutMillis).then(
          () => ({ code: SUCCESS }),
          () => ({ code: SUCCESS }),
        );
    // If the callback throws, it is not called again, and its error must not become an unhandled rejection.
    void done.then(resultCallback).catch(() => undefined);
  }

  /**
   * Resolves when everything that was exported before is acknowledged or dropped with a reason.
   *
   * @throws {HumanloopError} (as a rejection) after `flushTimeoutMillis`.
   */
  forceFlush(): Promise<void> {
    return this.#pipeline.flush(this.#options.flushTimeoutMillis);
  }

  /**
   * Flushes for at most `flushTimeoutMillis`. The rest is counted as dropped, or stays in the spool for the next start.
   * Idempotent; never rejects.
   */
  shutdown(): Promise<void> {
    return this.#pipeline.shutdown(this.#options.flushTimeoutMillis);
  }

  /** Returns what this exporter has now, and what it has sent and dropped since its construction. */
  stats(): Stats {
    return this.#pipeline.stats();
  }
}
