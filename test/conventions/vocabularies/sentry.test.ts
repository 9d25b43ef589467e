import { describe, expect, it } from 'vitest';
import { CALL_PARIS, kindOf, read } from '../span.ts';

const chat = {
  'sentry.op': 'gen_ai.chat',
  'gen_ai.operation.name': 'chat',
  'gen_ai.system': 'openai',
  'gen_ai.request.model': 'gpt-4o',
};

describe('a Sentry span', () => {
  it.each([
    [chat, 'model'],
    [{ 'sentry.op': 'gen_ai.embeddings', 'gen_ai.operation.name': 'embeddings' }, 'generic'],
    [{ 'sentry.op': 'gen_ai.invoke_agent', 'gen_ai.operation.name': 'invoke_agent' }, 'agent'],
    [{ 'sentry.op': 'http.client', 'sentry.origin': 'auto.http.otel.node_fetch' }, undefined],
    [{ 'sentry.op': 'function' }, undefined],
  ])('%o: %s', (attributes, kind) => {
    expect(kindOf(attributes)).toBe(kind);
  });

  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['a list of texts', { 'gen_ai.response.text': '["rainy"]' }, 'rainy'],
    ['a text', { 'gen_ai.response.text': 'rainy' }, 'rainy'],
    [
      'a streamed text that looks like a list',
      { 'gen_ai.response.text': '["a"]', 'gen_ai.response.streaming': true },
      '["a"]',
    ],
    [
      'an empty text beside calls',
      { 'gen_ai.response.text': '[""]', 'gen_ai.response.tool_calls': JSON.stringify([CALL_PARIS]) },
      undefined,
    ],
  ])('answers with %s', (_what, attributes, output) => {
    expect(read({ ...chat, ...attributes }).output).toBe(output);
  });

  it('keeps further choices, and counts the messages dropped from a long history', () => {
    const reading = read({
      ...chat,
      'gen_ai.response.text': '["a","b"]',
      'gen_ai.input.messages': '[{"role":"user","content":"last"}]',
      'sentry.sdk_meta.gen_ai.input.messages.original_length': 12,
    });
    expect(reading.outputMessage).toEqual({ role: 'assistant', content: 'a' });
    expect(reading.contentMetadata).toEqual({ choices: ['b'] });
    expect(reading.metadata).toMatchObject({ dropped_messages: 11 });
  });

  it('has failed by its status alone', () => {
    expect(read(chat, { status: { code: 2 } }).error).toEqual({});
  });
});
