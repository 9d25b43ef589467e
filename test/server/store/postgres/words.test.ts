import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hashWord,
  hasPhrase,
  inOrder,
  toWordArray,
  toWords,
} from '../../../../src/server/store/postgres/tables/words.ts';
import { foldWord, WORD } from '../../../../src/server/store/word-matches.ts';

test('words of any text are those that the rules for matches find in it, folded', () => {
  const part = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom('Zébra', 'watering', ' ', '_', '-', '日本語の文', 'ß', 'É', 'x1', 'à\u0301', '\0', '\ud800'),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      const expected = new Set([...text.matchAll(WORD)].map(([word]) => hashWord(foldWord(word))));
      expect(toWords(text)).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
});

test('a word of more than 200 characters has no place in the index', () => {
  expect(toWords(`${'a'.repeat(200)} ${'b'.repeat(201)} é${'c'.repeat(200)}`).size).toBe(1);
});

test('an array has a header, and each number with its length', () => {
  expect(toWordArray(new Set([1, -2])).toString('hex')).toBe(
    ['00000001', '00000000', '00000017', '00000002', '00000001', '00000004', '00000001', '00000004', 'fffffffe'].join(
      '',
    ),
  );
  expect(toWordArray(new Set()).toString('hex')).toBe(['00000000', '00000000', '00000017'].join(''));
});

test('a phrase is found where its words are beside each other, in any text', () => {
  const part = fc.constantFrom('an', 'and', 'a', 'b', 'AND', ' ', ', ', '_', 'é', '1');
  const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(text, text, fc.boolean(), (given, phrase, isBeginning) => {
      const [words, wanted] = [inOrder(given), inOrder(phrase)];
      fc.pre(wanted.length > 0);
      const expected = words.some((_, at) =>
        wanted.every((word, index) => {
          const isLast = index === wanted.length - 1;
          return isBeginning && isLast ? words[at + index]?.startsWith(word) : words[at + index] === word;
        }),
      );
      expect(hasPhrase(given, phrase, isBeginning)).toBe(expected);
    }),
    { numRuns: 3_000 },
  );
});
