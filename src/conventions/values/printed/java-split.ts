/**
 * Splits what Java prints at its commas. Java escapes nothing, so a text may have brackets of its own: where all brackets do
 * not match, those alone are counted that are of the structure.
 */

export interface JavaBrackets {
  readonly opening: string;
  readonly closing: string;
  /** Tells a bracket of the structure from one in a text by what stands around it. */
  isOfStructure(text: string, at: number): boolean;
}

/**
 * Returns the parts between the separators outside of brackets; undefined if the brackets do not match, also without those
 * in texts. A separator is a comma and the space after it, where `isSeparator` says so of the comma.
 */
export function splitJava(
  text: string,
  brackets: JavaBrackets,
  isSeparator: (text: string, at: number) => boolean,
): string[] | undefined {
  return (
    splitAt(text, brackets, isSeparator, () => true) ?? splitAt(text, brackets, isSeparator, brackets.isOfStructure)
  );
}

function splitAt(
  text: string,
  { opening, closing }: JavaBrackets,
  isSeparator: (text: string, at: number) => boolean,
  isCounted: (text: string, at: number) => boolean,
): string[] | undefined {
  const items: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (opening.includes(character)) depth += isCounted(text, at) ? 1 : 0;
    else if (closing.includes(character)) depth -= isCounted(text, at) ? 1 : 0;
    else if (character === ',' && depth === 0 && isSeparator(text, at)) {
      items.push(text.slice(from, at));
      from = at + 2;
    }
    if (depth < 0) return undefined;
  }
  items.push(text.slice(from));
  return depth === 0 ? items : undefined;
}
