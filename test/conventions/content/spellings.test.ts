/** Messages of libraries in other languages, and data of the app that only looks like them. */
import { describe, expect, test } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { read } from '../span.ts';

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

describe('messages named by their class', () => {
  test.each([
    ['LangChain', ['SystemMessage', 'HumanMessage', 'AIMessageChunk', 'ToolMessage']],
    ['LangChain, short', ['system', 'human', 'ai', 'tool']],
    ['AutoGen', ['SystemMessage', 'UserMessage', 'AssistantMessage', 'ToolMessage']],
  ])('%s', (_name, [system, user, assistant, tool]) => {
    const messages = [
      { type: system, content: 'Be brief.' },
      { type: user, content: 'Hi' },
      { type: assistant, content: '', tool_calls: [{ id: 'call_1', name: 'weather', args: { City: 'Oslo' } }] },
      { type: tool, content: '4', tool_call_id: 'call_1' },
    ];
    expect(readAll(messages)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', tool_calls: [CALL] },
      { role: 'tool', content: '4', tool_call_id: 'call_1' },
    ]);
  });

  test("AutoGen's calls and results have no type", () => {
    const messages = [
      { type: 'AssistantMessage', content: [{ id: 'call_1', name: 'weather', arguments: '{"City":"Oslo"}' }] },
      { type: 'FunctionExecutionResultMessage', content: [{ call_id: 'call_1', name: 'weather', content: '4' }] },
    ];
    expect(readAll(messages)).toEqual([
      { role: 'assistant', tool_calls: [CALL] },
      { role: 'tool', content: '4', name: 'weather', tool_call_id: 'call_1' },
    ]);
  });

  test('data of the app with such a type stays text', () => {
    const data = '[{"type":"system","name":"disk"}]';
    expect(readAll([{ role: 'user', content: data }])).toEqual([{ role: 'user', content: data }]);
  });
});

describe('parts', () => {
  const content = (...parts: unknown[]) => readAll([{ role: 'user', content: parts }])[0];

  test('types in other spellings', () => {
    expect(content({ type: 'TEXT', text: 'a' }, { type: 'inputText', text: 'b' })).toMatchObject({ content: 'a\nb' });
    expect(content({ type: 'toolresult', id: 'call_1', content: [{ type: 'text', text: '4' }] })).toEqual({
      role: 'tool',
      content: '4',
      tool_call_id: 'call_1',
    });
  });

  test("Rig's call has no type", () => {
    const part = { id: 'call_1', call_id: null, function: { name: 'weather', arguments: { City: 'Oslo' } } };
    expect(readAll([{ role: 'assistant', content: [part] }])).toEqual([{ role: 'assistant', tool_calls: [CALL] }]);
  });

  test('a text may have annotations beside it', () => {
    const text = { value: 'Hi', annotations: [] };
    expect(content({ type: 'text', text })).toMatchObject({ content: 'Hi' });
    expect(readAll([{ role: 'user', content: { text } }])).toEqual([{ role: 'user', content: 'Hi' }]);
  });

  test('binary data is an image if its type says so', () => {
    expect(content({ type: 'binary', media_type: 'image/png', content: 'iVBORw0KGgo=' })).toMatchObject({
      content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }],
    });
  });

  test("Bedrock's texts with citations, and for a guardrail", () => {
    expect(content({ citationsContent: { content: [{ text: 'a' }], citations: [] } })).toMatchObject({ content: 'a' });
    expect(content({ guardContent: { text: { text: 'a', qualifiers: [] } } })).toMatchObject({ content: 'a' });
  });

  test("Cohere's first API has the text as message", () => {
    expect(readAll([{ role: 'CHATBOT', message: 'Hi' }])).toEqual([{ role: 'assistant', content: 'Hi' }]);
  });
});

test('reads a reply of Haystack as Python prints it, with its call and its tokens', () => {
  const meta = "{'model': 'm', 'finish_reason': 'tool_calls', 'usage': {'prompt_tokens': 3, 'completion_tokens': 2}}";
  const content = "[TextContent(text='Wait.'), ToolCall(tool_name='rain', arguments={'city': 'Oslo'}, id='c1')]";
  const reply = `ChatMessage(_role=<ChatRole.ASSISTANT: 'assistant'>, _content=${content}, _name=None, _meta=${meta})`;
  const reading = read({ 'openinference.span.kind': 'LLM', 'output.value': JSON.stringify({ replies: [reply] }) });
  expect(reading.outputMessage).toEqual({
    role: 'assistant',
    content: 'Wait.',
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'rain', arguments: '{"city":"Oslo"}' } }],
  });
  expect(reading).toMatchObject({ promptTokens: 3, outputTokens: 2, finishReason: 'tool_calls' });
});
