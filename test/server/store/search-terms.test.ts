import fc from 'fast-check';
import { expect, test } from 'vitest';
import { searchTerms } from '../../../src/server/store/search-query.ts';
import { toWords } from '../../../src/viewer/list/mark-words.ts';

const searches = fc
  .array(
    fc.oneof(fc.constantFrom('"', ' ', '\t', '-', '東京', 'word', '"two words"', '*'), fc.string({ unit: 'grapheme' })),
  )
  .map((pieces) => pieces.join(''));

test('the words that the page marks are those that the server searches for, and those without a letter or digit', () => {
  fc.assert(
    fc.property(searches, (search) => {
      expect(searchTerms(search)).toEqual(toWords(search).filter((word) => /[\p{L}\p{N}]/u.test(word)));
    }),
  );
  expect(searchTerms('a "b c" - "d')).toEqual(['a', 'b c', 'd']);
});
