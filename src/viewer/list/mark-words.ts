/** Finds the words of a search in a text. Pure. */

export interface MarkedPiece {
  readonly text: string;
  readonly isMatch: boolean;
}

/**
 * The words of a search; "quoted words" are one. The expression is that of `searchTerms` in the server's
 * `sqlite/viewer-search.ts`: what is marked here must be what was found there.
 */
export function toWords(search: string): string[] {
  return [...search.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
}

export function markWords(text: string, words: readonly string[]): MarkedPiece[] {
  const patterns = words.map((word) => word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (patterns.length === 0) return [{ text, isMatch: false }];
  const pieces = text.split(new RegExp(`(${patterns.join('|')})`, 'gi'));
  return pieces.map((piece, index) => ({ text: piece, isMatch: index % 2 === 1 })).filter((piece) => piece.text !== '');
}
