/** Spans of an app that are near to those of a vocabulary, and not of it. */
import { describe, expect, it } from 'vitest';
import { kindOf, read } from './span.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };

it.each([
  ['a deployment of its own', { 'openai.resource': 'eu-west' }, 'GET /'],
  ['a step of its own', { 'app.turn': 1 }, 'session_task.turn'],
])('makes no log of %s', (_title, attributes, name) => {
  expect(kindOf(attributes, { name, scope: 'app' })).toBeUndefined();
});

it('leaves a call a call, whatever the app names there', () => {
  expect(kindOf({ ...CHAT, 'openai.resource': 'eu-west' }, { scope: 'app' })).toBe('model');
  const asked = '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]';
  expect(kindOf({ ...CHAT, 'gen_ai.input.messages': asked }, { name: 'realtime answer' })).toBe('model');
  expect(kindOf({ ...CHAT, 'gen_ai.input.messages': asked }, { name: 'realtime m' })).toBe('generic');
});

it('reads a realtime answer whose messages have no parts', () => {
  const said = '[{"role":"assistant","content":"Hi"}]';
  const attributes = { ...CHAT, 'gen_ai.output.messages': said, 'gen_ai.response.id': 'r' };
  expect(read(attributes, { name: 'realtime m' }).output).toBe('Hi');
});

describe('a text', () => {
  it.each([
    '{"role": admin, "content": "Hi"}',
    '{"role": userOf(1), "content": "Hi"}',
    '[{"role:" is a key}, {"a": 1}]',
  ])('stays one although it begins as messages without quotes do: %s', (text) => {
    const reading = read({ ...CHAT, 'gen_ai.prompt': text, 'gen_ai.completion': text });
    expect(reading.messages).toEqual([{ role: 'user', content: text }]);
    expect(reading.output).toBe(text);
  });

  it('is the answer also if it is empty, among several', () => {
    expect(read({ ...CHAT, 'gen_ai.completion': '["",""]' }).output).toBe('');
  });

  it.each(['null', '"Hi"'])('is not what stands in an event in place of a body: %s', (content) => {
    const event = {
      name: 'gen_ai.choice',
      time: [1, 0] as [number, number],
      attributes: { 'gen_ai.event.content': content },
    };
    expect(read(CHAT, { events: [event] }).output).toBeUndefined();
  });
});

it('survives a model that cannot be made a text', () => {
  const model = Object.create(null);
  const attributes = { ...CHAT, 'gen_ai.request.model': model, 'gen_ai.input.messages': '[]' };
  expect(kindOf(attributes, { name: 'realtime m' })).toBe('model');
});
