import { expect, onTestFinished, test, vi } from 'vitest';
import type { StreamAnswer, StreamClient, Subscription } from '../../../src/server/http/answer.ts';
import type { RouteRequest } from '../../../src/server/http/route.ts';
import type { SessionChange, ViewerStore } from '../../../src/server/store/viewer-store.ts';
import { createEventStreams } from '../../../src/server/viewer/events.ts';

/** Streams of a store that has nothing but a version and changes. */
function createStreams(version: () => Promise<number>) {
  const listeners = new Set<(change: SessionChange) => void>();
  const onChange = (listener: (change: SessionChange) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const streams = createEventStreams({ version, onChange } as unknown as ViewerStore);
  const open = () => streams.routes['/viewer/api/events']!.GET!.run({} as RouteRequest) as Promise<StreamAnswer>;
  const tell = (change: SessionChange) => {
    for (const listener of listeners) listener(change);
  };
  return { ...streams, open, tell, listeners };
}

function subscribe(answer: StreamAnswer): Subscription & { readonly sent: string[] } {
  const sent: string[] = [];
  const client: StreamClient = { send: (text) => sent.push(text), end: () => sent.push('end') };
  return { ...answer.subscribe(client), sent };
}

const event = (sessions: readonly string[] | null, version: number) =>
  `data: ${JSON.stringify({ sessions, version })}\n\n`;

test('a stream begins with the version, and has each change after it', async () => {
  const { open, tell, close, listeners } = createStreams(async () => 7);
  const { first, sent, stop } = subscribe(await open());
  expect(first).toBe(`retry: 1000\n\n${event(null, 7)}`);
  tell({ sessions: ['a'], version: 8 });
  expect(sent).toEqual([event(['a'], 8)]);
  stop();
  tell({ sessions: ['b'], version: 9 });
  expect(sent).toHaveLength(1);
  close();
  expect(listeners.size).toBe(0);
});

test('a change between the reading of the version and the beginning of the stream is not missed', async () => {
  const { open, tell } = createStreams(async () => 7);
  const answer = await open();
  tell({ sessions: ['a'], version: 8 });
  expect(subscribe(answer).first).toContain(event(null, 8));
});

test('changes are listened to before the version is read, and for a while after the last page is gone', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const heard: number[] = [];
  const { open, close, listeners } = createStreams(async () => heard.push(listeners.size));
  expect(listeners.size).toBe(0);
  const one = subscribe(await open());
  expect(heard).toEqual([1]);
  vi.advanceTimersByTime(60_000);
  expect(listeners.size).toBe(1);
  one.stop();
  vi.advanceTimersByTime(9_000);
  const two = subscribe(await open());
  vi.advanceTimersByTime(9_000);
  two.stop();
  vi.advanceTimersByTime(9_000);
  expect(listeners.size).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(listeners.size).toBe(0);
  // A client that is gone before its stream begins.
  await open();
  expect(listeners.size).toBe(1);
  vi.advanceTimersByTime(11_000);
  expect(listeners.size).toBe(0);
  const three = subscribe(await open());
  expect(listeners.size).toBe(1);
  close();
  three.stop();
  expect([listeners.size, vi.getTimerCount()]).toEqual([0, 0]);
});

test('changes are listened to for as long as the version is read, also if that fails', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const versions: { resolve: (version: number) => void; reject: (error: Error) => void }[] = [];
  const { open, tell, listeners } = createStreams(
    () => new Promise((resolve, reject) => versions.push({ resolve, reject })),
  );
  const slow = open();
  const [listener] = listeners;
  vi.advanceTimersByTime(30_000);
  versions[0]!.resolve(7);
  const answer = await slow;
  vi.advanceTimersByTime(9_000);
  expect([...listeners]).toEqual([listener]);
  tell({ sessions: ['a'], version: 8 });
  expect(subscribe(answer).first).toContain(event(null, 8));

  const failed = createStreams(() => Promise.reject(new Error('no database')));
  await expect(failed.open()).rejects.toThrow('no database');
  vi.advanceTimersByTime(11_000);
  expect(failed.listeners.size).toBe(0);
});

test('streams are bounded, and one that ends makes room', async () => {
  const { open } = createStreams(async () => 1);
  const answer = await open();
  const [one] = Array.from({ length: 200 }, () => subscribe(answer));
  expect(() => subscribe(answer)).toThrow('too many open viewers');
  one!.stop();
  expect(subscribe(answer).first).toContain('data:');
});

test('the end of the server ends the streams, and no new one begins', async () => {
  const { open, close } = createStreams(async () => 1);
  const answer = await open();
  const { sent } = subscribe(answer);
  close();
  expect(sent).toEqual(['end']);
  expect(() => subscribe(answer)).toThrow('the server is closing');
});
