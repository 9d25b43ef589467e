/** A state of messages as the output of a step: LangGraph's own, and data of the app that looks like it. */
import { describe, expect, it } from 'vitest';
import { read } from '../span.ts';

const printed = { additional_kwargs: {}, response_metadata: {}, id: 'x' };
const human = { type: 'human', content: 'Hi', ...printed };
const ai = { type: 'ai', content: 'Hello', ...printed };

const STEPS: readonly [string, (output: string) => Record<string, unknown>][] = [
  [
    'openinference',
    (output) => ({
      'openinference.span.kind': 'CHAIN',
      'output.value': output,
      'output.mime_type': 'application/json',
    }),
  ],
  ['openllmetry', (output) => ({ 'traceloop.span.kind': 'task', 'traceloop.entity.output': output })],
  ['langsmith', (output) => ({ 'langsmith.span.kind': 'chain', 'gen_ai.completion': output })],
  ['langfuse', (output) => ({ 'langfuse.observation.type': 'span', 'langfuse.observation.output': output })],
];

describe.each(STEPS)('%s', (_vocabulary, attributesOf) => {
  it('reads what the last message says', () => {
    expect(read(attributesOf(JSON.stringify({ messages: [human, ai] }))).output).toBe('Hello');
  });

  it.each<[string, unknown]>([
    [
      "the app's messages of the same types",
      {
        messages: [
          { type: 'human', content: 'Hi' },
          { type: 'ai', content: 'Hello' },
        ],
      },
    ],
    ["the app's messages with roles", { messages: [{ role: 'assistant', content: 'Hello' }] }],
    ['another key', { messages: [human, ai], count: 2 }],
    ['a last message that the model did not write', { messages: [ai, human] }],
    ['no messages', { messages: [] }],
    ['log lines', { messages: [{ type: 'info', content: 'Hello' }] }],
  ])('leaves %s as they are', (_what, state) => {
    expect(JSON.parse(read(attributesOf(JSON.stringify(state))).output ?? '')).toEqual(state);
  });
});
