/** Words of a text as numbers of 32 bits: what the index has of a log. Two words may have one number. Pure. */
import { foldWord, WORD } from '../../word-matches.ts';

/** Of one log. A row with more would be slower to write than it is worth. */
const MAX_WORDS = 20_000;
export const MAX_WORD_CHARACTERS = 200;

const [SEED, PRIME] = [0x811c_9dc5, 0x0100_0193];

/** The word is `text` from `start` to `end`, which has to be put in lower case. */
export type NewWord = (number: number, text: string, start: number, end: number) => void;

/** Adds to `words`, and returns it. `onNew` is called with each word that was not in it. */
export function toWords(text: string, words = new Set<number>(), onNew?: NewWord): Set<number> {
  const add: NewWord = (number, within, from, to) => {
    if (words.has(number)) return;
    words.add(number);
    onNew?.(number, within, from, to);
  };
  let start = -1;
  let hash = SEED;
  let isPlain = true;
  const end = (at: number): void => {
    if (!isPlain) addFolded(text.slice(start, at), words, add);
    else if (at - start <= MAX_WORD_CHARACTERS) add(hash | 0, text, start, at);
    [start, hash, isPlain] = [-1, SEED, true];
  };
  // Most texts are ASCII, in which words need no expression that knows all letters of the world.
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const lower = code >= 65 && code <= 90 ? code + 32 : code;
    const isWord = (lower >= 97 && lower <= 122) || (code >= 48 && code <= 57);
    if (isWord || code > 127) {
      if (start < 0) start = at;
      if (code > 127) isPlain = false;
      else hash = Math.imul(hash ^ lower, PRIME);
    } else if (start >= 0) {
      end(at);
      if (words.size >= MAX_WORDS) return words;
    }
  }
  if (start >= 0) end(text.length);
  return words;
}

function addFolded(text: string, words: ReadonlySet<number>, add: NewWord): void {
  for (const [word] of text.matchAll(WORD)) {
    if (words.size >= MAX_WORDS) return;
    if (word.length > MAX_WORD_CHARACTERS) continue;
    const folded = foldWord(word);
    add(hashWord(folded), folded, 0, folded.length);
  }
}

/** FNV-1a over the code units. */
export function hashWord(folded: string): number {
  let value = SEED;
  for (let at = 0; at < folded.length; at += 1) value = Math.imul(value ^ folded.charCodeAt(at), PRIME);
  return value | 0;
}

const [INT4, HEADER_BYTES] = [23, 20];

/** The value of a parameter `int4[]`, in PostgreSQL's binary form, which neither side has to write or read as text. */
export function toWordArray(words: ReadonlySet<number>): Buffer {
  const array = Buffer.allocUnsafe(HEADER_BYTES + 8 * words.size);
  // One dimension, no nulls, the type of its elements, how many they are, and that they count from 1.
  let at = 0;
  for (const field of [words.size === 0 ? 0 : 1, 0, INT4, words.size, 1]) at = array.writeInt32BE(field, at);
  if (words.size === 0) return array.subarray(0, 12);
  for (const word of words) at = array.writeInt32BE(word, array.writeInt32BE(4, at));
  return array;
}

/**
 * Whether the words of the phrase are beside each other somewhere in the text; the last one as a whole, or as the
 * beginning of a word.
 */
export function hasPhrase(text: string, phrase: string, isBeginning = false): boolean {
  const wanted = inOrder(phrase);
  if (IS_ASCII.test(text)) return hasPlainPhrase(text.toLowerCase(), wanted, isBeginning);
  const words = inOrder(text);
  const last = wanted.length - 1;
  for (let at = 0; at + wanted.length <= words.length; at += 1) {
    const matches = wanted.every((word, index) =>
      isBeginning && index === last ? words[at + index]!.startsWith(word) : words[at + index] === word,
    );
    if (matches) return true;
  }
  return false;
}

const IS_ASCII = /^[\0-\x7f]*$/;

/** In a text in lower case. */
function hasPlainPhrase(text: string, [first = '', ...others]: readonly string[], isBeginning: boolean): boolean {
  for (let at = text.indexOf(first); at >= 0; at = text.indexOf(first, at + 1)) {
    if (isPlainWord(text.charCodeAt(at - 1))) continue;
    let end = at + first.length;
    const matches = others.every((word) => {
      const start = skipBetween(text, end);
      if (start === end || !text.startsWith(word, start)) return false;
      end = start + word.length;
      return true;
    });
    if (matches && (isBeginning || !isPlainWord(text.charCodeAt(end)))) return true;
  }
  return false;
}

function skipBetween(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isPlainWord(text.charCodeAt(at))) at += 1;
  return at;
}

function isPlainWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
}

/** Returns the words of a text, folded. */
export function inOrder(text: string): string[] {
  return [...text.matchAll(WORD)].map(([word]) => foldWord(word));
}
