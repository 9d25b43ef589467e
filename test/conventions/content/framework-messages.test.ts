/** Conversations as frameworks and SDKs serialise their own objects. All but the shape is the same in each. */
import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';

const weather = (id: string, args = '{"city":"Oslo"}') => [
  { id, type: 'function', function: { name: 'weather', arguments: args } },
];
const CONVERSATION = [
  { role: 'user', content: 'How is Oslo?' },
  { role: 'assistant', content: 'I look.', tool_calls: weather('t') },
  { role: 'tool', content: 'rain', name: 'weather', tool_call_id: 't' },
];

function read(value: unknown) {
  return new MessageReader().read(value);
}

describe('a conversation with a tool', () => {
  it.each<[string, unknown[]]>([
    [
      'Pydantic AI',
      [
        { kind: 'request', parts: [{ part_kind: 'user-prompt', content: 'How is Oslo?' }] },
        {
          kind: 'response',
          parts: [
            { part_kind: 'thinking', content: 'hm' },
            { part_kind: 'text', content: 'I look.' },
            { part_kind: 'tool-call', tool_name: 'weather', args: { city: 'Oslo' }, tool_call_id: 't' },
          ],
        },
        {
          kind: 'request',
          parts: [{ part_kind: 'tool-return', tool_name: 'weather', content: 'rain', tool_call_id: 't' }],
        },
      ],
    ],
    [
      'LlamaIndex',
      [
        { role: 'user', blocks: [{ block_type: 'text', text: 'How is Oslo?' }], additional_kwargs: {} },
        {
          role: 'assistant',
          blocks: [
            { block_type: 'thinking', content: 'hm' },
            { block_type: 'text', text: 'I look.' },
            { block_type: 'tool_call', tool_call_id: 't', tool_name: 'weather', tool_kwargs: { city: 'Oslo' } },
          ],
          additional_kwargs: {},
        },
        {
          role: 'tool',
          blocks: [{ block_type: 'text', text: 'rain' }],
          additional_kwargs: { tool_call_id: 't', name: 'weather' },
        },
      ],
    ],
    [
      'Spring AI',
      [
        { messageType: 'USER', text: 'How is Oslo?', metadata: {} },
        {
          messageType: 'ASSISTANT',
          textContent: 'I look.',
          toolCalls: [{ id: 't', type: 'function', name: 'weather', arguments: '{"city":"Oslo"}' }],
        },
        { messageType: 'TOOL', responses: [{ id: 't', name: 'weather', responseData: 'rain' }] },
      ],
    ],
    [
      'Semantic Kernel',
      [
        { role: { Label: 'user' }, items: [{ $type: 'TextContent', text: 'How is Oslo?' }] },
        {
          role: { label: 'assistant' },
          items: [
            { $type: 'TextContent', text: 'I look.' },
            { $type: 'FunctionCallContent', id: 't', functionName: 'weather', arguments: { city: 'Oslo' } },
          ],
        },
        {
          role: { label: 'tool' },
          items: [{ $type: 'FunctionResultContent', callId: 't', functionName: 'weather', result: 'rain' }],
        },
      ],
    ],
    [
      'Haystack',
      [
        { role: 'user', meta: {}, name: null, content: [{ text: 'How is Oslo?' }] },
        {
          role: 'assistant',
          content: [{ text: 'I look.' }, { tool_call: { tool_name: 'weather', arguments: { city: 'Oslo' }, id: 't' } }],
        },
        {
          role: 'tool',
          content: [{ tool_call_result: { result: 'rain', origin: { id: 't', tool_name: 'weather' }, error: false } }],
        },
      ],
    ],
    [
      'parts without types',
      [
        { role: 'user', content: [{ text: 'How is Oslo?' }] },
        { role: 'assistant', content: [{ text: 'I look.' }, { id: 't', name: 'weather', input: { city: 'Oslo' } }] },
        { role: 'user', content: [{ tool_use_id: 't', name: 'weather', content: 'rain' }] },
      ],
    ],
    [
      "the AI SDK's messages for pages",
      [
        { id: '1', role: 'user', parts: [{ type: 'text', text: 'How is Oslo?' }] },
        {
          id: '2',
          role: 'assistant',
          parts: [
            { type: 'step-start' },
            { type: 'text', text: 'I look.' },
            {
              type: 'tool-weather',
              toolCallId: 't',
              state: 'output-available',
              input: { city: 'Oslo' },
              output: 'rain',
            },
            { type: 'source-url', sourceId: 's', url: 'https://example.com' },
          ],
        },
      ],
    ],
  ])('of %s', (_name, messages) => {
    expect(read(messages)).toEqual(CONVERSATION);
    expect(read(JSON.stringify(messages))).toEqual(CONVERSATION);
    expect(read({ messages })).toEqual(CONVERSATION);
  });
});

describe('single messages', () => {
  const PICTURE = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } };
  const looked = [{ role: 'user', content: [{ type: 'text', text: 'look' }, PICTURE] }];

  it.each<[string, unknown]>([
    ['Ollama', { role: 'user', content: 'look', images: ['aGk='] }],
    [
      "LangChain's standard blocks",
      { type: 'human', content: ['look', { type: 'image', mime_type: 'image/png', base64: 'aGk=' }] },
    ],
    [
      'Pydantic AI',
      {
        kind: 'request',
        parts: [
          { part_kind: 'user-prompt', content: ['look', { kind: 'binary', media_type: 'image/png', data: 'aGk=' }] },
        ],
      },
    ],
    [
      'LlamaIndex',
      {
        role: 'user',
        blocks: [
          { block_type: 'text', text: 'look' },
          { block_type: 'image', image: 'aGk=', image_mimetype: 'image/png', path: null, url: null },
        ],
      },
    ],
  ])('with a picture, of %s', (_name, message) => {
    expect(read([message])).toEqual(looked);
  });

  it('of Pydantic AI keep instructions, words and what a tool refused apart', () => {
    const parts = [
      { part_kind: 'system-prompt', content: 'Be brief.' },
      { part_kind: 'user-prompt', content: 'hi' },
      { part_kind: 'retry-prompt', content: 'no such city', tool_name: 'weather', tool_call_id: 't' },
      { part_kind: 'retry-prompt', content: 'answer in JSON' },
    ];
    expect(read([{ kind: 'request', parts }])).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
      { role: 'tool', content: 'no such city', name: 'weather', tool_call_id: 't' },
      { role: 'user', content: 'answer in JSON' },
    ]);
  });

  it('of Pydantic AI keep what the provider ran apart', () => {
    const reader = new MessageReader();
    const parts = [
      { part_kind: 'builtin-tool-call', tool_name: 'web_search', args: { query: 'x' }, tool_call_id: 'b' },
      { part_kind: 'builtin-tool-return', tool_name: 'web_search', content: 'y', tool_call_id: 'b' },
      { part_kind: 'text', content: 'Done.' },
    ];
    expect(reader.readOutput([{ kind: 'response', parts }])).toEqual([{ role: 'assistant', content: 'Done.' }]);
    expect(reader.providerCalls.toList()).toEqual([
      { id: 'b', name: 'web_search', input: { query: 'x' }, result: 'y' },
    ]);
  });

  it("of Cohere's first API have what was said before", () => {
    const history = [
      { role: 'USER', message: 'hi' },
      { role: 'CHATBOT', message: 'hello' },
    ];
    const body = { message: 'How is Oslo?', chat_history: history, preamble: 'Be brief.' };
    expect(read(body)).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'hello' },
      { role: 'user', content: 'How is Oslo?' },
    ]);
  });

  it.each<[string, unknown]>([
    ['Cohere', { type: 'document', document: { id: 'd', data: 'the text' } }],
    ['Anthropic', { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'the text' } }],
    [
      'Anthropic, in blocks',
      { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'the text' }] } },
    ],
  ])('show the text of a document of %s', (_name, part) => {
    expect(read([{ role: 'user', content: [part] }])).toEqual([{ role: 'user', content: 'the text' }]);
  });

  it('have no citations among the words of an answer', () => {
    const content = [
      { type: 'text', text: 'Rain.' },
      { type: 'reference', reference_ids: [1] },
      { type: 'source', sourceType: 'url', id: 's', url: 'https://example.com' },
    ];
    expect(new MessageReader().readOutput([{ role: 'assistant', content }])).toEqual([
      { role: 'assistant', content: 'Rain.' },
    ]);
  });

  it('are found where LangChain stores generations', () => {
    const message = { type: 'ai', data: { content: 'Rain.', tool_calls: [] } };
    expect(new MessageReader().readOutput({ generations: [[{ text: 'Rain.', message }]] })).toEqual([
      { role: 'assistant', content: 'Rain.' },
    ]);
  });

  it('stay data where they only look alike', () => {
    for (const data of [{ kind: 'request', items: [{ part_kind: 1 }] }, { messageType: 'event' }]) {
      const text = JSON.stringify(data);
      expect(read(text)).toEqual([{ role: 'user', content: text }]);
    }
  });
});
