import { describe, expect, it } from 'vitest';
import { eventsInText } from '../../../src/conventions/content/event-stream.ts';
import { read } from '../span.ts';

const call = { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' };

function chunk(content: string, finish_reason: string | null = null): string {
  const choices = [{ index: 0, delta: { content }, finish_reason }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices })}`;
}

describe('an answer as it came over the wire', () => {
  it.each([
    ['with a blank line after each event', `${chunk('No')}\n\n${chunk('on', 'stop')}\n\ndata: [DONE]\n\n`],
    ['with other line ends', `${chunk('No')}\r\n\r\n${chunk('on', 'stop')}\r\n\r\n`],
    ['without spaces', `${chunk('No').replace(' ', '')}\n\n${chunk('on', 'stop').replace(' ', '')}`],
    ['with comments, ids and pauses', `: OPENROUTER\n\nid: 1\nretry: 10\n${chunk('No')}\n\n${chunk('on', 'stop')}\n\n`],
  ])('is read %s', (_title, text) => {
    expect(read({ ...call, 'output.value': text })).toMatchObject({ output: 'Noon', finishReason: 'stop' });
  });

  it('has what came of it if it was cut off', () => {
    const text = `${chunk('No')}\n\n${chunk('on')}\n\n${chunk('!').slice(0, -9)}`;
    expect(read({ ...call, 'output.value': text }).output).toBe('Noon');
  });

  it.each([
    ['data of an app', 'data: {"level":"info"}\n\ndata: {"level":"warn"}'],
    ['a stream with words around it', `${chunk('No')}\n\n${chunk('on')}\n\nThese are two events.`],
    ['a stream after words', `This is a stream:\n${chunk('No')}\n\n${chunk('on')}`],
    ['YAML', 'data: {a: 1}\nevent: started'],
    ['one event', chunk('No')],
  ])('is what the model said if it is %s', (_title, text) => {
    expect(read({ ...call, 'output.value': text }).output).toBe(text);
  });

  it('is no stream of the user', () => {
    const text = `${chunk('No')}\n\n${chunk('on')}`;
    expect(read({ ...call, 'input.value': text }).messages).toEqual([{ role: 'user', content: text }]);
  });

  it('is searched in a time that grows with its length', () => {
    expect(eventsInText(':\n'.repeat(200_000))).toBeUndefined();
    expect(eventsInText(`${'\n'.repeat(200_000)}data: x`)).toBeUndefined();
    expect(eventsInText(`event: ${'a'.repeat(400_000)}`)).toBeUndefined();
  });
});
