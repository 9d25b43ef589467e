/** What an answer to a POST does to the logs of the request. */
import { describe, expect, test, vi } from 'vitest';
import type { ByteBody } from '../../src/datapoint/body.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import { Posts } from '../../src/delivery/posts.ts';
import { FakeSpool } from './fake-spool.ts';
import { asBytes, createLedger, offeredLog } from './offered-logs.ts';
import { answer, answered, bodyOf, LOST, UNSENT } from './outcomes.ts';

const BATCH = { maxItems: 10, maxBytes: 1_000_000 };

function createPosts(count: number, options: Parameters<typeof createLedger>[0] = {}, batch = BATCH) {
  const { ledger, drops } = createLedger(options);
  const posts = new Posts(ledger, batch);
  const logs = Array.from({ length: count }, (_, index) => offeredLog(ledger, `log-${index}`));
  return { ledger, drops, posts, logs };
}

const created = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `data_${index}` }));
const statesOf = (logs: readonly LogEntry[]) => logs.map(({ state }) => state);
const itemsOf = (shipment: ReturnType<Posts['take']>) => (shipment ? (bodyOf(shipment) as unknown[]).length : 0);

test('take returns undefined if nothing is ready', () => {
  const { posts, ledger } = createPosts(1);
  expect(posts).toMatchObject({ isWaiting: true, isUrgent: false });
  expect(bodyOf(posts.take())).toEqual([{ reference_id: 'log-0' }]);
  expect(posts.isWaiting).toBe(false);
  expect(posts.take()).toBeUndefined();
  ledger.pending.addBarrier();
  expect(posts.isUrgent).toBe(true);
});

test('a full request is urgent', () => {
  expect(createPosts(10).posts.isUrgent).toBe(true);
  expect(createPosts(9).posts.isUrgent).toBe(false);
});

test('stored: all are delivered with what was sent; changes made meanwhile do not count as sent', () => {
  const { ledger, posts, logs } = createPosts(2);
  for (const log of logs) ledger.override(log, { output: 'sent' });
  const shipment = posts.take();
  expect(shipment?.request).toMatchObject({ method: 'POST', path: '/logs' });
  ledger.override(logs[1] as LogEntry, { output: 'meanwhile' });
  answer(shipment, answered(200, created(2)));
  expect(statesOf(logs)).toEqual(['delivered', 'delivered']);
  expect(logs.map(({ isDone }) => isDone)).toEqual([true, false]);
});

test('the memory of a request is used again once the server has stored its logs, and not before', () => {
  const { ledger, posts } = createPosts(1);
  const next = (name: string) => {
    offeredLog(ledger, name);
    return posts.take();
  };
  const memoryOf = (shipment: ReturnType<Posts['take']>) => shipment?.request.body?.buffer;
  const unanswered = posts.take();
  const perhapsUnread = [LOST, answered(409), answered(200), answered(200, created(2)), answered(422)].map(
    (outcome) => {
      const shipment = next('other');
      answer(shipment, outcome);
      return shipment;
    },
  );
  const stored = next('stored');
  const memory = memoryOf(stored);
  answer(stored, answered(200, created(itemsOf(stored))));
  const later = [next('later'), next('later still')];
  expect(memoryOf(later[0]) === memory).toBe(true);
  const inUse = [unanswered, ...perhapsUnread, ...later].map(memoryOf);
  expect(new Set(inUse).size).toBe(inUse.length);
  expect(bodyOf(unanswered)).toEqual([{ reference_id: 'log-0' }]);
});

test('no connection, 429 or a wrong key: all are ready again, in their order', () => {
  const { posts, logs } = createPosts(3);
  for (const outcome of [UNSENT, answered(429), answered(401)]) {
    answer(posts.take(), outcome);
    expect(statesOf(logs)).toEqual(['ready', 'ready', 'ready']);
  }
  expect(bodyOf(posts.take())).toEqual(logs.map(({ referenceId }) => ({ reference_id: referenceId })));
});

test('a lost answer: the logs are probed, and nothing is posted meanwhile', () => {
  const { ledger, posts, logs } = createPosts(2);
  answer(posts.take(), LOST);
  expect(statesOf(logs)).toEqual(['unsure', 'unsure']);
  expect(posts.take()).toBeUndefined();
  expect(ledger.takePatch()).toEqual({ entries: logs, isUnlikely: false });
});

test('a server that was too busy probably has none of the logs', () => {
  const { ledger, posts, logs } = createPosts(2);
  answer(posts.take(), answered(503));
  expect(ledger.takePatch()).toEqual({ entries: logs, isUnlikely: true });
});

test('three server errors in a row: the logs are sent in halves', () => {
  const { ledger, posts, logs } = createPosts(4);
  for (let errors = 1; errors <= 3; errors++) {
    const shipment = posts.take();
    expect(itemsOf(shipment)).toBe(4);
    answer(shipment, answered(500));
    ledger.backToReady(logs);
  }
  expect([itemsOf(posts.take()), itemsOf(posts.take())]).toEqual([2, 2]);
});

test('invalid: the logs that the server names are dropped, and the others are sent again together', () => {
  const { drops, posts, logs } = createPosts(4);
  const detail = [1, 3].map((index) => ({ loc: ['body', index, 'config'], msg: 'bad', type: 'value_error' }));
  answer(posts.take(), answered(422, { detail }));
  expect(statesOf(logs)).toEqual(['ready', 'dropped', 'ready', 'dropped']);
  expect(drops.counts).toEqual({ rejected: 2 });
  expect(itemsOf(posts.take())).toBe(2);
});

test('invalid without names: the request is halved until the invalid log is alone, and no other is dropped', () => {
  const { drops, posts, logs } = createPosts(7);
  const bad = 'log-4';
  for (let requests = 1; requests < 20; requests++) {
    const shipment = posts.take();
    if (!shipment) break;
    const sent = bodyOf(shipment) as { reference_id: string }[];
    const isBad = sent.some(({ reference_id }) => reference_id === bad);
    answer(shipment, isBad ? answered(400) : answered(200, created(sent.length)));
  }
  expect(logs.filter(({ state }) => state !== 'delivered').map(({ referenceId }) => referenceId)).toEqual([bad]);
  expect(drops.counts).toEqual({ rejected: 1 });
});

describe('too large', () => {
  test('several logs: they are sent in smaller requests from then on', () => {
    const { posts, logs } = createPosts(4);
    answer(posts.take(), answered(413));
    expect(statesOf(logs)).toEqual(['ready', 'ready', 'ready', 'ready']);
    expect(itemsOf(posts.take())).toBeLessThan(4);
  });

  test('one log: it is cut until it fits', () => {
    const { ledger, posts } = createPosts(0);
    const log = offeredLog(ledger, 'log', undefined, { body: JSON.stringify({ text: 'x'.repeat(8_000) }) });
    answer(posts.take(), answered(413));
    const shipment = posts.take();
    expect(shipment?.request.body?.length).toBeLessThan(4_100);
    answer(shipment, answered(200, created(1)));
    expect(log.state).toBe('delivered');
  });

  test('one log as bytes: its body and its output are cut, what is not text stays, and its bytes are let go', () => {
    const { ledger, posts } = createPosts(0);
    const body = JSON.stringify({ text: '“'.repeat(4_000), source: 'opentelemetry' });
    const encoded = asBytes(body, { output: `\n${'é'.repeat(4_000)}`, duration: 1.5 });
    const release = vi.spyOn(encoded.body as ByteBody, 'release');
    const log = offeredLog(ledger, 'log', undefined, encoded);
    answer(posts.take(), answered(413));
    expect(release).toHaveBeenCalledOnce();
    const shipment = posts.take();
    expect(shipment?.request.body?.length).toBeLessThan(12_000);
    const [sent] = bodyOf(shipment) as [Record<string, string>];
    expect(sent).toMatchObject({ reference_id: 'log', source: 'opentelemetry', duration: 1.5 });
    expect(sent['text']).toMatch(/^“+… \[\d+ characters cut by humanloop-otel\]$/);
    expect(sent['output']).toMatch(/^\né+… \[\d+ characters cut by humanloop-otel\]$/);
    answer(shipment, answered(200, created(1)));
    expect(log.state).toBe('delivered');
  });

  test('one log that cannot be cut: it is dropped', () => {
    const { drops, posts } = createPosts(1);
    answer(posts.take(), answered(413));
    expect(drops.counts).toEqual({ too_large: 1 });
    expect(posts.take()).toBeUndefined();
  });
});

test('a log that was tried for too long is dropped', () => {
  const { drops, posts } = createPosts(2, { maxElapsedMillis: 0 });
  answer(posts.take(), answered(429));
  expect(drops.counts).toEqual({ retry_expired: 2 });
});

test('a log that is dropped while it is sent stays dropped, whatever the answer', () => {
  for (const outcome of [answered(200, created(2)), LOST, UNSENT, answered(500), answered(413), answered(422)]) {
    const { ledger, posts, logs } = createPosts(2);
    const [first, second] = logs as [LogEntry, LogEntry];
    const shipment = posts.take();
    ledger.drop(first, 'redacted');
    answer(shipment, outcome);
    expect(first.state).toBe('dropped');
    const unsure = ledger.takePatch();
    if (unsure) expect(unsure).toMatchObject({ entries: [second] });
    const again = posts.take();
    if (again) expect(bodyOf(again)).toEqual([{ reference_id: second.referenceId }]);
  }
});

test('a wave whose first logs the spool has lost is filled with the next ones', () => {
  const { ledger, drops, posts, logs } = createPosts(6, {}, { maxItems: 3, maxBytes: 1_000_000 });
  const spool = new FakeSpool(ledger);
  ledger.connect({ wake: () => undefined }, spool);
  for (const log of logs) spool.note(log);
  spool.flush();
  spool.unload();
  for (const log of logs.slice(0, 4)) spool.lose(log.referenceId);
  expect(itemsOf(posts.take())).toBe(2);
  expect(drops.counts).toEqual({ spool_lost: 4 });
});

test('the logs of open spans are on disk before they are sent', () => {
  const { ledger, posts } = createPosts(0);
  const spool = new FakeSpool(ledger);
  ledger.connect({ wake: () => undefined }, spool);
  offeredLog(ledger, 'ended');
  offeredLog(ledger, 'open', undefined, { isFinal: false });
  posts.take();
  expect([...spool.rows.keys()]).toEqual(['ended', 'open']);
});
