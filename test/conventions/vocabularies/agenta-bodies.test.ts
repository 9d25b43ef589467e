/** Agenta has bodies as the function got and returned them: flattened, marked, as JSON, or encoded once more. */
import { describe, expect, test } from 'vitest';
import type { Attributes } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const json = JSON.stringify;
const marked = (value: unknown) => `@ag.type=dict:${json(value)}`;

const MESSAGES = [{ role: 'user', content: 'How is it?' }];
const REQUEST = { model: 'm', messages: MESSAGES, max_tokens: 7 };
const CHOICES = {
  choices: [{ index: 0, finish_reason: 'length', message: { role: 'assistant', content: 'It snows.' } }],
};
const WHOLE = { id: 'x', object: 'chat.completion', model: 'm', ...CHOICES, usage: { prompt_tokens: 5 } };
const MESSAGE = { role: 'assistant', content: 'It snows.' };

const WRITTEN: Readonly<Record<string, (value: unknown) => string>> = {
  'as JSON': json,
  'as JSON of JSON': (value) => json(json(value)),
  marked,
  'marked, as JSON of JSON': (value) => marked(json(value)),
};

const PLACES: Readonly<Record<string, (returned: string) => Attributes>> = {
  'as all that was returned': (returned) => ({ 'ag.data.outputs': returned }),
  'as what has no name': (returned) => ({ 'ag.data.outputs.__default__': returned }),
  'as what has no name in JSON': (returned) => ({ 'ag.data.outputs': json({ __default__: returned }) }),
};

describe.each(Object.entries(WRITTEN))('%s', (_name, write) => {
  test('a request has messages, model and parameters', () => {
    const reading = read({ 'ag.type.node': 'chat', 'ag.data.inputs': write(REQUEST) });
    expect(reading).toMatchObject({ messages: MESSAGES, model: 'm', maxTokens: 7 });
    expect(reading.inputs).toBeUndefined();
  });

  test('messages alone are read', () => {
    expect(read({ 'ag.type.node': 'chat', 'ag.data.inputs.messages': write(MESSAGES) }).messages).toEqual(MESSAGES);
  });

  describe.each(Object.entries(PLACES))('%s', (place, attributesOf) => {
    // A mark is only of attributes.
    const isMarkedInside = place.endsWith('in JSON') && write(1).startsWith('@');
    test.skipIf(isMarkedInside)('an answer is opened, with or without id and tokens', () => {
      const answers = [WHOLE, CHOICES, MESSAGE].map((answer) =>
        read({ 'ag.type.node': 'chat', ...attributesOf(write(answer)) }),
      );
      expect(answers.map(({ output }) => output)).toEqual(Array(3).fill('It snows.'));
      expect(answers.map(({ finishReason }) => finishReason)).toEqual(['length', 'length', undefined]);
      expect(answers.map(({ promptTokens }) => promptTokens)).toEqual([5, undefined, undefined]);
    });
  });
});

test('a completion that is a text is what the model said, whatever its JSON looks like', () => {
  for (const said of [json(WHOLE), json({ a: 1 }), '[1]'])
    expect(read({ 'ag.type.node': 'chat', 'ag.data.outputs': json({ completion: said }) }).output).toBe(said);
});
