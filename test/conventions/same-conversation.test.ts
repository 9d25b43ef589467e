/**
 * One conversation, said by each vocabulary, is the same log; and so it is whatever its texts look like, and however its JSON
 * is written.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Reading } from '../../src/conventions/convention.ts';
import type { Attributes } from '../../src/otel/span-slice.ts';
import { documents } from './answer-documents.ts';
import { read, type SpanParts } from './span.ts';

interface Conversation {
  readonly system: string;
  readonly user: string;
  readonly args: Record<string, unknown>;
  readonly result: string;
  readonly answer: string;
}

type Said = readonly [Attributes, SpanParts?];
const json = JSON.stringify;
const CONVERSATION: Conversation = {
  system: 'Be brief.',
  user: 'What is it like?',
  args: { place: 'yard' },
  result: 'rain',
  answer: 'It rains.',
};

const openAi = ({ system, user, args, result }: Conversation) => [
  { role: 'system', content: system },
  { role: 'user', content: user },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: json(args) } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: result },
];
const parts = ({ system, user, args, result }: Conversation) => [
  { role: 'system', parts: [{ type: 'text', content: system }] },
  { role: 'user', parts: [{ type: 'text', content: user }] },
  { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: args }] },
  { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: result }] },
];
const partsOfAnswer = ({ answer }: Conversation) => [{ role: 'assistant', parts: [{ type: 'text', content: answer }] }];
const body = ({ answer: content }: Conversation) => ({
  id: 'x',
  object: 'chat.completion',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
});
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
const event = (name: string, attributes: Attributes) => ({ name, attributes, time: [1, 0] as [number, number] });

/** The keys of messages, flattened as OpenInference and OpenLLMetry do it. */
function flattened(conversation: Conversation, list: string, message: string, call: string, fn: string): Attributes {
  const entries = openAi(conversation).flatMap(({ role, content, tool_calls, tool_call_id }, at) => {
    const prefix = `${list}.${at}.${message}`;
    const [{ id, function: called } = { id: undefined, function: undefined }] = tool_calls ?? [];
    return Object.entries({
      [`${prefix}role`]: role,
      [`${prefix}content`]: content ?? undefined,
      [`${prefix}tool_call_id`]: tool_call_id,
      [`${prefix}tool_calls.0.${call}id`]: id,
      [`${prefix}tool_calls.0.${call}${fn}name`]: called?.name,
      [`${prefix}tool_calls.0.${call}${fn}arguments`]: called?.arguments,
    }).filter(([, value]) => value !== undefined);
  });
  return Object.fromEntries(entries);
}

const VOCABULARIES: Readonly<Record<string, (conversation: Conversation) => Said>> = {
  'gen-ai': (c) => [
    { ...CHAT, 'gen_ai.input.messages': json(parts(c)), 'gen_ai.output.messages': json(partsOfAnswer(c)) },
  ],
  'gen-ai, as values': (c) => [
    { ...CHAT, 'gen_ai.input.messages': parts(c), 'gen_ai.output.messages': partsOfAnswer(c) },
  ],
  'gen-ai, with content': (c) => [
    {
      ...CHAT,
      'gen_ai.input.messages': json(openAi(c)),
      'gen_ai.output.messages': json([body(c).choices[0]?.message]),
    },
  ],
  'gen-ai, prompt and completion': (c) => [
    { ...CHAT, 'gen_ai.prompt': json(openAi(c)), 'gen_ai.completion': json(body(c).choices) },
  ],
  'gen-ai, events': ({ system, user, args, result, answer }) => [
    CHAT,
    {
      events: [
        event('gen_ai.system.message', { content: system }),
        event('gen_ai.user.message', { content: user }),
        event('gen_ai.assistant.message', {
          tool_calls: json([{ id: 'c1', type: 'function', function: { name: 'look', arguments: json(args) } }]),
        }),
        event('gen_ai.tool.message', { id: 'c1', content: result }),
        event('gen_ai.choice', { index: 0, message: json({ role: 'assistant', content: answer }) }),
      ],
    },
  ],
  openllmetry: (c) => [
    {
      'llm.request.type': 'chat',
      ...flattened(c, 'gen_ai.prompt', '', '', ''),
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.content': c.answer,
    },
  ],
  openinference: (c) => [
    {
      'openinference.span.kind': 'LLM',
      ...flattened(c, 'llm.input_messages', 'message.', 'tool_call.', 'function.'),
      'llm.output_messages.0.message.role': 'assistant',
      'llm.output_messages.0.message.content': c.answer,
    },
  ],
  'openinference, bodies': (c) => [
    {
      'openinference.span.kind': 'LLM',
      'input.value': json({ model: 'm', messages: openAi(c) }),
      'output.value': json(body(c)),
    },
  ],
  'vercel-ai': ({ system, user, args: input, result, answer }) => [
    {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.prompt.messages': json([
        { role: 'system', content: system },
        { role: 'user', content: [{ type: 'text', text: user }] },
        { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'look', input }] },
        {
          role: 'tool',
          content: [
            { type: 'tool-result', toolCallId: 'c1', toolName: 'look', output: { type: 'text', value: result } },
          ],
        },
      ]),
      'ai.response.text': answer,
    },
  ],
  langfuse: (c) => [
    {
      'langfuse.observation.type': 'generation',
      'langfuse.observation.input': json(openAi(c)),
      'langfuse.observation.output': json(body(c).choices[0]?.message),
    },
  ],
  langsmith: (c) => [
    {
      'langsmith.span.kind': 'llm',
      'gen_ai.prompt': json({ messages: openAi(c) }),
      'gen_ai.completion': json(body(c)),
    },
  ],
  sentry: (c) => [
    {
      ...CHAT,
      'sentry.op': 'gen_ai.chat',
      'gen_ai.input.messages': json(openAi(c)),
      'gen_ai.response.text': json([c.answer]),
    },
  ],
  mlflow: (c) => [
    {
      'mlflow.spanType': '"CHAT_MODEL"',
      'mlflow.spanInputs': json({ messages: openAi(c) }),
      'mlflow.spanOutputs': json(body(c)),
    },
  ],
  genkit: ({ system, user, args: input, result: output, answer }) => [
    {
      'genkit:type': 'action',
      'genkit:metadata:subtype': 'model',
      'genkit:name': 'openai/m',
      'genkit:input': json({
        messages: [
          { role: 'system', content: [{ text: system }] },
          { role: 'user', content: [{ text: user }] },
          { role: 'model', content: [{ toolRequest: { ref: 'c1', name: 'look', input } }] },
          { role: 'tool', content: [{ toolResponse: { ref: 'c1', name: 'look', output } }] },
        ],
      }),
      'genkit:output': json({ message: { role: 'model', content: [{ text: answer }] }, finishReason: 'stop' }),
    },
  ],
  braintrust: (c) => [
    {
      'braintrust.span_attributes': '{"type":"llm"}',
      'braintrust.input_json': json(openAi(c)),
      'braintrust.output_json': json(body(c).choices),
    },
  ],
  haystack: ({ system, user, args, result, answer }) => {
    const call = { id: 'c1', tool_name: 'look', arguments: args };
    return [
      {
        'haystack.component.name': 'llm',
        'haystack.component.type': 'OpenAIChatGenerator',
        'haystack.component.input': json({
          messages: [
            { role: 'system', content: [{ text: system }] },
            { role: 'user', content: [{ text: user }] },
            { role: 'assistant', content: [{ tool_call: call }] },
            { role: 'tool', content: [{ tool_call_result: { result, error: false, origin: call } }] },
          ],
        }),
        'haystack.component.output': json({
          replies: [{ role: 'assistant', content: [{ text: answer }], meta: { model: 'm', finish_reason: 'stop' } }],
        }),
      },
      { name: 'haystack.component.run' },
    ];
  },
  logfire: (c) => [
    {
      'logfire.msg': 'Chat',
      request_data: json({ model: 'm', messages: openAi(c) }),
      response_data: json({ message: body(c).choices[0]?.message }),
    },
    { scope: 'logfire.openai' },
  ],
  truefoundry: (c) => [
    {
      'tfy.span_type': 'ChatCompletion',
      'tfy.input': json({ model: 'm', messages: openAi(c) }),
      'tfy.output': json(body(c)),
    },
  ],
  'confident-ai': (c) => [
    {
      'confident.span.type': 'llm',
      'confident.span.input': json(openAi(c)),
      'confident.span.output': json(body(c).choices[0]?.message),
    },
  ],
};

function logOf({ messages, outputMessage, output }: Reading) {
  return { messages: messages?.map(({ name: _tool, ...message }) => message), outputMessage, output };
}

function expectedOf(conversation: Conversation) {
  const [system, user, call, result] = openAi(conversation);
  const { content: _none, ...turn } = call as { content: null };
  const { answer } = conversation;
  return {
    messages: [system, user, turn, result],
    outputMessage: { role: 'assistant', content: answer },
    output: answer,
  };
}

/** Each looks like something that it is not. */
const TEXTS = [
  ...[
    '{"a":1}',
    '["a","b"]',
    '[{"a":1}]',
    '42',
    '1e3',
    'true',
    'None',
    "{'a': 1}",
    "('a',)",
    '{}',
    ' \r\n ',
    '[ ] todo',
  ],
  ...[
    '{"role":"admin"}',
    '[{"role":"pirate","name":"B"}]',
    '{"type":"object"}',
    '{"choices":["a"]}',
    '{"error":"bad"}',
  ],
  ...[
    '{"__proto__":{"a":1},"constructor":2}',
    '{"kwargs":{}}',
    'Message(a=1)',
    '{"output":"x"}',
    '{"a": 1.0}\n{"a":2}',
  ],
  ...['data: {"a":1}\n\n', '12345678901234567890', '\\u00e9', '{"a":', '{"finish_reason":"length"}', '[object Object]'],
];

const ARGUMENTS = [
  ...[{}, { input: 'x' }, { args: [], kwargs: { a: 1 } }, { type: 'object', properties: {} }, { json: { a: 1 } }],
  ...[{ name: 'n', arguments: {} }, { content: 'x', role: 'user' }, { place: '{"a":1}' }, { Role: 'x', Content: 'y' }],
];

type Message = Record<string, unknown>;

/** Changes a list of messages, which may be in a body; without one around it, `alone` may. An answer stays as it is. */
function onConversation(change: (messages: Message[]) => unknown, alone: (messages: Message[]) => unknown = change) {
  return (text: string): unknown => {
    const parsed = JSON.parse(text) as Message[] | { messages?: Message[] };
    if (Array.isArray(parsed)) {
      if (parsed.length < 2) return text;
      const changed = alone(parsed);
      return typeof changed === 'string' ? changed : json(changed);
    }
    // Frameworks with parts of their own have bodies of their own.
    const isProviders = typeof parsed.messages?.[0]?.['content'] === 'string';
    return isProviders ? json({ ...parsed, messages: change(parsed.messages ?? []) }) : text;
  };
}

function hyphenated(name: string): string {
  return name.replaceAll('_', '-');
}

describe.each(Object.entries(VOCABULARIES))('%s', (_, say) => {
  const readOf = (conversation: Conversation, change: (value: unknown) => unknown = (value) => value) => {
    const [attributes, more] = say(conversation);
    return logOf(
      read(Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, change(value)])), more),
    );
  };

  test.each(['system', 'user', 'result', 'answer'] as const)('the %s may be any text', (place) => {
    for (const text of TEXTS) {
      const conversation = { ...CONVERSATION, [place]: text };
      expect(readOf(conversation), text).toEqual(expectedOf(conversation));
    }
  });

  test('an answer of JSON says nothing else of the call', () => {
    const aroundAnswer = (answer: string) => {
      const { output, outputMessage, providerResponse: _body, ...reading } = read(...say({ ...CONVERSATION, answer }));
      return { ...reading, output: output === answer, message: { ...outputMessage, content: undefined } };
    };
    const plain = aroundAnswer(CONVERSATION.answer);
    fc.assert(
      fc.property(documents, (document) => {
        expect(aroundAnswer(json(document))).toEqual(plain);
      }),
    );
  });

  test('arguments of a tool may be any object', () => {
    for (const args of ARGUMENTS) {
      const conversation = { ...CONVERSATION, args };
      expect(readOf(conversation), json(args)).toEqual(expectedOf(conversation));
    }
  });

  test.each<[string, (text: string) => unknown]>([
    ['was encoded twice', json],
    ['was encoded three times', (text) => json(json(text))],
    ['was parsed', (text) => JSON.parse(text)],
    ['is indented', (text) => json(JSON.parse(text), null, 2)],
    ['has escapes', (text) => text.replaceAll('i', '\\u0069')],
    ['has a byte order mark', (text) => `\ufeff${text}`],
    ['has empty entries', (text) => text.replace('[{"role"', '[null,{},{"role"')],
    ['has null fields', (text) => text.replaceAll('"role":', '"refusal":null,"annotations":[],"role":')],
    ['numbers the messages, as PHP does', onConversation(({ ...messages }) => messages)],
    [
      'has a line for each message',
      onConversation(
        (messages) => messages,
        (messages) => messages.map((each) => json(each)).join('\n'),
      ),
    ],
    ['lists texts', onConversation((messages) => messages.map((each) => json(each)))],
    ['is a request among arguments', onConversation((messages) => ({ args: [], kwargs: { model: 'm', messages } }))],
    ['has hyphens in its names', (text) => text.replace(/(?<=")(tool_calls|tool_call_id)(?=":)/g, hyphenated)],
    [
      'has content of blocks as text',
      (text) => text.replace('"What is it like?"', json(json([{ type: 'text', text: 'What is it like?' }]))),
    ],
    ['has roles in capitals', (text) => text.replace(/(?<="role":)"[a-z]+"/g, (role) => role.toUpperCase())],
    ['has roles of an enum', (text) => text.replace(/(?<="role":")([a-z]+)/g, 'ChatRole.$1')],
    ['has roles named by a class', (text) => text.replace(/(?<="role":")(assistant|user|system|tool)/g, '$1Message')],
  ])('the JSON %s', (_change, change) => {
    const isMessages = (value: unknown): value is string => typeof value === 'string' && /^[[{].*role/.test(value);
    const changed = readOf(CONVERSATION, (value) => (isMessages(value) ? change(value) : value));
    expect(changed).toEqual(expectedOf(CONVERSATION));
  });
});
