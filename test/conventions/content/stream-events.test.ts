/** Answers that were recorded as the events that they were streamed in. */
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { readAnswer } from '../../../src/conventions/content/provider-bodies.ts';
import { joinChunks } from '../../../src/conventions/content/streams/stream-chunks.ts';
import { read } from '../span.ts';

const LOOK = { id: 't1', type: 'function', function: { name: 'look', arguments: '{"at":"yard"}' } };
const WHOLE = { role: 'assistant', content: 'I look.', tool_calls: [LOOK] };

const ANTHROPICS = [
  {
    type: 'message_start',
    message: {
      id: 'msg_1',
      role: 'assistant',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 5, output_tokens: 1 },
    },
  },
  { type: 'ping' },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
  { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'I ' } },
  { type: 'text', text: 'I ', snapshot: 'I ' },
  { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'look.' } },
  { type: 'content_block_stop', index: 1 },
  { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't1', name: 'look', input: {} } },
  { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"at"' } },
  { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: ':"yard"}' } },
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];

const BEDROCKS = [
  { messageStart: { role: 'assistant' } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'I ' } } },
  { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'look.' } } },
  { contentBlockStop: { contentBlockIndex: 0 } },
  { contentBlockStart: { contentBlockIndex: 1, start: { toolUse: { toolUseId: 't1', name: 'look' } } } },
  { contentBlockDelta: { contentBlockIndex: 1, delta: { toolUse: { input: '{"at":' } } } },
  { contentBlockDelta: { contentBlockIndex: 1, delta: { toolUse: { input: '"yard"}' } } } },
  { messageStop: { stopReason: 'tool_use' } },
  { metadata: { usage: { inputTokens: 5, outputTokens: 7 }, metrics: { latencyMs: 9 } } },
];

const ITEMS = [
  { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'I look.' }] },
  { type: 'function_call', call_id: 't1', name: 'look', arguments: '{"at":"yard"}' },
];

const RESPONSES = [
  { type: 'response.created', response: { id: 'resp_1', output: [] } },
  { type: 'response.output_text.delta', output_index: 0, delta: 'I ' },
  { type: 'response.output_text.delta', output_index: 0, delta: 'look.' },
  { type: 'response.output_item.done', output_index: 0, item: ITEMS[0] },
  { type: 'response.output_item.done', output_index: 1, item: ITEMS[1] },
  {
    type: 'response.completed',
    response: { id: 'resp_1', output: ITEMS, usage: { input_tokens: 5, output_tokens: 7 } },
  },
];

const COHERES = [
  { type: 'message-start', id: 'x', delta: { message: { role: 'assistant', content: [] } } },
  { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'I ' } } } },
  { type: 'content-delta', index: 0, delta: { message: { content: { text: 'look.' } } } },
  { type: 'content-end', index: 0 },
  {
    type: 'tool-call-start',
    index: 0,
    delta: { message: { tool_calls: { id: 't1', type: 'function', function: { name: 'look', arguments: '' } } } },
  },
  { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '{"at":' } } } } },
  { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '"yard"}' } } } } },
  {
    type: 'message-end',
    delta: { finish_reason: 'TOOL_CALL', usage: { tokens: { input_tokens: 5, output_tokens: 7 } } },
  },
];

const langChains = (fields: object) => ({ type: 'AIMessageChunk', id: 'run-1', tool_call_chunks: [], ...fields });
const LANG_CHAINS = [
  langChains({ content: 'I ' }),
  langChains({ content: [{ type: 'text', text: 'look.', index: 0 }] }),
  langChains({ content: '', tool_call_chunks: [{ index: 1, id: 't1', name: 'look', args: '{"at":' }] }),
  langChains({ content: '', tool_call_chunks: [{ index: 1, id: null, name: null, args: '"yard"}' }] }),
  langChains({
    content: '',
    response_metadata: { finish_reason: 'tool_calls' },
    usage_metadata: { input_tokens: 5, output_tokens: 7, total_tokens: 12 },
  }),
];

const OLLAMAS = [
  { model: 'm', message: { role: 'assistant', content: 'I ' }, done: false },
  { model: 'm', message: { role: 'assistant', content: 'look.' }, done: false },
  {
    model: 'm',
    message: {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 't1', function: { name: 'look', arguments: { at: 'yard' } } }],
    },
    done: false,
  },
  {
    model: 'm',
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'tool_calls',
    prompt_eval_count: 5,
    eval_count: 7,
  },
];

describe.each([
  ["Anthropic's", ANTHROPICS, 'tool_calls'],
  ["Bedrock's", BEDROCKS, 'tool_calls'],
  ["the Responses API's", RESPONSES, undefined],
  ["Ollama's", OLLAMAS, 'tool_calls'],
  ["Cohere's", COHERES, 'tool_calls'],
  ["LangChain's", LANG_CHAINS, 'tool_calls'],
])('%s events', (_whose, events, finishReason) => {
  it('are one answer with its words, its calls and its reason', () => {
    const reader = new MessageReader();
    const { outputMessage, contentMetadata, finishReason: found } = readAnswer(events, reader);
    expect(outputMessage).toEqual(WHOLE);
    expect(contentMetadata).toBeUndefined();
    expect(found).toBe(finishReason);
    expect(reader.reasoning).toEqual(events === ANTHROPICS ? ['Hm.'] : []);
  });

  it.each([
    ['mlflow', { 'mlflow.spanType': 'CHAT_MODEL', 'mlflow.spanOutputs': JSON.stringify(events) }],
    ['langsmith', { 'langsmith.span.kind': 'llm', 'gen_ai.completion': JSON.stringify(events) }],
    ['langsmith', { 'langsmith.span.kind': 'llm', 'gen_ai.completion': JSON.stringify({ output: events }) }],
    ['openinference', { 'openinference.span.kind': 'LLM', 'output.value': JSON.stringify(events) }],
    ['gen-ai', { 'gen_ai.operation.name': 'chat', 'gen_ai.completion': JSON.stringify(events) }],
  ])('are read with their tokens by %s', (convention, attributes) => {
    expect(read(attributes)).toMatchObject({
      outputMessage: WHOLE,
      promptTokens: 5,
      outputTokens: 7,
      metadata: { convention },
    });
  });
});

it('leaves of a stream that was left what had come', () => {
  const answer = (events: readonly object[]) => readAnswer(events, new MessageReader()).output;
  expect(answer(ANTHROPICS.slice(0, 7))).toBe('I ');
  expect(answer(BEDROCKS.slice(0, 2))).toBe('I ');
  expect(answer(RESPONSES.slice(0, 2))).toBe('I ');
  expect(answer(RESPONSES.slice(0, 4))).toBe('I look.');
  expect(answer(OLLAMAS.slice(0, 2))).toBe('I look.');
});

it.each([
  [
    [
      { done: false, response: 'a' },
      { done: true, response: 'b' },
    ],
  ],
  [[...ANTHROPICS, { type: 'note', text: 'x' }]],
  [[{ type: 'response.created' }, { type: 'report' }]],
  [[{ messageStart: { role: 'assistant' } }, { title: 'x' }]],
  [
    [
      { type: 'response.ok', body: 'x' },
      { type: 'response.bad', body: 'y' },
    ],
  ],
  [
    [
      { type: 'error', response: { status: 500 } },
      { type: 'error', response: { status: 404 } },
    ],
  ],
  [
    [
      { type: 'message_start', at: 1 },
      { type: 'text', text: 'x' },
    ],
  ],
  [
    [
      { type: 'message-start', at: 1 },
      { type: 'message-end', at: 2 },
    ],
  ],
  [['a', 'b'].map((model) => ({ model, done: true, response: 'x' }))],
  [['a', 'b'].map((model, at) => ({ model, done: at === 1, response: 'x' }))],
  [['x', 'y'].map((content) => ({ model: 'm', done: true, message: { role: 'assistant', content } }))],
  [['run-1', 'run-2'].map((id) => langChains({ id, content: 'One.' }))],
  [['a', 'b'].map((name) => ({ name, usage_metadata: { pages: 1 } }))],
  [['a', 'b'].map((title) => ({ title, candidates: [title] }))],
  [[null, null]],
])("leaves a list of the app's own as it is: %j", (list) => expect(joinChunks(list)).toBe(list));

it.each([
  ["Anthropic's", ANTHROPICS],
  ["Bedrock's", BEDROCKS],
  ["Cohere's", COHERES],
  ["the Responses API's", RESPONSES],
])('leaves the events of two answers of %s as they are', (_whose, events) => {
  const loop = [...events, ...events];
  expect(joinChunks(loop)).toBe(loop);
});

it.each([
  { author: 'bot', invocation_id: 'e-1' },
  { partial: true, turn_complete: false },
])("leaves the events of Google's ADK as they are: %j", (more) => {
  const events = [
    { ...more, content: { role: 'model', parts: [{ text: 'Hel' }] } },
    { ...more, content: { role: 'model', parts: [{ text: 'Hello.' }] } },
  ];
  expect(readAnswer(events, new MessageReader()).output).toBe(JSON.stringify(events));
});

it('keeps the words before an error', () => {
  const error = { type: 'error', message: 'Overloaded.' };
  for (const events of [ANTHROPICS.slice(0, 7), RESPONSES.slice(0, 2)]) {
    const { output, contentMetadata } = readAnswer([...events, error], new MessageReader());
    expect([output, contentMetadata]).toEqual(['I ', undefined]);
  }
});

describe('the thoughts in a stream', () => {
  const thoughtsIn = (events: readonly unknown[]) => {
    const reader = new MessageReader();
    return [readAnswer(events, reader).output, ...reader.reasoning];
  };

  it("of Cohere's are its thinking and its plan", () => {
    const delta = (type: string, index: number, message: object) => ({ type, index, delta: { message } });
    const events = [
      COHERES[0],
      delta('content-start', 0, { content: { type: 'thinking', thinking: '' } }),
      delta('content-delta', 0, { content: { thinking: 'Hm.' } }),
      delta('content-delta', 1, { content: { text: 'Yes.' } }),
      delta('tool-plan-delta', 0, { tool_plan: 'I lo' }),
      delta('tool-plan-delta', 0, { tool_plan: 'ok.' }),
    ];
    expect(thoughtsIn(events)).toEqual(['Yes.', 'Hm.', 'I look.']);
  });

  it("of LangChain's are its parts or beside its words", () => {
    const parts = [langChains({ content: [{ type: 'thinking', thinking: 'Hm.', index: 0 }] })];
    const beside = [langChains({ content: '', additional_kwargs: { reasoning_content: 'Hm.' } })];
    const said = langChains({ content: 'Yes.' });
    expect(thoughtsIn([...parts, said])).toEqual(['Yes.', 'Hm.']);
    expect(thoughtsIn([...beside, said])).toEqual(['Yes.', 'Hm.']);
  });

  it("of Ollama's generations are beside their words", () => {
    const events = [
      { model: 'm', response: '', thinking: 'Hm.', done: false },
      { model: 'm', response: 'Yes.', done: true },
    ];
    expect(thoughtsIn(events)).toEqual(['Yes.', 'Hm.']);
  });

  it("of Bedrock's are nothing where they are redacted", () => {
    const redacted = { contentBlockIndex: 0, delta: { reasoningContent: { redactedContent: 'eA==' } } };
    const said = { contentBlockIndex: 1, delta: { text: 'Yes.' } };
    expect(thoughtsIn([BEDROCKS[0], { contentBlockDelta: redacted }, { contentBlockDelta: said }])).toEqual(['Yes.']);
  });
});

describe("LangChain's chunks", () => {
  it('are one message where only one has the id of the provider', () => {
    const chunks = [langChains({ id: 'msg_1', content: 'I ' }), langChains({ id: 'lc_run--1', content: 'look.' })];
    expect(readAnswer(chunks, new MessageReader()).output).toBe('I look.');
  });

  it('have a call in each piece without an index', () => {
    const piece = (id: string) => ({ index: null, id, name: 'look', args: '{}' });
    const chunks = ['a', 'b'].map((id) => langChains({ content: '', tool_call_chunks: [piece(id)] }));
    const { outputMessage } = readAnswer(chunks, new MessageReader());
    expect(outputMessage?.tool_calls?.map(({ id }) => id)).toEqual(['a', 'b']);
  });
});

it.each<[string, readonly object[]]>([
  [
    "of LangChain's is the sum of what its chunks add",
    [
      langChains({ content: 'a', usage_metadata: { input_tokens: 5, input_token_details: { cache_read: 2 } } }),
      langChains({ content: 'b', usage_metadata: { output_tokens: 3, input_token_details: { cache_read: 1 } } }),
      langChains({ content: 'c', usage_metadata: { input_tokens: 0, output_tokens: 4 } }),
    ],
  ],
  [
    "of Anthropic's is that of the end, and of the start where the end has null",
    [
      {
        type: 'message_start',
        message: { usage: { input_tokens: 5, cache_read_input_tokens: 3, output_tokens: 1 } },
      },
      { type: 'content_block_delta', index: 0, delta: { text: 'abc' } },
      { type: 'message_delta', delta: {}, usage: { input_tokens: null, output_tokens: 7 } },
    ],
  ],
])('the usage %s', (_what, events) => {
  expect(read({ 'mlflow.spanType': 'CHAT_MODEL', 'mlflow.spanOutputs': JSON.stringify(events) })).toMatchObject({
    output: 'abc',
    promptTokens: 5,
    outputTokens: 7,
    metadata: { cache_read_tokens: 3 },
  });
});

it('reads a chunk with more calls than a function takes arguments', () => {
  const crowded = { role: 'assistant', content: '', tool_calls: Array(200_000).fill(null) };
  const events = [{ model: 'm', message: crowded, done: false }, OLLAMAS[0]];
  expect(readAnswer(events, new MessageReader()).output).toBe('I ');
});

it('keeps the choices of a stream apart', () => {
  const chunk = (index: number, delta: object, finish_reason?: string) => ({
    choices: [{ index, delta, finish_reason }],
  });
  const chunks = [
    chunk(1, { role: 'assistant', content: 'No' }),
    chunk(0, { role: 'assistant', content: 'Ye' }),
    chunk(1, { content: ', never.' }),
    chunk(0, { content: 's.' }, 'stop'),
    chunk(1, {}, 'length'),
  ];
  const { outputMessage, contentMetadata, finishReason } = readAnswer(chunks, new MessageReader());
  expect(outputMessage).toEqual({ role: 'assistant', content: 'Yes.' });
  expect(contentMetadata).toEqual({ choices: [{ role: 'assistant', content: 'No, never.' }] });
  expect(finishReason).toBe('stop');
});

it('joins the texts of the completion API', () => {
  const chunk = (text: string, reason: string | null = null, id = 'c') => {
    return { id, object: 'text_completion', choices: [{ index: 0, text, finish_reason: reason }] };
  };
  const { output, finishReason } = readAnswer([chunk('Hel'), chunk('lo.', 'length')], new MessageReader());
  expect([output, finishReason]).toEqual(['Hello.', 'length']);
  const others = [chunk('Hello.', 'stop', 'a'), chunk('Bye.', 'stop', 'b')];
  expect(joinChunks(others)).toBe(others);
});

it.each([
  ['max_output_tokens', 'length'],
  ['content_filter', 'content_filter'],
])('finds why a response is incomplete: %s', (reason, expected) => {
  const response = { id: 'resp_1', status: 'incomplete', incomplete_details: { reason }, output: ITEMS.slice(0, 1) };
  expect(readAnswer(response, new MessageReader()).finishReason).toBe(expected);
});
