/** What an answer to a PATCH does: to an update, and to a probe for logs that may be stored. */
import { describe, expect, test } from 'vitest';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import type { Shipment } from '../../src/delivery/sender.ts';
import { Updates } from '../../src/delivery/updates.ts';
import { createLedger, deliveredLog, offeredLog, sendReady } from './offered-logs.ts';
import { answer, answered, bodyOf, LOST, UNSENT } from './outcomes.ts';

const statesOf = (logs: readonly LogEntry[]) => logs.map(({ state }) => state);
const takeAll = (updates: Updates) => {
  const taken: Shipment[] = [];
  for (let next = updates.take(); next; next = updates.take()) taken.push(next);
  return taken;
};

describe('an update', () => {
  function createUpdate(options: Parameters<typeof createLedger>[0] = {}) {
    const { ledger, drops } = createLedger(options);
    const updates = new Updates(ledger);
    const log = deliveredLog(ledger, 'trace-span', undefined, {
      body: '{"v":1}',
      late: { output: 'x' },
      isFinal: false,
    });
    ledger.override(log, { output: 'y' });
    return { ledger, drops, updates, log };
  }

  test('names the log, and has what differs', () => {
    const { updates } = createUpdate();
    const shipment = updates.take();
    expect(shipment?.request).toMatchObject({ method: 'PATCH', path: '/logs?reference_id=trace-span' });
    expect(bodyOf(shipment)).toEqual({ output: 'y' });
    expect(updates.take()).toBeUndefined();
  });

  test('stored: changes made meanwhile are in the next update', () => {
    const { ledger, updates, log } = createUpdate();
    const shipment = updates.take();
    ledger.override(log, { error: 'meanwhile' });
    expect(updates.take()).toBeUndefined();
    answer(shipment, answered(200));
    const next = updates.take();
    expect(bodyOf(next)).toEqual({ error: 'meanwhile' });
    answer(next, answered(200));
    expect(log.isPending).toBe(false);
    expect(ledger.counts).toMatchObject({ updated: 2, retried: 0 });
  });

  test('failed: it is sent again, with the newest values, until it was tried for too long', () => {
    const { ledger, updates, log } = createUpdate();
    for (const [index, outcome] of [UNSENT, LOST, answered(500), answered(401)].entries()) {
      const shipment = updates.take();
      ledger.override(log, { duration: index });
      answer(shipment, outcome);
      expect(log.isPending).toBe(true);
    }
    expect(bodyOf(updates.take())).toEqual({ output: 'y', duration: 3 });
    expect(ledger.counts.retried).toBe(4);

    const impatient = createUpdate({ maxElapsedMillis: 0 });
    answer(impatient.updates.take(), answered(500));
    expect(impatient.drops.counts).toEqual({ retry_expired: 1 });
    expect(impatient.log).toMatchObject({ state: 'delivered', isPending: false });
  });

  test('unknown: the log is posted again, once; after that the update is dropped', () => {
    const { ledger, drops, updates, log } = createUpdate();
    answer(updates.take(), answered(404));
    expect(log.state).toBe('ready');
    for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
    ledger.override(log, { output: 'z' });
    answer(updates.take(), answered(404));
    expect(drops.counts).toEqual({ update_unknown_reference: 1 });
    expect(log).toMatchObject({ state: 'delivered', isPending: false });
  });

  test('refused: it is dropped with a reason', () => {
    const { drops, updates } = createUpdate();
    answer(updates.take(), answered(422));
    expect(drops.counts).toEqual({ update_rejected: 1 });
  });

  test('too large: its texts are halved; an update without texts is dropped', () => {
    const { ledger, drops, updates, log } = createUpdate();
    ledger.override(log, { output: 'x'.repeat(1_000) });
    answer(updates.take(), answered(413));
    const shipment = updates.take();
    expect((bodyOf(shipment) as { output: string }).output).toMatch(/^x{500}…/);
    answer(shipment, answered(200));
    ledger.override(log, { duration: 2 });
    answer(updates.take(), answered(413));
    expect(drops.counts).toEqual({ too_large: 1 });
  });

  test('of a log that was dropped meanwhile has no effect', () => {
    const { ledger, drops, updates, log } = createUpdate();
    const shipment = updates.take();
    ledger.drop(log, 'redacted');
    answer(shipment, answered(404));
    expect(drops.counts).toEqual({ redacted: 1 });
    expect(updates.take()).toBeUndefined();
  });
});

describe('a probe', () => {
  function createQuestion(count: number, isUnlikely = false, options: Parameters<typeof createLedger>[0] = {}) {
    const { ledger, drops } = createLedger(options);
    const updates = new Updates(ledger);
    const logs = Array.from({ length: count }, (_, index) =>
      offeredLog(ledger, `log-${index}`, undefined, { late: { output: `output ${index}` } }),
    );
    ledger.unsure(sendReady(ledger), isUnlikely);
    return { ledger, drops, updates, logs };
  }

  test('is sent for each log, as an update with what it should be', () => {
    const { updates, logs } = createQuestion(3);
    const shipments = takeAll(updates);
    expect(shipments.map(({ request }) => request.path)).toEqual(
      logs.map(({ referenceId }) => `/logs?reference_id=${referenceId}`),
    );
    expect(bodyOf(shipments[2])).toEqual({ output: 'output 2' });
  });

  test('delivers a log that is there; the others are posted again, in one request, after all answers', () => {
    const { ledger, updates, logs } = createQuestion(3);
    const [first, second, third] = takeAll(updates);
    answer(first, answered(404));
    answer(second, answered(200));
    expect(statesOf(logs)).toEqual(['unsure', 'delivered', 'unsure']);
    answer(third, answered(404));
    expect(sendReady(ledger)).toEqual([logs[0], logs[2]]);
    expect(ledger.counts.logged).toBe(1);
  });

  test('without an answer is sent again, until it was tried for too long', () => {
    const { updates, logs } = createQuestion(1);
    for (const outcome of [LOST, UNSENT, answered(500), answered(401)]) {
      answer(updates.take(), outcome);
      expect(statesOf(logs)).toEqual(['unsure']);
    }
    answer(updates.take(), answered(200));
    expect(statesOf(logs)).toEqual(['delivered']);

    const impatient = createQuestion(1, false, { maxElapsedMillis: 0 });
    answer(impatient.updates.take(), LOST);
    expect(impatient.drops.counts).toEqual({ retry_expired: 1 });
  });

  test('is sent only for the first and the last log if the server probably has none', () => {
    const { ledger, updates, logs } = createQuestion(5, true);
    const shipments = takeAll(updates);
    expect(shipments).toHaveLength(2);
    for (const shipment of shipments) answer(shipment, answered(404));
    expect(sendReady(ledger)).toEqual(logs);
  });

  test('is sent for all logs if one of these two is there', () => {
    const { ledger, updates, logs } = createQuestion(5, true);
    const [first, last] = takeAll(updates);
    answer(first, answered(200));
    answer(last, answered(404));
    expect(ledger.nextReady).toBe(logs[4]);
    const others = takeAll(updates);
    expect(others.map(({ request }) => request.path)).toEqual(
      [1, 2, 3].map((index) => `/logs?reference_id=log-${index}`),
    );
    for (const other of others) answer(other, answered(200));
    expect(statesOf(logs)).toEqual(['delivered', 'delivered', 'delivered', 'delivered', 'ready']);
  });

  test('is not sent for a dropped log, and the others do not wait for it', () => {
    const { ledger, updates, logs } = createQuestion(3);
    const first = updates.take();
    ledger.drop(logs[1] as LogEntry, 'redacted');
    const others = takeAll(updates);
    expect(others).toHaveLength(1);
    ledger.drop(logs[2] as LogEntry, 'redacted');
    answer(first, answered(404));
    answer(others[0], answered(200));
    expect(statesOf(logs)).toEqual(['ready', 'dropped', 'dropped']);
  });

  test('goes before later updates, and after earlier ones', () => {
    const { ledger } = createLedger();
    const updates = new Updates(ledger);
    const [before, after] = ['before', 'after'].map((name) => deliveredLog(ledger, name)) as [LogEntry, LogEntry];
    offeredLog(ledger, 'lost');
    ledger.override(before, { duration: 1 });
    ledger.unsure(sendReady(ledger), false);
    ledger.override(after, { duration: 1 });
    const names = takeAll(updates).map(({ request }) => request.path.split('=')[1]);
    expect(names).toEqual(['before', 'lost', 'after']);
  });
});
