import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toAnswer, toConversation, toPlainText } from '../../../src/viewer/log/conversation.ts';

const call = (id: string) => ({ id, type: 'function', function: { name: 'find', arguments: '{"a":1}' } });

test('a result stands beside its call, and nowhere else', () => {
  const messages = toConversation([
    { role: 'user', content: 'hi' },
    { role: 'assistant', tool_calls: [call('1'), call('2')] },
    { role: 'tool', tool_call_id: '1', content: 'found' },
    { role: 'tool', tool_call_id: '9', content: 'of no call' },
  ]);
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool']);
  expect(messages[1]!.calls).toEqual([
    { name: 'find', arguments: { a: 1 }, result: [{ kind: 'text', text: 'found' }] },
    { name: 'find', arguments: { a: 1 } },
  ]);
});

test('a second result of a call is kept as a message', () => {
  const tool = { role: 'tool', tool_call_id: '1', content: 'again' };
  const messages = toConversation([{ role: 'assistant', tool_calls: [call('1')] }, tool, { ...tool }]);
  expect(messages.map(({ role }) => role)).toEqual(['assistant', 'tool']);
});

test('texts, images and parts of unknown kind', () => {
  const [message] = toConversation([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a' },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
        { type: 'new', x: 1 },
      ],
    },
  ]);
  expect(message!.parts).toEqual([
    { kind: 'text', text: 'a' },
    { kind: 'image', url: 'data:image/png;base64,AA' },
    { kind: 'other', value: { type: 'new', x: 1 } },
  ]);
  expect(toPlainText([message!])).toBe('user:\na\n[data:image/png, 24 characters]\n{"type":"new","x":1}');
});

test('the answer is the message, or the output where that has more', () => {
  expect(toAnswer({ output: 'text' })).toMatchObject({ role: 'assistant', parts: [{ text: 'text' }] });
  expect(toAnswer({ output: 'text', output_message: { role: 'assistant', content: null } })).toMatchObject({
    parts: [{ text: 'text' }],
  });
  expect(toAnswer({ output_message: { role: 'assistant', tool_calls: [call('1')] as never } })!.calls).toHaveLength(1);
  expect(toAnswer({})).toBeUndefined();
});

test('nothing that can be stored breaks it', () => {
  fc.assert(fc.property(fc.array(fc.jsonValue()), (messages) => void toPlainText(toConversation(messages))));
});
