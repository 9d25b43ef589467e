/**
 * The exporter, for those who bring a BatchSpanProcessor. It sees ended spans only, children mostly before parents: a
 * span waits up to `holdMillis` for its parent, then `missingParent` decides.
 */

import { HumanloopError } from '../errors.ts';
import { type HumanloopOptions, type ResolvedOptions, resolveOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import { Pipeline, type Stats } from '../pipeline/pipeline.ts';
import { type Claim, createClaim } from './claim-spans.ts';

/** `code` 0 is success, 1 failure, as in `@opentelemetry/core`. */
export interface ExportResult {
  code: number;
  error?: Error;
}

const SUCCESS = 0;
const FAILED = 1;

export class HumanloopSpanExporter {
  readonly #options: ResolvedOptions;
  readonly #pipeline: Pipeline;
  readonly #claim: Claim;

  /** @throws {HumanloopError} on wrong options. */
  constructor(options?: HumanloopOptions) {
    this.#options = resolveOptions(options);
    this.#pipeline = new Pipeline(this.#options, { awaitsUnseenParents: true });
    this.#claim = createClaim(this.#pipeline, this.#options);
  }

  /**
   * Takes the spans over. The callback is called exactly once: with success when those that wait for no parent are
   * acknowledged, and at the latest after `timeoutMillis`, since they are kept and sent all the same; with failure
   * only after shutdown.
   */
  export(spans: readonly SpanSlice[], resultCallback: (result: ExportResult) => void): void {
    const { isShutDown } = this.#pipeline;
    for (const span of spans) if (isShutDown || this.#claim(span)) this.#pipeline.end(span);
    const done = isShutDown
      ? Promise.resolve({ code: FAILED, error: new HumanloopError('export after shutdown') })
      : this.#pipeline.settle(this.#options.timeoutMillis).then(
          () => ({ code: SUCCESS }),
          () => ({ code: SUCCESS }),
        );
    // A callback that throws is the caller's affair, and no reason to call it again or to reject unheard.
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

  /** Flushes for at most `flushTimeoutMillis` and counts the rest as dropped. Idempotent; never rejects. */
  shutdown(): Promise<void> {
    return this.#pipeline.shutdown(this.#options.flushTimeoutMillis);
  }

  stats(): Stats {
    return this.#pipeline.stats();
  }
}
