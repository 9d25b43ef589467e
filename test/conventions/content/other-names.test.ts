/** What sources say under names or in places of their own: usage, failures, tools, and the words for a parameter not given. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

const CALLS: Readonly<Record<string, Attributes>> = {
  'gen-ai': CHAT,
  openinference: { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' },
  langfuse: { 'langfuse.observation.type': 'generation', 'langfuse.observation.model.name': 'm' },
  openllmetry: { 'llm.request.type': 'chat', 'gen_ai.request.model': 'm', 'gen_ai.system': 'OpenAI' },
  mlflow: { 'mlflow.spanType': '"CHAT_MODEL"' },
  'vercel-ai': { 'ai.operationId': 'ai.generateText.doGenerate', 'ai.model.id': 'm' },
  laminar: { 'lmnr.span.type': 'LLM' },
  judgment: { 'judgment.span_kind': 'llm' },
};

const ANSWERS: Readonly<Record<string, Attributes>> = {
  'gen-ai': { 'gen_ai.completion': 'Hi' },
  openinference: { 'output.value': 'Hi' },
  langfuse: { 'langfuse.observation.output': 'Hi' },
  openllmetry: { 'gen_ai.completion.0.content': 'Hi', 'gen_ai.completion.0.role': 'assistant' },
  mlflow: { 'mlflow.spanOutputs': 'Hi' },
  'vercel-ai': { 'ai.response.text': 'Hi' },
  laminar: { 'lmnr.span.output': 'Hi' },
  judgment: { 'judgment.output': 'Hi' },
};

describe.each(Object.keys(CALLS))('a call of %s that has no status', (vocabulary) => {
  it.each<[Attributes, object]>([
    [
      { 'exception.type': 'TimeoutError', 'exception.message': 'late' },
      { type: 'TimeoutError', message: 'late' },
    ],
    [{ 'error.message': 'late' }, { message: 'late' }],
    [
      { 'gen_ai.error.message': 'late', 'gen_ai.error.type': 'Timeout' },
      { type: 'Timeout', message: 'late' },
    ],
    [{ error: '{"type":"Timeout","message":"late"}' }, { type: 'Timeout', message: 'late' }],
    [{ error: 'late' }, { message: 'late' }],
    [{ 'http.response.status_code': 500 }, { httpStatus: 500 }],
    [{ 'http.status_code': '429' }, { httpStatus: 429 }],
  ])('has failed if %j is all that it says', (attributes, error) => {
    expect(read({ ...CALLS[vocabulary], ...attributes }).error).toEqual(error);
    expect(read({ ...CALLS[vocabulary], ...ANSWERS[vocabulary], ...attributes })).toMatchObject({ output: 'Hi' });
    expect(read({ ...CALLS[vocabulary], ...ANSWERS[vocabulary], ...attributes }).error).toBeUndefined();
  });

  it('has failed if a bridge wrote its status as an attribute', () => {
    const attributes = { 'otel.status_code': 'ERROR', 'otel.status_description': 'late' };
    expect(read({ ...CALLS[vocabulary], ...ANSWERS[vocabulary], ...attributes }).error).toEqual({ message: 'late' });
  });

  it.each<Attributes>([
    { 'http.response.status_code': 200 },
    { error: 'false' },
    { error: false },
    { error: 'None' },
    { 'otel.status_code': 'OK' },
    { 'error.message': 'null' },
  ])('has not failed if it says %j', (attributes) => {
    expect(read({ ...CALLS[vocabulary], ...attributes }).error).toBeUndefined();
  });
});

it.each<[string, string, number]>([
  ['gen_ai.usage.input_tokens_cached', 'cache_read_tokens', 3],
  ['gen_ai.response.usage.cached_tokens', 'cache_read_tokens', 3],
  ['gen_ai.usage.input.cached_tokens', 'cache_read_tokens', 3],
  ['gen_ai.usage.tokens.cached', 'cache_read_tokens', 3],
  ['gen_ai.usage.output.reasoning_tokens', 'reasoning_tokens', 3],
  ['llm.usage.cost', 'total_cost', 0.25],
  ['llm.usage.total_cost', 'total_cost', 0.25],
  ['llm.cost.total', 'total_cost', 0.25],
  ['gen_ai.cost', 'total_cost', 0.25],
  ['gen_ai.response.cost', 'total_cost', 0.25],
  ['gen_ai.usage.estimated_cost', 'total_cost', 0.25],
  ['gen_ai.usage.costs.total', 'total_cost', 0.25],
])('reads %s as %s', (key, name, value) => {
  const reading = read({ ...CHAT, 'gen_ai.usage.input_tokens': 9, 'gen_ai.usage.output_tokens': 5, [key]: value });
  expect(reading).toMatchObject({ promptTokens: 9, outputTokens: 5, metadata: { [name]: value } });
});

it.each(['$0.25', '0.25 USD', 'USD 0.25', 'US$0.25', '0.25$', '0.25'])('reads the cost %s', (cost) => {
  expect(read({ ...CHAT, 'gen_ai.usage.total_cost': cost }).metadata).toMatchObject({ total_cost: 0.25 });
});

it.each([
  ['length_capped', 'length'],
  ['MaxOutputTokensReached', 'length'],
  ['max_new_tokens', 'length'],
  ['tool_calls_requested', 'tool_calls'],
  ['DONE', 'stop'],
])('reads why the model stopped from %s', (word, reason) => {
  expect(read({ ...CHAT, 'gen_ai.response.finish_reasons': [word] }).finishReason).toBe(reason);
});

const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 't' };

it.each([
  ...['gen_ai.tool.call.args', 'gen_ai.tool.call.parameters', 'gen_ai.tool.request', 'gen_ai.input', 'gen_ai.prompt'],
  ...['tool.arguments', 'tool.input', 'tool.parameters', 'input'],
])('reads what a tool was given from %s', (key) => {
  expect(read({ ...TOOL, [key]: '{"city":"Paris"}' }).inputs).toEqual({ city: 'Paris' });
});

it.each([
  ...['gen_ai.tool.response', 'gen_ai.tool.call.response', 'gen_ai.output', 'gen_ai.completion'],
  ...['tool.result', 'tool.output', 'output'],
])('reads what a tool answered from %s', (key) => {
  expect(read({ ...TOOL, [key]: 'sunny' }).output).toBe('sunny');
});

it('reads what a tool answered from its message, and what it was given if that is an object', () => {
  const withMessage = (content: string) =>
    read(TOOL, { events: [{ name: 'gen_ai.tool.message', attributes: { content, id: 'c' } }] });
  expect(withMessage('sunny')).toMatchObject({ output: 'sunny' });
  expect(withMessage('sunny').inputs).toBeUndefined();
  expect(withMessage('{"city":"Paris"}')).toMatchObject({ inputs: { city: 'Paris' } });
});

it('reads a choice that was flattened', () => {
  const attributes = { index: 0, finish_reason: 'stop', 'message.role': 'assistant', 'message.content': 'Hi' };
  expect(read(CHAT, { events: [{ name: 'gen_ai.choice', attributes }] })).toMatchObject({
    output: 'Hi',
    finishReason: 'stop',
  });
});

describe.each([
  'NOT_GIVEN',
  'NotGiven',
  'omit',
  '<unset>',
  'None',
  'null',
  '<openai.Omit object at 0x7f2a>',
  'unspecified',
])('a parameter that is %s', (word) => {
  const parameters = { temperature: word, max_tokens: word, stop: word, seed: word, tool_choice: word, top_p: 0.5 };
  it.each<Attributes>([
    { 'openinference.span.kind': 'LLM', 'llm.invocation_parameters': JSON.stringify(parameters) },
    { ...CALLS['langfuse'], 'langfuse.observation.model.parameters': JSON.stringify(parameters) },
    { ...CALLS['mlflow'], 'mlflow.spanInputs': JSON.stringify({ messages: [], model: 'm', ...parameters }) },
    {
      ...CHAT,
      'gen_ai.request.temperature': word,
      'gen_ai.request.stop_sequences': [word],
      'gen_ai.request.encoding_formats': word,
      'gen_ai.request.top_p': 0.5,
    },
  ])('was not given in %j', (attributes) => {
    const { temperature, maxTokens, stop, seed, topP, other } = read(attributes);
    expect({ temperature, maxTokens, stop, seed, topP, other }).toEqual({ topP: 0.5 });
  });
});

it('keeps the choice of no tool, and the least effort', () => {
  const parameters = JSON.stringify({ tool_choice: 'none', reasoning_effort: 'none', mode: 'NONE' });
  expect(read({ 'openinference.span.kind': 'LLM', 'llm.invocation_parameters': parameters }).other).toEqual({
    tool_choice: 'none',
    reasoning_effort: 'none',
    mode: 'NONE',
  });
});

it.each([
  [{ content: [{ type: 'text', text: 'sunny' }], isError: false }],
  [{ content: [{ type: 'text', text: 'sunny' }], structuredContent: { sky: 'sunny' }, _meta: null }],
  [[JSON.stringify({ type: 'text', text: 'sunny' })]],
])('reads what a tool answered in the history from %j', (response) => {
  const parts = [{ type: 'tool_call_response', id: 'c', response }];
  const messages = JSON.stringify([{ role: 'tool', parts }]);
  expect(read({ ...CHAT, 'gen_ai.input.messages': messages }).messages).toEqual([
    { role: 'tool', tool_call_id: 'c', content: 'sunny' },
  ]);
});

it.each<Attributes>([
  { ...CHAT, 'gen_ai.request.max_tokens': -1 },
  { ...CALLS['openinference'], 'llm.invocation_parameters': '{"max_tokens":-1}' },
  { ...CALLS['langfuse'], 'langfuse.observation.model.parameters': '{"max_tokens":-1}' },
  { ...CALLS['vercel-ai'], 'ai.settings.maxOutputTokens': -1 },
])('takes a negative limit for none in %j', (attributes) => {
  expect(read(attributes).maxTokens).toBeUndefined();
});
