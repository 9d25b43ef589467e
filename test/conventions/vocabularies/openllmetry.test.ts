/** OpenLLMetry's indexed messages, its names, and spans that only look like its own. */
import { describe, expect, it } from 'vitest';
import { classifySpan } from '../../../src/conventions/index.ts';
import { kindOf, makeSpan, read } from '../span.ts';

it('keeps the place of an assistant whose content is the text null', () => {
  const messages = ['user', 'assistant', 'tool'].flatMap((role, at) => [
    [`gen_ai.prompt.${at}.role`, role],
    [`gen_ai.prompt.${at}.content`, role === 'assistant' ? 'null' : role],
  ]);
  const { messages: history } = read({ 'llm.request.type': 'chat', ...Object.fromEntries(messages) });
  expect(history?.map(({ role, content }) => [role, content])).toEqual([
    ['user', 'user'],
    ['assistant', ''],
    ['tool', 'tool'],
  ]);
});

const conventionOf = (attributes: Record<string, unknown>, scope: string) =>
  classifySpan(makeSpan(attributes, { scope }))?.convention;
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4o' };

it.each(['openai_v2', 'vertexai', 'google_genai', 'botocore.bedrock-runtime', 'openai_agents'])(
  "leaves spans of OpenTelemetry's own package for Python to the GenAI conventions: %s",
  (name) => {
    const scope = `opentelemetry.instrumentation.${name}`;
    expect(conventionOf(CHAT, scope)).toBe('gen-ai');
    expect(conventionOf({ 'http.request.method': 'POST', 'server.address': 'api.openai.com' }, scope)).toBeUndefined();
  },
);

it.each([{ 'gen_ai.prompt.0.role': 'user' }, { 'llm.is_streaming': false }, { 'traceloop.workflow.name': 'flow' }])(
  'knows its own spans for Python by %o',
  (own) => {
    expect(conventionOf({ ...CHAT, ...own }, 'opentelemetry.instrumentation.openai.v1')).toBe('openllmetry');
  },
);

it('names an agent by its own name, not by that of the workflow that it is in', () => {
  const workflow = { 'traceloop.workflow.name': 'Agent Workflow' };
  expect(read({ 'traceloop.span.kind': 'agent', 'gen_ai.agent.name': 'Triage', ...workflow }).name).toBe('Triage');
  expect(read({ 'traceloop.span.kind': 'tool', 'gen_ai.tool.name': 'lookup', ...workflow }).name).toBe('lookup');
  expect(read({ 'traceloop.span.kind': 'workflow', 'gen_ai.agent.name': 'Triage', ...workflow }).name).toBe(
    'Agent Workflow',
  );
});

describe('messages with an index in their keys, of any scope', () => {
  const input = { role: 'user', content: 'Hi' };
  const asked = { 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'Hi' };
  const answered = { 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': 'Hello' };

  it.each([
    ['with an operation', { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' }],
    ['with a model and a system', { 'gen_ai.system': 'openai', 'gen_ai.request.model': 'm' }],
    ['with nothing else', {}],
  ])('%s', (_name, more) => {
    const attributes = { ...more, ...asked, ...answered };
    expect(kindOf(attributes, { scope: 'ai.koog' })).toBe('model');
    expect(read(attributes)).toMatchObject({ messages: [input], output: 'Hello' });
  });

  it('are no call without an answer', () => expect(kindOf(asked)).toBeUndefined());

  it('may be those of the conventions, flattened', () => {
    const flat = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages.0.message.role': 'user',
      'gen_ai.input.messages.0.message.content': 'Hi',
      'gen_ai.output.messages.0.role': 'assistant',
      'gen_ai.output.messages.0.parts.0.type': 'text',
      'gen_ai.output.messages.0.parts.0.content': 'Hello',
      'gen_ai.output.messages.0.finish_reason': 'stop',
    };
    expect(read(flat)).toMatchObject({ messages: [input], output: 'Hello', finishReason: 'stop' });
  });

  it('may have flattened blocks', () => {
    const blocks = {
      'gen_ai.prompt.0.role': 'user',
      'gen_ai.prompt.0.content.0.type': 'text',
      'gen_ai.prompt.0.content.0.text': 'Hi',
      ...answered,
    };
    expect(read(blocks)).toMatchObject({ messages: [input] });
  });
});

describe('what is around the value of an entity', () => {
  const around = { tags: [], metadata: { a: 1 }, kwargs: {} };
  const entity = (input: unknown, output: unknown, kind = 'tool') =>
    read({
      'traceloop.span.kind': kind,
      'traceloop.entity.input': JSON.stringify(input),
      'traceloop.entity.output': JSON.stringify(output),
    });

  it("LangChain's callbacks for Python", () => {
    expect(
      entity({ input_str: "{'city': 'Oslo'}", inputs: { city: 'Oslo' }, ...around }, { output: 'rain', kwargs: {} }),
    ).toMatchObject({ inputs: { city: 'Oslo' }, output: 'rain' });
    expect(entity({ input_str: "{'city': 'Oslo'}", ...around }, { output: 'rain', kwargs: {} }).inputs).toEqual({
      city: 'Oslo',
    });
    expect(entity({ inputs: { q: 'a' }, ...around }, { outputs: { a: 'b' }, kwargs: {} }, 'workflow')).toMatchObject({
      inputs: { q: 'a' },
      output: '{"a":"b"}',
    });
  });

  it('the Model Context Protocol', () => {
    const call = { tool_name: 'add', arguments: { a: 1 } };
    const result = (isError: boolean) => ({ content: [{ type: 'text', text: '3' }], isError });
    expect(entity(call, result(false))).toMatchObject({ inputs: { a: 1 }, output: '3' });
    expect(entity(call, result(false)).error).toBeUndefined();
    expect(entity(call, result(true)).error).toEqual({ type: 'tool error' });
  });

  it("data of the app with some of these names is the app's", () => {
    const inputs = { inputs: 1, city: 'Oslo' };
    expect(entity(inputs, { output: 'rain' })).toMatchObject({ inputs, output: '{"output":"rain"}' });
  });
});

describe('numbered completions that only call tools', () => {
  const first = { 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.finish_reason': 'tool_calls' };
  const calls = (prefix: string) => [0, 1].map((at) => [`gen_ai.completion.${at}.${prefix}.name`, `f${at}`]);
  const chat = (prefix: string) => ({ 'llm.request.type': 'chat', ...first, ...Object.fromEntries(calls(prefix)) });
  const namesIn = ({ tool_calls: list }: { tool_calls?: { function: { name: string } }[] } = {}) =>
    list?.map(({ function: { name } }) => name);

  it("are choices, but for LiteLLM's calls", () => {
    const second = { 'gen_ai.completion.1.finish_reason': 'tool_calls' };
    for (const attributes of [chat('tool_calls.0'), { ...chat('function_call'), ...second }]) {
      const { outputMessage, contentMetadata } = read(attributes);
      expect(namesIn(outputMessage as never)).toEqual(['f0']);
      expect(contentMetadata?.['choices']).toMatchObject([{ tool_calls: [{ function: { name: 'f1' } }] }]);
    }
    expect(namesIn(read(chat('function_call')).outputMessage as never)).toEqual(['f0', 'f1']);
  });
});

describe('a task that asks a model', () => {
  const task = {
    'traceloop.span.kind': 'task',
    'traceloop.entity.name': 'OpenAI',
    'llm.request.type': 'chat',
    'gen_ai.request.model': 'm',
    'traceloop.entity.input': JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], topic: 'tea' }),
    'traceloop.entity.output': JSON.stringify({ message: { role: 'assistant', content: 'Ho' } }),
  };

  it('has its content in the values of the task if it is nowhere else', () => {
    expect(kindOf(task)).toBe('model');
    expect(read(task)).toMatchObject({
      messages: [{ role: 'user', content: 'Hi' }],
      inputs: { topic: 'tea' },
      output: 'Ho',
      outputMessage: { role: 'assistant', content: 'Ho' },
    });
    const call = {
      ...task,
      'traceloop.entity.input': '{"args":["Hi"],"kwargs":{}}',
      'traceloop.entity.output': '"Ho"',
    };
    expect(read(call)).toMatchObject({ inputs: { input: 'Hi' }, output: 'Ho' });
  });

  it('has it in its own attributes otherwise', () => {
    const indexed = { 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'Hello' };
    const reading = read({ ...task, ...indexed, 'gen_ai.completion.0.content': 'Bye' });
    expect(reading).toMatchObject({ messages: [{ role: 'user', content: 'Hello' }], output: 'Bye' });
    expect(reading.inputs).toBeUndefined();
    const messages = JSON.stringify([{ role: 'assistant', content: 'Bye' }]);
    expect(read({ ...task, 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': messages }).output).toBe('Bye');
  });

  it('is no workflow', () => {
    const workflow = { ...task, 'traceloop.span.kind': 'workflow' };
    expect(kindOf(workflow)).toBe('generic');
    expect(read(workflow).output).toBe('{"message":{"role":"assistant","content":"Ho"}}');
  });
});

it.each([
  ['a text', 'Hm.', 'Hm.'],
  ['summaries', '[{"type":"summary_text","text":"Hm."},{"type":"summary_text","text":"So."}]', 'Hm.\nSo.'],
  ['no summaries', '[]', undefined],
  ['a text that is JSON', '{"step":1}', '{"step":1}'],
  ['a text that is a number', '42', '42'],
])('reasoning is %s', (_title, text, reasoning) => {
  const completion = { 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': 'Hi' };
  const attributes = { 'llm.request.type': 'chat', ...completion, 'gen_ai.completion.0.reasoning': text };
  expect(read(attributes).contentMetadata?.['reasoning']).toBe(reasoning);
});

it.each([
  ['an answer', 'gen_ai.completion.0', '{"call_id":"c-17","action":{"type":"click","x":1}}'],
  ['an answer with quotes alone', 'gen_ai.completion.0', '""'],
  ['a turn', 'gen_ai.prompt.0', '{"call_id":"c-17","action":{"type":"transfer","to":"sales"}}'],
])('leaves JSON that the model wrote as it is: %s', (_what, key, content) => {
  const { messages = [], outputMessage = messages[0] } = read({
    'llm.request.type': 'chat',
    [`${key}.role`]: 'assistant',
    [`${key}.content`]: content,
  });
  expect(outputMessage).toEqual({ role: 'assistant', content });
});

it('reads the calls of a message that are one JSON text', () => {
  const call = { id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };
  for (const calls of [[call], [JSON.stringify(call)]]) {
    const { outputMessage } = read({
      'llm.request.type': 'chat',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.tool_calls': JSON.stringify(calls),
    });
    expect(outputMessage).toEqual({ role: 'assistant', tool_calls: [call] });
  }
});
