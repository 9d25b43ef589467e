/** Warns the app's operator through OpenTelemetry's `diag`, with a limit for each topic. */
import { diag } from '@opentelemetry/api';

export class Warnings {
  readonly #intervalMillis: number;
  readonly #warnedAtMillis = new Map<string, number>();

  /** At least `intervalMillis` are between two warnings of a topic. Default: one warning per topic. */
  constructor(intervalMillis = Number.POSITIVE_INFINITY) {
    this.#intervalMillis = intervalMillis;
  }

  /** Returns true if a warning of this topic would be suppressed now. */
  isSuppressed(topic: string): boolean {
    const warnedAtMillis = this.#warnedAtMillis.get(topic);
    return warnedAtMillis !== undefined && performance.now() - warnedAtMillis < this.#intervalMillis;
  }

  /** Returns true, unless the topic is suppressed. It counts as warned about from now on. */
  mayWarn(topic: string): boolean {
    if (this.isSuppressed(topic)) return false;
    this.#warnedAtMillis.set(topic, performance.now());
    return true;
  }

  /** Warns, unless the topic is suppressed. `cause` is passed to `diag` unchanged, for its stack. */
  warn(topic: string, message: string, cause?: unknown): void {
    if (!this.mayWarn(topic)) return;
    if (cause === undefined) diag.warn(`humanloop-otel: ${message}`);
    else diag.warn(`humanloop-otel: ${message}`, cause);
  }

  /** Call when the trouble is over: the next warning of this topic is not suppressed. */
  forget(topic: string): void {
    this.#warnedAtMillis.delete(topic);
  }
}
