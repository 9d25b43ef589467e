import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { jsonBody, parseJsonBytes } from '../../../src/server/http/body-format.ts';
import { parseJsonInSteps } from '../../../src/server/http/bytes/json-steps.ts';
import { toEnd } from '../../../src/server/store/steps.ts';

/** What comes out, with the order of keys; `wrong` if it is not JSON. */
function resultOf(parse: () => unknown): string {
  let value: unknown;
  try {
    value = parse();
  } catch (error) {
    if (error instanceof SyntaxError) return 'wrong';
    throw error;
  }
  return JSON.stringify(value);
}

const key = fc.constantFrom('a', 'b', '__proto__', '7', '"', '\\', '[,{', '\u00e9\ud83d\ude00');
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(0, null, true, 'x', '"],[', '\\'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 5 }),
  object: fc.dictionary(key, tie('value'), { maxKeys: 5 }),
}));
const piece = fc.constantFrom('[', ']', '{', '}', ',', ':', ' ', '\n', '"', '\\', '1', '"a":', '"a":[1]', '\u00a0');

test('JSON, and what is not quite JSON, is parsed as by JSON.parse, however small the steps are', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(3), piece), { maxLength: 2 });
  fc.assert(
    fc.property(
      value,
      fc.constantFrom(undefined, 1),
      changes,
      fc.integer({ min: 0, max: 40 }),
      (tree, space, edits, step) => {
        let text = JSON.stringify(tree, undefined, space);
        for (const [place, cut, put] of edits) {
          const at = place % (text.length + 1);
          text = text.slice(0, at) + put + text.slice(at + cut);
        }
        const bytes = Buffer.from(text);
        expect(
          resultOf(() => toEnd(parseJsonInSteps(bytes, step))),
          text,
        ).toBe(resultOf(() => JSON.parse(bytes.toString())));
      },
    ),
    { numRuns: 3_000 },
  );
});

test.each([
  ['numbers', `[${'0,'.repeat(100_000)}0]`],
  ['keys', `{${Array.from({ length: 30_000 }, (_, index) => `"k${index}":1`).join(',')}}`],
  ['objects in an object', `{"a":[${'{"b":{}},'.repeat(30_000)}1],"c":2}`],
])('many %s are parsed in many steps', (_, text) => {
  const steps = [...parseJsonInSteps(Buffer.from(text), 1_000)].length;
  // Once to find what is large, and once to parse it.
  expect(steps).toBeGreaterThanOrEqual((2 * text.length) / 1_500);
});

const WIDE: readonly (readonly [string, string])[] = [
  ['5 million zeros', `{"a":[${'0,'.repeat(5_000_000)}0]}`],
  ['keys', `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join(',')}}`],
];

const READERS: readonly (readonly [string, (bytes: Buffer) => Promise<unknown> | undefined])[] = [
  ['OTLP', parseJsonBytes],
  ['the v4 API', (bytes) => jsonBody().readLarge?.([bytes.subarray(0, 9), bytes.subarray(9)], true)],
];

test.each(READERS.flatMap(([api, read]) => WIDE.map(([what, text]) => [api, what, text, read] as const)))(
  '%s: no turn of the event loop parses a body of %s as a whole',
  async (_api, _what, text, read) => {
    const parse = vi.spyOn(JSON, 'parse');
    onTestFinished(() => parse.mockRestore());
    const body = await read(Buffer.from(text));
    const lengths = parse.mock.calls.map(([part]) => part.length);
    expect(lengths.length).toBeGreaterThan(text.length / 200_000);
    expect(Math.max(...lengths)).toBeLessThan(200_000);
    expect(JSON.stringify(body)).toBe(text);
  },
);
