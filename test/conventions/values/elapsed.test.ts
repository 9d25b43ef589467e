/** Durations, and what stands at the keys of a session if there is none. */
import { expect, it } from 'vitest';
import { readSession } from '../../../src/conventions/context.ts';
import { makeSpan, read } from '../span.ts';

it.each([
  [0.25, 250],
  ['0.25', 250],
  [412_500_000, 412.5],
])('reads the wait %j for the first token as %d milliseconds', (wait, millis) => {
  const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
  expect(read({ ...chat, 'gen_ai.response.time_to_first_token': wait }).metadata).toMatchObject({
    time_to_first_chunk_ms: millis,
  });
});

it.each([
  ['au.trace.session.id', '-1'],
  ['spring.ai.chat.client.conversation.id', 'default'],
])('takes the word at %s for no session', (key, word) => {
  expect(readSession(makeSpan({ [key]: word }))).toBeUndefined();
  expect(readSession(makeSpan({ [key]: 's1' }))).toBe('s1');
  expect(readSession(makeSpan({ 'session.id': word }))).toBe(word);
});
