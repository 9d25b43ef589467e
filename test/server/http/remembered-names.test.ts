import { expect, test, vi } from 'vitest';
import { nameAt } from '../../../src/server/http/bytes/remembered-names.ts';

const numbered = (nameOf: (index: number) => string) => Array.from({ length: 20 }, (_, index) => nameOf(index));

/** Returns how many of the names become new texts, though they have been read once before. */
function countForgotten(names: readonly string[]): number {
  const bytes = names.map((name) => Buffer.from(name));
  const read = () => bytes.map((each) => nameAt(each, 0, each.length));
  expect(read()).toEqual(names);
  const decodings = bytes.map((each) => vi.spyOn(each, 'toString'));
  expect(read()).toEqual(names);
  return decodings.filter(({ mock }) => mock.calls.length > 0).length;
}

test.each<[string, readonly string[]]>([
  ['of roles in a list of messages', numbered((index) => `llm.input_messages.${index}.message.role`)],
  ['of prompts', numbered((index) => `gen_ai.prompt.${index}.content`)],
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((size): [string, readonly string[]] => [
    `that end in a letter after ${size} others`,
    numbered((index) => `${'key.of.'.slice(0, size)}${String.fromCharCode(97 + index)}`),
  ]),
])('names %s are remembered beside each other', (_, names) => {
  // By chance, two may have one place.
  expect(countForgotten(names)).toBeLessThanOrEqual(4);
});
