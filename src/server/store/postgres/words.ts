/** Words of a text as numbers of 32 bits: what the index has of a log. Two words may have one number. Pure. */
import { foldWord, WORD } from '../word-matches.ts';

/** Of one log. A row with more would be slower to write than it is worth. */
const MAX_WORDS = 20_000;
const MAX_WORD_CHARACTERS = 200;

export function toWords(text: string): number[] {
  const words = new Set<number>();
  for (const [word] of text.matchAll(WORD)) {
    if (words.size >= MAX_WORDS) break;
    if (word.length <= MAX_WORD_CHARACTERS) words.add(hashWord(isPlain(word) ? word.toLowerCase() : foldWord(word)));
  }
  return [...words];
}

function isPlain(word: string): boolean {
  for (let at = 0; at < word.length; at += 1) if (word.charCodeAt(at) > 127) return false;
  return true;
}

/** FNV-1a over the code units. */
function hashWord(word: string): number {
  let value = 0x811c_9dc5;
  for (let at = 0; at < word.length; at += 1) value = Math.imul(value ^ word.charCodeAt(at), 0x0100_0193);
  return value | 0;
}

/** Whether the words of the phrase are beside each other somewhere in the text. */
export function hasPhrase(text: string, phrase: string): boolean {
  const wanted = inOrder(phrase);
  const words = inOrder(text);
  for (let at = 0; at + wanted.length <= words.length; at += 1) {
    if (wanted.every((word, index) => words[at + index] === word)) return true;
  }
  return false;
}

function inOrder(text: string): string[] {
  return [...text.matchAll(WORD)].map(([word]) => foldWord(word));
}
