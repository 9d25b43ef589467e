/** JSON as Python writes it: with bare NaN, Infinity and -Infinity. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageReader } from '../../../../src/conventions/content/messages/messages.ts';
import { jsonOf } from '../../../../src/conventions/values/attributes.ts';
import { read } from '../../span.ts';

/** Writes a value as `json.dumps` does; JSON.stringify would write null. */
function dumps(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value);
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${dumps(item)}`)
    .join(', ')}}`;
}

const words = fc.constantFrom('NaN', '-Infinity', 'a "NaN" in quotes', '\\', '\\"NaN');
const leaf = fc.oneof(
  words,
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5, null),
);
const values = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('value')), fc.dictionary(words, tie('value'))),
})).value;

it('is read with null for each number that JSON cannot write, and with all strings as they are', () => {
  fc.assert(
    fc.property(fc.array(values), (value) => {
      expect(jsonOf(dumps(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

it('is not damaged, also in calls, results and metadata', () => {
  const messages =
    '[{"role": "assistant", "content": null, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{\\"x\\": NaN}"}}]}]';
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{"x": null}' } };
  expect(new MessageReader().read(messages)).toEqual([{ role: 'assistant', tool_calls: [call] }]);
  expect(
    read({
      'openinference.span.kind': 'CHAIN',
      'input.value': '{"a": {"b": [-Infinity]}}',
      metadata: '{"score": NaN, "label": "x"}',
    }),
  ).toMatchObject({ inputs: { a: { b: [null] } }, contentMetadata: { score: null, label: 'x' } });
});

it('may be cut', () => {
  const cut: string[] = [];
  expect(jsonOf('{"a": NaN, "b": [Infinity, 2], "c": "the res', () => cut.push('c'))).toEqual({
    a: null,
    b: [null, 2],
    c: 'the res',
  });
  expect(cut).toEqual(['c']);
  expect(jsonOf('{"a": 1, "b": Na')).toEqual({ a: 1 });
  const call = { type: 'tool_call', id: 'c', name: 'f', arguments: '{"a": NaN, "b": "the res' };
  const [message] = new MessageReader().read([{ role: 'assistant', content: null, tool_calls: [call] }]);
  expect(message?.tool_calls?.[0]?.function.arguments).toBe('{"a": null, "b": "the res');
});

it('leaves prose and free text alone', () => {
  const text = '{x} is NaN';
  expect(jsonOf(text)).toBeUndefined();
  const call = { type: 'custom_tool_call', call_id: 'c', name: 'python', input: 'x = [NaN]' };
  expect(new MessageReader().read([call])[0]?.tool_calls?.[0]?.function.arguments).toBe('x = [NaN]');
});

it('reads no text of many byte order marks, and overflows no stack', () => {
  expect(jsonOf('\ufeff{"a": 1}')).toEqual({ a: 1 });
  expect(jsonOf(`${'\ufeff'.repeat(200_000)}{}`)).toBeUndefined();
});
