import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { objectText } from '../../../../src/conventions/short-way.ts';
import { jsonOf } from '../../../../src/conventions/values/attributes.ts';
import { hasLongInteger } from '../../../../src/conventions/values/json/long-integers.ts';
import { toPlainJson, toText } from '../../../../src/conventions/values/json/plain-json.ts';

describe('integers that no number can hold', () => {
  test('have the same digits in a text, as numbers', () => {
    const value = fc.oneof(
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
      fc.string().map((text) => JSON.stringify(text)),
      fc.bigInt({ min: 0n, max: 10n ** 25n }).map((digits) => `"id ${digits}, ${digits}"`),
    );
    const entries = fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}\d{0,20}$/), value), { maxLength: 5 });
    fc.assert(
      fc.property(entries, (given) => {
        const unique = [...new Map(given)];
        const json = `{"list":[1,${unique.map(([, item]) => item).join(',') || 'null'}],"fields":{${unique
          .map(([key, item]) => `"${key}":${item}`)
          .join(',')}}}`;
        expect(toText(jsonOf(json))).toBe(json);
      }),
    );
  });

  test('have them as texts in an object, since its reader would round a number', () => {
    const json =
      '{"id": 9007199254740993, "safe": 9007199254740991, "round": 10000000000000000, "ids": [-12345678901234567890]}';
    const expected = { id: '9007199254740993', safe: 9007199254740991, round: 1e16, ids: ['-12345678901234567890'] };
    expect(toPlainJson(jsonOf(json))).toEqual(expected);
    expect(toPlainJson(jsonOf(`[{'id': 9007199254740993}, None]`))).toEqual([{ id: '9007199254740993' }, null]);
    expect(toPlainJson(jsonOf('{"id": 9007199254740993, "rate": NaN}'))).toEqual({
      id: '9007199254740993',
      rate: null,
    });
    expect(objectText(json)).toBeUndefined();
    expect(objectText('{"id":9007199254740993}')).toBeUndefined();
  });

  test.each([
    '{"rate": 0.12345678901234567890}',
    '{"rate": 1.5e-12345678901234567890, "small": 12345678901234567890.5}',
    '{"card": "1234567890123456", "at": "2026-01-01 1234567890123456789, 1234567890123456789"}',
    `{"digits": ${'9'.repeat(400)}}`,
  ])('other numbers and texts are read as ever: %s', (json) => {
    expect(jsonOf(json)).toEqual(JSON.parse(json));
  });

  test.each(['0000000000000001', '-0000123456789012345', '{"account": 00001234567890123456}'])(
    'digits that begin with zeros are no number of JSON: %s',
    (text) => expect(jsonOf(text)).toBeUndefined(),
  );

  test('stand beside texts that begin as if they stood for one', () => {
    const json = '{"texts":["\u{10fffd}int:","\u{10fffd}int:12","\u{10fffd}int:a"],"id":12345678901234567890}';
    expect(toText(jsonOf(json))).toBe(json);
  });

  test('stand in JSON of any depth', () => {
    const json = (depth: number, inner: string) => '{"a":['.repeat(depth) + inner + ']}'.repeat(depth);
    expect(toText(jsonOf(json(20, '12345678901234567890')))).toBe(json(20, '12345678901234567890'));
    expect(toText(jsonOf(json(10_000, '12345678901234567890')))).toBe(toText(jsonOf(json(10_000, '1'))));
  });

  test('are found wherever they stand, and shorter ones are not looked for', () => {
    for (let before = 0; before < 40; before++) {
      expect(hasLongInteger(`${' '.repeat(before)}1234567890123456`)).toBe(true);
      expect(hasLongInteger(`${' '.repeat(before)}123456789012345 `.repeat(3))).toBe(false);
      expect(hasLongInteger(`${' '.repeat(before)}[0.1234567890123456,"id-1234567890123456"]`)).toBe(false);
      expect(hasLongInteger(`${' '.repeat(before)}[0.1234567890123456,-1234567890123456]`)).toBe(true);
    }
  });
});
