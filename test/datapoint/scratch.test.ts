/** Memory in which JSON is written: what is found in it, and who may write to it. */
import { expect, it } from 'vitest';
import { Scratch } from '../../src/datapoint/scratch.ts';

it('finds a control character wherever it is, and nothing else', () => {
  const scratch = new Scratch();
  const has = (text: string) => {
    scratch.restart();
    scratch.write(text);
    return scratch.hasControls();
  };
  for (let length = 0; length < 70; length++) {
    const text = '~é\u007f “'.repeat(10).slice(0, length);
    expect(has(text)).toBe(false);
    for (let at = 0; at <= length; at++) {
      for (const control of ['\0', '\n', '\x1f']) expect(has(text.slice(0, at) + control + text.slice(at))).toBe(true);
    }
    // What a longer text has left in the memory does not count.
    expect(has(text)).toBe(false);
  }
});

it('writes to memory that was taken only after it was given back', () => {
  const scratch = new Scratch();
  const take = (text: string) => {
    scratch.restart();
    scratch.write(text);
    return scratch.take();
  };
  const first = take('first');
  const second = take('second'.repeat(50_000));
  expect(String(first)).toBe('first');
  expect(String(second)).toBe('second'.repeat(50_000));
  scratch.reuse(second);
  const third = take('third');
  expect(third.buffer === second.buffer).toBe(true);
  expect([String(first), String(third)]).toEqual(['first', 'third']);
});

it('does not keep large memory', () => {
  const scratch = new Scratch();
  scratch.write('x'.repeat(2_000_000));
  const large = scratch.take();
  scratch.reuse(large);
  scratch.restart();
  scratch.write('x');
  expect(scratch.take().buffer === large.buffer).toBe(false);
});
