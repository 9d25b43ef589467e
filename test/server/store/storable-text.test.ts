import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { storableText } from '../../../src/server/store/storable-text.ts';

const FILLER = 'words '.repeat(20_000);

test.each([
  ['short', ''],
  ['long', FILLER],
])('a %s text has the replacement character for each NUL and half of a pair, and all else as it was', (_, filler) => {
  const unit = fc.constantFrom('\0', 'a', 'é', '\uD83D', '\uDE00', '\uFFFD', '日');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (part) => {
      const text = part + filler + part;
      const stored = Buffer.from(text).toString().replaceAll('\0', '\uFFFD');
      expect(storableText(text)).toBe(stored);
      expect(storableText(stored)).toBe(stored);
    }),
    { numRuns: 50 },
  );
});

test('the engine does not replace very many one by one', () => {
  const replace = vi.spyOn(String.prototype, 'replaceAll');
  onTestFinished(() => replace.mockRestore());
  expect(storableText('\0'.repeat(1_000_000))).toHaveLength(1_000_000);
  expect(replace).not.toHaveBeenCalled();
});
