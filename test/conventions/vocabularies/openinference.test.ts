import { describe, expect, it } from 'vitest';
import { classifySpan } from '../../../src/conventions/index.ts';
import { openInference } from '../../../src/conventions/vocabularies/openinference/openinference.ts';
import type { Attributes, SpanSlice } from '../../../src/otel/span-slice.ts';
import { loadRecording, toSpans } from '../recordings.ts';
import { kindOf, makeSpan, read as readAll, readWith } from '../span.ts';

function span(kind: string, attributes: Attributes = {}): SpanSlice {
  return makeSpan({ 'openinference.span.kind': kind, ...attributes });
}

const read = (kind: string, attributes: Attributes) => readWith(openInference, span(kind, attributes));
const llm = (attributes: Attributes) => read('LLM', attributes);
const recorded = (name: string, at = 0) => readWith(openInference, toSpans(loadRecording(name))[at]!);

/** `llm.input_messages.0.message.role`, … */
function messages(list: 'input' | 'output', ...each: Attributes[]): Attributes {
  const entries = each.flatMap((fields, index) =>
    Object.entries(fields).map(([key, value]) => [`llm.${list}_messages.${index}.message.${key}`, value]),
  );
  return Object.fromEntries(entries) as Attributes;
}

describe('the kind of an OpenInference span', () => {
  it.each([
    ['LLM', 'model'],
    ['TOOL', 'tool'],
    ['AGENT', 'agent'],
    ['CHAIN', 'generic'],
    ['RETRIEVER', 'generic'],
    ['RERANKER', 'generic'],
    ['EMBEDDING', 'generic'],
    ['GUARDRAIL', 'generic'],
    ['EVALUATOR', 'generic'],
    ['PROMPT', 'generic'],
    ['something new', 'generic'],
  ])('%s: %s', (kind, log) => {
    expect(openInference.classify(span(kind))).toBe(log);
  });

  it('is left to the AI SDK if a processor has only translated its attributes', () => {
    const attributes = { 'ai.operationId': 'ai.rerank' };
    expect(openInference.classify(span('LLM', attributes))).toBeUndefined();
    expect(classifySpan(span('LLM', attributes))).toMatchObject({ kind: 'generic', convention: 'vercel-ai' });
  });
});

it.each(['CountTokens', 'CreateFileAnswer', 'ListBatches'])(
  "is no call in Envoy's gateway, and one elsewhere: %s",
  (name) => {
    const attributes = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' };
    expect(kindOf(attributes, { name, scope: 'app' })).toBe('model');
    expect(kindOf(attributes, { name, scope: 'envoyproxy/ai-gateway' })).toBe('generic');
  },
);

it.each([
  [{ file: 'a.pdf', messages: [{ role: 'user', content: 'Sum up' }] }, 'Sum up'],
  [{ file_name: 'a.wav', prompt: 'Names: Bob' }, 'Names: Bob'],
  [{ file_name: 'a.txt', question: 'What?' }, '{"model":"m","file_name":"a.txt","question":"What?"}'],
])('keeps what was asked beside a file: %o', (request, content) => {
  const value = JSON.stringify({ model: 'm', ...request });
  expect(llm({ 'input.value': value, 'input.mime_type': 'application/json' }).messages).toEqual([
    { role: 'user', content },
  ]);
});

describe('messages', () => {
  it('are read in the order of their numbers, with gaps, in whatever order they were set', () => {
    const texts = Array.from({ length: 12 }, (_, index) => index).filter((index) => index !== 5);
    const attributes = Object.fromEntries(
      texts.toReversed().flatMap((index) => [
        [`llm.input_messages.${index}.message.content`, `${index}`],
        [`llm.input_messages.${index}.message.role`, 'user'],
      ]),
    );
    expect(llm(attributes).messages?.map(({ content }) => content)).toEqual(texts.map(String));
  });

  it('include Anthropic’s system prompt, which is in the parameters', () => {
    const [first] = recorded('openinference-js/v4-anthropic-messages').messages ?? [];
    expect(first).toEqual({ role: 'system', content: 'You are a weather bot.' });
  });

  it('from Anthropic keep the text and the image beside a tool result', () => {
    const { messages } = recorded('openinference-js/v4-anthropic-mixed-tool-result', 1);
    expect(messages?.slice(-2)).toEqual([
      { role: 'tool', content: 'rainy', tool_call_id: 'toolu_1' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'go on' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        ],
      },
    ]);
  });

  it('come from the request if the attribute limit has cut the list', () => {
    const name = 'openinference-js/v4-openai-long-chat-128-limit';
    const { 'input.value': request } = loadRecording(name).spans[0]!.attributes;
    const asked = (JSON.parse(String(request)) as { messages: unknown[] }).messages;
    expect(recorded(name).messages).toHaveLength(asked.length);
  });

  it('have a tool call once, though Anthropic’s is in two places', () => {
    const attributes = messages('output', {
      role: 'assistant',
      'tool_calls.0.tool_call.id': 'c',
      'tool_calls.0.tool_call.function.name': 'f',
      'tool_calls.0.tool_call.function.arguments': '{}',
      'contents.0.message_content.type': 'tool_use',
      'contents.0.tool_call.id': 'c',
      'contents.0.tool_call.function.name': 'f',
    });
    expect(llm(attributes).outputMessage?.tool_calls).toHaveLength(1);
  });

  it('accept the old function call', () => {
    const attributes = messages('output', {
      role: 'assistant',
      function_call_name: 'f',
      function_call_arguments_json: '{"a":1}',
    });
    expect(llm(attributes).outputMessage?.tool_calls?.[0]?.function).toEqual({ name: 'f', arguments: '{"a":1}' });
  });
});

describe('the answer', () => {
  it('from the Responses API is one message, with thinking apart', () => {
    const called = recorded('openinference-js/v4-openai-responses-reasoning', 0);
    expect(called.outputMessage).toMatchObject({ role: 'assistant', tool_calls: [{ id: 'call_1' }] });
    expect(called).not.toHaveProperty('output');
    expect(called.contentMetadata).toEqual({ reasoning: 'thinking about it' });
    expect(recorded('openinference-js/v4-openai-responses-reasoning', 1).output).toBe('Rainy.');
  });

  it('is the first choice; the others are kept beside it', () => {
    const reading = recorded('openinference-js/v4-openai-n2');
    expect(reading.output).toBe('The weather in Paris is rainy, 57F.');
    expect(reading.contentMetadata?.['choices']).toHaveLength(1);
    const both = messages('output', { role: 'assistant', content: 'a' }, { role: 'assistant', content: 'b' });
    const body = { id: 'x', choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }] };
    expect(llm({ ...both, 'output.value': JSON.stringify(body) })).toMatchObject({
      output: 'a',
      contentMetadata: { choices: [{ role: 'assistant', content: 'b' }] },
    });
  });

  it('has no text if it is a tool call', () => {
    const reading = recorded('openinference-js/v4-openai-tool-stream');
    expect(reading).not.toHaveProperty('output');
    expect(reading.outputMessage?.tool_calls?.[0]?.function.name).toBe('get_weather');
  });

  it('from LangChain has the ids of its tool calls, which the attributes lack', () => {
    const called = toSpans(loadRecording('openinference-js/v4-langchain'))
      .map((each) => readWith(openInference, each).outputMessage?.tool_calls)
      .find((calls) => calls !== undefined);
    expect(called?.[0]?.id).toBe('call_abc123');
  });

  it('may be JSON that is not a provider’s body', () => {
    const reading = llm({ 'output.value': '{"city":"Paris"}', 'output.mime_type': 'application/json' });
    expect(reading.output).toBe('{"city":"Paris"}');
    expect(reading).not.toHaveProperty('providerResponse');
  });

  it('may be a body that nobody knows, which is named if it counts the tokens of the call', () => {
    const body = { id: 'x', model: 'm-1', completion: 'Hi', usage: { input_tokens: 5, output_tokens: 2 } };
    const names = { response_id: 'x', response_model: 'm-1' };
    const answer = { 'output.value': JSON.stringify(body), 'output.mime_type': 'application/json' };
    expect(llm(answer)).toMatchObject({ callId: 'x', promptTokens: 5, metadata: names });
    const counts = { 'llm.token_count.prompt': 5, 'llm.token_count.completion': 2 };
    expect(llm({ ...answer, ...counts }).metadata).toMatchObject(names);
    // What a model said may have all of these names.
    const said = JSON.stringify({ ...body, usage: { input_tokens: 5 } });
    expect(llm({ 'output.value': said })).not.toHaveProperty('callId', 'x');
    expect(llm({ ...answer, ...counts, 'llm.token_count.prompt': 6 })).not.toHaveProperty('callId');
  });

  it('has the finish reason tool_calls though the bridge writes “stop” for any complete response', () => {
    const name = 'openai-agents-js/openinference-responses-tool-loop';
    expect(recorded(name).finishReason).toBe('tool_calls');
    expect(recorded(name, 3).finishReason).toBe('stop');
  });
});

describe('hidden content', () => {
  it('is absent, and the system prompt is not taken from the parameters', () => {
    const reading = llm({
      'input.value': '__REDACTED__',
      'output.value': '__REDACTED__',
      'llm.invocation_parameters': '{"model":"claude-x","system":"secret","max_tokens":5}',
    });
    expect(reading).toMatchObject({ model: 'claude-x', maxTokens: 5 });
    expect(JSON.stringify(reading)).not.toMatch(/secret|REDACTED/);
  });

  it('of one part leaves the rest of the message', () => {
    const attributes = messages('input', {
      role: 'user',
      'contents.0.message_content.type': 'text',
      'contents.0.message_content.text': 'look',
      'contents.1.message_content.type': 'image',
      'contents.1.message_content.image.image.url': '__REDACTED__',
    });
    expect(llm(attributes).messages).toEqual([{ role: 'user', content: 'look' }]);
  });

  it('is not taken from the raw request', () => {
    const request = { model: 'claude-x', messages: [{ role: 'user', content: 'secret' }] };
    const attributes = {
      ...messages('input', { role: 'user', content: '__REDACTED__' }),
      'llm.system': 'anthropic',
      'input.value': JSON.stringify(request),
    };
    expect(JSON.stringify(llm(attributes).messages ?? null)).not.toContain('secret');
  });
});

describe('the model and its parameters', () => {
  it('are read under each provider’s names', () => {
    const of = (parameters: unknown) => llm({ 'llm.invocation_parameters': JSON.stringify(parameters) });
    expect(of({ model: 'm', max_completion_tokens: 5, stop: 'END', seed: 1, user: 'u' })).toMatchObject({
      model: 'm',
      maxTokens: 5,
      stop: 'END',
      seed: 1,
      metadata: { user: 'u' },
    });
    expect(of({ generationConfig: { maxOutputTokens: 6, topP: 0.5, stopSequences: ['a'] }, top_k: 3 })).toMatchObject({
      maxTokens: 6,
      topP: 0.5,
      stop: ['a'],
      other: { top_k: 3 },
    });
    const format = { type: 'json_schema', json_schema: { name: 'W', schema: {} } };
    expect(of({ response_format: format }).responseFormat).toEqual(format);
    expect(of({ text: { format: { type: 'json_schema', name: 'W', schema: {} } } }).responseFormat).toEqual(format);
  });

  it('leave out what is not a parameter if a response stands in their place', () => {
    const { other, model } = recorded('openai-agents-js/openinference-responses-tool-loop');
    expect(model).toBe('gpt-4o-2024-08-06');
    expect(other).toEqual({ parallel_tool_calls: true, store: true, tool_choice: 'auto', truncation: 'disabled' });
  });

  it('prefer the requested model, and do not take LangChain’s “unknown” for one', () => {
    const attributes = { 'llm.model_name': 'gpt-4o-2024', 'llm.invocation_parameters': '{"model":"gpt-4o"}' };
    expect(llm(attributes)).toMatchObject({ model: 'gpt-4o', metadata: { response_model: 'gpt-4o-2024' } });
    const metadata = JSON.stringify({ ls_model_name: 'gpt-4o', ls_provider: 'openai' });
    expect(llm({ 'llm.model_name': 'unknown', metadata })).toMatchObject({ model: 'gpt-4o', provider: 'openai' });
    expect(llm({ 'llm.model_name': 'unknown' })).not.toHaveProperty('model');
  });

  it('come with prompts, completions, cost and template', () => {
    expect(recorded('manual-spec/openinference-spec-extras')).toMatchObject({
      endpoint: 'complete',
      messages: [{ role: 'user', content: 'def fib(n):' }],
      output: 'return n',
      promptCost: 0.0021,
      outputCost: 0.0045,
      promptTemplate: 'Weather in {city}',
      inputs: { city: 'Paris' },
      metadata: { total_cost: 0.0066 },
    });
  });
});

describe('spans that are not calls', () => {
  it('have sums of tokens as metadata', () => {
    const reading = read('AGENT', { 'agent.name': 'a', 'llm.token_count.prompt': 3, 'llm.system': 'openai' });
    expect(reading).toEqual({ name: 'a', metadata: { usage: { prompt_tokens: 3 } } });
  });

  it('unwrap LangChain’s objects', () => {
    const message = (className: string, kwargs: unknown) => ({
      lc: 1,
      type: 'constructor',
      id: ['langchain_core', 'messages', className],
      kwargs,
    });
    const chain = read('CHAIN', {
      'input.value': JSON.stringify({ history: [message('HumanMessage', { content: 'hi' })] }),
      'output.value': JSON.stringify(message('AIMessageChunk', { content: 'hello' })),
    });
    expect(chain.inputs).toEqual({ history: [{ role: 'user', content: 'hi' }] });
    expect(chain.output).toBe('hello');
    const result = { output: message('ToolMessage', { content: 'rainy', tool_call_id: 'c' }) };
    expect(read('TOOL', { 'input.value': 'Paris', 'output.value': JSON.stringify(result) })).toMatchObject({
      inputs: { input: 'Paris' },
      output: 'rainy',
      metadata: { tool_call_id: 'c' },
    });
  });

  it('distinguish a tool’s schema from its arguments', () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } } };
    const declared = read('TOOL', { 'tool.name': 'f', 'tool.parameters': JSON.stringify(schema) });
    expect(declared).toEqual({ name: 'f', toolParameters: schema });
    const called = read('TOOL', { 'tool.name': 'f', 'tool.parameters': '{"a":1}' });
    expect(called).toEqual({ name: 'f', inputs: { a: 1 } });
  });

  it('keep documents, a ranking and texts, but no vectors', () => {
    const document = (list: string, text: string) => ({
      [`${list}.0.document.content`]: text,
      [`${list}.0.document.score`]: 0.5,
    });
    expect(read('RETRIEVER', { 'input.value': 'q', ...document('retrieval.documents', 'd') })).toEqual({
      inputs: { input: 'q' },
      output: '[{"content":"d","score":0.5}]',
    });
    const lists = {
      ...document('reranker.input_documents', 'in'),
      ...document('reranker.output_documents', 'out'),
    };
    const ranked = read('RERANKER', {
      'reranker.query': 'q',
      'reranker.model_name': 'r',
      'reranker.top_k': 1,
      ...lists,
    });
    expect(ranked).toEqual({
      model: 'r',
      other: { top_k: 1 },
      inputs: { query: 'q', documents: [{ content: 'in', score: 0.5 }] },
      output: '[{"content":"out","score":0.5}]',
    });
    const embedded = read('EMBEDDING', {
      'embedding.model_name': 'e',
      'embedding.embeddings.0.embedding.text': 'a',
      'embedding.embeddings.0.embedding.vector': [0.25, 0.75],
      'llm.token_count.prompt': 8,
    });
    expect(embedded).toEqual({ model: 'e', inputs: { input: ['a'] }, promptTokens: 8 });
  });
});

it('reads cut JSON as far as it goes, and leaves out cut bodies and schemas', () => {
  const reading = recorded('openinference-js/v4-truncated120-openai-tool-loop');
  expect(reading.tools).toEqual([{ name: 'get_weather', description: 'Get weather' }]);
  expect(reading).not.toHaveProperty('providerRequest');
  expect(reading).not.toHaveProperty('providerResponse');
  expect(reading.metadata?.['truncated']).toContain('input.value');
});

it('reads the error without the stack that LangChain adds', () => {
  const failed = toSpans(loadRecording('openinference-js/v4-langchain')).at(-1)!;
  const { error } = readWith(openInference, failed);
  expect(error?.message).toContain('429 Rate limit reached');
  expect(error?.message).not.toContain('node_modules');
});

describe('values in forms of other frameworks', () => {
  const readCall = (attributes: Record<string, unknown>) =>
    readAll({ 'openinference.span.kind': 'LLM', ...attributes });
  const JSON_OUTPUT = { 'output.mime_type': 'application/json' };
  const AI =
    "content='Hello' additional_kwargs={} response_metadata={'finish_reason': 'stop'} id='run-1' usage_metadata={'input_tokens': 5, 'output_tokens': 3}";

  it.each([
    ['a text as JSON', '"Hello"'],
    ['a list of texts, as from DSPy', '["Hello"]'],
    [
      "AutoGen's result",
      '{"finish_reason":"stop","content":"Hello","usage":{"prompt_tokens":5,"completion_tokens":3}}',
    ],
    ['a message by its class', '{"type":"AIMessage","content":"Hello"}'],
    ["LangChain's message as Python prints it", `AIMessage(${AI.replaceAll("' ", "', ").replaceAll('} ', '}, ')})`],
    ['the fields of it', AI],
  ])('%s', (_name, output) => {
    expect(readCall({ 'output.value': output, ...JSON_OUTPUT })).toMatchObject({
      output: 'Hello',
      outputMessage: { role: 'assistant', content: 'Hello' },
    });
  });

  it('a text that is not declared as JSON keeps its quotes', () => {
    expect(readCall({ 'output.value': '"Hello"' }).output).toBe('"Hello"');
    expect(readCall({ 'output.value': '["Hello"]' }).output).toBe('["Hello"]');
    expect(readCall({ 'output.value': "content='Hello'" }).output).toBe("content='Hello'");
  });

  it('takes the tokens from a printed message', () => {
    expect(readCall({ 'output.value': AI })).toMatchObject({ promptTokens: 5, outputTokens: 3 });
  });

  it.each([JSON.stringify, (value: unknown) => value])('lists that were not flattened', (written) => {
    const call = { id: 'call_1', function: { name: 'weather', arguments: '{}' } };
    const text = { message_content: { type: 'text', text: 'Hi' } };
    expect(
      readCall({
        'llm.input_messages': written([{ message: { role: 'user', contents: [text] } }]),
        'llm.output_messages': written([{ message: { role: 'assistant', tool_calls: [{ tool_call: call }] } }]),
        'llm.tools': written([{ name: 'weather', input_schema: { type: 'object' } }]),
      }),
    ).toMatchObject({
      messages: [{ role: 'user', content: 'Hi' }],
      outputMessage: { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'weather' } }] },
      tools: [{ name: 'weather', parameters: { type: 'object' } }],
    });
  });

  it('the text of an embedding without an index', () => {
    const embedding = { 'openinference.span.kind': 'EMBEDDING', 'embedding.text': 'a' };
    expect(readAll(embedding).inputs).toEqual({ input: ['a'] });
  });
});

it('reads steps of Alibaba and Dify, which have the kind in another attribute', () => {
  const tool = {
    'gen_ai.span.kind': 'TOOL',
    'tool.name': 'clock',
    'input.value': '{"zone":"UTC"}',
    'output.value': '12',
  };
  expect(readAll(tool)).toMatchObject({ name: 'clock', inputs: { zone: 'UTC' }, output: '12' });
  const conventionOf = (attributes: Attributes) => classifySpan(makeSpan(attributes))?.convention;
  expect(conventionOf(tool)).toBe('openinference');
  expect(conventionOf({ ...tool, 'gen_ai.operation.name': 'execute_tool' })).toBe('gen-ai');
  expect(conventionOf({ 'gen_ai.span.kind': 'LLM', 'gen_ai.request.model': 'm', 'gen_ai.prompt': 'x' })).toBe('gen-ai');
  expect(conventionOf({ 'gen_ai.span.kind': 'workflow' })).toBeUndefined();
});

it('leaves out the name of a model that is longer than v4 can hold', () => {
  const parameters = JSON.stringify({ model: 'm'.repeat(10_001), temperature: 1 });
  const reading = readAll({ 'openinference.span.kind': 'LLM', 'llm.invocation_parameters': parameters });
  expect(reading.model).toBeUndefined();
  expect(reading.temperature).toBe(1);
});

it('takes a call of a model that embeds for an embedding unless it answers with words', () => {
  const kind = (attributes: Attributes) =>
    classifySpan(span('LLM', { 'llm.model_name': 'embed-x', ...attributes }))?.kind;
  expect(kind(messages('output', { role: 'assistant' }))).toBe('generic');
  expect(kind(messages('output', { role: 'assistant', content: 'A linden.' }))).toBe('model');
});

it('leaves what was asked and embedded out of the config', () => {
  const parameters = { input_type: 'search', texts: ['a linden'], inputText: 'a linden', images: ['data:a'] };
  const embedding = read('EMBEDDING', { 'llm.invocation_parameters': JSON.stringify(parameters) });
  expect(embedding.other).toEqual({ input_type: 'search' });
  const asked = { message: 'a linden', documents: [{ text: 'a linden' }], preamble: 'a', k: 3 };
  expect(llm({ 'llm.invocation_parameters': JSON.stringify(asked) }).other).toEqual({ k: 3 });
});

it.each([
  [
    { type: 'object', properties: { city: {} } },
    { name: 'weather', parameters: { type: 'object', properties: { city: {} } } },
  ],
  [{ type: 'web_search_20250305', max_uses: 3 }, { name: 'web_search_20250305' }],
])('reads what a tool takes, and what is a tool of the provider: %j', (schema, tool) => {
  const name = { 'openinference.span.kind': 'LLM', 'llm.tools.0.tool.name': 'weather' };
  expect(readAll({ ...name, 'llm.tools.0.tool.json_schema': JSON.stringify(schema) }).tools).toEqual([tool]);
});

it('takes a message for one that Java printed only where LangChain4j wrote it', () => {
  const content = 'UserMessage { name = null contents = [TextContent { text = "Hi" }] }';
  const call = { 'llm.input_messages.0.message.role': 'user', 'llm.input_messages.0.message.content': content };
  const messagesOf = (system: string) => llm({ ...call, 'llm.system': system }).messages;
  expect(messagesOf('langchain4j')).toEqual([{ role: 'user', content: 'Hi' }]);
  expect(messagesOf('openai')).toEqual([{ role: 'user', content }]);
});

it.each(['[{"candidates":["Ann","Bob"],"job":"cook"}]', '[{"choices":["a"]},{"choices":["b"]}]'])(
  'leaves a list that the model was asked for as it is: %s',
  (answer) => {
    const reading = llm({ 'output.value': answer, 'output.mime_type': 'application/json' });
    expect(reading.output).toBe(answer);
    expect(reading.contentMetadata).toBeUndefined();
  },
);

describe('the kind of traceAI', () => {
  it('leaves a span of the AI SDK what it is', () => {
    const span = {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.response.text': 'rainy',
      'fi.span.kind': 'CHAIN',
    };
    expect(kindOf(span)).toBe('model');
    expect(readAll(span).output).toBe('rainy');
  });

  it('leaves a span of Genkit what it is', () => {
    const span = { 'genkit:type': 'action', 'fi.span.kind': 'CHAIN', 'gen_ai.span.kind': 'CHAIN' };
    expect(kindOf({ ...span, 'genkit:metadata:subtype': 'util' })).toBe(
      kindOf({ 'genkit:type': 'action', 'genkit:metadata:subtype': 'util' }),
    );
    expect(readAll({ ...span, 'genkit:metadata:subtype': 'flow' }).metadata).toMatchObject({ convention: 'genkit' });
  });

  it('says nothing if it is unknown', () => {
    const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
    expect(kindOf({ ...call, 'fi.span.kind': 'UNKNOWN' })).toBe('model');
  });

  it('has the names of the span for what was cut', () => {
    const span = { 'fi.span.kind': 'LLM', 'raw.input': '{"model":"gpt-4o","messages":[{"role":"user","content":"H' };
    expect(readAll(span).metadata).toMatchObject({ truncated: ['raw.input'] });
  });

  it("leaves a span's own price as it is", () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_price: '3',
      prompt_price: '1',
      completion_price: '2',
    };
    const said = JSON.stringify({ text: 'rainy', usage: { ...usage, currency: 'USD' } });
    const call = { 'openinference.span.kind': 'LLM', 'llm.token_count.prompt': 5, 'output.value': said };
    expect(readAll(call)).toMatchObject({ promptCost: 1, outputCost: 2 });
    expect(readAll({ ...call, 'llm.cost.prompt': 7 }).promptCost).toBe(7);
  });

  it('is that of flattened messages, which say more than whole ones beside them', () => {
    const call = 'gen_ai.output.messages.0.message.tool_calls.0.tool_call';
    const picture = 'gen_ai.input.messages.0.message.contents.0.message_content';
    const reading = readAll({
      'fi.span.kind': 'LLM',
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages': '[{"role":"user","content":"look"}]',
      'gen_ai.output.messages': '[{"role":"assistant","content":""}]',
      'gen_ai.input.messages.0.message.role': 'user',
      [`${picture}.type`]: 'image',
      [`${picture}.image`]: 'https://a/b.png',
      'gen_ai.output.messages.0.message.role': 'assistant',
      [`${call}.id`]: 'c1',
      [`${call}.function.name`]: 'zoom',
      [`${call}.function.arguments`]: '{}',
    });
    expect(reading.messages).toEqual([
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a/b.png' } }] },
    ]);
    expect(reading.outputMessage?.tool_calls).toEqual([
      { id: 'c1', type: 'function', function: { name: 'zoom', arguments: '{}' } },
    ]);
  });

  it('is not needed where its messages are', () => {
    const span = { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages.0.message.content': 'rainy' };
    expect(readAll(span).outputMessage).toEqual({ role: 'assistant', content: 'rainy' });
  });
});

it('takes a request beside messages for no variables, whatever the user said', () => {
  const said = '{"city":"Paris"}';
  const call = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: said }] }]),
  };
  const asked = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: said }] });
  expect(readAll({ ...call, 'input.value': asked }).inputs).toBeUndefined();
  expect(readAll({ ...call, 'input.value': '{"city":"Rome"}' })).toMatchObject({
    inputs: { city: 'Rome' },
    messages: [{ role: 'user', content: said }],
  });
});

it('has a log of a generation that the GenAI conventions do not know', () => {
  const span = { 'gen_ai.span.kind': 'GENERATION', 'input.value': 'Hi', 'output.value': 'Ho' };
  expect(kindOf(span)).toBe('generic');
  expect(readAll(span).output).toBe('Ho');
});

describe('messages in one attribute, with the prefixes of their keys', () => {
  const ASKED = [
    { 'message.role': 'user', 'message.contents': [{ 'message_content.type': 'text', 'message_content.text': 'Hi' }] },
  ];
  const CALLS = [{ 'tool_call.id': 'c', 'tool_call.function.name': 'look', 'tool_call.function.arguments': '{"a":1}' }];
  const ANSWERED = [{ 'message.role': 'assistant', 'message.tool_calls': CALLS }];
  const call = { id: 'c', type: 'function', function: { name: 'look', arguments: '{"a":1}' } };

  it.each([
    ['as lists', ASKED, ANSWERED],
    ['as JSON', JSON.stringify(ASKED), JSON.stringify(ANSWERED)],
  ])('%s', (_, asked, answered) => {
    const reading = read('LLM', { 'llm.input_messages': asked, 'llm.output_messages': answered });
    expect(reading.messages).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(reading.outputMessage).toEqual({ role: 'assistant', tool_calls: [call] });
  });

  it.each([
    ['with prefixes', CALLS],
    ['without', [call]],
  ])('calls of a flattened message, %s', (_, calls) => {
    const reading = read('LLM', {
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.tool_calls': JSON.stringify(calls),
    });
    expect(reading.outputMessage).toEqual({ role: 'assistant', tool_calls: [call] });
  });
});
