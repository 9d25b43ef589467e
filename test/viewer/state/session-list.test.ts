import { expect, test } from 'vitest';
import type { SessionSummary } from '../../../src/server/store/viewer-store.ts';
import { appendPage, EMPTY_LIST, mergeChanges, type SessionList } from '../../../src/viewer/state/session-list.ts';
import { startTestServer } from '../../support/start-test-server.ts';

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
    ended_at: Date.parse(time) / 1000,
    updated_at: time,
    duration: 0,
  };
}

/** Where the next page begins, behind this session. */
const behind = ({ ended_at: at, key }: SessionSummary) => `${at} ${key}`;
const list = { sessions: [session('c', 30), session('b', 20), session('a', 10)], next: behind(session('a', 10)) };
const ids = ({ sessions }: { sessions: readonly SessionSummary[] }) => sessions.map(({ id }) => id);
const merge = (into: SessionList, id: string, ...fresh: SessionSummary[]) =>
  ids(mergeChanges(into, new Set([id]), fresh));

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
  expect(merge(list, 'a', session('a', 40))).toEqual(['a', 'c', 'b']);
  expect(merge(list, 'd', session('d', 25))).toEqual(['c', 'd', 'b', 'a']);
  expect(merge(list, 'b')).toEqual(['c', 'a']);
});

test('sessions of one time keep their places, whichever of them changed last', () => {
  const three = { sessions: [session('c', 30), session('b', 30), session('a', 30)], next: null };
  for (const id of ['a', 'b', 'c']) expect(merge(three, id, session(id, 30))).toEqual(['c', 'b', 'a']);
});

test('a cursor may go on behind the place that it names', () => {
  const next = `${list.next} 2026-01-01T00:00:10.000000Z 00000000-0000-4000-8000-000000000000`;
  expect(merge({ ...list, next }, 'd', session('d', 40))).toEqual(['d', 'c', 'b', 'a']);
  expect(merge({ ...list, next }, 'z', session('z', 5))).toEqual(['c', 'b', 'a']);
});

test('what belongs behind the loaded part waits for its page', () => {
  expect(merge(list, 'z', session('z', 5))).toEqual(['c', 'b', 'a']);
  expect(merge({ ...list, next: null }, 'z', session('z', 5))).toEqual(['c', 'b', 'a', 'z']);
  // Of one time the higher key comes first.
  expect(merge(list, 'Z', session('Z', 10))).toEqual(['c', 'b', 'a']);
  expect(merge(list, 'z', session('z', 10))).toEqual(['c', 'b', 'z', 'a']);
});

test('the loaded part ends where its page did, also when its last session is gone or there was none', () => {
  const shorter = mergeChanges(list, new Set(['a']), []);
  expect(ids(shorter)).toEqual(['c', 'b']);
  expect(ids(mergeChanges(shorter, new Set(['d']), [session('d', 15)]))).toEqual(['c', 'b', 'd']);
  const none = { sessions: [], next: behind(session('m', 20)) };
  expect(merge(none, 'd', session('d', 25))).toEqual(['d']);
  expect(merge(none, 'd', session('d', 15))).toEqual([]);
});

test('the place where the next page begins is what the server says', async () => {
  const server = await startTestServer();
  for (const name of ['a', 'b', 'c'])
    await server.call('POST', '/v4/logs', { project: 'p', session_reference_id: name, config: { type: 'generic' } });
  const { body } = await server.call('GET', '/viewer/api/sessions?size=2');
  expect(body.next).toBe(behind(body.sessions[1]));
});
