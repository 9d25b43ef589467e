/** Messages, answers and tools as rarer SDKs and data sets write them, wherever messages are. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const GENERATION = { 'langfuse.observation.type': 'generation' };

const ASKED: Readonly<Record<string, (messages: unknown) => Attributes>> = {
  'gen-ai': (messages) => ({ ...CHAT, 'gen_ai.input.messages': JSON.stringify(messages) }),
  openinference: (messages) => ({ 'openinference.span.kind': 'LLM', 'input.value': JSON.stringify(messages) }),
  langfuse: (messages) => ({ ...GENERATION, 'langfuse.observation.input': JSON.stringify(messages) }),
  mlflow: (messages) => ({ 'mlflow.spanType': '"LLM"', 'mlflow.spanInputs': JSON.stringify({ messages }) }),
};

const MESSAGES: readonly (readonly [string, unknown])[] = [
  ["Rust's genai", { role: 'User', content: { Text: 'Hi' } }],
  ['parts of the same', { role: 'User', content: { Parts: [{ Text: 'Hi' }] } }],
  ['a list of the same', { role: 'User', content: [{ Text: 'Hi' }] }],
];

describe.each(Object.entries(ASKED))('in %s', (_vocabulary, attributesOf) => {
  it.each(MESSAGES)('reads a message of %s', (_source, message) => {
    expect(read(attributesOf([message])).messages).toEqual([{ role: 'user', content: 'Hi' }]);
  });

  it("reads calls and results of Rust's genai", () => {
    const call = { call_id: 'c', fn_name: 'f', fn_arguments: { a: 1 } };
    const messages = [
      { role: 'Assistant', content: { ToolCalls: [call] } },
      { role: 'Tool', content: { ToolResponses: [{ call_id: 'c', content: 'sunny' }] } },
    ];
    expect(read(attributesOf(messages)).messages).toEqual([
      { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }] },
      { role: 'tool', tool_call_id: 'c', content: 'sunny' },
    ]);
  });

  it('keeps data with such a name', () => {
    const content = { Text: 'Hi', Size: 1 };
    expect(read(attributesOf([{ role: 'user', content }])).messages).toEqual([
      { role: 'user', content: JSON.stringify(content) },
    ]);
  });
});

const ANSWERED: Readonly<Record<string, (answer: unknown) => Attributes>> = {
  'gen-ai': (answer) => ({ ...CHAT, 'gen_ai.completion': JSON.stringify(answer) }),
  openinference: (answer) => ({ 'openinference.span.kind': 'LLM', 'output.value': JSON.stringify(answer) }),
  langfuse: (answer) => ({ ...GENERATION, 'langfuse.observation.output': JSON.stringify(answer) }),
};

const ANSWERS: readonly (readonly [string, unknown, object])[] = [
  ["Rust's genai", { content: [{ Text: 'Hi' }], model_iden: { model_name: 'm' } }, {}],
  ['langchaingo', { Choices: [{ Content: 'Hi', StopReason: 'stop', GenerationInfo: {} }] }, { finishReason: 'stop' }],
  ['Replicate', { id: 'p', version: 'v', created_at: '2026-01-01', status: 'succeeded', output: ['H', 'i'] }, {}],
  ['Whisper', { task: 'transcribe', language: 'english', duration: 2.5, text: 'Hi', segments: [] }, {}],
];

describe.each(Object.entries(ANSWERED))('in %s', (_vocabulary, attributesOf) => {
  it.each(ANSWERS)('reads an answer of %s', (_source, answer, more) => {
    expect(read(attributesOf(answer))).toMatchObject({ output: 'Hi', ...more });
  });

  it.each([
    { output: ['H', 'i'] },
    { text: 'Hi', language: 'english' },
    { task: 'translate', text: 'Salut', language: 'fr' },
    { task: 'transcribe', text: 'Hi', duration: 3 },
    { id: 'job-1', status: 'succeeded', output: ['H', 'i'] },
    { Choices: [{ Content: 'Hi' }] },
    { from: 'Oslo', value: 'Hi' },
    { from: 'user', value: 'Hi' },
    [
      [
        { from: 'human', value: 'Hi' },
        { from: 'gpt', value: 'Yes' },
      ],
    ],
    [[{ type: 'object', content: 'a chair' }]],
  ])('keeps %j as what the model said', (answer) => {
    expect(read(attributesOf(answer)).output).toBe(JSON.stringify(answer));
  });
});

it.each<[string, unknown]>([
  ['names that are joined', 'f, g'],
  ['a list below a key', '{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{}}}},{"toolSpec":{"name":"g"}}]}'],
  ['names under another key', '[{"tool_name":"f"},{"tool_name":"g"}]'],
  ['classes of Python', "[StructuredTool(name='f', func=<function f at 0x7f>), Tool(name='g', inputSchema={})]"],
  ['Ruby', '[{:name=>"f"}, {:name=>"g"}]'],
])('reads tools from %s', (_source, tools) => {
  for (const attributes of [
    { ...CHAT, 'gen_ai.tool.definitions': tools },
    { 'mlflow.spanType': '"CHAT_MODEL"', 'mlflow.chat.tools': tools },
  ])
    expect(read(attributes).tools?.map(({ name }) => name)).toEqual(['f', 'g']);
});
