/**
 * Finds the words of a search in a text as the server's index does: whole words, in either case, without diacritics.
 * Pure. The rules are those of `searchTerms` in `search-query.ts` and of `word-matches.ts`: what is marked here
 * must be what was found there.
 */

export interface MarkedPiece {
  readonly text: string;
  readonly isMatch: boolean;
}

/** Filters are no words: see `parseSearch` in the server's search-query.ts. */
const FILTER = /(?<=^|\s)(?:user|env|environment|metadata\.[^\s:"]+):(?:"[^"]+"|[^\s"]+)(?=\s|$)/g;
const WORD = /[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[\p{L}\p{N}\p{M}\p{Co}])+/gu;

/** The words of a search; "quoted words" are one. */
export function toWords(search: string): string[] {
  const words = search.replaceAll(FILTER, ' ');
  return [...words.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
}

/** The last word may be the beginning of one, where it is nowhere a whole word. */
export function markWords(text: string, words: readonly string[]): MarkedPiece[] {
  const terms = words.map(foldWords).filter((term) => term.length > 0);
  if (terms.length === 0) return [{ text, isMatch: false }];
  const found = [...text.matchAll(WORD)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    folded: foldWord(match[0]),
  }));
  const endOfMatch = new Map<number, number>();
  const mark = (term: readonly string[], isEqual: (word: string, part: string) => boolean): boolean => {
    let isFound = false;
    for (const [at, { start }] of found.entries()) {
      const last = found[at + term.length - 1];
      const isMatch = term.every((part, index) => {
        const word = found[at + index]?.folded;
        return word !== undefined && (index === term.length - 1 ? isEqual(word, part) : word === part);
      });
      if (!isMatch || !last) continue;
      isFound = true;
      endOfMatch.set(start, Math.max(endOfMatch.get(start) ?? 0, last.end));
    }
    return isFound;
  };
  for (const [index, term] of terms.entries()) {
    const isWhole = mark(term, (word, part) => word === part);
    if (!isWhole && index === terms.length - 1) mark(term, (word, part) => word.startsWith(part));
  }
  const pieces: MarkedPiece[] = [];
  let at = 0;
  for (const [start, end] of [...endOfMatch].sort(([left], [right]) => left - right)) {
    if (end <= at) continue;
    if (start > at) pieces.push({ text: text.slice(at, start), isMatch: false });
    pieces.push({ text: text.slice(Math.max(at, start), end), isMatch: true });
    at = end;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isMatch: false });
  return pieces;
}

function foldWords(text: string): string[] {
  return (text.match(WORD) ?? []).map(foldWord);
}

function foldWord(word: string): string {
  return word.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}
