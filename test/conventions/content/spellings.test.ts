/** Messages of libraries in other languages, and data of the app that only looks like them. */
import { describe, expect, test } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages.ts';

const CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"City":"Oslo"}' } };
const readAll = (value: unknown) => new MessageReader().read(value);

describe.each([
  ['structured', (value: unknown) => value],
  ['as JSON', (value: unknown) => JSON.stringify(value)],
])('%s', (_form, written) => {
  test('fields with capitals: calls keep the arguments as they are', () => {
    const messages = [
      { Role: 'Assistant', ToolCalls: [{ ID: 'call_1', Function: { Name: 'weather', Arguments: { City: 'Oslo' } } }] },
      { Role: 'tool', Content: '4', ToolCallId: 'call_1' },
    ];
    expect(readAll(written(messages))).toEqual([
      { role: 'assistant', tool_calls: [CALL] },
      { role: 'tool', content: '4', tool_call_id: 'call_1' },
    ]);
  });

  test('LangChain4j: the role is the type', () => {
    const messages = [
      { type: 'SYSTEM', text: 'Be brief.' },
      { type: 'USER', contents: [{ type: 'TEXT', text: 'Hi' }], name: 'Ada' },
      { type: 'AI', toolExecutionRequests: [{ id: 'call_1', name: 'weather', arguments: '{"City":"Oslo"}' }] },
      { type: 'TOOL_RESULT', id: 'call_1', toolName: 'weather', text: '4' },
    ];
    expect(readAll(written(messages))).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi', name: 'Ada' },
      { role: 'assistant', tool_calls: [CALL] },
      { role: 'tool', content: '4', name: 'weather', tool_call_id: 'call_1' },
    ]);
  });

  test('Semantic Kernel: parts are items', () => {
    const items = [
      { $type: 'TextContent', Text: 'I look.' },
      { $type: 'FunctionCallContent', Id: 'call_1', FunctionName: 'weather', Arguments: { City: 'Oslo' } },
    ];
    expect(readAll(written([{ Role: { Label: 'assistant' }, Items: items }]))).toEqual([
      { role: 'assistant', content: 'I look.', tool_calls: [CALL] },
    ]);
  });
});

test.each([
  '[{"Role":"Manager","Name":"Ada"}]',
  '[{"type":"USER","id":7}]',
  '{"Role":"user"}',
  "[{'role': 'user'}]",
  "{'answer': 42}",
])('%s stays the words that it is', (text) => {
  expect(readAll(text)).toEqual([{ role: 'user', content: text }]);
});

test('a message that is known stays the same object', () => {
  const reader = new MessageReader();
  expect(reader.read([{ role: 'user', content: 'Role: user, Content: none' }])).toEqual([
    { role: 'user', content: 'Role: user, Content: none' },
  ]);
});

test.each([[[{ Role: 'Manager', Name: 'Ada' }]], [[{ type: 'USER', id: 7 }]]])('data %j is not lost', (data) => {
  expect(JSON.stringify(readAll(data))).toContain(JSON.stringify(JSON.stringify(data[0])).slice(1, -1));
});

test("the parts of Microsoft's and the answers of langchaingo's messages are read, also with their reason", () => {
  const reader = new MessageReader();
  const parts = [{ $type: 'text', Text: 'Sunny' }];
  expect(reader.readOutput([{ Role: 'assistant', Contents: parts, FinishReason: 'length' }])).toEqual([
    { role: 'assistant', content: 'Sunny' },
  ]);
  expect(reader.finishReason).toBe('length');
  const choice = { Content: 'Sunny', StopReason: 'stop', FuncCall: null, ToolCalls: [CALL] };
  expect(new MessageReader().readOutput([choice])).toEqual([
    { role: 'assistant', content: 'Sunny', tool_calls: [CALL] },
  ]);
});
