/** Answers and tools of the GenAI conventions under names that they do not have: words, calls and reasons each at a key. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const CALL = { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } };
const WORDS: Readonly<Record<string, Attributes>> = {
  'a completion': { 'gen_ai.completion': 'Hi.' },
  'a text of the response': { 'gen_ai.response.text': 'Hi.' },
  'a list of texts': { 'gen_ai.response.text': '["Hi."]' },
  'an indexed completion': { 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': 'Hi.' },
};
const json = JSON.stringify;
const CALLS: Readonly<Record<string, (key: string) => Attributes>> = {
  'a list': (key) => ({ [key]: [{ id: 'c1', name: 'get_weather', arguments: { city: 'Oslo' } }] }),
  'its JSON': (key) => ({ [key]: json([{ id: 'c1', name: 'get_weather', arguments: '{"city":"Oslo"}' }]) }),
  "OpenAI's": (key) => ({ [key]: json([CALL]) }),
  "the AI SDK's": (key) => ({ [key]: json([{ toolCallId: 'c1', toolName: 'get_weather', input: { city: 'Oslo' } }]) }),
  flattened: (key) => ({
    [`${key}.0.id`]: 'c1',
    [`${key}.0.name`]: 'get_weather',
    [`${key}.0.input`]: '{"city":"Oslo"}',
  }),
};
const KEYS = ['gen_ai.response.tool_calls', 'gen_ai.tool_calls'];

describe.each(Object.entries(WORDS))('%s', (_place, words) => {
  it('is the answer', () => {
    expect(read({ ...CHAT, ...words })).toMatchObject({ output: 'Hi.' });
  });

  it("is the answer in an app that has Sentry's SDK, too", () => {
    expect(read({ ...CHAT, ...words, 'sentry.origin': 'manual', 'sentry.op': 'default' })).toMatchObject({
      output: 'Hi.',
    });
  });

  it.each(Object.entries(CALLS))('has the calls beside it: %s', (_shape, callsAt) => {
    for (const key of KEYS) {
      const { output, outputMessage } = read({ ...CHAT, ...words, ...callsAt(key) });
      expect({ output, outputMessage }).toEqual({
        output: 'Hi.',
        outputMessage: { role: 'assistant', content: 'Hi.', tool_calls: [CALL] },
      });
    }
  });

  it.each([2, '[{"count":2}]', '[{"name":""}]', '["get_weather"]'])('has none beside %j', (value) => {
    for (const key of KEYS) expect(read({ ...CHAT, ...words, [key]: value }).outputMessage?.tool_calls).toBeUndefined();
  });
});

it('words in an event keep their reason, and have the calls beside it', () => {
  const message = { role: 'assistant', content: 'Hi.' };
  const attributes = { index: 0, finish_reason: 'tool_calls', message: json(message) };
  const span = { ...CHAT, ...CALLS['its JSON']?.('gen_ai.response.tool_calls') };
  const reading = read(span, { events: [{ name: 'gen_ai.choice', time: [1, 0], attributes }] });
  expect(reading).toMatchObject({ output: 'Hi.', finishReason: 'tool_calls' });
  expect(reading.outputMessage).toEqual({ ...message, tool_calls: [CALL] });
});

it("calls of the first API's messages are not there twice", () => {
  const call = { name: 'get_weather', arguments: '{"city":"Oslo"}' };
  const messages = json([{ role: 'assistant', content: 'Hi.', function_call: call }]);
  const { outputMessage } = read({ ...CHAT, 'gen_ai.output.messages': messages, ...CALLS['a list']?.(KEYS[0] ?? '') });
  expect(outputMessage?.tool_calls).toHaveLength(1);
});

it('calls are an answer without words', () => {
  for (const key of KEYS) {
    const { output, outputMessage } = read({ ...CHAT, ...CALLS['its JSON']?.(key) });
    expect([output, outputMessage]).toEqual([undefined, { role: 'assistant', tool_calls: [CALL] }]);
  }
});

it('calls of messages are not there twice', () => {
  const messages = json([{ role: 'assistant', content: 'Hi.', tool_calls: [CALL] }]);
  const { outputMessage } = read({ ...CHAT, 'gen_ai.output.messages': messages, ...CALLS['a list']?.(KEYS[0] ?? '') });
  expect(outputMessage?.tool_calls).toEqual([CALL]);
});

it('nor are those in their parts', () => {
  const parts = [{ type: 'tool_call', name: 'get_weather', arguments: { city: 'Oslo' } }];
  const messages = json([{ role: 'assistant', parts }]);
  const { outputMessage } = read({ ...CHAT, 'gen_ai.output.messages': messages, ...CALLS['a list']?.(KEYS[0] ?? '') });
  expect(outputMessage?.tool_calls).toHaveLength(1);
});

it('JSON that the model said stays its words beside calls', () => {
  const said = '{"city": "Oslo"}';
  const { outputMessage } = read({ ...CHAT, 'gen_ai.response.text': said, ...CALLS['its JSON']?.(KEYS[0] ?? '') });
  expect(outputMessage).toEqual({ role: 'assistant', content: said, tool_calls: [CALL] });
});

it('reads a finish reason and an effort without the names of request and response', () => {
  expect(read({ ...CHAT, 'gen_ai.finish_reason': 'length' }).finishReason).toBe('length');
  expect(read({ ...CHAT, 'gen_ai.reasoning_effort': 'low' }).other).toEqual({ reasoning_effort: 'low' });
});

it("reads AgentOps's flattened tools", () => {
  const tools = {
    'gen_ai.request.tools.0.name': 'get_weather',
    'gen_ai.request.tools.0.description': 'The weather.',
    'gen_ai.request.tools.0.arguments': '{"type":"object","properties":{"city":{"type":"string"}}}',
  };
  expect(read({ ...CHAT, ...tools }).tools).toEqual([
    {
      name: 'get_weather',
      description: 'The weather.',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  ]);
});

it("reads a variant of Rust's with fields", () => {
  const messages = json([{ role: 'user', content: [{ Text: { text: 'Hi' } }] }]);
  expect(read({ ...CHAT, 'gen_ai.input.messages': messages }).messages).toEqual([{ role: 'user', content: 'Hi' }]);
});

it('a whole body in the place of the words has the tokens of the call', () => {
  const body = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4.1-2025-04-14',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
  };
  const call = read({ 'gen_ai.operation.name': 'chat', 'gen_ai.response.text': JSON.stringify(body) });
  expect(call).toMatchObject({ output: 'Hi', promptTokens: 5, outputTokens: 6 });
});
