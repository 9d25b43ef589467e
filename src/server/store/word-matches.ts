/**
 * Finds the words of a search in a text as the index does: whole words, in either case, without diacritics. Pure. The
 * viewer's mark-words.ts marks by the same rules; a test holds the two together.
 */

/** What the index takes for a word; each Chinese or Japanese character is one. */
export const WORD = /[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[\p{L}\p{N}\p{M}\p{Co}])+/gu;
const IS_WORD = /[\p{L}\p{N}\p{M}\p{Co}]/u;
const IDEOGRAPH = /[\u3040-\u30ff\u3400-\u9fff]/;
/** Of so much text each word is looked at; further on, words are found as they are written. */
const FOLDED_CHARACTERS = 8_000;
/** Places within other words that are looked at, for all terms together. */
const MAX_LOOKS = 20_000;

/**
 * Returns where the first match of any term begins; -1 if there is none. Beginnings of words count where no whole word
 * does.
 */
export function findFirstMatch(text: string, given: readonly string[]): number {
  const terms = [...new Set(given)];
  // Lower case has another length in a few letters of a few languages: a place is then a few characters off.
  const lower = text.toLowerCase();
  const spellings = terms.map((term) => term.toLowerCase());
  const mostLooks = Math.ceil(MAX_LOOKS / terms.length);
  let words: FoldedWord[] | undefined;
  for (const isWhole of [true, false]) {
    const written = spellings.map((term) => findWritten(lower, term, isWhole, mostLooks)).filter((place) => place >= 0);
    if (written.length > 0) return Math.min(...written);
    words ??= toFoldedWords(text.slice(0, FOLDED_CHARACTERS));
    const folded = terms.map(toFoldedWords).filter(({ length }) => length > 0);
    for (const [at, { index }] of words.entries()) {
      if (folded.some((term) => matchesAt(words!, at, term, isWhole))) return index;
    }
  }
  return -1;
}

/** Removes the diacritics, and what else differs between two spellings of a word. */
export function foldWord(word: string): string {
  return word.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

interface FoldedWord {
  readonly index: number;
  readonly folded: string;
}

function toFoldedWords(text: string): FoldedWord[] {
  return [...text.matchAll(WORD)].map((match) => ({ index: match.index, folded: foldWord(match[0]) }));
}

function matchesAt(words: readonly FoldedWord[], at: number, term: readonly FoldedWord[], isWhole: boolean): boolean {
  return term.every(({ folded: part }, index) => {
    const word = words[at + index]?.folded;
    if (word === undefined) return false;
    return isWhole || index < term.length - 1 ? word === part : word.startsWith(part);
  });
}

/** Both in lower case. */
function findWritten(text: string, term: string, isWhole: boolean, mostLooks: number): number {
  if (term === '') return -1;
  let left = mostLooks;
  for (let at = text.indexOf(term); at >= 0 && left > 0; at = text.indexOf(term, at + 1)) {
    left -= 1;
    if (isEdge(text, at) && (!isWhole || isEdge(text, at + term.length))) return at;
  }
  return -1;
}

/** Whether no word goes on over this place. */
function isEdge(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  const after = text.charAt(at);
  return !IS_WORD.test(before) || !IS_WORD.test(after) || IDEOGRAPH.test(before) || IDEOGRAPH.test(after);
}
