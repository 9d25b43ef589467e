/** What one of two vocabularies on a span lacks of a message, the other one fills in. */
import { describe, expect, it } from 'vitest';
import { read } from './span.ts';

const CALL = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
const PART = { type: 'tool_call', id: 'c', name: 'f', arguments: {} };
const text = (content: string) => ({ type: 'text', content });

function readBoth(said: string, parts: object[], role = 'assistant') {
  return read({
    'openinference.span.kind': 'LLM',
    'llm.model_name': 'm',
    'llm.input_messages.0.message.role': role,
    'llm.input_messages.0.message.content': said,
    'llm.output_messages.0.message.role': 'assistant',
    'llm.output_messages.0.message.content': said,
    'gen_ai.operation.name': 'chat',
    'gen_ai.input.messages': JSON.stringify([{ role, parts }]),
    'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts }]),
  });
}

describe('a message of two vocabularies', () => {
  it.each([
    ['the calls', 'Look:', [text('Look:'), PART], { content: 'Look:', tool_calls: [CALL] }, 'Look:'],
    ['the text', '', [text('Hi')], { content: 'Hi' }, 'Hi'],
    ['calls instead of an empty text', '', [PART], { tool_calls: [CALL] }, undefined],
    ['nothing of another message', 'Hi', [text('Bye'), PART], { content: 'Hi' }, 'Hi'],
  ])('has %s', (_what, said, parts, message, output) => {
    const reading = readBoth(said, parts);
    expect(reading.outputMessage).toEqual({ role: 'assistant', ...message });
    expect(reading.messages).toEqual([{ role: 'assistant', ...message }]);
    expect(reading.output).toBe(output);
  });

  it('has the images', () => {
    const image = { type: 'uri', modality: 'image', uri: 'https://a/b.png' };
    expect(readBoth('See', [text('See'), image], 'user').messages?.[0]?.content).toEqual([
      { type: 'text', text: 'See' },
      { type: 'image_url', image_url: { url: 'https://a/b.png' } },
    ]);
  });
});
