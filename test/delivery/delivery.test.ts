/** The delivery as a whole: what it sends without a flush, what a flush reports, and what a close leaves. */
import { expect, onTestFinished, test } from 'vitest';
import { Delivery } from '../../src/delivery/delivery.ts';
import { Drops } from '../../src/delivery/drops.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../../src/transport/transport.ts';
import { answered, bodyOf, LOST } from './outcomes.ts';

/** Gives the answers that a test sets; a request without an answer hangs. */
class FakeTransport implements Transport {
  readonly requests: TransportRequest[] = [];
  answerTo: (request: TransportRequest) => TransportOutcome | Promise<TransportOutcome> = (request) =>
    answered(200, request.method === 'POST' ? logsOf(request).map(() => ({ id: 'data_1' })) : {});

  async send(request: TransportRequest): Promise<TransportOutcome> {
    this.requests.push(request);
    return this.answerTo(request);
  }

  async close(): Promise<void> {}
}

function logsOf(request: TransportRequest): { reference_id: string }[] {
  return JSON.parse(Buffer.from(request.body ?? []).toString());
}

function createDelivery() {
  const transport = new FakeTransport();
  const drops = new Drops(undefined);
  const retry = { minDelayMillis: 1, maxDelayMillis: 1, maxElapsedMillis: 60_000 };
  const delivery = new Delivery(transport, drops, {
    batch: { maxItems: 10, maxBytes: 1_000_000 },
    concurrency: 2,
    retry,
    baseUrl: 'http://127.0.0.1:4340/v4',
    quiet: true,
  });
  onTestFinished(() => delivery.close());
  const expectLog = (referenceId: string, parent?: LogEntry) =>
    delivery.expect({ referenceId, parent, family: [], startedMillis: 0 });
  const offer = (entry: LogEntry) =>
    delivery.accept([{ entry, body: '{}', late: { output: 'x' }, isFinal: true, mayBeStored: false }]);
  return { transport, drops, delivery, expectLog, offer };
}

test('a log goes out without a flush when its parent is dropped', async () => {
  const { transport, delivery, expectLog, offer } = createDelivery();
  const parent = expectLog('parent');
  const child = expectLog('child', parent);
  offer(child);
  await new Promise((resolve) => setTimeout(resolve, 50));
  delivery.drop(parent, 'redacted');
  await expect.poll(() => child.state).toBe('delivered');
  expect(transport.requests.map(logsOf)).toMatchObject([[{ reference_id: 'child', output: 'x' }]]);
});

test('a log that is dropped while the answer to its POST is lost does not come back', async () => {
  const { transport, drops, delivery, expectLog, offer } = createDelivery();
  const entry = expectLog('a');
  transport.answerTo = (request) => {
    if (request.method !== 'POST') return answered(404);
    delivery.drop(entry, 'redacted');
    return LOST;
  };
  offer(entry);
  await delivery.flush(5_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(entry.state).toBe('dropped');
  expect(transport.requests).toHaveLength(1);
  expect(drops.counts).toEqual({ redacted: 1 });
});

test('a flush that times out reports how many logs are left', async () => {
  const { transport, delivery, expectLog, offer } = createDelivery();
  transport.answerTo = () => new Promise(() => undefined);
  const [first] = ['a', 'b', 'c'].map((name) => {
    const entry = expectLog(name);
    offer(entry);
    return entry;
  }) as [LogEntry];
  const flushed = delivery.flush(30);
  delivery.drop(first, 'redacted');
  await expect(flushed).rejects.toThrow(/^2 logs were not acknowledged within 30 ms$/);
});

test('an update of a log that this process has not sent goes out, and a flush waits for an expected update', async () => {
  const { transport, delivery } = createDelivery();
  const entry = delivery.assumeDelivered('trace-span');
  delivery.expectOverride(entry);
  const flushed = delivery.flush(5_000);
  delivery.override(entry, { output: 'found out later' });
  await flushed;
  expect(transport.requests[0]).toMatchObject({ method: 'PATCH', path: '/logs?reference_id=trace-span' });
  expect(bodyOf({ request: transport.requests[0] } as never)).toEqual({ output: 'found out later' });
  expect(delivery.stats()).toMatchObject({ queued: 0, logged: 0, updated: 1 });
});

test('after the close everything is counted as dropped', async () => {
  const { drops, delivery, expectLog, offer } = createDelivery();
  const [before, after] = [expectLog('before'), expectLog('after')];
  await delivery.close();
  offer(after);
  offer(expectLog('later'));
  expect([before.state, after.state]).toEqual(['dropped', 'dropped']);
  expect(drops.counts).toEqual({ shutdown: 3 });
});

test('counts its bytes in memory: a fixed part for each log, and the texts', () => {
  const { delivery, expectLog, offer } = createDelivery();
  const entry = expectLog('a');
  const empty = delivery.bytes;
  expect(empty).toBeGreaterThan(0);
  offer(entry);
  expect(delivery.bytes).toBe(empty + '{}'.length + 'x'.length);
  expect(delivery.heldCount).toBe(1);
  delivery.drop(entry, 'redacted');
  expect([delivery.bytes, delivery.heldCount]).toEqual([0, 0]);
});
