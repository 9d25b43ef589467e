import { expect, it } from 'vitest';
import { parseRubyInspect } from '../../../src/conventions/values/ruby-inspect.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';

it.each(['\\"', '\\', ':a', 'a', 'a:', ' '])('takes a time in proportion to a text of %j', async (piece) => {
  const textOf = (size: number) => `{:a=>"b", ${piece.repeat(size / piece.length)}`;
  const ratio = await ratioOf(
    () => parseRubyInspect(textOf(50_000)),
    () => parseRubyInspect(textOf(200_000)),
  );
  expect(ratio).toBeLessThan(MOST_RATIO);
});

it('reads long texts', () => {
  const said = 'a \\"b\\" '.repeat(50_000);
  expect(parseRubyInspect(`{:a=>"${said}"}`)).toEqual({ a: said.replaceAll('\\', '') });
});

it('sets no prototype', () => {
  const value = parseRubyInspect('{:__proto__=>{:a=>1}, :b=>2}') as Record<string, unknown>;
  expect(value['a']).toBeUndefined();
  expect(value['b']).toBe(2);
});
