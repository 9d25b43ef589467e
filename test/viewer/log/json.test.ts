import { expect, test } from 'vitest';
import { parseIfJson } from '../../../src/viewer/log/json.ts';

test('only objects and arrays are JSON', () => {
  expect(parseIfJson(' {"a":1}')).toEqual({ a: 1 });
  expect(parseIfJson('12')).toBe('12');
  expect(parseIfJson('{not')).toBe('{not');
});
