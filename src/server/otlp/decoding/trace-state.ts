/** The W3C header `tracestate`, read only: the server passes it on to nobody. */
import type { TraceState } from '@opentelemetry/api';

/** The limit of most servers for all headers together; the standard asks for 512. */
const MAX_CHARS = 16 * 1024;

/** A longer text has no members. */
export class W3cTraceState implements TraceState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text.length > MAX_CHARS ? '' : text;
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
