import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DiffPiece, diffTexts } from '../../../src/viewer/compare/text-diff.ts';

const textOf = (pieces: readonly DiffPiece[] | undefined) => pieces?.map(({ text }) => text).join('');

test('changed lines are beside each other, with the words that differ', () => {
  expect(diffTexts('a\nthe old way\nz', 'a\nthe new way\nz\nmore')).toEqual([
    { kind: 'same', left: [{ text: 'a', isChanged: false }], right: [{ text: 'a', isChanged: false }] },
    {
      kind: 'changed',
      left: [
        { text: 'the ', isChanged: false },
        { text: 'old', isChanged: true },
        { text: ' way', isChanged: false },
      ],
      right: [
        { text: 'the ', isChanged: false },
        { text: 'new', isChanged: true },
        { text: ' way', isChanged: false },
      ],
    },
    { kind: 'same', left: [{ text: 'z', isChanged: false }], right: [{ text: 'z', isChanged: false }] },
    { kind: 'added', right: [{ text: 'more', isChanged: false }] },
  ]);
});

test('each side, put together, is its text', () => {
  const lines = fc
    .array(fc.constantFrom('a', 'b b', 'c', ''), { minLength: 1, maxLength: 8 })
    .map((all) => all.join('\n'));
  fc.assert(
    fc.property(lines, lines, (left, right) => {
      const rows = diffTexts(left, right)!;
      expect(rows.flatMap((row) => textOf(row.left) ?? []).join('\n')).toBe(left);
      expect(rows.flatMap((row) => textOf(row.right) ?? []).join('\n')).toBe(right);
    }),
  );
});

test('two long texts are not compared', () => {
  expect(diffTexts('x'.repeat(400_000), 'y')).toBeUndefined();
});
