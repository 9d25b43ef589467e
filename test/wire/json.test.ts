import { expect, it } from 'vitest';
import { isObject, parseJson } from '../../src/wire/json.ts';

it('takes objects, and neither null nor lists', () => {
  expect([{}, Object.create(null), { a: 1 }].map(isObject)).toEqual([true, true, true]);
  expect([null, undefined, [], 'x', 1, () => 1].map(isObject)).toEqual([false, false, false, false, false, false]);
});

it('gives undefined for what is not JSON, and for nothing else', () => {
  expect(['null', '0', '""', '{"a":[1]}'].map(parseJson)).toEqual([null, 0, '', { a: [1] }]);
  expect(['', 'undefined', '{', 'NaN', '['.repeat(1_000_000)].map(parseJson)).toEqual(Array(5).fill(undefined));
});
