import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IndexedMessages } from '../../../../src/server/store/sqlite/index/indexed-messages.ts';

const SESSION = 1;

function withConversation(json: string): IndexedMessages {
  const messages = new IndexedMessages();
  messages.ownershipOf(SESSION, 1);
  messages.keepConversation(SESSION, json);
  return messages;
}

test('of a conversation that goes on, only what follows may be new', () => {
  const messages = withConversation('["a","b"]');
  expect(messages.newPart(SESSION, '["a","b","c"]')).toBe('["c"]');
  expect(messages.newPart(SESSION, '["a","b"]')).toBe('[]');
  expect(messages.newPart(SESSION, '["a"]')).toBe('[]');
  expect(messages.newPart(SESSION, '["a","x"]')).toBe('["a","x"]');
  expect(messages.newPart(SESSION, '[]')).toBe('[]');
  expect(messages.newPart(2, '["a"]')).toBe('["a"]');
});

test('what begins like it and is something else is new', () => {
  expect(withConversation('[1]').newPart(SESSION, '[12]')).toBe('[12]');
  expect(withConversation('[12]').newPart(SESSION, '[1]')).toBe('[1]');
  expect(withConversation('{"a":1}').newPart(SESSION, '{"a":1,"b":2}')).toBe('{"a":1,"b":2}');
});

test('whatever was said, the part that is known and the part that is new are the whole', () => {
  const values = fc.array(fc.jsonValue(), { maxLength: 4 });
  fc.assert(
    fc.property(values, values, fc.boolean(), (said, others, goesOn) => {
      const next = goesOn ? [...said, ...others] : others;
      const part = JSON.parse(withConversation(JSON.stringify(said)).newPart(SESSION, JSON.stringify(next)));
      const known = next.slice(0, next.length - part.length);
      expect(JSON.stringify(known)).toBe(JSON.stringify(said.slice(0, known.length)));
      expect(JSON.stringify([...known, ...part])).toBe(JSON.stringify(next));
      if (goesOn && said.length > 0) expect(part).toHaveLength(others.length);
    }),
  );
});

test('a conversation is forgotten with its session, and when others have indexed', () => {
  const forgotten = withConversation('["a"]');
  forgotten.forget(SESSION);
  expect(forgotten.newPart(SESSION, '["a"]')).toBe('["a"]');
  const undone = withConversation('["a"]');
  undone.dropSlice();
  expect(undone.newPart(SESSION, '["a"]')).toBe('["a"]');
  const written = withConversation('["a"]');
  written.clear();
  expect(written.newPart(SESSION, '["a"]')).toBe('["a"]');
});
