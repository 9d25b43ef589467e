/** A stream that was recorded is the answer that it has streamed, in every place and whatever lists its events. */
import { describe, expect, test } from 'vitest';
import { PLACES } from '../answer-places.ts';
import { read } from '../span.ts';

const json = JSON.stringify;
const TEXT = 'It rains.';

const chunk = (delta: Record<string, unknown>, finish_reason: string | null = null) => ({
  id: 'x',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason }],
});
const USAGE = {
  choices: [],
  id: 'x',
  object: 'chat.completion.chunk',
  usage: { prompt_tokens: 5, completion_tokens: 2 },
};

const STREAMS: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  'of Chat Completions': [
    chunk({ role: 'assistant', content: 'It ' }),
    chunk({ content: 'rains.' }),
    chunk({}, 'stop'),
    USAGE,
  ],
  'of speech': [
    chunk({ role: 'assistant', audio: { id: 'a', transcript: 'It ' } }),
    chunk({ audio: { transcript: 'rains.' } }),
    chunk({ audio: { data: 'AAAA' } }),
    chunk({}, 'stop'),
    USAGE,
  ],
  'of a refusal': [
    chunk({ role: 'assistant', refusal: 'It ' }),
    chunk({ refusal: 'rains.' }),
    chunk({}, 'stop'),
    USAGE,
  ],
  'of Anthropic': [
    {
      type: 'message_start',
      message: {
        id: 'x',
        type: 'message',
        role: 'assistant',
        content: [],
        usage: { input_tokens: 5, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It ' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'rains.' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ],
  'of Gemini': [
    { candidates: [{ content: { role: 'model', parts: [{ text: 'It ' }] } }] },
    {
      candidates: [{ content: { role: 'model', parts: [{ text: 'rains.' }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2 },
    },
  ],
  'of Bedrock': [
    { messageStart: { role: 'assistant' } },
    { contentBlockDelta: { delta: { text: 'It ' }, contentBlockIndex: 0 } },
    { contentBlockDelta: { delta: { text: 'rains.' }, contentBlockIndex: 0 } },
    { contentBlockStop: { contentBlockIndex: 0 } },
    { messageStop: { stopReason: 'end_turn' } },
    { metadata: { usage: { inputTokens: 5, outputTokens: 2 } } },
  ],
  'of the AI SDK': [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta: 'It ' },
    { type: 'text-delta', id: '0', delta: 'rains.' },
    { type: 'text-end', id: '0' },
    { type: 'finish', finishReason: 'stop', usage: { inputTokens: 5, outputTokens: 2 } },
  ],
  'of the AI SDK 4': [
    { type: 'text-delta', textDelta: 'It ' },
    { type: 'text-delta', textDelta: 'rains.' },
    { type: 'finish', finishReason: 'stop', usage: { promptTokens: 5, completionTokens: 2 } },
  ],
};

const LISTS: Readonly<Record<string, (events: readonly Record<string, unknown>[]) => unknown>> = {
  'a list': (events) => events,
  'JSON of a list': json,
  'JSON of JSON': (events) => json(json(events)),
  'a line for each': (events) => events.map((event) => json(event)).join('\n'),
  'server-sent events': (events) => events.map((event) => `data: ${json(event)}\n\n`).join(''),
  'a list of texts': (events) => events.map((event) => json(event)),
  'a list of server-sent events': (events) => [...events.map((event) => `data: ${json(event)}`), 'data: [DONE]'],
  'what LangSmith yields': (events) => json({ outputs: events }),
  'an object of chunks': (events) => json({ chunks: events }),
};

describe.each(Object.entries(PLACES))('%s', (_, place) => {
  describe.each(Object.entries(LISTS))('%s', (_list, list) => {
    test.each(Object.entries(STREAMS))('%s', (_stream, events) => {
      expect(read(place(list(events)))).toMatchObject({
        output: TEXT,
        finishReason: 'stop',
        promptTokens: 5,
        outputTokens: 2,
      });
    });
  });

  test.each([
    ['lines', '{"a":1}\n{"b":2}'],
    ['a list below a key', json({ chunks: [{ text: 'a' }, { text: 'b' }] })],
    ['steps', json([{ type: 'start-step', name: 'a' }, { type: 'other' }])],
    ['events', json([{ type: 'start', id: 1 }, { type: 'finish' }])],
    [
      'events below a key',
      json({ events: [{ type: 'start', at: 'A' }, { type: 'error', error: 'late' }, { type: 'finish' }] }),
    ],
  ])('%s that a model said', (_what, said) => {
    expect(read(place(said)).output).toBe(said);
  });
});
