import { describe, expect, it } from 'vitest';
import { readSession, readTags, readUser } from '../../../src/conventions/context.ts';
import { CALL_PARIS, kindOf, makeSpan, read } from '../span.ts';

const generation = (fields: Record<string, unknown>) =>
  read({
    'langfuse.observation.type': 'generation',
    ...Object.fromEntries(Object.entries(fields).map(([key, value]) => [`langfuse.observation.${key}`, value])),
  });

describe('a Langfuse observation', () => {
  it.each([
    ['generation', 'model'],
    ['tool', 'tool'],
    ['agent', 'agent'],
    ['span', 'generic'],
    ['embedding', 'generic'],
    ['retriever', 'generic'],
    ['event', 'generic'],
  ])('%s: %s', (type, kind) => {
    expect(kindOf({ 'langfuse.observation.type': type })).toBe(kind);
  });

  it('needs more than a trace name', () => {
    expect(kindOf({ 'langfuse.trace.name': 'chat', 'session.id': 's', 'http.request.method': 'GET' })).toBeUndefined();
  });

  it('offers tools, asks for JSON, and answers with a call', () => {
    const { tools, responseFormat, output, outputMessage, other } = generation({
      input: JSON.stringify({
        messages: [{ role: 'user', content: 'Weather?' }],
        tools: [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }],
      }),
      output: JSON.stringify({ role: 'assistant', content: null, tool_calls: [CALL_PARIS] }),
      'model.parameters': '{"response_format":{"type":"json_object"},"top_k":4}',
    });
    expect(tools).toEqual([{ name: 'get_weather', parameters: { type: 'object' } }]);
    expect(responseFormat).toEqual({ type: 'json_object' });
    expect(other).toEqual({ top_k: 4 });
    expect(output).toBeUndefined();
    expect(outputMessage).toEqual({ role: 'assistant', tool_calls: [CALL_PARIS] });
  });

  it.each(['{"message":"rainy"}', '{"city":"Paris"}', '[1,2]', '42', 'rainy'])(
    'keeps %s as the text it is',
    (output) => {
      expect(generation({ output }).output).toBe(output);
    },
  );

  it.each<[string, unknown, number | undefined, number | undefined]>([
    ['parts', { input: 20, input_cache_read: 17, input_cache_creation: 5, output: 9, total: 51 }, 42, 9],
    ['names of OpenAI', { prompt_tokens: 42, completion_tokens: 9, total_tokens: 51 }, 42, 9],
    ['output and total', { output: 9, total: 51 }, 42, 9],
    ['nothing', {}, undefined, undefined],
  ])('counts tokens given as %s', (_what, usage, promptTokens, outputTokens) => {
    const reading = generation({ usage_details: JSON.stringify(usage) });
    expect([reading.promptTokens, reading.outputTokens]).toEqual([promptTokens, outputTokens]);
  });

  it('has metadata in one attribute or in many', () => {
    const one = generation({ metadata: '{"a":{"b":1},"c":"d"}' }).contentMetadata;
    const many = generation({ 'metadata.a': '{"b":1}', 'metadata.c': 'd' }).contentMetadata;
    expect(one).toEqual({ a: { b: 1 }, c: 'd' });
    expect(many).toEqual(one);
  });

  it('has failed only at level ERROR', () => {
    expect(generation({ level: 'error', status_message: 'boom' }).error).toEqual({ message: 'boom' });
    expect(generation({ level: 'default' }).metadata?.['level']).toBeUndefined();
    expect(generation({ level: 'ERROR', status_message: 'quota' }).error).toEqual({ message: 'quota' });
    const warned = generation({ level: 'WARNING', status_message: 'slow', output: 'rainy' });
    expect(warned.error).toBeUndefined();
    expect(warned.contentMetadata).toMatchObject({ status_message: 'slow' });
  });
});

it("takes session, user and tags from the metadata of LangChain's callback", () => {
  const metadata = { session_id: 's', user_id: 'u', tags: 'a,b' };
  for (const level of ['trace', 'observation']) {
    const span = makeSpan(
      Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [`langfuse.${level}.metadata.langfuse_${name}`, value]),
      ),
    );
    expect([readSession(span), readUser(span), readTags(span)]).toEqual(['s', 'u', ['a', 'b']]);
  }
});

describe('the wrapper of OpenAI, in spans that the app has named', () => {
  const call = { 'langfuse.observation.type': 'generation', 'langfuse.observation.output': '' };
  const format = { 'langfuse.observation.metadata.response_format': '{"type":"json_object"}' };

  it('is known by its empty response format', () => {
    const span = { ...call, ...format, 'langfuse.observation.model.parameters': '{"response_format":""}' };
    expect(read(span, { name: 'mine' })).toMatchObject({ responseFormat: { type: 'json_object' } });
    expect(read(span, { name: 'mine' }).output).toBeUndefined();
  });

  it('is not taken for what the app says itself', () => {
    const span = { ...call, ...format, 'langfuse.observation.model.parameters': '{"temperature":1}' };
    const reading = read(span, { name: 'mine' });
    expect(reading).toMatchObject({ output: '', contentMetadata: { response_format: { type: 'json_object' } } });
    expect(reading.responseFormat).toBeUndefined();
  });

  it('has the parameters of a whole request in its input', () => {
    const request = (input: object) => read({ ...call, 'langfuse.observation.input': JSON.stringify(input) });
    const messages = [{ role: 'user', content: 'Hi' }];
    expect(request({ model: 'm', messages, max_tokens: 9 })).toMatchObject({ model: 'm', maxTokens: 9 });
    expect(request({ messages, max_tokens: 9 }).maxTokens).toBeUndefined();
    expect(request({ model: 'T', year: 1908, max_tokens: 9 }).maxTokens).toBeUndefined();
  });
});

it('does not count what was cached for a time beside what was cached', () => {
  const usage = {
    input: 10,
    input_cache_creation: 30,
    input_cache_creation_5m: 10,
    input_cache_creation_1h: 20,
    output: 5,
  };
  const { promptTokens, outputTokens } = read({
    'langfuse.observation.type': 'generation',
    'langfuse.observation.usage_details': JSON.stringify(usage),
  });
  expect({ promptTokens, outputTokens }).toEqual({ promptTokens: 40, outputTokens: 5 });
});

describe('what a step returns', () => {
  const step = (output: unknown, metadata: Record<string, string> = {}) =>
    read({
      'langfuse.observation.type': 'span',
      'langfuse.observation.output': JSON.stringify(output),
      ...metadata,
    }).output;
  const id = ['langchain_core', 'messages', 'AIMessage'];
  const message = { lc: 1, type: 'constructor', id, kwargs: { content: 'A linden.' } };
  const plain = { role: 'assistant', content: 'A linden.' };

  it("is the text of LangChain's message", () => {
    expect(step(message)).toBe('A linden.');
    expect(step({ output: message })).toBe('A linden.');
  });

  it.each([
    { role: 'gardener', content: 'x', said: message },
    { output: { role: 'gardener', content: 'x', said: message } },
  ])("is the app's own object, with that message inside: %j", (output) => {
    expect(JSON.parse(step(output)!)).toEqual(
      JSON.parse(JSON.stringify(output).replace(JSON.stringify(message), JSON.stringify(plain))),
    );
  });

  it("is the app's own where the last message is not the model's", () => {
    const graph = { 'langfuse.observation.metadata.ls_integration': 'langgraph' };
    expect(step({ messages: [plain] }, graph)).toBe('A linden.');
    expect(step({ messages: [plain] })).toBe(JSON.stringify({ messages: [plain] }));
    const results = { messages: ['Oslo', 'Rome'].map((content) => ({ content, role: 'look' })) };
    expect(step(results, graph)).toBe(JSON.stringify(results));
    expect(step({ messages: [{ text: 'A linden.', language: 'en' }] }, graph)).toContain('language');
  });
});

describe('the SDK for Ruby, which writes every value as JSON', () => {
  const observe = (type: string, input: unknown, output: unknown) =>
    read(
      {
        'langfuse.observation.type': type,
        'langfuse.observation.input': JSON.stringify(input),
        'langfuse.observation.output': JSON.stringify(output),
      },
      { scope: 'langfuse-rb' },
    );

  it.each(['It rains.', 'Say "no".', '"quoted"', '42', '{"a": 1}', 'a\nb'])('texts: %j', (text) => {
    const said = observe('generation', text, text);
    expect(said.messages).toEqual([{ role: 'user', content: text }]);
    expect(said.output).toBe(text);
    expect(observe('span', 'x', text)).toMatchObject({ inputs: { input: 'x' }, output: text });
  });

  it('messages and bodies', () => {
    const messages = [{ role: 'user', content: 'Hi' }];
    const said = observe('generation', { model: 'm', messages }, { role: 'assistant', content: 'Ho' });
    expect(said).toMatchObject({ messages, output: 'Ho' });
  });
});
