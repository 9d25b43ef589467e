/** A body is read the same, however its names are spelled; an app's own JSON stays as it is. */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { isObject } from '../../../src/wire/json.ts';
import { read } from '../span.ts';

const json = JSON.stringify;

const REQUEST = {
  model: 'm',
  max_tokens: 9,
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"At":1}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'rain' },
  ],
};

const ANSWERS = {
  'of Chat Completions': {
    id: 'x',
    object: 'chat.completion',
    model: 'm-1',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'It rains.' } }],
    usage: { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 3 } },
  },
  'with a call': {
    id: 'x',
    object: 'chat.completion',
    model: 'm-1',
    choices: [
      {
        index: 0,
        finish_reason: 'tool_calls',
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c2', type: 'function', function: { name: 'look', arguments: '{"At":2}' } }],
        },
      },
    ],
    usage: { prompt_tokens: 5, completion_tokens: 2 },
  },
  'of Anthropic': {
    id: 'x',
    type: 'message',
    role: 'assistant',
    model: 'm-1',
    content: [{ type: 'text', text: 'It rains.' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 5, output_tokens: 2 },
  },
  'of the Responses API': {
    id: 'x',
    object: 'response',
    model: 'm-1',
    output: [{ id: 'y', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'It rains.' }] }],
    usage: { input_tokens: 5, output_tokens: 2, output_tokens_details: { reasoning_tokens: 1 } },
  },
  'of Gemini': {
    candidates: [{ index: 0, content: { role: 'model', parts: ['It rains.'] }, finish_reason: 'STOP' }],
    usage_metadata: { prompt_token_count: 5, candidates_token_count: 2, total_token_count: 7 },
  },
};

const PLACES: Readonly<Record<string, (request: unknown, answer: unknown) => Attributes>> = {
  openinference: (request, answer) => ({
    'openinference.span.kind': 'LLM',
    'input.value': json(request),
    'output.value': json(answer),
  }),
  'gen-ai': (request, answer) => ({
    'gen_ai.operation.name': 'chat',
    'gen_ai.prompt': json(request),
    'gen_ai.completion': json(answer),
  }),
  langfuse: (request, answer) => ({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.input': json(request),
    'langfuse.observation.output': json(answer),
  }),
  langsmith: (request, answer) => ({
    'langsmith.span.kind': 'llm',
    'gen_ai.prompt': json(request),
    'gen_ai.completion': json(answer),
  }),
  mlflow: (request, answer) => ({
    'mlflow.spanType': '"CHAT_MODEL"',
    'mlflow.spanInputs': json(request),
    'mlflow.spanOutputs': json(answer),
  }),
  braintrust: (request, answer) => ({
    'braintrust.span_attributes': '{"type":"llm"}',
    'braintrust.input_json': json(request),
    'braintrust.output_json': json(answer),
  }),
  truefoundry: (request, answer) => ({
    'tfy.span_type': 'ChatCompletion',
    'tfy.input': json(request),
    'tfy.output': json(answer),
  }),
  platforms: (request, answer) => ({
    'lmnr.span.type': 'LLM',
    'lmnr.span.input': json(request),
    'lmnr.span.output': json(answer),
  }),
};

const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as .NET and Go spell them': (name) => name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  'with hyphens': (name) => name.replaceAll('_', '-'),
};

function respelled(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => respelled(item, spell));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [spell(key), respelled(inner, spell)]));
}

describe.each(Object.entries(PLACES))('%s', (_, place) => {
  describe.each(Object.entries(SPELLINGS))('names %s', (_spelling, spell) => {
    test.each(Object.entries(ANSWERS))('in a body %s', (_body, answer) => {
      const plain = read(place(REQUEST, answer));
      expect(plain.outputMessage).toBeDefined();
      expect(plain.promptTokens).toBe(5);
      expect(read(place(REQUEST, respelled(answer, spell)))).toEqual(plain);
    });
  });

  test('a request of .NET', () => {
    const [, answer] = Object.entries(ANSWERS)[0]!;
    const spelled = respelled(REQUEST, SPELLINGS['as .NET and Go spell them']!) as object;
    const parameters = { type: 'object', properties: { City: { type: 'string' } } };
    const tools = [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters } }];
    const Tools = [{ Type: 'function', Function: { Name: 'look', Description: 'Looks.', Parameters: parameters } }];
    const plain = read(place({ ...REQUEST, tools }, answer));
    const { messages, tools: offered } = read(place({ ...spelled, Tools }, answer));
    expect([messages, offered]).toEqual([plain.messages, plain.tools]);
  });

  test.each([
    { Content: ['a'], Model: 'Volvo', Id: '7' },
    { Choices: ['a', 'b'], Model: 'Volvo' },
    { Choices: [{ Text: 'a' }] },
    { Usage: 'daily', 'shelf-life': 3 },
    { Id: '1', Choices: [{ Message: 'a' }] },
    { Choices: [{ Content: 'a' }, { Content: 'b' }], Model: 'T3' },
    { Id: 3, Content: [{ Type: 'heading', Content: 'a' }] },
    { Model: 'T3', Output: [{ Type: 'relay' }] },
    { choices: [{ 'my-key': 1 }], model: 'T3' },
    { usage: { 'my-key': 1 }, id: 4 },
    { candidates: [{ 'first-name': 'Ada' }], id: 1 },
    { role: 'user', 'tool-calls': [1] },
  ])('JSON that a model said: %j', (said) => {
    expect(read(place(REQUEST, said)).output).toBe(json(said));
  });
});

test.each([
  { 'langfuse.observation.type': 'tool' },
  { 'langsmith.span.kind': 'tool' },
  { 'mlflow.spanType': '"TOOL"' },
  { 'traceloop.span.kind': 'tool' },
])('what a tool was given keeps its names: %j', (span) => {
  const inputs = {
    Id: 'x',
    Model: 'm',
    Choices: [{ Message: { Role: 'assistant', Content: 'a' } }],
    usage: { 'input-tokens': 1 },
  };
  const Body = { Id: 'x', Model: 'm', Choices: [{ Message: { Role: 'assistant', Content: 'a' } }] };
  for (const given of [inputs, Body]) {
    const text = json(given);
    const places = {
      'langfuse.observation.input': text,
      'gen_ai.prompt': text,
      'mlflow.spanInputs': text,
      'traceloop.entity.input': text,
    };
    expect(read({ ...span, ...places }).inputs).toEqual(given);
  }
});
