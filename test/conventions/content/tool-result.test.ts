/** What a tool answered, in the envelope of a framework: its text, and the call that it answers. */
import { expect, test } from 'vitest';
import { openToolResult } from '../../../src/conventions/content/parts/tool-result.ts';

const json = (value: unknown) => JSON.stringify(value);

test.each<[string, unknown, string | undefined]>([
  ['a tool message by its role', { role: 'tool', content: 'x', tool_call_id: 'c1' }, 'c1'],
  ['a tool message by its type', { type: 'tool', content: 'x', tool_call_id: 'c1' }, 'c1'],
  ['one without the id of a call', { role: 'tool', content: 'x' }, undefined],
  ['a result part', { type: 'tool_result', tool_use_id: 'c1', content: 'x' }, 'c1'],
  ['a result part with another name', { type: 'tool-result', toolCallId: 'c1', result: 'x' }, 'c1'],
  ['a list of one', [{ role: 'tool', content: 'x', tool_call_id: 'c1' }], 'c1'],
  ['the only field of an object', { output: { role: 'tool', content: 'x', tool_call_id: 'c1' } }, 'c1'],
  ['what says only which call it answers', { content: 'x', tool_call_id: 'c1' }, 'c1'],
  ["Bedrock's envelope", { toolResult: { toolUseId: 'c1', content: [{ text: 'x' }], status: 'success' } }, 'c1'],
  ["LangGraph's command", { update: { messages: [{ type: 'tool', content: 'x', tool_call_id: 'c1' }] } }, 'c1'],
  ['blocks', { role: 'tool', content: [{ type: 'text', text: 'x' }], tool_call_id: 'c1' }, 'c1'],
])('opens %s', (_what, envelope, id) => {
  expect(openToolResult({ output: json(envelope) })).toEqual({
    output: 'x',
    ...(id !== undefined && { metadata: { tool_call_id: id } }),
  });
});

test('the id that the span names is kept', () => {
  const metadata = { tool_call_id: 'of the span', a: 1 };
  const output = json({ role: 'tool', content: 'x', tool_call_id: 'of the message' });
  expect(openToolResult({ output, metadata })).toEqual({ output: 'x', metadata });
});

test('the id of the message wins over that of the part', () => {
  const output = json({ role: 'tool', content: 'x', tool_call_id: 'c1', call_id: 'other' });
  expect(openToolResult({ output }).metadata).toEqual({ tool_call_id: 'c1' });
});

test.each<[string, unknown]>([
  ['data', { temperature: 4 }],
  ['a result that names no call', { type: 'tool_result', content: 'x' }],
  ['several fields, one of which is a message', { a: 1, message: { role: 'tool', content: 'x' } }],
  ['two messages', [1, 2].map(() => ({ role: 'tool', content: 'x', tool_call_id: 'c' }))],
  ['a message of somebody else', { role: 'user', content: 'x', tool_call_id: 'c' }],
  ['a message without content', { role: 'tool', tool_call_id: 'c' }],
  ['a message that is very deep', [[[[[{ role: 'tool', content: 'x' }]]]]]],
])('leaves %s', (_what, value) => {
  const reading = { output: json(value) };
  expect(openToolResult(reading)).toBe(reading);
});

test.each<[string, string, object]>([
  ["content='Sunny' name='weather' tool_call_id='call_9'", 'Sunny', { tool_call_id: 'call_9' }],
  [`content="it's 4°" id='run-1' tool_call_id='call_9' status='success'`, "it's 4°", { tool_call_id: 'call_9' }],
  [`content=[{'type': 'text', 'text': 'Sunny'}] tool_call_id='call_9'`, 'Sunny', { tool_call_id: 'call_9' }],
  ["{'role': 'tool', 'content': 'Sunny', 'tool_call_id': 'call_9'}", 'Sunny', { tool_call_id: 'call_9' }],
  ["ToolMessage(content='Sunny', name='weather', tool_call_id='call_9')", 'Sunny', { tool_call_id: 'call_9' }],
  [
    "Command(update={'messages': [ToolMessage(content='Sunny', tool_call_id='call_9')]})",
    'Sunny',
    { tool_call_id: 'call_9' },
  ],
])('opens a message as Python prints it: %s', (output, text, metadata) => {
  expect(openToolResult({ output })).toEqual({ output: text, metadata });
});

test.each([
  "content='Sunny' and tool_call_id='call_9' are its fields",
  "content='Sunny' name='weather'",
  "content='cut tool_call_id='call_9",
])('leaves text that only looks like one: %s', (output) => {
  expect(openToolResult({ output }).output).toBe(output);
});

test.each([
  json({ type: 'tool', content: 'x', tool_call_id: 'c1', status: 'error' }),
  json({ type: 'tool_result', content: 'x', tool_use_id: 'c1', is_error: true }),
  json({ toolResult: { toolUseId: 'c1', content: [{ text: 'x' }], status: 'error' } }),
  "content='x' tool_call_id='c1' status='error'",
])('a message may say that the tool failed: %s', (output) => {
  expect(openToolResult({ output })).toEqual({
    output: 'x',
    metadata: { tool_call_id: 'c1' },
    error: { type: 'tool error' },
  });
});

test.each<[string, object]>([
  ["CallToolResult(meta=None, content=[TextContent(type='text', text='x', annotations=None)], isError=False)", {}],
  ["meta=None content=[TextContent(type='text', text='x')] isError=True", { error: { type: 'tool error' } }],
  ["[TextContent(type='text', text='x', annotations=None, meta=None)]", {}],
  ["{'content': [{'type': 'text', 'text': 'x'}], 'isError': True}", { error: { type: 'tool error' } }],
  [json({ content: [{ type: 'text', text: 'x' }] }), {}],
])('opens a result of MCP: %s', (output, error) => {
  expect(openToolResult({ output })).toEqual({ output: 'x', ...error });
});

test.each([
  json({ content: [{ type: 'text', text: 'x' }], degrees: 4 }),
  "[TextContent(type='text', text='x'), ImageContent(type='image', data='aGk=')]",
  "[TextContent(type='text', text='cut",
  'ToolMessage(s) are what tools answer',
])('leaves what is more than a text, or less: %s', (output) => {
  expect(openToolResult({ output }).output).toBe(output);
});

test('a part for what a function of Gemini answered is opened', () => {
  const part = { id: 'c1', name: 'f', response: { a: 1 } };
  const opened = { name: 'f', output: '{"a":1}', metadata: { tool_call_id: 'c1' } };
  expect(openToolResult({ name: 'f', output: json(part) })).toEqual(opened);
  for (const other of [
    { ...part, at: 1 },
    { name: 'f', response: 'x' },
    // What a survey answered.
    { id: 'u_7', name: 'Bob', response: { mood: 'good' } },
  ]) {
    expect(openToolResult({ name: 'f', output: json(other) })).toEqual({ name: 'f', output: json(other) });
  }
});
