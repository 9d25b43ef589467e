/** What a span says only in the body of a request or an answer. */
import { describe, expect, it } from 'vitest';
import { read } from '../span.ts';

const call = { 'gen_ai.operation.name': 'chat' };
const answer = { id: 'c', model: 'm-1', choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' } }] };

describe('the model', () => {
  it.each([
    ['of the request', { 'gen_ai.prompt': JSON.stringify({ model: 'm-0', messages: [] }) }, 'm-0'],
    ['of the answer', { 'gen_ai.completion': JSON.stringify(answer) }, 'm-1'],
    ['of the first piece', { 'gen_ai.completion': JSON.stringify([answer, { ...answer, model: 'm-2' }]) }, 'm-1'],
    [
      'on the span, whatever the body says',
      { 'gen_ai.request.model': 'm', 'gen_ai.completion': JSON.stringify(answer) },
      'm',
    ],
  ])('is that %s', (_title, attributes, model) => {
    expect(read({ ...call, ...attributes }).model).toBe(model);
  });

  it.each([
    ['of a car', { model: 'Corolla', output: 'fast' }],
    ['of a car with a list', { model: 'Corolla', output: ['fast'], content: [{ wheels: 4 }] }],
    ['of a car with empty lists', { model: 'Corolla', output: [], content: [], choices: [] }],
    ['that is unknown', { ...answer, model: 'unknown' }],
  ])('is none that is %s', (_title, body) => {
    expect(read({ ...call, 'gen_ai.completion': JSON.stringify(body) }).model).toBeUndefined();
    expect(read({ ...call, 'gen_ai.completion': `data: ${JSON.stringify(body)}` }).model).toBeUndefined();
  });
});

describe('the config in a request', () => {
  const span = (request: object) => read({ ...call, 'gen_ai.prompt': JSON.stringify({ model: 'm', ...request }) });
  const messages = [{ role: 'user', content: 'Hi' }];

  it.each([['config'], ['generationConfig'], ['generation_config']])('of Gemini has its parameters: %s', (key) => {
    const config = { temperature: 0.1, systemInstruction: 'Be brief.', maxOutputTokens: 9 };
    const { temperature, maxTokens, messages: read } = span({ contents: [{ parts: [{ text: 'Hi' }] }], [key]: config });
    expect({ temperature, maxTokens }).toEqual({ temperature: 0.1, maxTokens: 9 });
    expect(read?.[0]).toEqual({ role: 'system', content: 'Be brief.' });
    expect(span({ messages, [key]: config })).toMatchObject({ temperature: 0.1, maxTokens: 9 });
  });

  it('of an app stays as it is', () => {
    const config = { temperature: 20, configurable: { thread_id: 't' } };
    expect(span({ messages, config })).toMatchObject({ other: { config } });
    expect(span({ messages, config }).temperature).toBeUndefined();
  });
});

describe('LangChain’s generations', () => {
  const message = { content: 'Hi', type: 'ai', usage_metadata: { input_tokens: 3, output_tokens: 1 } };
  const span = (generation: object) => {
    const body = { generations: [[{ text: 'Hi', ...generation }]], llm_output: { token_usage: {} } };
    return read({ 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'output.value': JSON.stringify(body) });
  };

  it('say why they ended, beside their message or in it', () => {
    expect(span({ message, generation_info: { finish_reason: 'length' } }).finishReason).toBe('length');
    const about = { response_metadata: { stop_reason: 'max_tokens' } };
    expect(span({ message: { ...message, ...about } }).finishReason).toBe('length');
    expect(span({ message: { lc: 1, kwargs: { ...message, ...about } } }).finishReason).toBe('length');
  });

  it('have tokens in their message where the sums are empty', () => {
    expect(span({ message })).toMatchObject({ promptTokens: 3, outputTokens: 1 });
  });
});

describe('a body with what most bodies lack', () => {
  const OPENINFERENCE = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' };
  const said = { role: 'assistant', content: 'Hi' };
  const choice = { index: 0, message: said, finish_reason: 'stop' };
  const usageMetadata = { promptTokenCount: 5, totalTokenCount: 9 };

  it.each([
    ['a choice that is null', { model: 'm', choices: [choice, null] }, 'Hi'],
    ['a choice with a text for its message', { model: 'm', choices: [{ index: 0, message: 'Hi' }] }, 'Hi'],
    ['an item without a type', { model: 'm', output: [{ content: [{ type: 'output_text', text: 'Hi' }] }] }, 'Hi'],
    ['a message alone for a list', { model: 'm', response: said }, 'Hi'],
    ['an output with its reason', { model: 'm', output: { text: 'Hi', finish_reason: 'stop' } }, 'Hi'],
    ['a prompt without an answer', { generations: [[], [{ text: 'Hi' }]], llm_output: null }, 'Hi'],
    ['no answer of LangChain', { generations: [[]], llm_output: {} }, undefined],
    ['a candidate without parts', { candidates: [{ content: { role: 'model' } }], usageMetadata }, undefined],
    ['one that only thought', { candidates: [{ content: { role: 'model' }, finishReason: 'MAX_TOKENS' }] }, undefined],
  ])('is read: %s', (_title, body, output) => {
    const text = JSON.stringify(body);
    expect(read({ ...OPENINFERENCE, 'output.value': text }).output).toBe(output);
    expect(read({ ...call, 'gen_ai.completion': text }).output).toBe(output);
  });

  it.each([
    { model: 'T3', choices: [null, { label: 'A' }] },
    { model: 'T3', output: { text: 'Hi' } },
    { output: [null] },
    { generations: [[null]] },
  ])('is none without them: %j', (body) => {
    const text = JSON.stringify(body);
    expect(read({ ...OPENINFERENCE, 'output.value': text }).output).toBe(text);
    expect(read({ ...call, 'gen_ai.completion': text }).output).toBe(text);
  });
});

it('a text that is a thought is reasoning, whatever its type says', () => {
  const content = [
    { type: 'text', text: 'Hm.', thought: true },
    { type: 'text', text: 'Hi.' },
  ];
  const { output, contentMetadata } = read({
    ...call,
    'gen_ai.completion': JSON.stringify({ role: 'assistant', content }),
  });
  expect({ output, reasoning: contentMetadata?.['reasoning'] }).toEqual({ output: 'Hi.', reasoning: 'Hm.' });
});

describe('calls that the provider ran', () => {
  const flat = {
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'm',
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': 'Hi.',
  };
  const use = { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'q' } };
  const result = { type: 'web_search_tool_result', tool_use_id: 's', content: [] };

  it('are in the body if the flattened messages lack them', () => {
    const content = [use, result, { type: 'text', text: 'Hi.' }, { type: 'tool_use', id: 't', name: 'f', input: {} }];
    const reading = read({ ...flat, 'output.value': JSON.stringify({ id: 'm', role: 'assistant', content }) });
    const calls = [{ id: 's', name: 'web_search', input: { query: 'q' }, result: [] }];
    expect(reading).toMatchObject({ output: 'Hi.', contentMetadata: { provider_tool_calls: calls } });
    expect(reading.outputMessage?.tool_calls).toBeUndefined();
  });

  it('are not looked for in hidden messages', () => {
    const hidden = { ...flat, 'llm.output_messages.0.message.content': '__REDACTED__' };
    const body = { id: 'm', role: 'assistant', content: [use] };
    expect(read({ ...hidden, 'output.value': JSON.stringify(body) }).contentMetadata ?? {}).not.toHaveProperty(
      'provider_tool_calls',
    );
  });
});
