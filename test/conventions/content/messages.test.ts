import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { joinItems, mergeAssistant } from '../../../src/conventions/content/messages/join-messages.ts';
import { isLostAnswer, MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { readAnswer } from '../../../src/conventions/content/provider-bodies.ts';
import { readSpan } from '../../../src/conventions/index.ts';
import { messageText } from '../../../src/wire/message-text.ts';
import type { ChatMessage } from '../../../src/wire/v4.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { makeSpan } from '../span.ts';

const PNG = 'iVBORw0KGgo=';
const call = (id: string, name: string, args: string) => ({
  id,
  type: 'function',
  function: { name, arguments: args },
});

function read(value: unknown) {
  return new MessageReader().read(value);
}

describe('messages', () => {
  it('keep what a tool answered, though it names calls of its own', () => {
    const content = { call_id: 'CA12', content: 'The caller hung up.', status: 'done' };
    const [, message] = read([
      { role: 'assistant', content: null, tool_calls: [call('t', 'phone', '{}')] },
      { role: 'tool', tool_call_id: 't', content },
    ]);
    expect(message).toEqual({ role: 'tool', tool_call_id: 't', content: JSON.stringify(content) });
  });

  it.each(['thinking', 'reasoning'])('whose role is %s are reasoning', (role) => {
    const reader = new MessageReader();
    const history = reader.read([
      { role: 'user', content: 'Hi' },
      { role, content: 'A greeting.' },
    ]);
    const answers = reader.readOutput([
      { role, content: 'So: hello.' },
      { role: 'assistant', content: 'Hello' },
    ]);
    expect(history).toEqual([{ role: 'user', content: 'Hi' }]);
    expect(answers).toEqual([{ role: 'assistant', content: 'Hello' }]);
    expect([reader.inputReasoning, reader.reasoning]).toEqual([['A greeting.'], ['So: hello.']]);
  });

  it.each<[string, unknown]>([
    ['GenAI parts', [{ role: 'user', parts: [{ type: 'text', content: 'hi' }] }]],
    ['OpenAI', [{ role: 'user', content: 'hi' }]],
    ['OpenAI parts', [{ role: 'user', content: [{ type: 'input_text', text: 'hi' }] }]],
    ['Gemini', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }],
    [
      'LangChain',
      [[{ lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'HumanMessage'], kwargs: { content: 'hi' } }]],
    ],
    ['a request body', { model: 'm', messages: [{ role: 'human', content: 'hi' }] }],
    ['JSON', '[{"role":"user","content":"hi"}]'],
    ['text', 'hi'],
    ['a list of text', ['hi']],
    [
      'JSON inside one text part',
      [{ role: 'user', parts: [{ type: 'text', content: '[{"role":"user","content":"hi"}]' }] }],
    ],
  ])('%s', (_name, value) => {
    expect(read(value)).toEqual([{ role: 'user', content: 'hi' }]);
  });

  it('keep text that happens to look like JSON', () => {
    for (const text of ['{"city":"Paris"}', '[{"type":"circle"}]', '[1,2]', '"quoted"', 'null']) {
      expect(read([{ role: 'user', content: text }])).toEqual([{ role: 'user', content: text }]);
      expect(read(text)).toEqual([{ role: 'user', content: text }]);
    }
  });

  it('keep the place of an assistant whose content was recorded as none', () => {
    const bodies = [{ content: null }, { content: '' }, { content: [] }, { parts: [] }, { parts: null }];
    const turns = bodies.map((body) => [
      { role: 'user', content: 'hi' },
      { role: 'assistant', ...body },
    ]);
    const kept = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: '' },
    ];
    expect(turns.map(read)).toEqual(bodies.map(() => kept));
    expect(new MessageReader().readOutput([{ role: 'assistant', content: null }])).toEqual([]);
    expect(read([{ role: 'assistant' }])).toEqual([]);
  });

  it('know the roles of tools by other names', () => {
    const roles = ['tool-response', 'MessageRole.TOOL_RESPONSE', 'tool_result'];
    for (const role of roles) expect(read([{ role, content: '4' }])).toEqual([{ role: 'tool', content: '4' }]);
    expect(read([{ role: 'tool-call', content: 'I look.' }])).toEqual([{ role: 'assistant', content: 'I look.' }]);
  });

  it('map roles to those of v4', () => {
    const roles = ['developer', 'model', 'function', 'customer'].map((role) => read([{ role, content: 'x' }])[0]!.role);
    expect(roles).toEqual(['system', 'assistant', 'tool', 'user']);
  });

  it('put instructions of any shape first', () => {
    for (const value of [
      'be brief',
      '"be brief"',
      [{ type: 'text', content: 'be brief' }],
      [{ role: 'system', parts: [{ content: 'be brief' }] }],
    ]) {
      expect(new MessageReader().readSystem(value)).toEqual([{ role: 'system', content: 'be brief' }]);
    }
    expect(read({ system: 's', messages: [{ role: 'user', content: 'hi' }] })[0]).toEqual({
      role: 'system',
      content: 's',
    });
  });
});

describe('images and files', () => {
  it('that Langfuse keeps elsewhere are named', () => {
    const url = '@@@langfuseMedia:type=image/jpeg|id=a-1|source=bytes@@@';
    const parts = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: `What is ${url}?` },
    ];
    const content = `[image/jpeg, a-1]\nWhat is ${url}?`;
    expect(new MessageReader().read([{ role: 'user', content: parts }])).toEqual([{ role: 'user', content }]);
  });

  const image = (url: string, detail?: string) => ({
    type: 'image_url',
    image_url: { url, ...(detail && { detail }) },
  });

  it.each<[string, unknown, unknown]>([
    [
      'OpenAI',
      { type: 'image_url', image_url: { url: 'https://x/a.png', detail: 'low' } },
      image('https://x/a.png', 'low'),
    ],
    ['Responses', { type: 'input_image', image_url: 'https://x/a.png' }, image('https://x/a.png')],
    ['uri', { type: 'uri', modality: 'image', uri: 'https://x/a.png' }, image('https://x/a.png')],
    [
      'blob',
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: PNG },
      image(`data:image/png;base64,${PNG}`),
    ],
    [
      'Anthropic',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
      image(`data:image/png;base64,${PNG}`),
    ],
    ['AI SDK 4', { type: 'image', image: PNG }, image(`data:image/png;base64,${PNG}`)],
    ['AI SDK 5', { type: 'file', mediaType: 'image/*', data: PNG }, image(`data:image/png;base64,${PNG}`)],
    ['Gemini', { inlineData: { mimeType: 'image/png', data: PNG } }, image(`data:image/png;base64,${PNG}`)],
    ['Genkit', { media: { url: 'https://x/a.png', contentType: 'image/png' } }, image('https://x/a.png')],
    [
      'Buffer',
      { type: 'image', image: { type: 'Buffer', data: [...Buffer.from(PNG, 'base64')] } },
      image(`data:image/png;base64,${PNG}`),
    ],
  ])('%s', (_name, part, expected) => {
    expect(read([{ role: 'user', content: ['see', part] }])[0]!.content).toEqual([
      { type: 'text', text: 'see' },
      expected,
    ]);
  });

  it('leave a placeholder for what v4 cannot hold', () => {
    const file = { type: 'file', modality: 'document', file_id: 'f1' };
    expect(read([{ role: 'user', parts: [file] }])[0]!.content).toBe('[document, f1]');
    const audio = { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } };
    expect(read([{ role: 'user', content: [audio] }])[0]!.content).toMatch(/^\[audio\/wav, 3 bytes, sha256:/);
  });

  it('move megabytes of base64 to a placeholder with size and hash', () => {
    const bytes = Buffer.alloc(1_000_000, 7);
    const hash = createHash('sha256').update(bytes).digest('hex');
    const url = `data:image/png;base64,${bytes.toString('base64')}`;
    const [message] = read([{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]);
    expect(message!.content).toBe(`[image/png, 1000000 bytes, sha256:${hash}]`);
  });
});

describe('tool calls', () => {
  it.each<[string, unknown]>([
    ['GenAI', { role: 'assistant', parts: [{ type: 'tool_call', id: 'c', name: 'f', arguments: { a: 1 } }] }],
    [
      'OpenAI',
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
    ],
    ['Anthropic', { role: 'assistant', content: [{ type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } }] }],
    [
      'AI SDK 4',
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'f', args: { a: 1 } }] },
    ],
    [
      'AI SDK 5',
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'f', input: '{"a":1}' }] },
    ],
    ['Bedrock', { role: 'assistant', content: [{ toolUse: { toolUseId: 'c', name: 'f', input: { a: 1 } } }] }],
    ['Gemini', { role: 'model', parts: [{ functionCall: { id: 'c', name: 'f', args: { a: 1 } } }] }],
    ['Genkit', { role: 'model', content: [{ toolRequest: { ref: 'c', name: 'f', input: { a: 1 } } }] }],
    ['Responses', { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"a":1}' }],
    [
      'a part and beside it',
      {
        role: 'assistant',
        content: [{ type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } }],
        tool_calls: [{ id: 'c', name: 'f', args: { a: 1 } }],
      },
    ],
  ])('%s', (_name, message) => {
    expect(read([message])).toEqual([{ role: 'assistant', tool_calls: [call('c', 'f', '{"a":1}')] }]);
  });

  it('get the same id in the answer and in the history of the next call', () => {
    const asked = {
      role: 'assistant',
      tool_calls: [{ function: { name: 'f', arguments: '{}' } }, { function: { name: 'g' } }],
    };
    const first = new MessageReader();
    first.read([{ role: 'user', content: 'hi' }]);
    const [answer] = first.readOutput([asked]);
    const [, history, ...results] = read([
      { role: 'user', content: 'hi' },
      asked,
      { role: 'tool', name: 'g', content: 'second' },
      { role: 'tool', content: 'first' },
    ]);
    expect(history).toEqual(answer);
    expect(answer!.tool_calls!.map(({ id }) => id)).toEqual(['call_0', 'call_1']);
    expect(results.map(({ tool_call_id, content }) => [tool_call_id, content])).toEqual([
      ['call_1', 'second'],
      ['call_0', 'first'],
    ]);
  });

  it('are answered by one tool message each, before the rest of the message', () => {
    const parts = [
      { type: 'text', content: 'and now?' },
      { type: 'tool_call_response', id: 'a', response: { ok: true } },
      { type: 'tool_call_response', id: 'b', result: 'text' },
    ];
    expect(read([{ role: 'user', parts }])).toEqual([
      { role: 'tool', content: '{"ok":true}', tool_call_id: 'a' },
      { role: 'tool', content: 'text', tool_call_id: 'b' },
      { role: 'user', content: 'and now?' },
    ]);
  });

  it.each<[string, unknown]>([
    ['OpenAI', { role: 'tool', tool_call_id: 'c', content: 'r' }],
    [
      'Anthropic',
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c', content: [{ type: 'text', text: 'r' }] }] },
    ],
    ['AI SDK 4', { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c', result: 'r' }] }],
    [
      'AI SDK 5',
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c', output: { type: 'text', value: 'r' } }] },
    ],
    ['Bedrock', { role: 'user', content: [{ toolResult: { toolUseId: 'c', content: [{ text: 'r' }] } }] }],
    ['OpenInference', { role: 'user', tool_call_id: 'c', content: 'r' }],
    ['Responses', { type: 'function_call_output', call_id: 'c', output: 'r' }],
  ])('are answered in the form of %s', (_name, message) => {
    expect(read([message])).toEqual([{ role: 'tool', content: 'r', tool_call_id: 'c' }]);
  });

  it('keep all fields of a result that is a list of documents', () => {
    const documents = [{ text: 'a', score: 1 }];
    expect(read([{ role: 'tool', tool_call_id: 'c', content: documents }])[0]!.content).toBe(JSON.stringify(documents));
  });
});

describe('answers', () => {
  it.each([
    ['max_output_tokens', 'length'],
    ['content_filter', 'content_filter'],
  ])('of the Responses API that are incomplete by %s end by it', (reason, finishReason) => {
    const text = { type: 'output_text', text: 'A lin' };
    const body = {
      object: 'response',
      status: 'incomplete',
      incomplete_details: { reason },
      output: [{ type: 'message', role: 'assistant', content: [text] }],
    };
    const answer = readAnswer(body, new MessageReader());
    expect(answer.outputMessage).toEqual({ role: 'assistant', content: 'A lin' });
    expect(answer.finishReason).toBe(finishReason);
  });

  it('have no words of a part of type generic but its text', () => {
    const parts = [
      { type: 'text', content: 'A' },
      { type: 'generic', content: 'linden.' },
      { type: 'generic', data: { at: 1 } },
    ];
    const [answer] = new MessageReader().readOutput([{ role: 'assistant', parts }]);
    expect(messageText(answer)).toBe('A\nlinden.');
  });

  it('keep reasoning out of the text', () => {
    const reader = new MessageReader();
    const [answer] = reader.readOutput([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'thinking', thinking: 'so' },
          { type: 'text', content: 'yes' },
        ],
        finish_reason: 'tool_call',
      },
    ]);
    expect(answer).toEqual({ role: 'assistant', content: 'yes' });
    expect(reader.reasoning).toEqual(['hm', 'so']);
    expect(reader.finishReason).toBe('tool_calls');
  });

  it('are unwrapped: choices, candidates, Responses items, content blocks', () => {
    const expected = [{ role: 'assistant', content: 'yes' }];
    for (const body of [
      { choices: [{ message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }] },
      { candidates: [{ content: { role: 'model', parts: [{ text: 'yes' }] } }] },
      {
        output: [
          { type: 'reasoning', summary: [{ text: 'hm' }] },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'yes' }] },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'yes' }] },
      [{ type: 'text', text: 'yes' }],
    ]) {
      expect(new MessageReader().readOutput(body)).toEqual(expected);
    }
  });

  it('in several pieces become one message; several choices stay apart', () => {
    const pieces = new MessageReader().readOutput({
      output: [
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'let me see' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      ],
    });
    expect(pieces).toEqual([{ role: 'assistant', content: 'let me see', tool_calls: [call('c', 'f', '{}')] }]);
    const choices = new MessageReader().readOutput([
      { role: 'assistant', content: 'a' },
      { role: 'assistant', content: 'b' },
    ]);
    expect(choices).toHaveLength(2);
    expect(mergeAssistant(choices)).toEqual([{ role: 'assistant', content: 'a\nb' }]);
  });

  it('have no text if they only call tools, and an empty text if the model said nothing', () => {
    const toolCall = call('c', 'f', '{}') as never;
    expect(messageText({ role: 'assistant', tool_calls: [toolCall] })).toBeUndefined();
    expect(messageText({ role: 'assistant', content: '', tool_calls: [toolCall] })).toBeUndefined();
    expect(messageText({ role: 'assistant', content: '' })).toBe('');
    expect(isLostAnswer({ role: 'assistant', content: '' }, 'tool_calls', 0)).toBe(true);
    expect(isLostAnswer({ role: 'assistant', content: '' }, undefined, 9)).toBe(true);
    expect(isLostAnswer({ role: 'assistant', content: '' }, 'stop', 9)).toBe(false);
  });

  it('keep values without a type, and leave out cache markers', () => {
    const read = (content: unknown) => new MessageReader().read([{ role: 'user', content }]);
    expect(read([{ data: { city: 'Paris' } }])).toEqual([{ role: 'user', content: '{"city":"Paris"}' }]);
    expect(read([{ text: 'Hi' }, { cachePoint: { cacheType: 'default' } }])).toEqual([{ role: 'user', content: 'Hi' }]);
    const result = read([{ toolResult: { toolUseId: 't', content: [{ json: { celsius: 18 } }] } }]);
    expect(result).toEqual([{ role: 'tool', content: '{"celsius":18}', tool_call_id: 't' }]);
    expect(read([{ type: 'reasoningBlock' }, { type: 'imageBlock' }])).toEqual([{ role: 'user', content: '[image]' }]);
  });
});

describe('the items of one answer', () => {
  const words = { role: 'assistant' as const, content: 'I look.' };
  const calls = (id: string) => ({ role: 'assistant' as const, tool_calls: [call(id, 'f', '{}')] }) as ChatMessage;

  it('are one message, where some only call tools', () => {
    const whole = { ...words, tool_calls: [call('a', 'f', '{}'), call('b', 'f', '{}')] };
    expect(joinItems([words, calls('a'), calls('b')])).toEqual([whole]);
    expect(joinItems([calls('a'), calls('b')])).toEqual([{ role: 'assistant', tool_calls: whole.tool_calls }]);
  });

  it('are choices, where each says something', () => {
    const others = [words, { role: 'assistant' as const, content: 'Or not.' }];
    expect(joinItems(others)).toBe(others);
    const choices = [
      { 'gen_ai.request.choice.count': 2, 'gen_ai.output.messages': JSON.stringify([words, calls('a')]) },
    ];
    const reading = readSpan(makeSpan({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm', ...choices[0] }));
    expect(reading.outputMessage).toEqual(words);
    expect(reading.contentMetadata?.['choices']).toEqual([calls('a')]);
  });
});

describe('a list of messages with words, then calls', () => {
  const words = { role: 'assistant', content: 'I look.' };
  const calls = { role: 'assistant', content: null, tool_calls: [call('a', 'f', '{}')] };
  const ofGemini = [
    { content: { role: 'model', parts: [{ text: 'I look.' }] } },
    { content: { role: 'model', parts: [{ functionCall: { id: 'a', name: 'f', args: {} } }] } },
  ] as const;
  const whole = { ...words, tool_calls: calls.tool_calls };
  const read = (list: readonly unknown[]) => readAnswer(list, new MessageReader());
  const pair = (first: object, second: object) => [
    { ...words, ...first },
    { ...calls, ...second },
  ];

  it.each<[string, readonly object[]]>([
    ['without reasons', pair({}, {})],
    [
      'of which each ends where tools are called',
      pair({ finish_reason: 'tool_calls' }, { finish_reason: 'tool_calls' }),
    ],
    ['of which one has a reason', pair({}, { finish_reason: 'tool_calls' })],
    ['with reasons that are null', pair({ finish_reason: null }, { finish_reason: null })],
    ['of which the words end for tools', pair({ finish_reason: 'tool_calls' }, { finish_reason: 'stop' })],
    ['with one index', pair({ index: 0, finish_reason: 'tool_calls' }, { index: 0, finish_reason: 'tool_calls' })],
    ["of Gemini's, without reasons", ofGemini],
    ["of Gemini's, with one reason", [ofGemini[0], { ...ofGemini[1], finishReason: 'STOP' }]],
  ])('is one answer: %s', (_what, list) => {
    const { outputMessage, contentMetadata } = read(list);
    expect(outputMessage).toEqual(whole);
    expect(contentMetadata).toBeUndefined();
  });

  it.each<[string, number, object]>([
    ['none', 2, {}],
    ['the one of calls', 1, { finish_reason: 'tool_call' }],
    ['that it is complete', 2, { finish_reason: 'stop' }],
  ])('is by the GenAI conventions as many answers as the reason of its words says: %s', (_what, count, more) => {
    const answer = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': 'm',
      'gen_ai.output.messages': JSON.stringify(pair(more, { finish_reason: 'tool_call' })),
    };
    expect(readSpan(makeSpan(answer)).outputMessage).toEqual(count === 1 ? whole : words);
    const ofTwo = makeSpan({ ...answer, 'gen_ai.request.choice.count': 2 });
    expect(readSpan(ofTwo).outputMessage).toEqual(words);
  });

  it.each<[string, readonly object[]]>([
    ['an index each', pair({ index: 0, finish_reason: 'stop' }, { index: 1, finish_reason: 'tool_calls' })],
    ['an index each, in envelopes', [words, calls].map((message, index) => ({ index, message }))],
    ['an index each, of which 0 is not written', pair({}, { index: 1 })],
    ['complete, then for tools', pair({ finish_reason: 'stop' }, { finish_reason: 'tool_calls' })],
    ['cut off, then for tools', pair({ finish_reason: 'length' }, { finish_reason: 'tool_calls' })],
    ['both complete', pair({ finish_reason: 'stop' }, { finish_reason: 'stop' })],
    ["Gemini's, both complete", ofGemini.map((candidate) => ({ ...candidate, finishReason: 'STOP' }))],
    ["Gemini's, both complete in numbers", ofGemini.map((candidate) => ({ ...candidate, finish_reason: 1 }))],
  ])('is two choices: %s', (_what, list) => {
    const { outputMessage, contentMetadata } = read(list);
    expect(outputMessage).toEqual(words);
    expect(contentMetadata?.['choices']).toEqual([{ role: 'assistant', tool_calls: calls.tool_calls }]);
  });
});

describe('calls and their results', () => {
  it('are one call, beside the part for it that has no id', () => {
    const parts = [{ functionCall: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'f', args: { a: 2 } } }];
    const [message] = read([{ role: 'model', parts, tool_calls: [call('c1', 'f', '{"a":1}')] }]);
    expect(message?.tool_calls).toEqual([call('c1', 'f', '{"a":1}'), call('call_1', 'f', '{"a":2}')]);
  });

  it('belong together, where only the results have ids', () => {
    const parts = [{ functionCall: { name: 'f', args: {} } }, { functionCall: { name: 'g', args: {} } }];
    const results = [
      { role: 'tool', tool_call_id: 'g_0', name: 'g', content: 'of g' },
      { role: 'tool', tool_call_id: 'f_0', content: 'of f' },
      { role: 'tool', tool_call_id: 'h_0', content: 'of a call that is not there' },
    ];
    const ids = read([{ role: 'model', parts }, ...results]).flatMap(({ tool_call_id: id }) => id ?? []);
    expect(ids).toEqual(['call_1', 'call_0', 'h_0']);
  });

  const calls = (...numbers: number[]) => ({
    role: 'assistant',
    tool_calls: numbers.map((a) => ({ type: 'function', function: { name: 'f', arguments: JSON.stringify({ a }) } })),
  });
  const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: id });
  const idsIn = (list: unknown[]) => read(list).flatMap(({ tool_call_id: id }) => id ?? []);

  it('keep their ids, where it is not certain which call a result answers', () => {
    expect(idsIn([calls(1, 2), result('x2'), result('x1')])).toEqual(['x2', 'x1']);
    const later = { role: 'assistant', tool_calls: [call('k', 'f', '{}')] };
    const again = { role: 'user', content: 'more' };
    expect(idsIn([calls(1), again, later, result('k'), result('cut')])).toEqual(['k', 'cut']);
  });

  it('belong together by the place that an id names', () => {
    expect(idsIn([calls(1, 2), result('f_1'), result('f_0')])).toEqual(['call_1', 'call_0']);
  });

  it('take time in proportion to their number', async () => {
    const readMany = (count: number) => () => {
      const numbered = Array.from({ length: count }, (_, a) => a);
      const parts = numbered.map((a) => ({ functionCall: { name: 'f', args: { a } } }));
      const listed = numbered.map((a) => call(`x${a}`, 'g', '{}'));
      const results = numbered.slice(0, count / 2).map((a) => ({ ...result(`y${a}`), name: 'zz' }));
      read([calls(...numbered), ...results]);
      read([{ role: 'model', parts, tool_calls: listed }]);
    };
    expect(await ratioOf(readMany(2_500), readMany(10_000))).toBeLessThan(MOST_RATIO);
  });
});

it('the keyword arguments of a call are no message', () => {
  expect(read({ prompt: 'hi', messages: null, kwargs: {} })).toEqual([{ role: 'user', content: 'hi' }]);
});

it('a part may have a list of texts', () => {
  const text = [{ type: 'input_text', text: 'hi' }];
  expect(read([{ role: 'user', content: [{ type: 'text', text }] }])).toEqual([{ role: 'user', content: 'hi' }]);
  const shapes = [{ type: 'circle', text: 'r' }];
  expect(read([{ role: 'user', content: [{ type: 'text', text: shapes }] }])).toEqual([
    { role: 'user', content: JSON.stringify(shapes) },
  ]);
});

describe('a turn of the history that is only a role', () => {
  const asked = { role: 'user', content: 'q' };
  const empty = { role: 'assistant' };
  const kept = { role: 'assistant', content: '' };
  const calls = { role: 'assistant', tool_calls: [call('a', 'f', '{}')] };
  const read = (...turns: readonly unknown[]) => new MessageReader().read(turns);

  it('has its place between others', () => {
    expect(read(asked, empty, asked)).toEqual([asked, kept, asked]);
    expect(read(asked, calls, { role: 'tool', tool_call_id: 'a', content: 'r' }, empty, asked)).toContainEqual(kept);
  });

  it.each<[string, readonly unknown[]]>([
    ['the last one', [asked, empty]],
    ['the last one before null', [asked, empty, null]],
    ['before what the assistant calls', [asked, empty, calls]],
    ['before what the assistant says', [asked, { ...empty, reasoning_content: 'Hm.' }, { ...empty, content: 'a' }]],
    ['after words that were not captured', [{ role: 'user' }, empty, asked]],
  ])('is none: %s', (_what, turns) => expect(read(...turns)).not.toContainEqual(kept));
});
