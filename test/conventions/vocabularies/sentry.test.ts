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

  it.each([
    ['once, which a stream of Gemini lists as parts and again', [0, 1, 0, 1], 2],
    ['as often as the parts came', [0, 0, 0, 0], 2],
  ])('has each call %s', (_what, at, count) => {
    const parts = [
      { name: 'look', args: { at: 'a' } },
      { name: 'look', args: { at: 'b' } },
    ];
    const items = at.map((which, index) => {
      const { name, args } = parts[which]!;
      return index < 2 ? { name, args } : { type: 'function', name, arguments: args };
    });
    const reading = read({ ...chat, 'gen_ai.response.tool_calls': JSON.stringify(items) });
    expect(reading.outputMessage?.tool_calls).toHaveLength(count);
  });

  it.each([
    ['auto.ai.langgraph', 'rainy'],
    ['manual', '[{"role":"assistant","content":"rainy"}]'],
  ])('has a run instead of a text only where the graph wrote it: %s', (origin, output) => {
    const attributes = {
      'sentry.op': 'gen_ai.invoke_agent',
      'sentry.origin': origin,
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.response.streaming': true,
      'gen_ai.response.text': '[{"role":"assistant","content":"rainy"}]',
    };
    expect(read(attributes).output).toBe(output);
  });

  it('has failed by its status alone', () => {
    expect(read(chat, { status: { code: 2 } }).error).toEqual({});
  });
});

const BLOCK = { type: 'text', text: 'rainy' };

it.each<[string, Record<string, unknown>, unknown[], string | undefined]>([
  ['Anthropic', { 'gen_ai.system': 'anthropic' }, [BLOCK, { ...BLOCK, citations: null }], 'rainy\nrainy'],
  ['Anthropic, but JSON of its own', { 'gen_ai.system': 'anthropic' }, [{ ...BLOCK, source: 'radio' }], undefined],
  ['another provider, which streams', { 'gen_ai.response.streaming': true }, [BLOCK], undefined],
])('blocks of %s are the answer or its text', (_title, more, blocks, expected) => {
  const text = JSON.stringify(blocks);
  expect(read({ ...chat, ...more, 'gen_ai.response.text': text }).output).toBe(expected ?? text);
});

it.each<[string, Record<string, unknown>, string | undefined, string[] | undefined]>([
  ['as many as there are reasons', { 'gen_ai.response.finish_reasons': '["stop","length"]' }, 'A', ['B']],
  ['as many as were asked for', { 'gen_ai.request.choice.count': 2 }, 'A', ['B']],
  ['one', { 'gen_ai.response.finish_reasons': ['stop'] }, '["A","B"]', undefined],
])('a streamed list of texts is that of the choices if there are %s', (_, counts, output, choices) => {
  const stream = { 'gen_ai.response.text': '["A","B"]', 'gen_ai.response.streaming': true };
  const reading = read({ ...chat, ...stream, ...counts });
  expect(reading.output).toBe(output);
  expect(reading.contentMetadata?.['choices']).toEqual(choices);
});

describe('release 11', () => {
  const call = {
    'sentry.op': 'gen_ai.chat',
    'sentry.origin': 'auto.ai.google_genai',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'm',
  };

  it("has Gemini's own parts in objects, which are nobody's words", () => {
    const parts = [
      { type: 'object', content: { executableCode: { language: 'PYTHON', code: 'print(1)' } } },
      { type: 'object', content: { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } } },
      { type: 'text', content: 'One' },
    ];
    const messages = JSON.stringify([{ role: 'assistant', parts }]);
    expect(read({ ...call, 'gen_ai.output.messages': messages }).output).toBe('One');
  });

  it('names the reason and the parameters of embeddings otherwise', () => {
    expect(read({ ...call, 'gen_ai.response.stop_reason': 'end_turn' }).finishReason).toBe('stop');
    const embedding = { ...call, 'sentry.op': 'gen_ai.embeddings', 'gen_ai.operation.name': 'embeddings' };
    const asked = { 'gen_ai.request.dimensions': 256, 'gen_ai.request.encoding_format': 'float' };
    expect(read({ ...embedding, ...asked }).other).toMatchObject({ dimensions: 256, encoding_formats: ['float'] });
  });
});
