/** Which pieces of a text were searched for. Pure. */

export interface MarkedPiece {
  readonly text: string;
  readonly isMatch: boolean;
}

/** The words of a search, "quoted" ones as one. */
export function toWords(search: string): string[] {
  return [...search.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
}

export function markWords(text: string, words: readonly string[]): MarkedPiece[] {
  const patterns = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (patterns.length === 0) return [{ text, isMatch: false }];
  const pieces = text.split(new RegExp(`(${patterns.join('|')})`, 'gi'));
  return pieces.map((piece, index) => ({ text: piece, isMatch: index % 2 === 1 })).filter((piece) => piece.text !== '');
}
