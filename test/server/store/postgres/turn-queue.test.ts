/** Which updates share a turn, with a clock of the test's own. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Work } from '../../../../src/server/store/postgres/writing/find-named.ts';
import { type Job, TurnQueue } from '../../../../src/server/store/postgres/writing/turn-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const update = { kind: 'update' } as Work;

/** `turns` are the sizes of those that have started; each lasts until `endTurn`. */
function open() {
  const turns: number[] = [];
  const running: { jobs: readonly Job<void>[]; end: () => void }[] = [];
  const queue = new TurnQueue<void>((jobs) => {
    turns.push(jobs.length);
    return new Promise((resolve) => running.push({ jobs, end: resolve }));
  });
  const send = (count: number) => {
    for (let index = 0; index < count; index += 1) void queue.run(update);
  };
  const endTurn = async () => {
    const { jobs, end } = running.shift()!;
    for (const { resolve } of jobs) resolve();
    end();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { queue, turns, send, endTurn };
}

test('a lone update waits 3 ms for others, also after another lone one', async () => {
  const { turns, send, endTurn } = open();
  for (const expected of [[1], [1, 1]]) {
    send(1);
    await vi.advanceTimersByTimeAsync(2);
    expect(turns).toHaveLength(expected.length - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(turns).toEqual(expected);
    await endTurn();
  }
});

test('those who ask again and again share one turn, and wait no longer than for each other', async () => {
  const { turns, send, endTurn } = open();
  send(6);
  await vi.advanceTimersByTimeAsync(3);
  send(2);
  await endTurn();
  await vi.advanceTimersByTimeAsync(4);
  send(5);
  expect(turns).toEqual([6]);
  send(1);
  expect(turns).toEqual([6, 8]);
  await endTurn();
  await vi.advanceTimersByTimeAsync(2);
  send(7);
  await vi.advanceTimersByTimeAsync(3);
  expect(turns).toEqual([6, 8]);
  send(1);
  expect(turns).toEqual([6, 8, 8]);
});

test('who does not ask again is waited for no longer than 8 ms after the turn', async () => {
  const { turns, send, endTurn } = open();
  send(6);
  await vi.advanceTimersByTimeAsync(3);
  send(2);
  await endTurn();
  await vi.advanceTimersByTimeAsync(7);
  expect(turns).toEqual([6]);
  await vi.advanceTimersByTimeAsync(1);
  expect(turns).toEqual([6, 2]);
  await endTurn();
  await vi.advanceTimersByTimeAsync(7);
  send(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(turns).toEqual([6, 2, 1]);
  await endTurn();
  await vi.advanceTimersByTimeAsync(1_000);
  send(1);
  await vi.advanceTimersByTimeAsync(3);
  expect(turns).toEqual([6, 2, 1, 1]);
});

test('all updates are answered before the queue is drained', async () => {
  const { queue, turns, send, endTurn } = open();
  send(3);
  await vi.advanceTimersByTimeAsync(3);
  send(2);
  let isDrained = false;
  void queue.drain().then(() => {
    isDrained = true;
  });
  await endTurn();
  await vi.advanceTimersByTimeAsync(8);
  expect([turns, isDrained]).toEqual([[3, 2], false]);
  await endTurn();
  expect(isDrained).toBe(true);
  expect([queue.waiting, queue.running]).toEqual([0, 0]);
});
