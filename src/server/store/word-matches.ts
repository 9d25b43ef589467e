/**
 * Finds the words of a search in a text as the index does: whole words, in either case, without diacritics. Pure. The
 * viewer's mark-words.ts marks by the same rules; a test holds the two together.
 */

/** What the index takes for a word; each Chinese or Japanese character is one. */
const WORD = /[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])[\p{L}\p{N}\p{M}\p{Co}])+/gu;
const IS_WORD = /[\p{L}\p{N}\p{M}\p{Co}]/u;
const IDEOGRAPH = /[\u3040-\u30ff\u3400-\u9fff]/;
/** Every word of so much text is looked at; further on, words are found as they are written. */
const FOLDED_CHARACTERS = 20_000;

/** Returns where the first match of any term begins; -1 if there is none. */
export function findFirstMatch(text: string, terms: readonly string[]): number {
  const lower = text.toLowerCase();
  // Lower case can have another length, in a few letters of a few languages: a place is then a few characters off.
  const places = terms.map((term) => findWord(lower, term.toLowerCase())).filter((place) => place >= 0);
  if (places.length > 0) return Math.min(...places);
  const folded = terms.map(foldWords).filter((words) => words.length > 0);
  const words = [...text.slice(0, FOLDED_CHARACTERS).matchAll(WORD)];
  for (const isEqual of [equals, startsWith]) {
    for (const [at, word] of words.entries()) {
      if (folded.some((term) => matchesAt(words, at, term, isEqual))) return word.index;
    }
  }
  return -1;
}

/** Removes the diacritics, and what else differs between two spellings of a word. */
export function foldWord(word: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is most of it, and needs no normalisation.
  if (/^[\x00-\x7f]*$/.test(word)) return word.toLowerCase();
  return word.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();
}

function foldWords(text: string): string[] {
  return (text.match(WORD) ?? []).map(foldWord);
}

type Comparison = (word: string, term: string) => boolean;
const equals: Comparison = (word, term) => word === term;
const startsWith: Comparison = (word, term) => word.startsWith(term);

function matchesAt(words: readonly RegExpExecArray[], at: number, term: readonly string[], last: Comparison): boolean {
  return term.every((part, index) => {
    const word = words[at + index]?.[0];
    return word !== undefined && (index === term.length - 1 ? last : equals)(foldWord(word), part);
  });
}

/** Both in lower case. */
function findWord(text: string, term: string): number {
  if (term === '') return -1;
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) {
    if (isEdge(text, at) && isEdge(text, at + term.length)) return at;
  }
  return -1;
}

/** Whether no word goes on over this place. */
function isEdge(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  const after = text.charAt(at);
  return !IS_WORD.test(before) || !IS_WORD.test(after) || IDEOGRAPH.test(before) || IDEOGRAPH.test(after);
}
