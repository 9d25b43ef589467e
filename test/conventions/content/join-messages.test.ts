import { expect, it } from 'vitest';
import { joinItems, mergeAssistant } from '../../../src/conventions/content/messages/join-messages.ts';
import type { ChatMessage } from '../../../src/wire/v4.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';

function callsTool(id: string): ChatMessage {
  return { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] };
}

const image = { type: 'image_url' as const, image_url: { url: 'https://example.com/a.png' } };

it('pieces of a turn are one message: texts, then calls', () => {
  const pieces: ChatMessage[] = [
    { role: 'assistant', content: 'Let me ' },
    callsTool('a'),
    { role: 'assistant', content: '' },
    { role: 'assistant', content: 'see.', name: 'Ada' },
    callsTool('b'),
  ];
  const [turn, ...others] = mergeAssistant([
    ...pieces,
    { role: 'tool', content: '1', tool_call_id: 'a' },
    callsTool('c'),
  ]);
  expect(turn).toMatchObject({ role: 'assistant', content: 'Let me \nsee.', name: 'Ada' });
  expect(turn?.tool_calls?.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(others).toEqual([{ role: 'tool', content: '1', tool_call_id: 'a' }, callsTool('c')]);
});

it('texts before an image are one part, those after it are parts of their own', () => {
  const texts = (...words: string[]): ChatMessage[] => words.map((content) => ({ role: 'assistant', content }));
  const merged = mergeAssistant([...texts('a', 'b'), { role: 'assistant', content: [image] }, ...texts('c', 'd')]);
  const parts = [{ type: 'text', text: 'a\nb' }, image, { type: 'text', text: 'c' }, { type: 'text', text: 'd' }];
  expect(merged).toEqual([{ role: 'assistant', content: parts }]);
});

it.each([
  ['items', joinItems],
  ['neighbours', mergeAssistant],
] as const)('four times as many %s that only call tools take about four times as long', async (_title, join) => {
  const messages = Array.from({ length: 40_000 }, (_, at) => callsTool(`call_${at}`));
  const few = messages.slice(0, 10_000);
  expect(join(messages)[0]?.tool_calls).toHaveLength(40_000);
  expect(
    await ratioOf(
      () => join(few),
      () => join(messages),
    ),
  ).toBeLessThan(MOST_RATIO);
});
