/** JSON that was encoded twice, lists of JSON texts, and what frameworks put around a tool's answer or definition. */
import { expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { toModelTools } from '../../../src/conventions/content/model-tools.ts';
import { read } from '../span.ts';

const quote = (value: unknown) => JSON.stringify(value);
const MESSAGES = [
  { role: 'user', content: 'hi' },
  { role: 'assistant', content: '{"answer": 1}' },
];

it.each<[string, unknown]>([
  ['a list of JSON texts', MESSAGES.map(quote)],
  ['JSON of such a list', quote(MESSAGES.map(quote))],
  ['JSON in quotes', quote(quote(MESSAGES))],
  ['JSON in two layers of quotes', quote(quote(quote(MESSAGES)))],
  ['the whole list as one item', [quote(MESSAGES)]],
])('messages are read from %s', (_name, value) => {
  expect(new MessageReader().read(value)).toEqual(MESSAGES);
});

it.each<[string, unknown]>([
  ['JSON', quote({ path: '/' })],
  ['JSON in quotes', quote(quote({ path: '/' }))],
])('a call has an object as its arguments, given as %s', (_name, args) => {
  const calls = [quote({ id: 'c', type: 'function', function: { name: 'ls', arguments: args } })];
  const [message] = new MessageReader().read([{ role: 'assistant', content: null, tool_calls: calls }]);
  expect(message?.tool_calls?.[0]?.function).toEqual({ name: 'ls', arguments: '{"path":"/"}' });
  const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.arguments': args };
  expect(read(tool).inputs).toEqual({ path: '/' });
});

it('tools are read from JSON texts and envelopes', () => {
  const tools = [{ name: 'a' }, { name: 'b' }];
  expect(toModelTools(tools.map(quote))).toEqual(tools);
  expect(toModelTools(quote(quote(tools)))).toEqual(tools);
  expect(toModelTools(tools.map((tool) => quote(quote(tool))))).toEqual(tools);
  expect(toModelTools([{ function_declarations: tools }])).toEqual(tools);
  expect(toModelTools([{ toolSpec: { name: 'a' } }, { systemTool: { name: 'b' } }, { cachePoint: {} }])).toEqual(tools);
});

it.each<[string, Record<string, unknown>]>([
  ['langfuse', { 'langfuse.observation.type': 'tool', 'langfuse.observation.output': '' }],
  ['gen-ai', { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.result': '' }],
  ['openinference', { 'openinference.span.kind': 'TOOL', 'output.value': '' }],
])('a tool of %s answers with the value in its envelope', (_name, attributes) => {
  const kwargs = { content: 'a "b"', tool_call_id: 'c1' };
  const message = { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'ToolMessage'], kwargs };
  for (const result of [quote('a "b"'), quote({ output: message }), quote({ role: 'tool', ...kwargs }), 'a "b"']) {
    const filled = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, value || result]));
    expect(read(filled).output).toBe('a "b"');
  }
});

it('a text that is meant as a text stays a text', () => {
  for (const text of ['"quoted"', '{"role":"user"}', '["a"]', '{"type":"text","text":"x"}']) {
    expect(new MessageReader().read([{ role: 'user', content: text }])).toEqual([{ role: 'user', content: text }]);
  }
});

it('a list of texts that are JSON of other things stays a list of texts', () => {
  for (const text of ['[1,2]', '[{"a":1}]', '{"a":1}', '[{"role":"user","content":"x"},{"a":1}]']) {
    expect(new MessageReader().read([text])).toEqual([{ role: 'user', content: text }]);
  }
  expect(new MessageReader().read([quote(quote(MESSAGES))])).toEqual(MESSAGES);
});

it('LangChain’s message without its class is opened, also if it only calls a tool', () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
  const message = { kwargs: { tool_calls: [{ id: 'c', name: 'f', args: {} }], additional_kwargs: {} } };
  const [answer] = new MessageReader().readOutput([message]);
  expect(answer).toEqual({ role: 'assistant', tool_calls: [call] });
});

it.each([
  ['"{\\"tree\\":\\"linden\\"}"', '{"tree":"linden"}'],
  ['"[1] see the list"', '"[1] see the list"'],
])('a step that returned %s has the output %s', (value, output) => {
  expect(read({ 'openinference.span.kind': 'CHAIN', 'output.value': value }).output).toBe(output);
});
