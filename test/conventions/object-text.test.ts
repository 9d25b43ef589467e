/** JSON of objects that is passed on as it is must be what would be written of it if it was parsed. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { objectText } from '../../src/conventions/short-way.ts';
import { hasLongInteger } from '../../src/conventions/values/json/long-integers.ts';
import { toPlainObject } from '../../src/conventions/values/json/plain-json.ts';
import { isObject, parseJson } from '../../src/wire/json.ts';

const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('order', 'fields', 'type', 'data', 'a b', 'ü', 'x') },
  fc.constantFrom('', '0', '__proto__', '_', 'a"b', 'a\nb', '\ud800'),
);
const scalar = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<unknown>('A-1042', 'Buffer', 'ä', 'two words', '', '’', 7, -0.5, 12.25, true, null),
  },
  fc.constantFrom<unknown>('"', '\\', '\n', '\ud83d', '😀', 1e21, 1e-9, 123456789012345680000),
);
const value = fc.oneof({ weight: 5, arbitrary: fc.oneof(scalar, fc.array(scalar, { maxLength: 4 })) }, fc.object());
const text = fc
  .tuple(fc.array(fc.tuple(key, value), { maxLength: 4 }), fc.constantFrom(undefined, undefined, 1))
  .map(([entries, indent]) => {
    const json = entries.map(([name, item]) => `${JSON.stringify(name)}:${JSON.stringify(item)}`);
    return indent ? `{${json.join(', ')}}`.replaceAll('":', '": ') : `{${json.join(',')}}`;
  });
const CHARACTERS = '{}[]",:\\ 0123456789eE+-.truefalsn\u0000\n\ud800'.split('');
/** One character put in the place of another, or before it, or left out. */
const damaged = fc
  .tuple(text, fc.nat(), fc.constantFrom('', ...CHARACTERS), fc.nat(1))
  .map(([json, at, character, removed]) => {
    const place = at % json.length;
    return json.slice(0, place) + character + json.slice(place + removed);
  });

function expectAsParsed(json: string): void {
  // White space before it sends it the general way.
  const parsed = json.startsWith('{') ? parseJson(json) : undefined;
  const plain = isObject(parsed) ? toPlainObject(parsed) : undefined;
  const found = objectText(json);
  // The general way has texts for integers that no number can hold.
  if (hasLongInteger(json)) {
    expect(found).toBeUndefined();
    return;
  }
  expect(found === undefined).toBe(plain === undefined);
  if (found !== undefined) expect(JSON.stringify(JSON.parse(found))).toBe(JSON.stringify(plain));
}

it('agrees with the general way on objects of texts, numbers, words and lists, and on others', () => {
  fc.assert(fc.property(text, expectAsParsed), { numRuns: 5_000 });
});

it('agrees with it where a character is wrong', () => {
  fc.assert(fc.property(damaged, expectAsParsed), { numRuns: 10_000 });
});

it.each([
  ['{}'],
  ['{"order":"A-1042","fields":["price","stock"]}'],
  ['{"city": "Zürich", "days": 3, "metric": true, "near": null}'],
])('passes %s on as it is', (json) => {
  expect(objectText(json)).toBe(json);
});

it('leaves bytes that went through JSON to the general way', () => {
  expect(objectText('{"type":"Buffer","data":[1,2,3]}')).toBeUndefined();
});
