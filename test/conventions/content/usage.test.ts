/** Tokens and costs under the names of providers, SDKs and gateways. */
import { describe, expect, it } from 'vitest';
import { read } from '../span.ts';

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it.each([
  [{ 'gen_ai.usage.details.cached_content_token_count': 7 }, { cache_read_tokens: 7 }],
  [{ 'gen_ai.usage.details.cacheCreationInputTokens': '7' }, { cache_write_tokens: 7 }],
  [{ 'gen_ai.usage.prompt_tokens_details.cached_tokens': 7 }, { cache_read_tokens: 7 }],
  [{ 'gen_ai.usage.thoughts_token_count': 7 }, { reasoning_tokens: 7 }],
  [
    { 'gen_ai.usage.details.input_audio_tokens': 7, 'gen_ai.usage.details.output_audio_tokens': 0 },
    { input_audio_tokens: 7 },
  ],
  [{ 'gen_ai.usage.cost': { amount: 2, currency: 'CHF' } }, { total_cost: 2, cost_currency: 'CHF' }],
])('reads %j', (attributes, details) => {
  expect(read({ ...CALL, ...attributes }).metadata).toEqual({ convention: 'gen-ai', ...details });
});

it.each([-1, 1.1e12, Number.NaN])('reads %d, which is not a cost, as none', (cost) => {
  const costs = { 'gen_ai.usage.input_cost': cost, 'gen_ai.usage.output_cost': 2, 'gen_ai.usage.cost': cost };
  const reading = read({ ...CALL, ...costs });
  expect(reading).toMatchObject({ outputCost: 2 });
  expect(reading.promptCost ?? reading.metadata?.['total_cost']).toBeUndefined();
});

it("reads what the span does not say from the provider's raw answer", () => {
  const usage = {
    prompt_tokens: 9,
    completion_tokens: 4,
    prompt_tokens_details: { cached_tokens: 5, audio_tokens: 0 },
  };
  const output = JSON.stringify({ id: 'r1', model: 'm', choices: [], usage });
  const reading = read({ 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'output.value': output });
  expect(reading).toMatchObject({ promptTokens: 9, outputTokens: 4, metadata: { cache_read_tokens: 5 } });
  expect(reading.metadata).not.toHaveProperty('input_audio_tokens');
});

it('leaves the details of what a model wrote as JSON', () => {
  const said = { generations: ['a', 'b'], usage: { input_tokens: 3, cache_read_input_tokens: 2 } };
  const call = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm', 'llm.token_count.prompt': 9 };
  expect(read({ ...call, 'output.value': JSON.stringify(said) }).metadata).toEqual({ convention: 'openinference' });
});

describe("the parts of Langfuse's usage", () => {
  it.each([
    ['add up', { input: 10, input_cached_tokens: 80, output: 5, output_reasoning_tokens: 5, total: 100 }, [90, 10]],
    ['are included in input', { input: 90, input_cached_tokens: 80, output: 10, total: 100 }, [90, 10]],
    [
      'are included in both',
      { input: 90, input_cached_tokens: 80, output: 10, output_reasoning_tokens: 5, total: 100 },
      [90, 10],
    ],
    ['agree with nothing', { input: 70, input_cached_tokens: 80, output: 10, total: 100 }, [90, 10]],
    ['have no total', { input: 10, input_cached_tokens: 80, output: 10 }, [90, 10]],
    ['are more than the total', { input: 90, output: 10, total: 0 }, [90, 10]],
  ])('%s', (_how, usage, [promptTokens, outputTokens]) => {
    const attributes = {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.usage_details': JSON.stringify(usage),
    };
    expect(read(attributes)).toMatchObject({ promptTokens, outputTokens });
  });
});

describe('usage in the raw answer', () => {
  const answer = {
    choices: [{ message: { role: 'assistant', content: 'x' } }],
    usage: { prompt_tokens: 3, completion_tokens: 1 },
  };
  const printed =
    "ChatCompletion(id='c', choices=[Choice(finish_reason='stop', message=ChatCompletionMessage(content='x', " +
    "role='assistant', tool_calls=None))], usage=CompletionUsage(completion_tokens=1, prompt_tokens=3))";
  const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

  it.each<[string, Record<string, unknown>, string]>([
    ['gen-ai', CALL, 'gen_ai.completion'],
    ['openinference', { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' }, 'output.value'],
    ['langfuse', { 'langfuse.observation.type': 'generation' }, 'langfuse.observation.output'],
    ['mlflow', { 'mlflow.spanType': '"CHAT_MODEL"' }, 'mlflow.spanOutputs'],
  ])('counts in %s, as JSON and as Python prints it', (_vocabulary, attributes, key) => {
    for (const text of [JSON.stringify(answer), printed]) {
      const reading = read({ ...attributes, [key]: text });
      expect(reading).toMatchObject({ output: 'x', promptTokens: 3, outputTokens: 1 });
    }
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['gen-ai', CALL, 'gen_ai.completion'],
    ['openinference', { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' }, 'output.value'],
    ['langfuse', { 'langfuse.observation.type': 'generation' }, 'langfuse.observation.output'],
  ])('words of an answer in %s that are Python stay as they are', (_vocabulary, attributes, key) => {
    for (const text of ["{'a': 1}", "['a', 'b']", 'Point(x=1)']) {
      expect(read({ ...attributes, [key]: text }).output).toBe(text);
    }
  });

  it('does not count beside tokens that the span names, or on a span that is no call', () => {
    const text = JSON.stringify(answer);
    expect(read({ ...CALL, 'gen_ai.completion': text, 'gen_ai.usage.input_tokens': 9 })).toMatchObject({
      promptTokens: 9,
    });
    expect(read({ ...CALL, 'gen_ai.completion': text, 'gen_ai.usage.input_tokens': 9 }).outputTokens).toBeUndefined();
    const chain = read({ 'openinference.span.kind': 'CHAIN', 'output.value': text });
    expect(chain.promptTokens).toBeUndefined();
  });

  it('is found where LangChain has it', () => {
    const result = { generations: [], llm_output: { token_usage: { prompt_tokens: 3, completion_tokens: 1 } } };
    expect(read({ ...CALL, 'gen_ai.completion': JSON.stringify(result) })).toMatchObject({
      promptTokens: 3,
      outputTokens: 1,
    });
  });

  it.each([{ kwargs: {} }, {}])('is found in the message of LangChain, serialised or not: %o', (shape) => {
    const fields = { usage_metadata: { input_tokens: 3, output_tokens: 1, input_token_details: { cache_read: 2 } } };
    const message = 'kwargs' in shape ? { lc: 1, kwargs: fields } : fields;
    const result = JSON.stringify({ generations: [[{ text: 'a', message }]] });
    for (const span of [
      { ...CALL, 'gen_ai.completion': result },
      { ...OPENINFERENCE, 'output.value': result },
    ]) {
      const { promptTokens, outputTokens, metadata } = read(span);
      expect([promptTokens, outputTokens, metadata?.['cache_read_tokens']]).toEqual([3, 1, 2]);
    }
  });
});

const OPENINFERENCE = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' };

it.each([
  ['prompt_details.cached_tokens', 'cache_read_tokens'],
  ['prompt_details.cache_creation', 'cache_write_tokens'],
  ['completion_details.reasoning_tokens', 'reasoning_tokens'],
  ['completion_details.audio_tokens', 'output_audio_tokens'],
])('reads %s of OpenInference', (key, field) => {
  expect(read({ ...OPENINFERENCE, [`llm.token_count.${key}`]: '7' }).metadata).toMatchObject({ [field]: 7 });
});

it('leaves out a cost that v4 cannot hold', () => {
  expect(read({ ...CALL, 'gen_ai.usage.input_cost': 1e12, 'gen_ai.usage.output_cost': 1e13 })).toMatchObject({
    promptCost: 1e12,
  });
  expect(read({ ...CALL, 'gen_ai.usage.output_cost': 1e13 }).outputCost).toBeUndefined();
});

it('reads what a turn of Gemini’s Live API has used', () => {
  const usageMetadata = { promptTokenCount: 4, responseTokenCount: 6, totalTokenCount: 10 };
  const body = JSON.stringify({ serverContent: { outputTranscription: { text: 'Oslo.' } }, usageMetadata });
  expect(read({ ...OPENINFERENCE, 'output.value': body })).toMatchObject({ promptTokens: 4, outputTokens: 6 });
});

it.each([
  ['llm', { promptTokens: 3, outputTokens: 2 }, undefined],
  ['task', {}, { prompt_tokens: 3, output_tokens: 2 }],
])('takes no count of an app for usage on a span of Braintrust of type %s', (type, tokens, usage) => {
  const metrics = (own: object) => ({
    'braintrust.span_attributes': JSON.stringify({ type, name: 'x' }),
    'braintrust.metrics': JSON.stringify(own),
  });
  const reading = read(metrics({ prompt_tokens: 3, completion_tokens: 2, cost: 7, eval_count: 9 }));
  expect(reading).toMatchObject(tokens);
  expect(reading.metadata?.['usage']).toEqual(usage);
  if (type === 'task') expect(read(metrics({ cost: 7, eval_count: 9 })).metadata).not.toHaveProperty('usage');
});
