import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markWords, toWords } from '../../../src/viewer/list/mark-words.ts';

const marked = (text: string, search: string) =>
  markWords(text, toWords(search))
    .map(({ text, isMatch }) => (isMatch ? `[${text}]` : text))
    .join('');

test('the words of a search are marked wherever they are, in either case', () => {
  expect(marked('A fjord, the Fjords', 'fjord the')).toBe('A [fjord], [the] [Fjord]s');
  expect(marked('nothing of it', 'fjord')).toBe('nothing of it');
  expect(marked('no search', ' ')).toBe('no search');
});

test('quoted words are one, and a quote without its end is none', () => {
  expect(toWords('a "mountain route" b')).toEqual(['a', 'mountain route', 'b']);
  expect(marked('mountain, mountain route', '"mountain route"')).toBe('mountain, [mountain route]');
  expect(toWords('"open end')).toEqual(['open', 'end']);
});

test('no character has a meaning of its own, and nothing of the text is lost', () => {
  expect(marked('a+b (c) a', 'a+b (c)')).toBe('[a+b] [(c)] a');
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
