import { expect, test } from 'vitest';
import { z } from 'zod';
import { check } from '../../../src/server/v4/validation-detail.ts';

const part = z.union([z.object({ type: z.literal('text'), text: z.string() }), z.string()]);
const schema = z.strictObject({ name: z.string(), count: z.number().optional(), parts: z.array(part).optional() });

test.each([
  [{}, { loc: ['body', 'name'], msg: 'field required', type: 'value_error.missing' }],
  [{ name: null }, { loc: ['body', 'name'], msg: 'value is not a valid string', type: 'type_error.string' }],
  [
    { name: 'undefined', count: '1' },
    { loc: ['body', 'count'], msg: 'value is not a valid number', type: 'type_error.number' },
  ],
  [
    { name: 'n', more: 1 },
    { loc: ['body', 'more'], msg: 'extra fields not permitted', type: 'value_error.extra' },
  ],
  [
    { name: 'n', parts: [{ type: 'text' }] },
    { loc: ['body', 'parts', 0, 'text'], msg: 'field required', type: 'value_error.missing' },
  ],
  [
    { name: 'n', parts: [1] },
    { loc: ['body', 'parts', 0], msg: 'value matches none of the permitted types', type: 'type_error.union' },
  ],
])('%j: %j', (value, detail) => {
  expect(check(schema, value, ['body'])).toEqual({ details: [detail] });
});

test('does not depend on the language of the messages', () => {
  const before = z.config().localeError;
  z.config(z.locales.de());
  try {
    expect(check(schema, {}, []).details).toMatchObject([{ msg: 'field required' }]);
  } finally {
    z.config({ localeError: before });
  }
});

test('a value that is right comes out as data', () => {
  expect(check(schema, { name: 'n' }, ['body'])).toEqual({ data: { name: 'n' } });
});
