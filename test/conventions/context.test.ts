/** What a span itself says of the trace that it is in. */
import { expect, test } from 'vitest';
import { readSession, readTags, readUser } from '../../src/conventions/context.ts';
import { makeSpan } from './span.ts';

const TAGS = ['nightly', 'de, Berlin'];

test.each([
  ['a list', TAGS],
  ['its JSON', JSON.stringify(TAGS)],
  ['JSON that was encoded twice', JSON.stringify(JSON.stringify(TAGS))],
  ['JSON with white space', JSON.stringify(TAGS, undefined, 2)],
  ["Python's list", "['nightly', 'de, Berlin']"],
  ["Python's tuple", "('nightly', 'de, Berlin')"],
])('tags are read from %s', (_, value) => {
  expect(readTags(makeSpan({ 'tag.tags': value }))).toEqual(TAGS);
});

test('tags are read from a text that joins them with commas', () => {
  expect(readTags(makeSpan({ 'langsmith.span.tags': 'nightly, de,"quoted"' }))).toEqual(['nightly', 'de', '"quoted"']);
});

const SESSION_KEYS = [
  'gen_ai.conversation.id',
  'session.id',
  'langfuse.session.id',
  'mlflow.trace.session',
  'spring.ai.chat.client.conversation.id',
  'au.trace.session.id',
  'traceloop.association.properties.session_id',
];
const NOBODYS = [
  ...['', '-', '-1', 'none', 'None', 'null', 'undefined', 'unknown', '<nil>', 'N/A', 'NOT_GIVEN', 'NaN'],
  ...['default', '__default__', '"default"', '"null"'],
  ...['00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000'],
  ...[-1, Number.NaN, Number.POSITIVE_INFINITY, null],
];

test.each(SESSION_KEYS)('no session and no user of all who have none is at %s', (key) => {
  for (const id of NOBODYS) {
    const span = makeSpan({ [key]: id, 'user.id': id, metadata: JSON.stringify({ session_id: id }) } as never);
    expect([id, readSession(span), readUser(span)]).toEqual([id, undefined, undefined]);
  }
});

test.each(SESSION_KEYS)('an id that an app may have chosen is a session at %s', (key) => {
  for (const id of ['0', '1', 'anonymous', 'test', 'default-7', 'main', '00000000-0000-0000-0000-000000000001', 0, 7])
    expect(readSession(makeSpan({ [key]: id }))).toBe(`${id}`);
});

test('the next key names the session where the first one names none', () => {
  const span = makeSpan({ 'gen_ai.conversation.id': 'default', 'session.id': 's-1' });
  expect(readSession(span)).toBe('s-1');
});
