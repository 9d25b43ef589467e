import { expect, test } from 'vitest';
import type { SpanEvent } from '../../../src/otel/span-slice.ts';
import { read } from '../span.ts';

const CHAT = { 'gen_ai.system': 'aws.bedrock', 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'nova' };

function event(name: string, attributes: Record<string, unknown>): SpanEvent {
  return { name: `gen_ai.${name}`, attributes: attributes as SpanEvent['attributes'], time: [1, 0] };
}

const result = (id: string) => ({ toolResult: { toolUseId: id, content: [{ text: 'sunny' }] } });
const asked = (...content: unknown[]) => event('user.message', { content });
const answered = (id?: string, content?: string) => event('tool.message', { id, content });

test.each<[string, SpanEvent[], unknown[]]>([
  ['once if both say it', [answered('t1', 'sunny'), asked(result('t1'))], [['tool', 'sunny']]],
  ['in the message of the user', [answered('t1'), asked(result('t1'))], [['tool', 'sunny']]],
  [
    'before words of the user, though it has no id',
    [answered(undefined, 'sunny'), asked({ text: 'And tomorrow?' })],
    [
      ['tool', 'sunny'],
      ['user', 'And tomorrow?'],
    ],
  ],
  [
    'beside words of the user',
    [answered('t1', 'sunny'), asked(result('t1'), { text: 'And tomorrow?' })],
    [
      ['tool', 'sunny'],
      ['user', 'And tomorrow?'],
    ],
  ],
  [
    'in two turns with the same id',
    [answered('t1', 'sunny'), asked({ text: 'Again.' }), asked(result('t1'))],
    [
      ['tool', 'sunny'],
      ['user', 'Again.'],
      ['tool', 'sunny'],
    ],
  ],
])('what a tool returned is there %s', (_title, events, expected) => {
  const { messages = [] } = read(CHAT, { events });
  expect(messages.map(({ role, content }) => [role, content])).toEqual(expected);
});

test('an answer that is a list of JSON texts is a text, whatever the provider', () => {
  const { output } = read(CHAT, { events: [event('choice', { message: ['{"text":"linden"}'] })] });
  expect(output).toBe('{"text":"linden"}');
});
