import { expect, test } from 'vitest';
import type { SessionSummary } from '../../../src/server/store/viewer-store.ts';
import { appendPage, EMPTY_LIST, mergeChanges, prependPage } from '../../../src/viewer/state/session-list.ts';

function session(id: string, at: number): SessionSummary {
  const time = `2026-01-01T00:00:${String(at).padStart(2, '0')}.000000Z`;
  return {
    key: id.charCodeAt(0),
    id,
    projects: [],
    logs: 1,
    errors: 0,
    running: 0,
    started_at: time,
    updated_at: time,
    duration: 0,
  };
}

const list = { sessions: [session('c', 30), session('b', 20), session('a', 10)], next: 'more' };
const ids = ({ sessions }: { sessions: readonly SessionSummary[] }) => sessions.map(({ id }) => id);

test('a page comes behind what is there, each session once', () => {
  const both = appendPage(appendPage(EMPTY_LIST, { sessions: [session('b', 2)], next: 'x', version: 0 }), {
    sessions: [session('b', 1), session('a', 1)],
    next: null,
    version: 0,
  });
  expect(ids(both)).toEqual(['b', 'a']);
  expect(both.next).toBeNull();
});

test('a changed session moves to its place, a new one comes in, and one that is gone goes', () => {
  expect(ids(mergeChanges(list, ['a'], [session('a', 40)]))).toEqual(['a', 'c', 'b']);
  expect(ids(mergeChanges(list, ['d'], [session('d', 25)]))).toEqual(['c', 'd', 'b', 'a']);
  expect(ids(mergeChanges(list, ['b'], []))).toEqual(['c', 'a']);
});

test('sessions of one time keep their places, whichever of them changed last', () => {
  const three = { sessions: [session('c', 30), session('b', 30), session('a', 30)], next: null };
  for (const id of ['a', 'b', 'c']) expect(ids(mergeChanges(three, [id], [session(id, 30)]))).toEqual(['c', 'b', 'a']);
});

test('the first page, read again, comes before what is there; after a gap the list starts anew', () => {
  const joined = prependPage(list, {
    sessions: [session('d', 40), session('b', 35), session('c', 30)],
    next: 'x',
    version: 0,
  });
  expect([ids(joined), joined.next]).toEqual([['d', 'b', 'c', 'a'], 'more']);
  const anew = prependPage(list, { sessions: [session('f', 60), session('e', 50)], next: 'x', version: 0 });
  expect([ids(anew), anew.next]).toEqual([['f', 'e'], 'x']);
  const all = prependPage(list, { sessions: [session('b', 35)], next: null, version: 0 });
  expect([ids(all), all.next]).toEqual([['b'], null]);
});

test('what belongs behind the loaded part waits for its page', () => {
  expect(ids(mergeChanges(list, ['z'], [session('z', 5)]))).toEqual(['c', 'b', 'a']);
  expect(ids(mergeChanges({ ...list, next: null }, ['z'], [session('z', 5)]))).toEqual(['c', 'b', 'a', 'z']);
});
