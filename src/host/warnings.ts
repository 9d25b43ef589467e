/** Warnings for the app's operator through OpenTelemetry's `diag`, limited per topic. */
import { diag } from '@opentelemetry/api';

export class Warnings {
  readonly #intervalMillis: number;
  readonly #saidAtMillis = new Map<string, number>();

  /** `intervalMillis` has to pass between two warnings of one topic. Default: each topic is warned about once. */
  constructor(intervalMillis = Number.POSITIVE_INFINITY) {
    this.#intervalMillis = intervalMillis;
  }

  /** Whether a warning of this topic would be suppressed now. */
  has(topic: string): boolean {
    const saidAtMillis = this.#saidAtMillis.get(topic);
    return saidAtMillis !== undefined && performance.now() - saidAtMillis < this.#intervalMillis;
  }

  /** Warns, unless the topic is suppressed. `cause` is passed to `diag` unchanged, for its stack. */
  warn(topic: string, message: string, cause?: unknown): void {
    if (this.has(topic)) return;
    this.#saidAtMillis.set(topic, performance.now());
    if (cause === undefined) diag.warn(`humanloop-otel: ${message}`);
    else diag.warn(`humanloop-otel: ${message}`, cause);
  }

  /** Call when the trouble is over: the next warning of this topic is not suppressed. */
  forget(topic: string): void {
    this.#saidAtMillis.delete(topic);
  }
}
