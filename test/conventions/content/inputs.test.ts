/** Arguments of a function, as Python's decorators record them. */
import { expect, test } from 'vitest';
import { inputsOf } from '../../../src/conventions/content/inputs.ts';

test.each([
  [{ args: [], kwargs: { a: 1 } }, { a: 1 }],
  [{ args: ['hi'], kwargs: {} }, { input: 'hi' }],
  [
    { args: [{ a: 1 }], kwargs: { b: 2 } },
    { a: 1, b: 2 },
  ],
  [{ args: [1, 2], kwargs: {} }, { input: [1, 2] }],
  // Neither of two values of one name is lost.
  [
    { args: ['ls', '-l'], kwargs: { input: 'stdin text' } },
    { args: ['ls', '-l'], kwargs: { input: 'stdin text' } },
  ],
  [
    { args: [{ a: 1, b: 2 }], kwargs: { a: 9 } },
    { args: [{ a: 1, b: 2 }], kwargs: { a: 9 } },
  ],
  [{ kwargs: { a: 1 } }, { a: 1 }],
  [{ args: [], kwargs: {} }, undefined],
  // Arguments of these names.
  [
    { args: [1], kwargs: {}, cwd: '/' },
    { args: [1], kwargs: {}, cwd: '/' },
  ],
  [{ args: ['-l'] }, { args: ['-l'] }],
  [
    { args: '-l', kwargs: {} },
    { args: '-l', kwargs: {} },
  ],
])('%j', (recorded, inputs) => {
  expect(inputsOf(recorded)).toEqual(inputs);
  expect(inputsOf(JSON.stringify(recorded))).toEqual(inputs);
});
