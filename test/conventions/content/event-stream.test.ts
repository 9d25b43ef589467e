import { describe, expect, it } from 'vitest';
import { eventsInText } from '../../../src/conventions/content/streams/event-stream.ts';
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

  it.each(['\n\nd', '\n\ndata:', '\n\ndata: ', '\n\ndata: {', '\n\ndata: [DO', '\n\neve', '\n\nevent: mes'])(
    'is read if it was cut off after %j',
    (end) => {
      const text = `${chunk('No')}\n\n${chunk('on', 'stop')}${end}`;
      expect(read({ ...call, 'output.value': text })).toMatchObject({ output: 'Noon', finishReason: 'stop' });
    },
  );

  it.each([
    ['Chat Completions', { ...JSON.parse(chunk('Hi', 'stop').slice(5)), usage: { prompt_tokens: 3 } }],
    [
      'Gemini',
      {
        candidates: [{ content: { parts: [{ text: 'Hi' }] }, finishReason: 'STOP' }],
        usageMetadata: { promptTokenCount: 3 },
      },
    ],
    [
      'the Responses API',
      {
        type: 'response.completed',
        response: {
          output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] }],
          usage: { input_tokens: 3 },
        },
      },
    ],
  ])('is whole in the only event of %s', (_title, event) => {
    const text = `data: ${JSON.stringify(event)}\n\n`;
    expect(read({ ...call, 'output.value': text })).toMatchObject({ output: 'Hi', promptTokens: 3 });
  });

  it.each([
    ['one event', 'data: {"usage":{"prompt_tokens":7}}'],
    ['two events', 'data: {"usage":{"prompt_tokens":7}}\n\ndata: {"usage":{"prompt_tokens":8}}'],
  ])('has no tokens of its own if the model has written it: %s', (_title, text) => {
    expect(read({ ...call, 'output.value': text })).toMatchObject({ output: text });
    expect(read({ ...call, 'output.value': text }).promptTokens).toBeUndefined();
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
