/** The W3C header `tracestate`, read only: the server passes it on to nobody. */
import type { TraceState } from '@opentelemetry/api';

export class W3cTraceState implements TraceState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get(key: string): string | undefined {
    for (const member of this.#text.split(',')) {
      const separator = member.indexOf('=');
      if (separator > 0 && member.slice(0, separator).trim() === key) return member.slice(separator + 1).trim();
    }
    return undefined;
  }

  serialize(): string {
    return this.#text;
  }

  /** Returns it unchanged. */
  set(): TraceState {
    return this;
  }

  /** Returns it unchanged. */
  unset(): TraceState {
    return this;
  }
}
