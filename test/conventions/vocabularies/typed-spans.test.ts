/** Vocabularies whose spans have a type, an input and an output. */
import { describe, expect, it } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { kindOf, read } from '../span.ts';

describe.each([
  [
    'confident',
    { 'confident.span.type': 'llm', 'confident.llm.model': 'gpt-4o' },
    'confident.span.input',
    'confident.span.output',
  ],
  ['truefoundry', { 'tfy.span_type': 'Model', 'tfy.model.name': 'gpt-4o' }, 'tfy.input', 'tfy.output'],
])('a call of %s', (_name, call, input, output) => {
  const CAR = '{"id":"7","model":"Golf"}';

  it('has no id or model from JSON that was said', () => {
    const reading = read({ ...call, [input]: 'Which car?', [output]: CAR });
    expect(reading).toMatchObject({ model: 'gpt-4o', output: CAR });
    expect(reading.callId).toBeUndefined();
    expect(reading.providerResponse).toBeUndefined();
    expect(reading.metadata).not.toHaveProperty('response_id');
    expect(reading.metadata).not.toHaveProperty('response_model');
  });

  it('has no parameters from JSON that was asked', () => {
    const reading = read({ ...call, [input]: CAR, [output]: 'A car' });
    expect(reading.messages).toEqual([{ role: 'user', content: CAR }]);
    expect(reading.other).toBeUndefined();
    expect(reading.providerRequest).toBeUndefined();
  });

  it('has those of the bodies', () => {
    const asked = { model: 'o', top_k: 3, messages: [{ role: 'user', content: 'Hi' }] };
    const said = { id: 'c-1', model: 'o-1', choices: [{ message: { role: 'assistant', content: 'Ho' } }] };
    const reading = read({ ...call, [input]: JSON.stringify(asked), [output]: JSON.stringify(said) });
    expect(reading).toMatchObject({ callId: 'c-1', output: 'Ho', other: { top_k: 3 } });
    expect(reading.metadata).toMatchObject({ response_id: 'c-1', response_model: 'o-1' });
  });
});

it.each([
  ['confident', { 'confident.span.type': 'llm', 'confident.llm.model': 'gpt-4o' }, 'confident.span.output'],
  ['truefoundry', { 'tfy.span_type': 'Model', 'tfy.model.name': 'gpt-4o' }, 'tfy.output'],
  ['agenta', { 'ag.type.node': 'chat', 'ag.meta.configuration.model': 'gpt-4o' }, 'ag.data.outputs'],
  [
    'honeyhive',
    { honeyhive_event_name: 'n', honeyhive_event_type: 'model', 'honeyhive_config.model': 'gpt-4o' },
    'honeyhive_outputs',
  ],
])('a call of %s has no id, model or reason from JSON that was said with a list', (_name, call, output) => {
  const said = '{"id":"7","model":"Golf","choices":[{"label":"A"}],"finish_reason":"It hurts"}';
  const { output: answer, callId, finishReason, metadata } = read({ ...call, [output]: said });
  expect({ answer, callId, finishReason }).toEqual({ answer: said, callId: undefined, finishReason: undefined });
  expect(metadata).not.toHaveProperty('response_id');
  expect(metadata).not.toHaveProperty('response_model');
});

it.each([
  ['tools/call', 'tool'],
  [undefined, 'tool'],
  ['tools/list', undefined],
  ['initialize', undefined],
  ['ping', undefined],
])('a request of MCP through the gateway: %s', (method, kind) => {
  expect(kindOf({ 'tfy.span_type': 'MCP', ...(method && { 'tfy.mcp_server.method': method }) })).toBe(kind);
});

it.each([
  ['agent', { 'traceloop.span.kind': 'agent', 'traceloop.entity.name': 'planner' }],
  ['agent', { agent_name: 'planner', 'logfire.msg': 'planner run', model_name: 'gpt-4o' }, 'pydantic-ai'],
  ['model', { 'llm.request.type': 'chat', 'gen_ai.request.model': 'gpt-4o' }],
] as const)(
  'attributes of Confident AI on a span of another vocabulary leave it what it is: %s',
  (kind, span, scope?) => {
    const attributes = { ...span, 'confident.span.input': 'Hi', 'confident.span.output': 'Ho' };
    expect(kindOf(attributes, scope && { scope })).toBe(kind);
    expect(read(attributes, scope && { scope }).output).toBe('Ho');
  },
);

it.each([
  ["the type that HoneyHive's processor writes on any span", { honeyhive_event_type: 'tool', 'http.method': 'GET' }],
  ["a type and an entity that are an app's own", { 'span.type': 'inference', 'entity.1.type': 'order' }],
  ["a component of an app that is not Eino's", { 'runinfo.component': 'Tool', 'gen_ai.system': 'openai' }],
] as const)('%s: no log', (_title, attributes) => {
  expect(kindOf(attributes)).toBeUndefined();
});

describe('Monocle', () => {
  const CALL = { 'span.type': 'inference', 'monocle_apptrace.version': '0.4.0' };
  const TOOL = { 'span.type': 'agentic.mcp.invocation', 'entity.1.type': 'mcp.server', 'entity.1.name': 'weather' };
  const event = (name: string, attributes: Attributes) => ({ name, attributes, time: [1, 0] as [number, number] });

  it.each([
    ['of its role', '{"assistant": "{\\"user\\": \\"Ann\\"}"}', '{"user": "Ann"}'],
    ['without its role', '{"user": "Ann"}', '{"user": "Ann"}'],
    ['a list of one', '["rainy"]', '["rainy"]'],
    ['with the fields of a result', '{"call_id":"7","output":"x"}', '{"call_id":"7","output":"x"}'],
    ['with a field of a call', '{"tool_function":"drill"}', '{"tool_function":"drill"}'],
  ])('leaves JSON whole that the model wrote: %s', (_title, response, output) => {
    expect(read(CALL, { events: [event('data.output', { response })] }).output).toBe(output);
  });

  it('reads two texts as what the system and the user said only in JavaScript', () => {
    const events = [event('data.input', { input: ['Hi', 'Weather?'] })];
    const roles = (attributes: Attributes) => read(attributes, { events }).messages?.map(({ role }) => role);
    expect(roles(CALL)).toEqual(['user', 'user']);
    expect(roles({ ...CALL, 'monocle-typescript.version': '0.1.0' })).toEqual(['system', 'user']);
  });

  it('knows the tool of a server, and leaves whole what a tool was given and returned', () => {
    const events = [event('data.input', { input: '["Paris"]' }), event('data.output', { output: '[{"sky":"grey"}]' })];
    expect(read(TOOL, { events })).toMatchObject({
      name: 'weather',
      inputs: { input: ['Paris'] },
      output: '[{"sky":"grey"}]',
    });
  });

  it('reads messages as its first releases print them', () => {
    const input = ["{'instructions': 'Be brief'}", "{'input': \"What's new?\"}", "{'user': 'Hi'}"];
    const events = [event('data.input', { input }), event('data.output', { response: "{'assistant': 'Ho'}" })];
    expect(read(CALL, { events })).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: "What's new?" },
        { role: 'user', content: 'Hi' },
      ],
      output: 'Ho',
    });
  });

  it('has the id of the answer that its span has', () => {
    const reading = read({ ...CALL, 'gen_ai.request.model': 'gpt-4o', 'gen_ai.response.id': 'msg_1' });
    expect(reading).toMatchObject({ callId: 'msg_1', metadata: { response_id: 'msg_1' } });
  });

  it('has what a failed call returned for its error, if nothing else says why', () => {
    const events = [event('data.output', { error_code: '429', response: 'Too many' })];
    expect(read(CALL, { events, status: { code: 2 } })).toMatchObject({ error: { message: 'Too many' } });
    expect(read(CALL, { events, status: { code: 2, message: 'Busy' } })).toMatchObject({ error: { message: 'Busy' } });
    expect(read(CALL, { events, status: { code: 2 } }).output).toBeUndefined();
  });

  it('names the events whose texts were cut', () => {
    const events = [
      event('data.input', { input: ['{"user": "Wea'] }),
      event('data.output', { response: '{"assistant": "It is rai' }),
    ];
    const { messages, output, metadata } = read(CALL, { events });
    expect([messages?.[0]?.content, output]).toEqual(['Wea', 'It is rai']);
    expect(metadata?.['truncated']).toEqual(['data.input', 'data.output']);
  });
});

describe('Agenta', () => {
  const CALL = { 'ag.type.node': 'chat' };

  it("takes a template's variables for no words of the user", () => {
    const reading = read({ ...CALL, 'ag.data.inputs.city': 'Paris', 'ag.data.outputs.__default__': 'rainy' });
    expect(reading).toMatchObject({ inputs: { city: 'Paris' }, output: 'rainy' });
    expect(reading.messages).toBeUndefined();
  });

  it('keeps what is given beside the prompt', () => {
    const reading = read({ ...CALL, 'ag.data.inputs.prompt': 'Weather?', 'ag.data.inputs.city': 'Paris' });
    expect(reading).toMatchObject({ inputs: { city: 'Paris' }, messages: [{ role: 'user', content: 'Weather?' }] });
  });

  it('leaves a list of texts whole that was returned', () => {
    expect(read({ ...CALL, 'ag.data.outputs.completion': '@ag.type=json:["a", "b"]' }).output).toBe('["a","b"]');
  });

  it('reads what its SDK for JavaScript makes of the spans of the AI SDK', () => {
    const toolCalls = [{ toolCallId: 'c1', toolName: 'zoom', input: '{"by":2}' }];
    const said = (completion: unknown[], more = {}) => JSON.stringify({ completion, ...more });
    const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'zoom', arguments: '{"by":2}' } }];
    const call = {
      ...CALL,
      'ag.data.inputs': '{"prompt":[],"streaming":true}',
      'ag.metrics.tokens.incremental.prompt': 5,
    };

    const only = read({ ...call, 'ag.data.outputs': said([], { toolCalls }) });
    expect(only.outputMessage).toEqual({ role: 'assistant', tool_calls });
    expect([only.output, only.inputs, only.promptTokens]).toEqual([undefined, undefined, 5]);

    const both = read({ ...call, 'ag.data.outputs': said([{ role: 'assistant', content: 'Ho' }], { toolCalls }) });
    expect(both.outputMessage).toEqual({ role: 'assistant', content: 'Ho', tool_calls });
    expect(read({ ...call, 'ag.data.outputs': said([]) }).output).toBeUndefined();

    const whole = {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.response.toolCalls': JSON.stringify(toolCalls),
    };
    expect(read({ ...whole, ...call, 'ag.data.outputs': said([]) }).output).toBeUndefined();
  });

  it('has no vectors, however its type is written', () => {
    const call = { 'ag.type.node': 'EMBEDDING', 'ag.data.inputs.prompt': 'Hi', 'ag.data.outputs.vector': [0.5] };
    expect(read(call).output).toBeUndefined();
  });

  it('names the value that was cut', () => {
    const reading = read({ ...CALL, 'ag.data.inputs.prompt': '@ag.type=json:[{"role": "user", "content": "Wea' });
    expect(reading.messages).toEqual([{ role: 'user', content: 'Wea' }]);
    expect(reading.metadata?.['truncated']).toEqual(['ag.data.inputs']);
  });
});

describe('a template', () => {
  const MESSAGES = [
    { role: 'system', content: 'Be {{tone}}.' },
    { role: 'user', content: '{{question}}' },
  ];
  const HIVE = { honeyhive_event_type: 'model', honeyhive_event_name: 'n', 'honeyhive_inputs.question': 'Hi' };
  const CONFIG = 'ag.meta.configuration.prompt';
  const AGENTA = {
    'ag.type.node': 'chat',
    [`${CONFIG}.llm_config.model`]: 'gpt-4o',
    [`${CONFIG}.llm_config.temperature`]: 0.2,
    [`${CONFIG}.template_format`]: 'curly',
  };

  it.each([
    ['HoneyHive, flattened', { ...HIVE, ...flattened('honeyhive_config.template', MESSAGES) }],
    ['HoneyHive, as JSON', { ...HIVE, 'honeyhive_config.template': JSON.stringify(MESSAGES) }],
    ['HoneyHive, whole', { ...HIVE, honeyhive_config: JSON.stringify({ template: MESSAGES }) }],
    ['Agenta, flattened', { ...AGENTA, ...flattened(`${CONFIG}.messages`, MESSAGES) }],
    ['Agenta, as JSON', { ...AGENTA, [`${CONFIG}.messages`]: `@ag.type=json:${JSON.stringify(MESSAGES)}` }],
  ])('of messages: %s', (_, attributes) => {
    expect(read(attributes).chatTemplate).toEqual(MESSAGES);
  });

  it('of text', () => {
    for (const template of ['Say {{word}}.', '{{word}}', '{"say": "{{word}}"}']) {
      expect(read({ ...HIVE, 'honeyhive_config.template': template }).promptTemplate).toBe(template);
    }
  });

  it('has the model and the parameters beside it in Agenta', () => {
    expect(read(AGENTA)).toMatchObject({ model: 'gpt-4o', temperature: 0.2 });
    expect(read(AGENTA).other).toBeUndefined();
  });
});

function flattened(key: string, messages: readonly Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    messages.flatMap((message, at) =>
      Object.entries(message).map(([name, text]) => [`${key}.${at}.${name}`, text] as const),
    ),
  );
}

describe('HoneyHive', () => {
  const CALL = { honeyhive_event_type: 'model', honeyhive_event_name: 'answer' };

  it('has no answer where a call returned nothing', () => {
    const output = { 'honeyhive_outputs.result': 'null' };
    expect(read({ ...CALL, ...output }).output).toBeUndefined();
    expect(read({ ...CALL, ...output, honeyhive_event_type: 'tool' }).output).toBe('null');
  });

  it('keeps what is given beside the conversation', () => {
    const inputs = {
      'honeyhive_inputs.chat_history': '[{"role":"user","content":"Hi"}]',
      'honeyhive_inputs.city': 'Rome',
    };
    expect(read({ ...CALL, ...inputs })).toMatchObject({
      inputs: { city: 'Rome' },
      messages: [{ role: 'user', content: 'Hi' }],
    });
  });

  it('names the value that was cut', () => {
    const { metadata } = read({ ...CALL, honeyhive_inputs: '{"messages":[{"role":"user","content":"H' });
    expect(metadata?.['truncated']).toEqual(['honeyhive_inputs']);
  });
});

it("Eino's embedding is a call of its own, without vectors", () => {
  const reading = read({
    'gen_ai.system': 'eino',
    'runinfo.component': 'Embedding',
    'gen_ai.request.model': 'text-embedding-3-small',
    'gen_ai.prompt.0.content': '{"Texts":["Hi"]}',
    'gen_ai.completion.0.content': '{"Embeddings":[[0.1,0.2]]}',
    'gen_ai.usage.prompt_tokens': 3,
  });
  expect(reading).toMatchObject({ model: 'text-embedding-3-small', inputs: { Texts: ['Hi'] }, promptTokens: 3 });
  expect(reading.output).toBeUndefined();
});

it('a message of Monocle for JavaScript that was cut keeps its role', () => {
  const span = { 'span.type': 'inference', 'monocle-typescript.version': '0.1', 'entity.1.type': 'inference.openai' };
  const input = ["{ 'system': 'Be brief. }'", "{ 'user': 'What is the wea"];
  const events = [{ name: 'data.input', attributes: { input }, time: [1, 0] as const }];
  const { messages, metadata } = read(span, { events: events as never });
  expect(messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'What is the wea' },
  ]);
  expect(metadata?.['truncated']).toEqual(['data.input']);
});

it('what a tool in Agenta returned stays as it is, and is named if it was cut', () => {
  const returned = (text: string) => read({ 'ag.type.node': 'tool', 'ag.data.outputs': text });
  expect(returned('{ "n": 1.0 }')).toMatchObject({ output: '{ "n": 1.0 }' });
  expect(returned('{ "n": 1.0 }').metadata).not.toHaveProperty('truncated');
  expect(returned('{ "weather": "rai')).toMatchObject({
    output: '{ "weather": "rai',
    metadata: { truncated: ['ag.data.outputs'] },
  });
});

it("the prompt of Judgment's calls has its cached tokens too", () => {
  const usage = {
    'judgment.usage.non_cached_input_tokens': 8,
    'judgment.usage.cache_read_input_tokens': 4,
    'judgment.usage.cache_creation_input_tokens': 1,
    'judgment.usage.output_tokens': 3,
  };
  const { promptTokens, outputTokens, metadata } = read({ 'judgment.span_kind': 'llm', ...usage });
  expect({ promptTokens, outputTokens, metadata }).toEqual({
    promptTokens: 13,
    outputTokens: 3,
    metadata: { convention: 'judgment', cache_read_tokens: 4, cache_write_tokens: 1 },
  });
});
