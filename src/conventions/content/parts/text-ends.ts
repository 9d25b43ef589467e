/** Finds where texts and objects end in JSON that is not parsed. */

const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const QUOTE = 0x22;
const LETTER_U = 0x75;

const HEX = /^[0-9a-f]{4}$/i;

/** Whether a backslash may stand before this character, other than `u`. */
const IS_ESCAPED: readonly boolean[] = Array.from({ length: 128 }, (_, code) =>
  '"\\/bfnrt'.includes(String.fromCharCode(code)),
);

/**
 * Finds the ends of texts, in their order. The next backslash is looked for once, and not for each text: there may be none
 * in all of a long conversation.
 */
export class TextEnds {
  readonly #json: string;
  /** Place of the first backslash after the last text. */
  #slash = -1;

  constructor(json: string) {
    this.#json = json;
  }

  /**
   * Returns the place of the quote that ends the text; -1 if there is none or an escape is wrong or of a surrogate. `from`
   * is after the end of the text before.
   */
  of(from: number): number {
    const json = this.#json;
    let quote = json.indexOf('"', from);
    let slash = this.#slash < from ? this.#slashAfter(from) : this.#slash;
    while (slash < quote) {
      const escaped = json.charCodeAt(slash + 1);
      if (IS_ESCAPED[escaped] !== true && !isUnicodeEscape(json, slash)) return -1;
      if (slash + 1 === quote) quote = json.indexOf('"', quote + 1);
      slash = this.#slashAfter(slash + 2);
    }
    this.#slash = slash;
    return quote;
  }

  #slashAfter(from: number): number {
    const at = this.#json.indexOf('\\', from);
    return at < 0 ? this.#json.length : at;
  }
}

function isUnicodeEscape(json: string, slash: number): boolean {
  const code = json.slice(slash + 2, slash + 6);
  return json.charCodeAt(slash + 1) === LETTER_U && HEX.test(code) && !/^d[89a-f]/i.test(code);
}

/** Returns the place after the object that starts here; -1 if there is none. Its JSON may be wrong. */
export function endOfObject(json: string, ends: TextEnds, from: number): number {
  if (json.charCodeAt(from) !== BRACE) return -1;
  let depth = 0;
  for (let at = from; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = ends.of(at + 1);
      if (at < 0) return -1;
    } else if (code === BRACE) depth++;
    else if (code === CLOSING_BRACE && --depth === 0) return at + 1;
  }
  return -1;
}
