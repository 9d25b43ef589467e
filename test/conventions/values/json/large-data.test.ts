import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeholderOf } from '../../../../src/conventions/values/json/large-data.ts';

/** What the runtime decodes at once. */
function expected(type: string, text: string): string {
  const bytes = Buffer.from(text, 'base64');
  return `[${type}, ${bytes.length} bytes, sha256:${createHash('sha256').update(bytes).digest('hex')}]`;
}

test('base64 of any length, broken into lines, with padding or other signs anywhere, is the file that the runtime decodes', () => {
  const sign = fc.constantFrom('\n', '\r\n', ' ', '=', '==', '-', '_', '!', 'é', '😀', '\0');
  const places = fc.array(fc.tuple(fc.nat(400_000), sign), { maxLength: 4 });
  const lengths = fc.oneof(fc.nat(400_000), fc.constantFrom(65_535, 65_536, 65_537, 131_071, 131_072, 131_076));
  fc.assert(
    fc.property(lengths, places, fc.boolean(), (length, signs, isUrl) => {
      let text = 'iVBORw0KGgoAb0'.repeat(length / 14 + 1).slice(0, length);
      for (const [at, sign] of signs) text = text.slice(0, at) + sign + text.slice(at);
      const [type, data] = isUrl ? ['image/png', `data:image/png;base64,${text}`] : ['audio/wav', text];
      expect(placeholderOf(data, 'audio/wav')).toBe(expected(type, text));
    }),
    { numRuns: 300 },
  );
});

test('bytes are taken as they are', () => {
  expect(placeholderOf(Buffer.from('AAAA', 'base64'))).toBe(expected('data', 'AAAA'));
});
