/** Bodies of Bedrock's Converse are read alike, as the API has them and as the SDKs of Go, .NET and Java write them. */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { contentOf, writeLong, writeShortly } from '../../datapoint/short-way/both-ways.ts';
import { makeSpan, read } from '../span.ts';

const API = {
  request: {
    modelId: 'claude',
    messages: [
      { role: 'user', content: [{ text: 'How is it?' }] },
      {
        role: 'assistant',
        content: [{ text: 'I look.' }, { toolUse: { toolUseId: 'c1', name: 'look', input: { at: 'yard' } } }],
      },
      { role: 'user', content: [{ toolResult: { toolUseId: 'c1', content: [{ text: 'rain' }], status: 'success' } }] },
    ],
    system: [{ text: 'Be brief.' }],
  },
  answer: {
    output: { message: { role: 'assistant', content: [{ text: 'It rains, so stay (in).' }] } },
    stopReason: 'max_tokens',
    usage: { inputTokens: 5, outputTokens: 2, totalTokens: 7 },
    metrics: { latencyMs: 3 },
  },
  call: {
    output: {
      message: { role: 'assistant', content: [{ toolUse: { toolUseId: 'c2', name: 'look', input: { at: 'door' } } }] },
    },
    stopReason: 'tool_use',
    usage: { inputTokens: 5, outputTokens: 2, totalTokens: 7 },
  },
};

const USAGE = { InputTokens: 5, OutputTokens: 2, TotalTokens: 7 };

const GO = {
  request: {
    ModelId: 'claude',
    Messages: [
      { Role: 'user', Content: [{ Value: 'How is it?' }] },
      {
        Role: 'assistant',
        Content: [{ Value: 'I look.' }, { Value: { Input: { at: 'yard' }, Name: 'look', ToolUseId: 'c1', Type: '' } }],
      },
      {
        Role: 'user',
        Content: [{ Value: { Content: [{ Value: 'rain' }], ToolUseId: 'c1', Status: 'success', Type: '' } }],
      },
    ],
    System: [{ Value: 'Be brief.' }],
    InferenceConfig: null,
  },
  answer: {
    Metrics: { LatencyMs: 3 },
    Output: { Value: { Content: [{ Value: 'It rains, so stay (in).' }], Role: 'assistant' } },
    StopReason: 'max_tokens',
    Usage: USAGE,
    ResultMetadata: {},
  },
  call: {
    Output: {
      Value: { Content: [{ Value: { Input: { at: 'door' }, Name: 'look', ToolUseId: 'c2' } }], Role: 'assistant' },
    },
    StopReason: 'tool_use',
    Usage: USAGE,
  },
};

const ABSENT = {
  CachePoint: null,
  Document: null,
  Image: null,
  Text: null,
  ToolResult: null,
  ToolUse: null,
  Video: null,
};
const block = (member: object) => ({ ...ABSENT, ...member });

const DOTNET = {
  request: {
    ModelId: 'claude',
    Messages: [
      { Content: [block({ Text: 'How is it?' })], Role: { Value: 'user' } },
      {
        Content: [
          block({ Text: 'I look.' }),
          block({ ToolUse: { Input: { at: 'yard' }, Name: 'look', ToolUseId: 'c1' } }),
        ],
        Role: { Value: 'assistant' },
      },
      {
        Content: [
          block({
            ToolResult: {
              Content: [{ Document: null, Image: null, Json: {}, Text: 'rain' }],
              Status: { Value: 'success' },
              ToolUseId: 'c1',
            },
          }),
        ],
        Role: { Value: 'user' },
      },
    ],
    System: [{ CachePoint: null, Text: 'Be brief.' }],
    InferenceConfig: null,
  },
  answer: {
    Output: { Message: { Content: [block({ Text: 'It rains, so stay (in).' })], Role: { Value: 'assistant' } } },
    StopReason: { Value: 'max_tokens' },
    Usage: USAGE,
  },
  call: {
    Output: {
      Message: {
        Content: [{ ToolUse: { Input: { at: 'door' }, Name: 'look', ToolUseId: 'c2' } }],
        Role: { Value: 'assistant' },
      },
    },
    StopReason: { Value: 'tool_use' },
    Usage: USAGE,
  },
};

const JAVA = {
  request:
    'ConverseRequest(ModelId=claude, Messages=[Message(Role=user, Content=[ContentBlock(Text=How is it?)]), ' +
    'Message(Role=assistant, Content=[ContentBlock(Text=I look.), ContentBlock(ToolUse=ToolUseBlock(ToolUseId=c1, Name=look, Input={"at": "yard"}))]), ' +
    'Message(Role=user, Content=[ContentBlock(ToolResult=ToolResultBlock(ToolUseId=c1, Content=[ToolResultContentBlock(Text=rain)], Status=success))])], ' +
    'System=[SystemContentBlock(Text=Be brief.)])',
  answer:
    'ConverseResponse(Output=ConverseOutput(Message=Message(Role=assistant, Content=[ContentBlock(Text=It rains, so stay (in).)])), ' +
    'StopReason=max_tokens, Usage=TokenUsage(InputTokens=5, OutputTokens=2, TotalTokens=7), Metrics=ConverseMetrics(LatencyMs=3))',
  call:
    'ConverseResponse(Output=ConverseOutput(Message=Message(Role=assistant, Content=[ContentBlock(ToolUse=ToolUseBlock(ToolUseId=c2, Name=look, Input={"at": "door"}))])), ' +
    'StopReason=tool_use, Usage=TokenUsage(InputTokens=5, OutputTokens=2, TotalTokens=7))',
};

type Bodies = Record<keyof typeof API, unknown>;
const SDKS: Readonly<Record<string, Bodies>> = { API, Go: GO, '.NET': DOTNET, Java: JAVA };

const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const PLACES: Readonly<Record<string, (request: unknown, answer: unknown) => Attributes>> = {
  'gen-ai': (request, answer) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.prompt': text(request),
    'gen_ai.completion': text(answer),
  }),
  openinference: (request, answer) => ({
    'openinference.span.kind': 'LLM',
    'input.value': text(request),
    'output.value': text(answer),
  }),
  langfuse: (request, answer) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.input': text(request),
    'langfuse.observation.output': text(answer),
  }),
};

const called = (id: string, at: string) => [
  {
    id,
    type: 'function',
    function: { name: 'look', arguments: expect.stringMatching(new RegExp(`^\\{"at": ?"${at}"\\}$`)) },
  },
];

describe.each(Object.entries(PLACES))('%s', (_place, attributesOf) => {
  test.each(Object.entries(SDKS))('%s', (_sdk, { request, answer, call }) => {
    const reading = read(attributesOf(request, answer));
    expect(reading).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'How is it?' },
        { role: 'assistant', content: 'I look.', tool_calls: called('c1', 'yard') },
        { role: 'tool', content: 'rain', tool_call_id: 'c1' },
      ],
      output: 'It rains, so stay (in).',
      finishReason: 'length',
      promptTokens: 5,
      outputTokens: 2,
      model: 'claude',
    });
    const { outputMessage, finishReason, output } = read(attributesOf(request, call));
    expect(outputMessage).toEqual({ role: 'assistant', tool_calls: called('c2', 'door') });
    expect([finishReason, output]).toEqual(['tool_calls', undefined]);
  });
});

test('data of an app with a value is none of their unions', () => {
  const rows = JSON.stringify({ Rows: [{ Value: 'a' }], Output: { Value: 3 } });
  expect(read({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': rows }).output).toBe(rows);
});

describe("OpenInference's input", () => {
  test.each<[string, unknown]>([
    ['with a config', { inferenceConfig: { maxTokens: 7, temperature: 0.5 } }],
    ['with tools alone', { toolConfig: { tools: [{ toolSpec: { name: 'look', inputSchema: { json: {} } } }] } }],
    ['without either', {}],
  ])('%s is a request with parameters, read alike in both ways', (_name, more) => {
    const request = JSON.stringify({ ...API.request, ...(more as object) });
    const attributes: Attributes = {
      'openinference.span.kind': 'LLM',
      'llm.model_name': 'claude',
      'input.value': request,
      'input.mime_type': 'application/json',
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.content': 'How is it?',
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.content': 'It rains.',
    };
    const reading = read(attributes);
    const { maxTokens, temperature } = reading;
    const { inferenceConfig = {} } = JSON.parse(request) as { inferenceConfig?: object };
    expect({ maxTokens, temperature }).toEqual({ maxTokens: undefined, temperature: undefined, ...inferenceConfig });
    expect(reading.providerRequest).toEqual(JSON.parse(request));
    const span = makeSpan(attributes);
    const short = writeShortly(span);
    if (short !== undefined) expect(contentOf(short)).toEqual(contentOf(writeLong(span)));
  });
});

test.each([
  ['Fine :) thanks', 'and (you'],
  ['a) one b) two', '[ ] todo ( x'],
  ['{ an object', '1] first 2] second'],
])('a text with brackets that nothing closes, as Java prints it, is whole: %j, %j', (said, asked) => {
  const request = `ConverseRequest(ModelId=claude, Messages=[Message(Role=user, Content=[ContentBlock(Text=${asked})])])`;
  const answer =
    `ConverseResponse(Output=ConverseOutput(Message=Message(Role=assistant, Content=[ContentBlock(Text=${said})])), ` +
    'StopReason=end_turn, Usage=TokenUsage(InputTokens=5, OutputTokens=2))';
  const reading = read({ 'openinference.span.kind': 'LLM', 'input.value': request, 'output.value': answer });
  expect(reading).toMatchObject({ output: said, messages: [{ role: 'user', content: asked }], promptTokens: 5 });
});
