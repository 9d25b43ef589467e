/** What a span itself says of the trace that it is in. */
import { expect, test } from 'vitest';
import { readTags } from '../../src/conventions/context.ts';
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
