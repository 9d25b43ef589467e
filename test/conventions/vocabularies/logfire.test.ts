import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

const scope = 'logfire.openai';
const request = { model: 'gpt-4o', temperature: 0.2, messages: [{ role: 'user', content: 'Weather?' }] };

describe('a Logfire span', () => {
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['a call', { request_data: '{}', 'gen_ai.request.model': 'gpt-4o' }, 'model'],
    ['an embedding', { request_data: '{}', 'gen_ai.request.model': 'text-embedding-3-small' }, 'generic'],
    ['what was streamed', { request_data: '{}', response_data: '{}', 'logfire.span_type': 'log' }, undefined],
    ['a call of a beta', { request_data: '{}', url: '/v1/messages?beta=true', 'gen_ai.request.model': 'm' }, 'model'],
    ['an old completion', { request_data: '{}', url: '/v1/complete', 'gen_ai.request.model': 'm' }, 'model'],
    ['a count', { request_data: '{}', url: '/v1/messages/count_tokens', 'gen_ai.request.model': 'm' }, 'generic'],
    ['a message of a thread', { request_data: '{}', url: '/threads/t/messages' }, 'generic'],
    ["the app's own span", { 'logfire.msg': 'hello', 'logfire.span_type': 'span' }, undefined],
  ])('%s', (_what, attributes, kind) => {
    expect(kindOf(attributes, { scope })).toBe(kind);
  });

  it.each([[null], [[]], [[{ url: 'https://x', note: "the app's own" }]]])(
    'reads the text beside images that are none: %j',
    (images) => {
      const attributes = { request_data: JSON.stringify(request), 'gen_ai.request.model': 'gpt-4o' };
      expect(read({ ...attributes, response_data: JSON.stringify({ images, text: 'rainy' }) }, { scope }).output).toBe(
        'rainy',
      );
    },
  );

  it('reads request and response', () => {
    const reading = read(
      {
        request_data: JSON.stringify(request),
        response_data: JSON.stringify({
          message: { content: 'rainy', role: 'assistant' },
          usage: {
            prompt_tokens: 42,
            completion_tokens: 9,
            total_tokens: 51,
            prompt_tokens_details: { cached_tokens: 16 },
          },
        }),
        'gen_ai.request.model': 'gpt-4o',
      },
      { scope },
    );
    expect(reading).toMatchObject({
      model: 'gpt-4o',
      provider: 'openai',
      temperature: 0.2,
      messages: request.messages,
      output: 'rainy',
      promptTokens: 42,
      outputTokens: 9,
      metadata: { total_tokens: 51, cache_read_tokens: 16 },
    });
  });
});
