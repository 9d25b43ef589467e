import { describe, expect, it } from 'vitest';
import { CALL_PARIS, kindOf, read } from '../span.ts';

const request = {
  model: 'gpt-4o',
  temperature: 0.2,
  stop: ['END'],
  messages: [{ role: 'user', content: 'Weather?' }],
  tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }],
};
const response = {
  id: 'chatcmpl-1',
  model: 'gpt-4o-2024-08-06',
  choices: [
    { index: 0, finish_reason: 'tool_calls', message: { role: 'assistant', content: null, tool_calls: [CALL_PARIS] } },
  ],
};

describe('a LangSmith run', () => {
  it.each([
    ['llm', 'model'],
    ['tool', 'tool'],
    ['chain', 'generic'],
    ['retriever', 'generic'],
    ['prompt', 'generic'],
    ['embedding', 'generic'],
  ])('%s: %s, whatever operation it is given', (kind, log) => {
    expect(kindOf({ 'langsmith.span.kind': kind, 'gen_ai.operation.name': 'chat' })).toBe(log);
  });

  it('is a log from its start, with only one attribute', () => {
    expect(kindOf({ 'langsmith.traceable': 'true' })).toBe('generic');
  });

  it('reads request and response of a call', () => {
    const reading = read({
      'langsmith.span.kind': 'llm',
      'gen_ai.operation.name': 'chat',
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.finish_reasons': 'tool_calls, stop',
      'gen_ai.usage.input_tokens': 42,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.input_token_details': '{"cache_read":16}',
      'langsmith.metadata.LANGSMITH_TRACING': 'true',
      'langsmith.metadata.ls_provider': 'openai',
      'langsmith.metadata.tenant': 'acme',
      'langsmith.trace.session_name': 'my project',
      'gen_ai.prompt': JSON.stringify(request),
      'gen_ai.completion': JSON.stringify(response),
    });
    expect(reading).toMatchObject({
      model: 'gpt-4o',
      provider: 'openai',
      temperature: 0.2,
      stop: ['END'],
      tools: [{ name: 'get_weather', parameters: { type: 'object' } }],
      messages: [{ role: 'user', content: 'Weather?' }],
      outputMessage: { role: 'assistant', tool_calls: [CALL_PARIS] },
      promptTokens: 42,
      outputTokens: 9,
      finishReason: 'tool_calls',
      callId: 'chatcmpl-1',
      contentMetadata: { tenant: 'acme' },
      metadata: { cache_read_tokens: 16, langsmith_project: 'my project', response_model: 'gpt-4o-2024-08-06' },
      providerRequest: request,
      providerResponse: response,
    });
    expect(reading.output).toBeUndefined();
    expect(reading.contentMetadata).toEqual({ tenant: 'acme' });
  });

  it('reads LangChain messages', () => {
    const message = (name: string, content: string) => ({
      lc: 1,
      type: 'constructor',
      id: ['m', name],
      kwargs: { content },
    });
    const { messages, output } = read({
      'langsmith.span.kind': 'llm',
      'gen_ai.prompt': JSON.stringify({
        messages: [[message('SystemMessage', 'be brief'), message('HumanMessage', 'hi')]],
      }),
      'gen_ai.completion': JSON.stringify({ generations: [[{ text: 'yo', message: message('AIMessage', 'yo') }]] }),
    });
    expect(messages).toEqual([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'hi' },
    ]);
    expect(output).toBe('yo');
  });

  it('gives a chain no tokens of its own, and unwraps its result', () => {
    const reading = read({
      'langsmith.span.kind': 'chain',
      'gen_ai.operation.name': 'chain',
      'langsmith.trace.name': 'pipeline',
      'gen_ai.prompt': '{"q":"Weather?"}',
      'gen_ai.completion': '{"outputs":"rainy"}',
      'gen_ai.usage.input_tokens': 42,
      'gen_ai.usage.output_tokens': 9,
    });
    expect(reading).toMatchObject({ name: 'pipeline', inputs: { q: 'Weather?' }, output: 'rainy' });
    expect(reading.promptTokens).toBeUndefined();
    expect(reading.messages).toBeUndefined();
    expect(reading.metadata).toMatchObject({ usage: { prompt_tokens: 42, output_tokens: 9 } });
  });

  it('reads the arguments of a LangChain tool', () => {
    const reading = read({
      'langsmith.span.kind': 'tool',
      'gen_ai.tool.name': 'get_weather',
      'gen_ai.prompt': '{"input":"{\\"location\\":\\"Paris\\"}"}',
      'gen_ai.completion': '{"output":{"temp":57}}',
    });
    expect(reading).toMatchObject({ name: 'get_weather', inputs: { location: 'Paris' }, output: '{"temp":57}' });
  });

  it('has failed with an exception, though its status is OK', () => {
    const events = [
      { name: 'exception', attributes: { 'exception.type': 'Error', 'exception.message': '429 slow down' } },
    ];
    expect(read({ 'langsmith.span.kind': 'llm' }, { status: { code: 1 }, events }).error).toEqual({
      message: '429 slow down',
    });
  });
});

it.each([
  ['for five minutes or an hour', { cache_creation: 0, ephemeral_5m_input_tokens: 5, ephemeral_1h_input_tokens: 2 }, 7],
  ['for an hour', { ephemeral_1h_input_tokens: 2 }, 2],
  ['for a time that is not said', { cache_creation: 5 }, 5],
  ['both ways', { cache_creation: 5, ephemeral_5m_input_tokens: 5 }, 5],
  ['not at all', { cache_creation: 0 }, 0],
])('counts tokens that Anthropic keeps %s once', (_title, details, count) => {
  const usage = { input_tokens: 9, output_tokens: 1, input_token_details: details };
  const span = { 'langsmith.span.kind': 'llm', 'langsmith.usage_metadata': JSON.stringify(usage) };
  expect(read(span).metadata?.['cache_write_tokens']).toBe(count);
});

const FOUND = [{ page_content: 'Oak.', metadata: {} }];

it.each<[string, unknown]>([
  ['alone', FOUND],
  ['of a retriever of LangChain', { documents: FOUND }],
  ['of a function that returned a list', { output: FOUND }],
  ['of a chain', { outputs: { documents: FOUND } }],
  ['as Python prints them', { output: ["page_content='Oak.' metadata={}"] }],
])('reads found documents %s', (_title, found) => {
  const span = { 'langsmith.span.kind': 'retriever', 'gen_ai.completion': JSON.stringify(found) };
  expect(read(span).output).toBe(JSON.stringify(FOUND));
});

it.each(['outputs', 'output'])("reads Dify's answer, also below the key `%s`", (key) => {
  const answer = {
    text: 'It rains.',
    usage: { prompt_tokens: 5, completion_tokens: 2, total_price: '0.01', currency: 'USD' },
    finish_reason: 'stop',
  };
  const run = (completion: unknown) => ({
    'langsmith.span.kind': 'llm',
    'gen_ai.completion': JSON.stringify(completion),
  });
  const plain = read(run(answer));
  expect(plain).toMatchObject({ output: 'It rains.', finishReason: 'stop', promptTokens: 5 });
  expect(read(run({ [key]: answer }))).toEqual(plain);
  const own = { [key]: { text: 'a', tone: 'b' } };
  expect(read(run(own)).output).toBe(JSON.stringify(own));
});
