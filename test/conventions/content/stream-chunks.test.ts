import { describe, expect, it } from 'vitest';
import { MessageReader } from '../../../src/conventions/content/messages/messages.ts';
import { countSentences, joinChunks } from '../../../src/conventions/content/streams/stream-chunks.ts';
import { read as readSpan } from '../span.ts';

function read(value: unknown) {
  const reader = new MessageReader();
  const answers = reader.readOutput(value);
  return { answers, finishReason: reader.finishReason, reasoning: reader.reasoning };
}

describe('an answer in the pieces it was streamed in', () => {
  it('is one message without line breaks between the pieces of Gemini’s contents', () => {
    const pieces = ['Hel', 'lo', ''].map((text) => ({ role: 'model', parts: [{ text }] }));
    expect(read([...pieces, null]).answers).toEqual([{ role: 'assistant', content: 'Hello' }]);
  });

  it('keeps Gemini’s thoughts and calls apart', () => {
    const { answers, reasoning } = read([
      { role: 'model', parts: [{ text: 'Let me ', thought: true }] },
      { role: 'model', parts: [{ text: 'see.', thought: true }] },
      { role: 'model', parts: [{ text: 'One moment.' }, { functionCall: { name: 'clock', args: {} } }] },
    ]);
    expect(reasoning).toEqual(['Let me see.']);
    expect(answers).toMatchObject([{ content: 'One moment.', tool_calls: [{ function: { name: 'clock' } }] }]);
  });

  it('has the last finish reason of Gemini’s responses', () => {
    const { answers, finishReason } = read([
      { candidates: [{ content: { role: 'model', parts: [{ text: 'To be' }] } }] },
      { candidates: [{ content: { role: 'model', parts: [{ text: ' cut' }] }, finishReason: 'MAX_TOKENS' }] },
      { usageMetadata: { totalTokenCount: 9 } },
    ]);
    expect(answers).toEqual([{ role: 'assistant', content: 'To be cut' }]);
    expect(finishReason).toBe('length');
  });

  it('has each of Gemini’s candidates', () => {
    const part = (text: string, index: number) => ({ index, content: { role: 'model', parts: [{ text }] } });
    const { answers } = read([
      { candidates: [part('He', 0), part('G', 1)] },
      { candidates: [{ ...part('ood day', 1), finishReason: 'STOP' }] },
      { candidates: [{ ...part('llo', 0), finishReason: 'STOP' }] },
    ]);
    expect(answers.map(({ content }) => content)).toEqual(['Hello', 'Good day']);
  });

  it('has each of Gemini’s candidates by their place if they are not numbered', () => {
    const part = (text: string) => ({ content: { role: 'model', parts: [{ text }] } });
    const { answers } = read([{ candidates: [part('He'), part('G')] }, { candidates: [part('llo'), part('ood day')] }]);
    expect(answers.map(({ content }) => content)).toEqual(['Hello', 'Good day']);
  });

  it('is not joined from two answers of Gemini', () => {
    const answer = (responseId: string, text: string) => {
      return { responseId, candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }] };
    };
    const chunks = [answer('a', 'One.'), answer('b', 'Two.')];
    expect(joinChunks(chunks)).toBe(chunks);
    expect(joinChunks([answer('a', 'One.'), answer('a', 'Two.')])).not.toBe(chunks);
  });

  describe('of Chat Completions', () => {
    const chunk = (id: string, content: string, finish_reason: string | null = null) => {
      return { id, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason }] };
    };

    it.each([
      ['one after the other', [chunk('a', 'One'), chunk('a', '.', 'stop'), chunk('b', 'Two'), chunk('b', '.', 'stop')]],
      ['at the same time', [chunk('a', 'One'), chunk('b', 'Two'), chunk('a', '.'), chunk('b', '.')]],
      ['each in a piece', [chunk('a', 'One.', 'stop'), chunk('b', 'Two.', 'stop')]],
    ])('is not joined from two answers, %s', (_title, chunks) => {
      expect(joinChunks(chunks)).toBe(chunks);
    });

    it.each([
      ['the first of which has no id', [chunk('', ''), chunk('a', 'One'), chunk('a', '.', 'stop')]],
      ['with an id each', [chunk('a', 'One'), chunk('b', '.'), chunk('c', '', 'stop')]],
    ])('is joined from pieces %s', (_title, chunks) => {
      expect(read(chunks).answers).toEqual([{ role: 'assistant', content: 'One.' }]);
    });
  });

  it('joins the texts and calls of chunks of Chat Completions', () => {
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      choices: [{ index: 0, delta, finish_reason }],
    });
    const { answers, finishReason } = read([
      chunk({ role: 'assistant', content: 'Two: ' }),
      chunk({ content: 'both' }),
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'left', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'right', arguments: '{"x"' } }] }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: ':1}' } }] }, 'tool_calls'),
      { choices: [], usage: { prompt_tokens: 1 } },
    ]);
    expect(answers).toEqual([
      {
        role: 'assistant',
        content: 'Two: both',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'left', arguments: '{}' } },
          { id: 'b', type: 'function', function: { name: 'right', arguments: '{"x":1}' } },
        ],
      },
    ]);
    expect(finishReason).toBe('tool_calls');
  });

  it.each([
    [
      [
        { role: 'assistant', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    ],
    [
      [
        { role: 'model', parts: [{ type: 'text', content: 'a' }] },
        { role: 'model', parts: [{ type: 'text', content: 'b' }] },
      ],
    ],
    [
      [
        { role: 'model', parts: [{ text: 'a' }], finish_reason: 'stop' },
        { role: 'model', parts: [{ text: 'b' }] },
      ],
    ],
    [[{ message: { role: 'assistant', content: 'a' } }, { message: { role: 'assistant', content: 'b' } }]],
    ['a text'],
    [[]],
  ])('leaves choices and other values alone: %j', (value) => expect(joinChunks(value)).toBe(value));
});

it.each([
  [['A first answer. ', 'Another one.']],
  [['A first answer', '. Another one.']],
  [['import React.', 'Component from x']],
  [['Yes.', 'No.']],
  [['Version 2.', '5 of it.']],
  [['これは。', 'それも。']],
])('Gemini’s contents %j are one answer, however they end', (texts) => {
  const contents = texts.map((text) => ({ role: 'model', parts: [{ text }] }));
  expect(read(contents).answers).toEqual([{ role: 'assistant', content: texts.join('') }]);
});

it('keeps as many contents apart as answers were asked for', () => {
  const contents = ['yes', 'no'].map((text) => ({ role: 'model', parts: [{ text }] }));
  const answers = [
    { role: 'assistant', content: 'yes' },
    { role: 'assistant', content: 'no' },
  ];
  expect(new MessageReader().readOutput(contents, 2)).toEqual(answers);
  expect(new MessageReader().readOutput(contents, 3)).toHaveLength(1);
  const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': JSON.stringify(contents) };
  const both = { outputMessage: answers[0], contentMetadata: { choices: [answers[1]] } };
  expect(readSpan({ ...call, 'gen_ai.request.choice.count': 2 })).toMatchObject(both);
  expect(readSpan(call).output).toBe('yesno');
});

it.each([
  [['A first answer.', 'Another one.'], 2],
  [['“Yes.”', '*No*, thanks.', 'Perhaps…'], 3],
  [['A first answer. ', 'Another one.'], undefined],
  [['A first answer', '. Another one.'], undefined],
  [['Version 2.', '5 of it.'], undefined],
  [['これは。', 'それも。'], undefined],
])('Gemini’s contents %j are %s candidates of Vertex AI', (texts, count) => {
  const contents = texts.map((text) => ({ role: 'model', parts: [{ text }] }));
  expect(countSentences(contents)).toBe(count);
  const call = { 'gen_ai.operation.name': 'chat', 'gen_ai.output.messages': JSON.stringify(contents) };
  const { contentMetadata } = readSpan(call, { scope: 'opentelemetry.instrumentation.vertexai' });
  expect(contentMetadata?.['choices'] ?? []).toHaveLength((count ?? 1) - 1);
});
