import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasMoreThan } from '../../../src/server/store/rows/value-size.ts';

function sizeOf(value: unknown): { characters: number; elements: number } {
  if (typeof value === 'string') return { characters: value.length, elements: 0 };
  if (typeof value !== 'object' || value === null) return { characters: 0, elements: 0 };
  const keys = Array.isArray(value) ? 0 : Object.keys(value).join('').length;
  const sizes = Object.values(value).map(sizeOf);
  return {
    characters: keys + sizes.reduce((sum, { characters }) => sum + characters, 0),
    elements: sizes.length + sizes.reduce((sum, { elements }) => sum + elements, 0),
  };
}

test('a value has not more than what is in it, and more than anything less', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const size = sizeOf(value);
      expect(hasMoreThan(size, value)).toBe(false);
      for (const part of ['characters', 'elements'] as const) {
        if (size[part] > 0) expect(hasMoreThan({ ...size, [part]: size[part] - 1 }, value)).toBe(true);
      }
    }),
  );
});
