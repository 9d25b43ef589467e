import { describe, expect, it } from 'vitest';
import { CALL_PARIS, kindOf, read } from '../span.ts';

const json = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [`mlflow.${key}`, JSON.stringify(value)]));

describe('an MLflow span', () => {
  it.each([
    ['CHAT_MODEL', 'model'],
    ['LLM', 'model'],
    ['TOOL', 'tool'],
    ['AGENT', 'agent'],
    ['CHAIN', 'generic'],
    ['EMBEDDING', 'generic'],
    ['UNKNOWN', 'generic'],
  ])('%s: %s', (spanType, kind) => {
    expect(kindOf(json({ spanType }))).toBe(kind);
    expect(kindOf({ 'mlflow.spanType': spanType })).toBe(kind);
  });

  it('reads request, response, tokens and costs of a call', () => {
    const reading = read(
      json({
        spanType: 'CHAT_MODEL',
        spanInputs: { model: 'gpt-4o', temperature: 0.2, messages: [{ role: 'user', content: 'Weather?' }] },
        spanOutputs: {
          id: 'chatcmpl-1',
          choices: [
            { finish_reason: 'tool_calls', message: { role: 'assistant', content: null, tool_calls: [CALL_PARIS] } },
          ],
        },
        'chat.tokenUsage': { input_tokens: 42, output_tokens: 9, total_tokens: 51, cache_read_input_tokens: 16 },
        'llm.cost': { input_cost: 0.1, output_cost: 0.2, total_cost: 0.3 },
        'llm.model': 'gpt-4o',
        'llm.provider': 'openai',
        'chat.tools': [{ type: 'function', function: { name: 'get_weather' } }],
      }),
    );
    expect(reading).toMatchObject({
      model: 'gpt-4o',
      provider: 'openai',
      temperature: 0.2,
      tools: [{ name: 'get_weather' }],
      messages: [{ role: 'user', content: 'Weather?' }],
      outputMessage: { role: 'assistant', tool_calls: [CALL_PARIS] },
      finishReason: 'tool_calls',
      callId: 'chatcmpl-1',
      promptTokens: 42,
      outputTokens: 9,
      promptCost: 0.1,
      outputCost: 0.2,
      metadata: { cache_read_tokens: 16 },
    });
  });

  it('reads arguments and result of a tool without their quotes', () => {
    const reading = read(json({ spanType: 'TOOL', spanInputs: { location: 'Paris' }, spanOutputs: 'rainy' }), {
      name: 'get_weather',
    });
    expect(reading).toMatchObject({ name: 'get_weather', inputs: { location: 'Paris' }, output: 'rainy' });
  });

  it('gives an agent no tokens of its own', () => {
    const reading = read(json({ spanType: 'AGENT', 'chat.tokenUsage': { input_tokens: 84, output_tokens: 18 } }));
    expect(reading.promptTokens).toBeUndefined();
    expect(reading.metadata).toMatchObject({ usage: { prompt_tokens: 84, output_tokens: 18 } });
  });
});

it('reads what DSPy returns: texts, and objects with reasoning and calls', () => {
  const dspy = (spanOutputs: unknown) =>
    read({
      ...json({ spanType: 'CHAT_MODEL', spanInputs: { prompt: 'Weather?' }, spanOutputs, 'message.format': 'dspy' }),
    });
  expect(dspy(['{"role":"assistant","content":"its own"}']).output).toBe('{"role":"assistant","content":"its own"}');
  const { outputMessage, contentMetadata } = dspy([{ text: null, tool_calls: [CALL_PARIS], reasoning_content: 'hm' }]);
  expect(outputMessage).toEqual({ role: 'assistant', tool_calls: [CALL_PARIS] });
  expect(contentMetadata?.['reasoning']).toBe('hm');
  expect(dspy([{ score: 1 }]).output).toBe('[{"score":1}]');
});

it('reads the parameters, tools and choice of a tool of a request for Converse', () => {
  const request = {
    modelId: 'anthropic.claude',
    messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
    toolConfig: { tools: [{ toolSpec: { name: 'get' } }], toolChoice: { any: {} } },
  };
  const { model, tools, other } = read(json({ spanType: 'CHAT_MODEL', spanInputs: request }));
  expect({ model, tools, other }).toEqual({
    model: 'anthropic.claude',
    tools: [{ name: 'get' }],
    other: { tool_choice: { any: {} } },
  });
});
