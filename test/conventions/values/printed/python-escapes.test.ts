/** Two ways to read what is escaped: as JSON does it, and one by one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unescaped, unescapedAsJson } from '../../../../src/conventions/values/printed/python-escapes.ts';

const ESCAPES = ['\\\\', "\\'", '\\n', '\\t', '\\x1b', '\\x4A', '\\xe9', '\\u00e9', '\\ud83d', '\\U0001f600', '\\a'];
const TEXTS = ['x41', 'u0041', 'a', "'", '"', '$1', '\\xg', ' '];
const raw = fc.array(fc.constantFrom(...ESCAPES, ...TEXTS), { maxLength: 12 }).map((parts) => parts.join(''));

test('the way of JSON reads what the other one reads, or nothing', () => {
  fc.assert(
    fc.property(raw, (text) => {
      const read = unescapedAsJson(text);
      if (read !== undefined) expect(read).toBe(unescaped(text));
    }),
  );
});
