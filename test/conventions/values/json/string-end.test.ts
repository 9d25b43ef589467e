import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { jsonOf } from '../../../../src/conventions/values/attributes.ts';
import { nextMark, stringEnd, TextEnds } from '../../../../src/conventions/values/json/string-end.ts';
import { parsePythonLiteral } from '../../../../src/conventions/values/printed/python-literal.ts';

const text = fc.string({ unit: fc.constantFrom('"', '\\', 'a', "'", ','), maxLength: 40 });

test('one string after the other ends where it would end alone', () => {
  fc.assert(
    fc.property(text, (given) => {
      const texts = new TextEnds(given);
      for (let quote = given.indexOf('"'); quote >= 0; ) {
        const end = texts.endFrom(quote + 1);
        expect(end).toBe(stringEnd(given, quote + 1));
        if (end < 0) return;
        expect(texts.escapes).toBe(given.slice(quote + 1, end).match(/\\[\s\S]/g)?.length ?? 0);
        quote = given.indexOf('"', end + 1);
      }
    }),
  );
});

test('a string with more escaped characters than are looked for has no end', () => {
  const texts = new TextEnds(String.raw`"\n\n\n"`);
  expect(texts.endFrom(1, 2)).toBe(-1);
  expect(new TextEnds(String.raw`"\n\n"`).endFrom(1, 2)).toBe(5);
});

test('escaped quotes in a row are passed over one by one, and a run of backslashes only so far', () => {
  const find = vi.spyOn(String.prototype, 'indexOf');
  const look = vi.spyOn(String.prototype, 'charCodeAt');
  onTestFinished(() => {
    find.mockRestore();
    look.mockRestore();
  });
  const quotes = `${'\\"'.repeat(10_000)}"`;
  expect(stringEnd(quotes, 0)).toBe(20_000);
  expect(find.mock.calls.length).toBeLessThan(10);
  look.mockClear();
  expect(stringEnd(`${'\\'.repeat(400_000)}"`, 0)).toBe(-1);
  expect(look.mock.calls.length).toBeLessThan(200_000);
});

test('the next mark is the first of all marks', () => {
  fc.assert(
    fc.property(text, fc.nat(40), (given, from) => {
      const at = given.slice(from).search(/["{}[\],:=]/);
      expect(nextMark(given, from)).toBe(at < 0 ? given.length : from + at);
    }),
  );
});

test.each([
  ['spaces', (length: number) => jsonOf(`[${' '.repeat(length)}`)],
  ['a text', (length: number) => jsonOf(JSON.stringify([{ role: 'user', content: 'a'.repeat(length) }]))],
  ["Python's", (length: number) => jsonOf(`['${'a'.repeat(length)}']`)],
  ['a cut text', (length: number) => jsonOf(`[{"role": "user", "content": "${'a'.repeat(length)}`)],
  ["Python's alone", (length: number) => parsePythonLiteral(`'${'a'.repeat(length)}'`)],
])('a long run in %s is passed over by the engine', (_, read) => {
  const look = vi.spyOn(String.prototype, 'charCodeAt');
  onTestFinished(() => look.mockRestore());
  const looksOf = (length: number) => {
    look.mockClear();
    read(length);
    return look.mock.calls.length;
  };
  const few = looksOf(1_000);
  // What looks for long integers takes each sixteenth character.
  expect(looksOf(101_000) - few).toBeLessThan(20_000);
});
