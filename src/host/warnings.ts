/** What the app's operator should know, through OpenTelemetry's `diag`, and each topic only once in a while. */
import { diag } from '@opentelemetry/api';

export class Warnings {
  readonly #intervalMillis: number;
  readonly #saidAtMillis = new Map<string, number>();

  /** The interval between two warnings of one topic. Default: once per instance. */
  constructor(intervalMillis = Number.POSITIVE_INFINITY) {
    this.#intervalMillis = intervalMillis;
  }

  /** Whether a warning of this topic would be held back now. */
  has(topic: string): boolean {
    const saidAtMillis = this.#saidAtMillis.get(topic);
    return saidAtMillis !== undefined && performance.now() - saidAtMillis < this.#intervalMillis;
  }

  /** `cause` is given to `diag` as it is, for its stack. */
  warn(topic: string, message: string, cause?: unknown): void {
    if (this.has(topic)) return;
    this.#saidAtMillis.set(topic, performance.now());
    if (cause === undefined) diag.warn(`humanloop-otel: ${message}`);
    else diag.warn(`humanloop-otel: ${message}`, cause);
  }

  /** The trouble is over: should it come back, it is said again. */
  forget(topic: string): void {
    this.#saidAtMillis.delete(topic);
  }
}
