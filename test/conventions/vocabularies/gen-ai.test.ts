/** Spans of the GenAI conventions whose deciding attribute is missing, and attributes that others add to them. */
import { describe, expect, it } from 'vitest';
import { kindOf, read } from '../span.ts';

it.each([
  ['a model', { 'gen_ai.output.messages': '[]', 'gen_ai.response.id': 'r1' }, 'model'],
  ['a model', { 'gen_ai.prompt': 'Hi', 'gen_ai.usage.prompt_tokens': 3 }, 'model'],
  ['an embedding', { 'gen_ai.input.messages': '["a"]', 'gen_ai.response.model': 'text-embedding-3-small' }, 'generic'],
  ['an agent', { 'gen_ai.prompt': 'Hi', 'gen_ai.usage.prompt_tokens': 3, 'gen_ai.agent.name': 'a' }, 'agent'],
  ['nothing', { 'gen_ai.prompt': 'Hi' }, undefined],
  ['nothing', { 'gen_ai.response.id': 'r1', 'gen_ai.usage.input_tokens': 3 }, undefined],
])('without an operation, contents show %s', (_what, attributes, kind) => {
  expect(kindOf(attributes)).toBe(kind);
});

it.each([
  ['anthropic_messages', 'model'],
  ['atext_completion', 'model'],
  ['agenerate_content_stream', 'model'],
  ['call_mcp_tool', 'tool'],
])("of LiteLLM's types of calls, %s is a %s", (operation, kind) => {
  expect(kindOf({ 'gen_ai.operation.name': operation, 'gen_ai.request.model': 'm' })).toBe(kind);
});

it('reads the variables of a prompt without a name, and a version that is a number', () => {
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.prompt.version': 4, 'gen_ai.prompt.variable.a': 'b' };
  expect(read(chat)).toMatchObject({ inputs: { a: 'b' }, metadata: { prompt_version: 4 } });
});

it("adds what Langfuse's attributes say to a span of any other vocabulary", () => {
  const added = {
    'langfuse.observation.prompt.name': 'p',
    'langfuse.trace.metadata.branch': 'b',
    'langfuse.observation.output': 'Yes',
    'langfuse.release': 'r1',
  };
  const spans = [
    { 'openinference.span.kind': 'CHAIN' },
    { 'ai.operationId': 'ai.generateText.doGenerate' },
    { 'gen_ai.operation.name': 'execute_tool' },
    { 'gen_ai.operation.name': 'retrieval' },
  ];
  for (const span of spans) {
    expect(kindOf({ ...span, ...added })).toBe(kindOf(span));
    const { output, metadata, contentMetadata } = read({ ...span, ...added });
    expect({ output, metadata, contentMetadata }).toMatchObject({
      output: 'Yes',
      metadata: { ...read(span).metadata, prompt_name: 'p', release: 'r1' },
      contentMetadata: { branch: 'b' },
    });
  }
});

it("makes no log of a span that has only Langfuse's additions", () => {
  expect(kindOf({ 'langfuse.trace.name': 'GET /', 'langfuse.observation.prompt.name': 'p' })).toBeUndefined();
});

it('reads what memory operations look for, find and write', () => {
  const records = [{ id: 'r1', content: 'tea' }];
  const memory = { 'gen_ai.memory.records': records, 'gen_ai.memory.store.id': 's1', 'gen_ai.memory.record.id': 'r1' };
  const of = (operation: string) =>
    read({ ...memory, 'gen_ai.operation.name': operation, 'gen_ai.memory.query.text': 'q' });
  expect(of('search_memory')).toMatchObject({ inputs: { query: 'q' }, output: JSON.stringify(records) });
  expect(of('search_memory').metadata).toMatchObject({ memory_store_id: 's1', memory_record_id: 'r1' });
  for (const operation of ['create_memory', 'update_memory', 'upsert_memory', 'delete_memory']) {
    expect(of(operation)).toMatchObject({ inputs: { query: 'q', records } });
    expect(of(operation).output).toBeUndefined();
  }
});

it('keeps the arguments and the result of an operation that it does not know', () => {
  const span = {
    'gen_ai.operation.name': 'plan',
    'gen_ai.tool.call.arguments': '{"a":1}',
    'gen_ai.tool.call.result': 'ok',
  };
  expect(read(span)).toMatchObject({ inputs: { a: 1 }, output: 'ok' });
});

it.each(['invoke_workflow', 'handle_conversation_turn', 'plan', 'fetch_response'])(
  'takes the tokens of %s for those of other calls',
  (operation) => {
    const usage = { 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.cache_write.input_tokens': 2 };
    const span = { 'gen_ai.operation.name': operation, ...usage };
    expect(kindOf(span)).toBe('generic');
    expect(read(span)).not.toHaveProperty('promptTokens');
    expect(read(span).metadata).toEqual({
      convention: 'gen-ai',
      usage: { prompt_tokens: 7, cache_write_tokens: 2 },
    });
  },
);

it('names the agent and the workflow of a span, except where its log has their name', () => {
  const names = { 'gen_ai.agent.name': 'a', 'gen_ai.workflow.name': 'w' };
  const metadataOf = (operation: string, more = {}) =>
    read({ 'gen_ai.operation.name': operation, ...names, ...more }).metadata;
  expect(metadataOf('chat')).toMatchObject({ agent_name: 'a', workflow_name: 'w' });
  expect(metadataOf('invoke_agent')).toEqual({ convention: 'gen-ai', workflow_name: 'w' });
  expect(metadataOf('invoke_workflow')).toEqual({ convention: 'gen-ai', agent_name: 'a' });
  expect(metadataOf('chat', { 'gen_ai.agent.name': 'none' })).not.toHaveProperty('agent_name');
});

it('takes texts for a cursor, a status or a type of API only if they are short words', () => {
  const text = 'what the user said';
  const span = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.stream_cursor': text,
    'gen_ai.response.status': text,
    'openai.api.type': text,
    'gen_ai.output.type': text,
  };
  expect(JSON.stringify(read(span))).not.toContain(text);
});

it("reads the tools of an event, unless the span has them, and the system's words of a workflow", () => {
  const definitions = (name: string) => ({ 'gen_ai.tool.definitions': [{ type: 'function', name }] });
  const events = [{ name: 'gen_ai.client.inference.operation.details', attributes: definitions('of event') }];
  const chat = { 'gen_ai.operation.name': 'chat' };
  expect(read(chat, { events }).tools).toEqual([{ name: 'of event' }]);
  expect(read({ ...chat, ...definitions('of span') }, { events }).tools).toEqual([{ name: 'of span' }]);
  const workflow = {
    'gen_ai.operation.name': 'invoke_workflow',
    'gen_ai.system_instructions': '[{"type":"text","content":"Be brief."}]',
    'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]',
  };
  expect(read(workflow).messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
  ]);
});

it("reads the exception of the conventions' log record as the call's error", () => {
  const attributes = { 'exception.type': 'Timeout', 'exception.message': 'too slow' };
  const events = [{ name: 'gen_ai.client.operation.exception', attributes }];
  expect(read({ 'gen_ai.operation.name': 'chat' }, { events }).error).toEqual({ type: 'Timeout', message: 'too slow' });
});

describe('what inference servers and gateways write', () => {
  const tokens = { 'gen_ai.usage.prompt_tokens': 12, 'gen_ai.usage.completion_tokens': 34 };

  it('vLLM: tokens and times, with or without the model', () => {
    const served = { 'gen_ai.request.id': 'cmpl-1', 'gen_ai.latency.time_to_first_token': 0.25, ...tokens };
    expect(kindOf(served)).toBe('model');
    expect(kindOf({ 'gen_ai.response.model': 'llama', ...tokens })).toBe('model');
    expect(read({ ...served, 'gen_ai.response.model': 'llama' })).toMatchObject({
      model: 'llama',
      promptTokens: 12,
      outputTokens: 34,
      metadata: { time_to_first_chunk_ms: 250 },
    });
    expect(kindOf(tokens)).toBeUndefined();
    expect(kindOf({ ...served, 'gen_ai.agent.name': 'sums' })).toBeUndefined();
  });

  it('the parameters and tools of a whole body, unless an attribute has them', () => {
    const tools = [{ type: 'function', function: { name: 'weather' } }];
    const body = JSON.stringify({ model: 'gpt-4o', temperature: 0.2, top_k: 5, max_tokens: 9, tools, messages: [] });
    const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.temperature': 0.7 };
    for (const key of ['gen_ai.prompt', 'gen_ai.prompt_json']) {
      const reading = read({ ...chat, [key]: body });
      expect(reading).toMatchObject({
        temperature: 0.7,
        maxTokens: 9,
        tools: [{ name: 'weather' }],
        other: { top_k: 5 },
      });
    }
    expect(read({ ...chat, 'gen_ai.prompt': '{"max_tokens":9}' }).maxTokens).toBeUndefined();
  });

  it('Cloudflare: whole bodies, and the provider by another name', () => {
    const attributes = {
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.model.provider': 'openai',
      'gen_ai.prompt_json': JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }),
      'gen_ai.completion_json': JSON.stringify({
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      }),
    };
    expect(kindOf(attributes)).toBe('model');
    expect(read(attributes)).toMatchObject({
      provider: 'openai',
      messages: [{ role: 'user', content: 'Hi' }],
      output: 'Hello',
      finishReason: 'stop',
    });
  });
});

it.each([
  [{ 'code.function.parameters.city.value': 'Oslo', 'code.function.parameters.city.type': 'str' }],
  [{ 'code.function.parameter.city': 'Oslo' }],
])('reads the parameters and the result of the function that is a tool: %o', (parameters) => {
  const tool = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'weather' };
  expect(read({ ...tool, ...parameters, 'code.function.return.value': 'rain' })).toMatchObject({
    inputs: { city: 'Oslo' },
    output: 'rain',
  });
  expect(kindOf({ ...parameters, 'code.function.return.value': 'rain' })).toBeUndefined();
});

it('reads what an agent of Semantic Kernel was given and returned', () => {
  const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Host' };
  const given = [{ role: 'user', content: 'Soup?' }];
  const returned = [{ role: 'assistant', content: 'Chowder.', name: 'Host' }];
  expect(
    read({
      ...agent,
      'gen_ai.agent.invocation_input': JSON.stringify(given),
      'gen_ai.agent.invocation_output': JSON.stringify(returned),
    }),
  ).toMatchObject({ messages: given, output: 'Chowder.' });
});

it('names a guardrail, and the agents of a handoff', () => {
  const guardrail = { 'gen_ai.operation.name': 'guardrail', 'gen_ai.guardrail.name': 'pii', 'gen_ai.agent.name': 'A' };
  expect(read({ ...guardrail, 'gen_ai.guardrail.triggered': true })).toMatchObject({
    name: 'pii',
    metadata: { guardrail_triggered: true, agent_name: 'A' },
  });
  const handoff = { 'gen_ai.handoff.from_agent': 'Triage', 'gen_ai.handoff.to_agent': 'Refunds' };
  expect(read({ 'gen_ai.operation.name': 'handoff', ...handoff }).metadata).toMatchObject({
    handoff_from: 'Triage',
    handoff_to: 'Refunds',
  });
});

it.each(['First Token Stream Event', 'llm.content.completion.chunk'])(
  'reads the first chunk from an event: %s',
  (name) => {
    const events = [
      { name: 'other', attributes: {}, time: [1, 1e8] as [number, number] },
      { name, attributes: {}, time: [1, 2.5e8] as [number, number] },
      { name, attributes: {}, time: [1, 5e8] as [number, number] },
    ];
    expect(read({ 'openinference.span.kind': 'LLM', 'output.value': 'x' }, { events }).metadata).toMatchObject({
      time_to_first_chunk_ms: 250,
    });
  },
);

it('adds tokens to a call of another vocabulary, and not to its steps', () => {
  const tokens = { 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 3 };
  expect(read({ 'langfuse.observation.type': 'generation', ...tokens })).toMatchObject({
    promptTokens: 5,
    outputTokens: 3,
    metadata: { convention: 'langfuse' },
  });
  expect(read({ 'langfuse.observation.type': 'span', ...tokens }).promptTokens).toBeUndefined();
  expect(kindOf(tokens)).toBeUndefined();
});

it('reads words and names that were written as JSON, and counts for people', () => {
  const quoted = {
    'gen_ai.operation.name': '"chat"',
    'gen_ai.request.model': '"gpt-4o"',
    'gen_ai.provider.name': '"openai"',
    'gen_ai.usage.input_tokens': '1,024',
  };
  expect(kindOf(quoted)).toBe('model');
  expect(read(quoted)).toMatchObject({ model: 'gpt-4o', provider: 'openai', promptTokens: 1024 });
  expect(kindOf({ 'openinference.span.kind': '"LLM"' })).toBe('model');
});

it('reads usage that is one structured value', () => {
  const usage = { input_tokens: 10, output_tokens: 5, input_tokens_details: { cached_tokens: 4 } };
  for (const value of [usage, JSON.stringify(usage)]) {
    expect(read({ 'gen_ai.operation.name': 'chat', 'gen_ai.usage': value })).toMatchObject({
      promptTokens: 10,
      outputTokens: 5,
      metadata: { cache_read_tokens: 4 },
    });
  }
});

it('leaves the vectors of embeddings out', () => {
  const output = { 'gen_ai.output.messages': '[[0.1,0.2],[0.3,0.4]]' };
  expect(read({ 'gen_ai.operation.name': 'embeddings', ...output }).output).toBeUndefined();
});

describe('messages of the assistant in events', () => {
  const event = (name: string, attributes: Record<string, unknown>) => ({ name, attributes, time: [1, 0] as const });
  const told = [
    event('gen_ai.user.message', { content: 'List them as JSON.' }),
    event('gen_ai.assistant.message', { content: '{' }),
  ];
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
  const azures = { ...chat, 'az.namespace': 'Microsoft.CognitiveServices' };
  const failure = event('exception', {
    'exception.type': 'APIConnectionError',
    'exception.message': 'Connection reset',
  });
  const readTold = (attributes: Record<string, unknown>, events: unknown[], scope = 'app') =>
    read(attributes, { events: events as never, scope });

  it("end with the answer, if they are Azure's", () => {
    expect(readTold(azures, told)).toMatchObject({ output: '{', messages: [{ role: 'user' }] });
    expect(readTold(chat, told, 'azure.ai.inference')).toMatchObject({ output: '{', messages: [{ role: 'user' }] });
  });

  it.each([
    ['in other instrumentations', chat, told],
    ['of a call that threw', azures, [...told, failure]],
    ['of a call whose type of error is known', { ...azures, 'error.type': 'Timeout' }, told],
    ['of a call that is marked as failed', { ...azures, error: true }, told],
  ])('are a conversation %s', (_what, attributes, events) => {
    const { messages, output } = readTold(attributes, events);
    expect(messages?.map(({ role, content }) => [role, content])).toEqual([
      ['user', 'List them as JSON.'],
      ['assistant', '{'],
    ]);
    expect(output).toBeUndefined();
  });

  it('hide no error that was thrown after them', () => {
    expect(readTold(chat, [...told, failure]).error?.message).toBe('Connection reset');
  });
});

describe('several messages of one answer', () => {
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
  const answer = JSON.stringify([
    { role: 'assistant', content: 'I look.' },
    { role: 'assistant', tool_calls: [call] },
  ]);
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm', 'gen_ai.output.messages': answer };

  it.each([
    ['by its id', { 'gen_ai.response.id': 'resp_1' }, 'app'],
    ['by its scope', {}, 'opentelemetry.instrumentation.openai_agents'],
    ["if it is Azure's", {}, 'azure.ai.projects'],
  ])('are items of the Responses API: %s', (_what, more, scope) => {
    const { outputMessage, contentMetadata } = read({ ...chat, ...more }, { scope });
    expect(outputMessage).toEqual({ role: 'assistant', content: 'I look.', tool_calls: [call] });
    expect(contentMetadata?.['choices']).toBeUndefined();
  });

  it('are choices elsewhere, and in events of choices', () => {
    const choices = [{ content: 'I look.' }, { tool_calls: [call] }].map((message, index) => ({
      ...{ name: 'gen_ai.choice', time: [1, 0] as const },
      attributes: { index, finish_reason: 'stop', message: JSON.stringify(message) },
    }));
    const { 'gen_ai.output.messages': _answer, ...asked } = chat;
    const inEvents = read({ ...asked, 'gen_ai.response.id': 'resp_1' }, { events: choices as never });
    for (const { outputMessage, contentMetadata } of [read(chat), inEvents]) {
      expect(outputMessage).toEqual({ role: 'assistant', content: 'I look.' });
      expect(contentMetadata?.['choices']).toEqual([{ role: 'assistant', tool_calls: [call] }]);
    }
  });
});

describe('an object with a completion', () => {
  const said = (completion: object) =>
    read({ 'gen_ai.operation.name': 'chat', 'gen_ai.completion': JSON.stringify(completion) });

  it('is the answer of a gateway if it has no other fields', () => {
    expect(said({ completion: 'Ho', reasoning: 'Greet.', rawRequest: null })).toMatchObject({
      output: 'Ho',
      contentMetadata: { reasoning: 'Greet.' },
    });
    expect(said({ completion: 'Ho', stop_reason: 'stop_sequence', model: 'm' }).output).toBe('Ho');
  });

  it.each([
    { reasoning: null, completion: 'Ho', confidence: 0.7 },
    { reasoning: 'Greet.', completion: 'Ho', confidence: 0.7 },
  ])('is what the model said otherwise: %j', (object) => {
    expect(said(object).output).toBe(JSON.stringify(object));
  });
});

it.each([
  ['Yes', 'Yes, sure'],
  ['No', 'Maybe No'],
])('takes a second completion, %s and %s, for another one, but where Langtrace repeats a stream', (first, second) => {
  const events = [first, second].map((said) => ({
    name: 'gen_ai.content.completion',
    attributes: { 'gen_ai.completion': said },
    time: [1, 0] as [number, number],
  }));
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
  expect(read(chat, { events }).output).toBe(first);
  expect(read({ ...chat, 'langtrace.service.type': 'llm' }, { events }).output).toBe(second);
});

it("reads xAI's pictures, and the parameters of their requests", () => {
  const image = {
    'gen_ai.operation.name': 'generate_image',
    'gen_ai.request.model': 'm',
    'gen_ai.prompt': 'A tree',
    'gen_ai.request.image.format': 'url',
    'gen_ai.request.image.aspect_ratio': '3:4',
    'gen_ai.request.image.count': 2,
    'gen_ai.response.image.format': 'url',
    'gen_ai.response.1.image.base64': 'aGk=',
    'gen_ai.response.0.image.url': 'https://a',
    'gen_ai.response.0.image.up_sampled_prompt': 'A lone linden',
  };
  expect(read(image)).toMatchObject({
    inputs: { input: 'A tree' },
    outputMessage: {
      role: 'assistant',
      content: ['https://a', 'data:image/png;base64,aGk='].map((url) => ({ type: 'image_url', image_url: { url } })),
    },
    contentMetadata: { revised_prompt: 'A lone linden' },
    other: { n: 2, image_format: 'url', image_aspect_ratio: '3:4' },
  });
});

it('reads the content of a provider as RubyLLM has it', () => {
  const raw = (content: unknown) => ({ type: 'raw', content: JSON.stringify(content) });
  const call = read({
    'gen_ai.operation.name': 'chat',
    'gen_ai.system_instructions': JSON.stringify([raw([{ type: 'text', text: 'Be brief.', cache_control: {} }])]),
    'gen_ai.input.messages': JSON.stringify([
      { role: 'user', parts: [raw([{ type: 'text', text: 'Hi' }])] },
      { role: 'user', parts: [raw({ city: 'Paris' })] },
    ]),
  });
  expect(call.messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
    { role: 'user', content: '{"city":"Paris"}' },
  ]);
});

it('takes a span with the names of an answer and no operation for a call', () => {
  const names = { 'gen_ai.response.id': 'resp_1', 'gen_ai.response.model': 'gpt-4o' };
  expect(kindOf(names)).toBe('model');
  expect(read(names)).toMatchObject({ callId: 'resp_1', model: 'gpt-4o' });
  expect(kindOf({ 'gen_ai.response.model': 'gpt-4o' })).toBeUndefined();
  expect(kindOf({ ...names, 'gen_ai.agent.name': 'a' })).toBeUndefined();
});

describe("Microsoft's Agent 365", () => {
  const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
  const versioned = (messages: unknown[]) => JSON.stringify({ version: '0.1.0', messages });
  const text = (content: string) => ({ role: 'assistant', parts: [{ type: 'text', content }] });

  it('lists the items of one answer', () => {
    const call = { type: 'tool_call', name: 'look', id: 'c', arguments: { a: 1 } };
    const { outputMessage, contentMetadata } = read({
      ...CHAT,
      'gen_ai.output.messages': versioned([text('I look.'), { role: 'assistant', parts: [call] }]),
    });
    expect(outputMessage).toEqual({
      role: 'assistant',
      content: 'I look.',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }],
    });
    expect(contentMetadata).toBeUndefined();
  });

  it('has a whole answer as its words', () => {
    const message = { role: 'assistant', content: 'It rains.' };
    const body = { id: 'x', object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', message }] };
    const answer = (value: unknown) => versioned([text(JSON.stringify(value))]);
    const usage = { prompt_tokens: 5, completion_tokens: 2 };
    expect(read({ ...CHAT, 'gen_ai.output.messages': answer([{ ...body, usage }]) })).toMatchObject({
      output: 'It rains.',
      finishReason: 'stop',
    });
    // A model may have been asked for this.
    expect(read({ ...CHAT, 'gen_ai.output.messages': answer(body) }).output).toBe(JSON.stringify(body));
  });

  it('puts arguments and results that are texts into objects', () => {
    const tool = (args: unknown, result: unknown) =>
      read({
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'look',
        'gen_ai.tool.call.arguments': JSON.stringify(args),
        'gen_ai.tool.call.result': JSON.stringify(result),
      });
    expect(tool({ arguments: '{"a":1}' }, { result: 'rain' })).toMatchObject({ inputs: { a: 1 }, output: 'rain' });
    const own = { arguments: '{"a":1}' };
    expect(tool(own, 'rain')).toMatchObject({ inputs: own, output: 'rain' });
    expect(tool({ arguments: 'now' }, { result: 'rain' })).toMatchObject({
      inputs: { arguments: 'now' },
      output: '{"result":"rain"}',
    });
  });
});

it('makes no log of a round of an agent', () => {
  const round = { 'gen_ai.span.kind': 'STEP', 'gen_ai.operation.name': 'react', 'gen_ai.react.round': 1 };
  expect(kindOf(round, { name: 'react step' })).toBeUndefined();
  expect(kindOf({ 'openinference.span.kind': 'AGENT' }, { name: 'react' })).toBe('agent');
});

it('reads all of an answer whose body is in an event', () => {
  const body = {
    id: 'x',
    model: 'm',
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'It rains.' } }],
    usage: { prompt_tokens: 5, completion_tokens: 2 },
  };
  const attributes = { 'gen_ai.completion': JSON.stringify(body) };
  const event = { name: 'gen_ai.content.completion', attributes, time: [1, 0] as [number, number] };
  expect(read({ 'gen_ai.operation.name': 'chat' }, { events: [event] })).toMatchObject({
    output: 'It rains.',
    finishReason: 'stop',
    promptTokens: 5,
    callId: 'x',
    metadata: { response_id: 'x', response_model: 'm' },
    providerResponse: body,
  });
});

describe('vectors of an embedding', () => {
  const embedding = { 'gen_ai.request.model': 'gemini-embedding-001', 'gen_ai.input.messages': '["some text"]' };

  it.each(['embeddings', 'llm_call', 'text_completion'])(
    'an operation %s of its model is no call of one that writes',
    (operation) => {
      expect(kindOf({ ...embedding, 'gen_ai.operation.name': operation })).toBe('generic');
    },
  );

  it.each([
    '[0.1,0.2]',
    '[[0.1],[0.2]]',
    '{"embeddings":[{"values":[0.1,0.2]}]}',
    '{"object":"list","data":[{"object":"embedding","embedding":[0.1]}]}',
    '[{"embedding":[0.1]}]',
  ])('%s is left out', (vectors) => {
    const reading = read({ ...embedding, 'gen_ai.operation.name': 'embeddings', 'gen_ai.output.messages': vectors });
    expect(reading).toMatchObject({ inputs: { input: ['some text'] } });
    expect(reading).not.toHaveProperty('output');
    expect(reading).not.toHaveProperty('outputMessage');
  });

  it('an object with numbers is what another step returned', () => {
    const output = '{"values":[1,2]}';
    expect(read({ 'gen_ai.operation.name': 'plan', 'gen_ai.output.messages': output }).output).toBe(output);
  });
});

it.each([
  ['{"model":"m","messages":[{"role":"user","content":"Hi"}]}', 'Hello'],
  ['Hi', '{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'],
])('bodies that promptfoo writes beside the conventions are the content of the call: %s', (request, response) => {
  const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.system': 'openai', 'gen_ai.request.model': 'm' };
  const reading = read({ ...call, 'promptfoo.request.body': request, 'promptfoo.response.body': response });
  expect(reading).toMatchObject({ messages: [{ role: 'user', content: 'Hi' }], output: 'Hello' });
});

it('a turn of an agent that promptfoo marks is no call', () => {
  expect(kindOf({ 'gen_ai.turn.index': 1, 'gen_ai.system': 'azure' }, { name: 'gen_ai.turn 1' })).toBeUndefined();
});
