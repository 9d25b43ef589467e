/**
 * What is made for each request or log is one kind of object for V8. In Node 20, a literal that begins with a spread and
 * goes on is another kind each time, which takes 2 µs and slows down all that reads it.
 */
import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import { createAccess } from '../../../src/server/http/access.ts';
import { toForced } from '../../../src/server/store/postgres/tables/drafts.ts';
import { rankedTexts } from '../../../src/server/store/postgres/tables/log-facts.ts';
import { toLabels } from '../../../src/server/store/rows/log-labels.ts';

setFlagsFromString('--allow-natives-syntax');
const haveSameMap = new Function('one', 'other', 'return %HaveSameMap(one, other)') as (...both: object[]) => boolean;
setFlagsFromString('--no-allow-natives-syntax');

const texts = {
  inputs: { question: 'why' },
  messages: null,
  output: 'so',
  outputMessage: null,
  error: null,
  label: '',
};
const access = createAccess({});

test.each<[string, () => object]>([
  ['a caller', () => access.admit({ host: 'localhost' })],
  ['an update', () => toForced({ output: 'so', duration: 1 })],
  ['texts of a list', () => rankedTexts(texts, { id: 'data_1', createdAt: '', isTop: true })],
  ['labels', () => toLabels({ metadata: { user_id: 'ada' }, environment: 'prod', source: 'app', feedback: [] })],
])('%s is always of the same kind', (_, make) => {
  for (let round = 0; round < 20_000; round += 1) make();
  expect(haveSameMap(make(), make())).toBe(true);
});
