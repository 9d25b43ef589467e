/** What the feed of changes remembers, with a database that answers what it is told to. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { ChangeFeed } from '../../../../src/server/store/postgres/reading/change-feed.ts';

const MINUTE_MILLIS = 60_000;

test('what it has told is forgotten once it is not read any more, though connections are lost again and again', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const change = { key: 'k', id: 'sesh_1', changed: 1, version: 1 };
  let rows: object[] = [];
  const feed = new ChangeFeed({ query: async () => ({ rows }) } as never);
  onTestFinished(() => feed.close());
  const heard: unknown[] = [];
  feed.onChange(({ sessions }) => heard.push(sessions));
  const read = async (next: object[], minutes: number) => {
    rows = next;
    for (let minute = 0; minute < minutes; minute += 1) {
      feed.noteLostConnection();
      await vi.advanceTimersByTimeAsync(MINUTE_MILLIS);
    }
  };
  await read([{ key: null }], 1);
  // As long as it is read, it is told once.
  await read([change], 9);
  expect(heard).toEqual([['sesh_1']]);
  await read([{ key: null }], 9);
  await read([change], 1);
  expect(heard).toHaveLength(2);
});
