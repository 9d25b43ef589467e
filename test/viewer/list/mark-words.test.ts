import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findFirstMatch } from '../../../src/server/store/word-matches.ts';
import { markWords, toWords } from '../../../src/viewer/list/mark-words.ts';

const marked = (text: string, search: string) =>
  markWords(text, toWords(search))
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('');

test('the words of a search are marked where they are whole words, in either case and without diacritics', () => {
  expect(marked('A fjord, the Fjords', 'fjord the')).toBe('A [fjord], [the] Fjords');
  expect(marked('-0.5403024, webhook: 403', 'webhook 403')).toBe('-0.5403024, [webhook]: [403]');
  expect(marked('FÖRDE F\u006f\u0308rde forder', 'förde')).toBe('[FÖRDE] [F\u006f\u0308rde] forder');
  expect(marked('Cafe and CAFÉ', 'café')).toBe('[Cafe] and [CAFÉ]');
  expect(marked('東京駅まで', '京駅')).toBe('東[京駅]まで');
  expect(marked('nothing of it', 'fjord')).toBe('nothing of it');
  expect(marked('no search', ' ')).toBe('no search');
});

test('the last word may be the beginning of one, if it is nowhere a whole one', () => {
  expect(marked('the Fjords', 'the fjo')).toBe('[the] [Fjords]');
  expect(marked('fjo, the Fjords', 'the fjo')).toBe('[fjo], [the] Fjords');
  expect(marked('theory Fjords', 'the fjo')).toBe('theory [Fjords]');
});

test('filters are not words', () => {
  expect(toWords('user:ada refund metadata.a.b:"x y" env:prod http://x')).toEqual(['refund', 'http://x']);
});

test('what is marked is what the server finds first', () => {
  const word = fc.constantFrom('fjord', 'Fjörd', 'fjords', '403', '5403024', '東京', 'a_b', 'É');
  const between = fc.constantFrom(' ', '-', '.', ', ');
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 8 }),
      fc.array(word, { minLength: 1, maxLength: 2 }),
      between,
      (words, terms, space) => {
        const text = words.join(space);
        const isWhole = terms.every((term) => markWords(text, [term, '\u0378']).some(({ isMatch }) => isMatch));
        const isMarked = markWords(text, terms).flatMap(({ text: piece, isMatch }) =>
          Array(piece.length).fill(isMatch),
        );
        if (isWhole) expect(isMarked[findFirstMatch(text, terms)]).toBe(true);
      },
    ),
  );
});

test('quoted words are one, and a quote without its end is none', () => {
  expect(toWords('a "mountain route" b')).toEqual(['a', 'mountain route', 'b']);
  expect(marked('mountain, mountain route', '"mountain route"')).toBe('mountain, [mountain route]');
  expect(toWords('"open end')).toEqual(['open', 'end']);
});

test('no character has a meaning of its own, and nothing of the text is lost', () => {
  expect(marked('a+b (c) a+b', 'a+b (c)')).toBe('[a+b] ([c]) [a+b]');
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, search) => {
      expect(
        markWords(text, toWords(search))
          .map(({ text: piece }) => piece)
          .join(''),
      ).toBe(text);
    }),
  );
});
