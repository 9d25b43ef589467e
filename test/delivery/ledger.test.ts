/** What each step does to a log. `ledger-property.test.ts` checks what is true after every step. */
import { describe, expect, test } from 'vitest';
import { assumedEntry, recoveredEntry, rememberedEntry } from '../../src/delivery/ledger/earlier-logs.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import { FakeSpool } from './fake-spool.ts';
import { createLedger, deliveredLog, expectLog, offer, offeredLog, sendReady } from './offered-logs.ts';

/** A ledger with a spool, and a sender that counts how often it is woken. */
function createConnected(options: Parameters<typeof createLedger>[0] = {}) {
  const { ledger, drops } = createLedger(options);
  const spool = new FakeSpool(ledger);
  const sender = { wakes: 0, wake: () => void sender.wakes++ };
  ledger.connect(sender, spool);
  return { ledger, drops, spool, sender };
}

const statesOf = (...entries: LogEntry[]) => entries.map(({ state }) => state);
const NOTHING = { output: undefined, error: undefined, duration: undefined };

describe('a log that is expected', () => {
  test('is new, pending, and in the family of its trace', () => {
    const { ledger } = createLedger();
    const family: LogEntry[] = [];
    const parent = expectLog(ledger, 'parent', undefined, family);
    const entry = ledger.expect({ referenceId: 'child', parent, family, startedMillis: 5 });
    expect(entry).toMatchObject({ referenceId: 'child', parent, state: 'new', startedMillis: 5, isPending: true });
    expect(family).toEqual([parent, entry]);
    expect([...ledger.pending]).toEqual([parent, entry]);
  });

  test('is not noted before it is offered: its draft stays in the spool', () => {
    const { ledger, spool } = createConnected();
    const entry = expectLog(ledger, 'a');
    ledger.override(entry, { output: 'known early' });
    expect(spool.noted).toEqual([]);
    offer(ledger, entry);
    expect(spool.noted).toEqual([entry]);
    expect(entry.desired.output).toBe('known early');
  });
});

describe('a log that is offered', () => {
  test('is ready without a parent, and waits for one that is not acknowledged', () => {
    const { ledger } = createLedger();
    const root = expectLog(ledger, 'root');
    const child = offeredLog(ledger, 'child', root);
    expect(statesOf(root, child)).toEqual(['new', 'waiting']);
    offer(ledger, root);
    expect(statesOf(root, child)).toEqual(['ready', 'waiting']);
    expect(sendReady(ledger)).toEqual([root]);
    expect(statesOf(root, child)).toEqual(['sending', 'waiting']);
    ledger.stored(root, {});
    expect(statesOf(root, child)).toEqual(['delivered', 'ready']);
  });

  test('waits for the next ancestor if its parent is dropped', () => {
    const { ledger } = createLedger();
    const root = offeredLog(ledger, 'root');
    const middle = offeredLog(ledger, 'middle', root);
    const leaf = offeredLog(ledger, 'leaf', middle);
    ledger.drop(middle, 'redacted');
    expect(statesOf(root, middle, leaf)).toEqual(['ready', 'dropped', 'waiting']);
    expect(leaf.effectiveParent).toBe(root);
    ledger.drop(root, 'redacted');
    expect(leaf).toMatchObject({ state: 'ready', effectiveParent: undefined });
  });

  test('is probed first if it may be stored already', () => {
    const { ledger } = createLedger();
    const entry = offeredLog(ledger, 'a', undefined, { mayBeStored: true });
    expect(entry.state).toBe('unsure');
    expect(ledger.nextReady).toBeUndefined();
    expect(ledger.takePatch()).toEqual({ entries: [entry], isUnlikely: false });
  });

  test('can be offered again until it is sent; after that only its late fields change', () => {
    const { ledger } = createLedger();
    const entry = offeredLog(ledger, 'a', undefined, { body: '{"v":1}', late: { output: 'one', error: 'failed' } });
    offer(ledger, entry, { body: '{"v":2}', late: { output: 'two' } });
    expect(entry).toMatchObject({ body: '{"v":2}', desired: { output: 'two', error: 'failed' } });
    sendReady(ledger);
    offer(ledger, entry, { body: '{"v":3}', late: { output: 'three' } });
    expect(entry).toMatchObject({ body: '{"v":2}', desired: { output: 'three', error: 'failed' } });
  });

  test('stays final once it is, even if an older datapoint comes later', () => {
    const { ledger } = createLedger();
    const entry = offeredLog(ledger, 'a', undefined, { isFinal: true });
    offer(ledger, entry, { isFinal: false });
    expect(entry.isFinal).toBe(true);
  });

  test('wakes the sender, and so does a drop that makes its children ready', () => {
    const { ledger, sender } = createConnected();
    const parent = expectLog(ledger, 'parent');
    const child = offeredLog(ledger, 'child', parent);
    const { wakes } = sender;
    ledger.drop(parent, 'redacted');
    expect(child.state).toBe('ready');
    expect(sender.wakes).toBeGreaterThan(wakes);
  });
});

describe('a log that is stored', () => {
  test('is done if it is final and equal; only its reference is remembered', () => {
    const { ledger } = createLedger();
    const entry = deliveredLog(ledger, 'a', undefined, { body: '{"text":"long"}', late: { output: 'x' } });
    expect(entry).toMatchObject({ state: 'delivered', isDone: true, isPending: false, body: undefined });
    expect(entry.desired).toEqual(NOTHING);
    expect(ledger.contents.bytes).toBe(0);
    expect(ledger.counts).toEqual({ logged: 1, updated: 0, retried: 0 });
  });

  test('is kept while its span is open, since the server may lose it, and forgotten when it is finished', () => {
    const { ledger, spool } = createConnected();
    const entry = deliveredLog(ledger, 'a', undefined, { body: '{"v":1}', isFinal: false });
    expect(entry).toMatchObject({ isDone: false, isPending: false, body: '{"v":1}' });
    spool.flush();
    expect(spool.rows.get('a')).toMatchObject({ isDelivered: true, isFinal: false });
    ledger.finish(entry);
    expect(entry).toMatchObject({ isDone: true, body: undefined });
    spool.flush();
    expect([...spool.rows]).toEqual([]);
  });

  test('is updated if it changed while it was sent', () => {
    const { ledger } = createLedger();
    const entry = offeredLog(ledger, 'a', undefined, { late: { output: 'sent' } });
    sendReady(ledger);
    offer(ledger, entry, { late: { output: 'newer' } });
    ledger.stored(entry, { output: 'sent' });
    expect(entry.isPending).toBe(true);
    expect(ledger.takePatch()).toBe(entry);
    expect(ledger.startUpdating(entry)).toEqual({ ...NOTHING, output: 'newer' });
    ledger.updated(entry, { output: 'newer' });
    expect(entry.isDone).toBe(true);
    expect(ledger.counts).toEqual({ logged: 1, updated: 1, retried: 0 });
  });

  test('stays dropped if it was dropped meanwhile, whatever the answer is', () => {
    const { ledger } = createLedger();
    const entries = ['a', 'b', 'c'].map((name) => offeredLog(ledger, name));
    const [first, second, third] = sendReady(ledger) as [LogEntry, LogEntry, LogEntry];
    for (const entry of entries) ledger.drop(entry, 'redacted');
    expect(ledger.stored(first, {})).toBe(false);
    ledger.unsure([second], false);
    ledger.backToReady([third]);
    expect(statesOf(...entries)).toEqual(['dropped', 'dropped', 'dropped']);
    expect(ledger.takePatch()).toBeUndefined();
    expect(ledger.nextReady).toBeUndefined();
    expect(ledger.counts.logged).toBe(0);
  });
});

describe('a log that is not stored', () => {
  test('goes before all others, in its order', () => {
    const { ledger } = createLedger();
    for (const name of ['a', 'b']) offeredLog(ledger, name);
    const sent = sendReady(ledger);
    const later = offeredLog(ledger, 'c');
    ledger.backToReady(sent);
    expect(sendReady(ledger)).toEqual([...sent, later]);
    expect(ledger.counts.retried).toBe(2);
  });

  test('waits again for a parent that has to be sent again, too', () => {
    const { ledger } = createLedger();
    const [parent, child] = recoverTwo(ledger);
    ledger.backToReady([child, parent]);
    expect(statesOf(parent, child)).toEqual(['ready', 'waiting']);
  });

  test('is dropped if it was tried for too long; its children are still sent', () => {
    const { ledger, drops } = createLedger({ maxElapsedMillis: 0 });
    const parent = offeredLog(ledger, 'parent');
    const child = offeredLog(ledger, 'child', parent);
    ledger.backToReady(sendReady(ledger), 'HTTP 500');
    expect(statesOf(parent, child)).toEqual(['dropped', 'ready']);
    expect(drops.counts).toEqual({ retry_expired: 1 });
  });

  test('is cut, and shares its request with fewer others', () => {
    const { ledger } = createLedger();
    const text = 'x'.repeat(10_000);
    const entry = offeredLog(ledger, 'a', undefined, { body: JSON.stringify({ text }), late: { output: text } });
    expect(ledger.shrink(entry, 4_000)).toBe(true);
    expect(entry.wireBytes).toBeLessThan(4_000);
    expect(ledger.contents.bytes).toBe(entry.bytes);
    expect(ledger.shrink(entry, 10)).toBe(false);
    ledger.halve([entry, entry, entry]);
    expect(entry.batchLimit).toBe(2);
    const other = offeredLog(ledger, 'b');
    expect([ledger.countServerError([entry]), ledger.countServerError([other, entry])]).toEqual([1, 2]);
  });
});

describe('a log that may be stored', () => {
  test('is probed, and its children wait', () => {
    const { ledger } = createLedger();
    const parent = offeredLog(ledger, 'parent');
    const child = offeredLog(ledger, 'child', parent);
    ledger.unsure(sendReady(ledger), true);
    expect(ledger.takePatch()).toEqual({ entries: [parent], isUnlikely: true });
    expect(statesOf(parent, child)).toEqual(['unsure', 'waiting']);
    expect(ledger.startProbing(parent)).toBe(parent.desired);
    ledger.stored(parent, parent.desired);
    expect(statesOf(parent, child)).toEqual(['delivered', 'ready']);
  });
});

describe('an update', () => {
  test('has what the app set, which wins over the span; only one is in flight', () => {
    const { ledger } = createLedger();
    const entry = offeredLog(ledger, 'a', undefined, { late: { output: 'span' }, isFinal: false });
    ledger.override(entry, { output: 'app' });
    expect(entry.desired.output).toBe('app');
    for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
    ledger.override(entry, { error: 'found out later' });
    ledger.override(entry, { duration: 3 });
    offer(ledger, entry, { late: { output: 'span, at its end' } });
    expect(ledger.takePatch()).toBe(entry);
    expect(ledger.takePatch()).toBeUndefined();
    expect(ledger.startUpdating(entry)).toEqual({ output: undefined, error: 'found out later', duration: 3 });
  });

  test('is not sent if nothing differs any more', () => {
    const { ledger } = createLedger();
    const entry = deliveredLog(ledger, 'a', undefined, { late: { output: 'x' }, isFinal: false });
    ledger.override(entry, { output: 'y' });
    ledger.override(entry, { output: 'x' });
    expect(ledger.takePatch()).toBe(entry);
    expect(ledger.startUpdating(entry)).toBeUndefined();
    expect(entry.isPending).toBe(false);
    ledger.override(entry, { output: 'z' });
    expect(ledger.takePatch()).toBe(entry);
  });

  test('that fails is sent again before all others, or dropped with a reason', () => {
    const { ledger, drops } = createLedger();
    const [a, b] = ['a', 'b'].map((name) => deliveredLog(ledger, name)) as [LogEntry, LogEntry];
    for (const entry of [a, b]) ledger.override(entry, { output: 'x'.repeat(1_000) });
    const first = ledger.takePatch() as LogEntry;
    ledger.startUpdating(first);
    ledger.shrinkUpdate(first);
    ledger.backToUpdates(first);
    expect([ledger.takePatch(), ledger.takePatch()]).toEqual([a, b]);
    const late = ledger.startUpdating(a);
    expect(late?.output).toMatch(/^x{500}… \[500 characters cut/);
    ledger.dropUpdate(a, late ?? {}, 'update_rejected', 'HTTP 422');
    expect(a.isDone).toBe(true);
    expect(drops.counts).toEqual({ update_rejected: 1 });
    expect(ledger.counts).toEqual({ logged: 2, updated: 0, retried: 1 });
  });

  test('of a log that the server has lost posts it again, once; the spool knows that it is not stored', () => {
    const { ledger, spool } = createConnected();
    const entry = deliveredLog(ledger, 'a', undefined, { isFinal: false });
    const done = deliveredLog(ledger, 'b');
    for (let posts = 1; posts <= 2; posts++) {
      ledger.override(entry, { duration: posts });
      expect(ledger.takePatch()).toBe(entry);
      ledger.startUpdating(entry);
      spool.flush();
      expect(spool.rows.get('a')?.isDelivered).toBe(true);
      expect(ledger.lost(entry)).toBe(posts === 1);
      spool.flush();
      expect(spool.rows.get('a')?.isDelivered).toBe(posts === 2);
      for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
    }
    expect(ledger.lost(done)).toBe(false);
  });

  test('of a log that the server has lost lets its children wait again, also those that were ready', () => {
    const { ledger } = createLedger();
    const family: LogEntry[] = [];
    const parent = offer(ledger, expectLog(ledger, 'parent', undefined, family), { isFinal: false });
    for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
    const child = offer(ledger, expectLog(ledger, 'child', parent, family));
    const other = offeredLog(ledger, 'other');
    ledger.override(parent, { output: 'x' });
    ledger.startUpdating(parent);
    expect(ledger.lost(parent)).toBe(true);
    expect(statesOf(parent, child, other)).toEqual(['ready', 'waiting', 'ready']);
    expect(sendReady(ledger)).toEqual([parent, other]);
    ledger.stored(parent, parent.desired);
    expect(sendReady(ledger)).toEqual([child]);
  });

  test('reaches a log that this process has not sent', () => {
    const { ledger } = createLedger();
    const entry = assumedEntry('elsewhere');
    expect(entry).toMatchObject({ state: 'delivered', isDone: true });
    ledger.override(entry, { output: 'x' });
    expect(entry.isPending).toBe(true);
    expect(ledger.takePatch()).toBe(entry);
    expect(ledger.counts.logged).toBe(0);
  });

  test('that is expected keeps a flush waiting', () => {
    const { ledger } = createLedger();
    const entry = deliveredLog(ledger, 'a');
    const dropped = rememberedEntry('b', undefined, [], 'dropped');
    for (const each of [entry, dropped]) ledger.expectOverride(each);
    expect([...ledger.pending]).toEqual([entry]);
    ledger.override(entry, {});
    expect(ledger.pending.size).toBe(0);
  });
});

describe('the oldest trace', () => {
  test('loses only the logs that are not sent', () => {
    const { ledger, drops } = createLedger();
    const family: LogEntry[] = [];
    const [sent, ready, waiting, fresh] = ['a', 'b', 'c', 'd'].map((name) =>
      expectLog(ledger, name, family[1], family),
    ) as [LogEntry, LogEntry, LogEntry, LogEntry];
    const other = offeredLog(ledger, 'other');
    offer(ledger, sent);
    expect(ledger.nextReady).toBe(other);
    sendReady(ledger);
    for (const entry of [ready, waiting]) offer(ledger, entry);
    expect(ledger.dropOldestTrace('queue_full')).toBe(true);
    expect(statesOf(sent, ready, waiting, fresh, other)).toEqual(['sending', 'dropped', 'dropped', 'new', 'sending']);
    expect(drops.counts).toEqual({ queue_full: 2 });
    expect(ledger.dropOldestTrace('queue_full')).toBe(false);
  });
});

describe('a log on disk', () => {
  const late = { output: 'long output', error: undefined, duration: 2 };

  test('takes no memory, and is loaded with what was set meanwhile', () => {
    const { ledger, spool } = createConnected();
    const entry = offeredLog(ledger, 'a', undefined, { body: '{"text":"body"}', late });
    spool.flush();
    const { wireBytes } = entry;
    spool.unload();
    expect(entry).toMatchObject({ isUnloaded: true, body: undefined, wireBytes });
    expect(ledger.contents).toMatchObject({ bytes: 0, unloadedCount: 1 });
    ledger.override(entry, { error: 'said meanwhile' });
    expect(sendReady(ledger)).toEqual([entry]);
    expect(entry).toMatchObject({ isUnloaded: false, body: '{"text":"body"}' });
    expect(entry.desired).toEqual({ ...late, error: 'said meanwhile' });
    expect(ledger.contents.unloadedCount).toBe(0);
  });

  test('is sent as it was last offered, even if an older body is on disk', () => {
    const { ledger, spool } = createConnected();
    const entry = offeredLog(ledger, 'a', undefined, { body: '{"v":1}', late, isFinal: false });
    spool.flush();
    spool.unload();
    offer(ledger, entry, { body: '{"v":2}', late: { duration: 9 } });
    expect(ledger.contents.unloadedCount).toBe(0);
    sendReady(ledger);
    expect(entry).toMatchObject({ body: '{"v":2}', desired: { output: 'long output', duration: 9 } });
  });

  test('is dropped if its row is lost; its children are still sent, and a log that is offered again needs no row', () => {
    const { ledger, spool, drops } = createConnected();
    const parent = offeredLog(ledger, 'parent');
    const child = offeredLog(ledger, 'child', parent);
    const again = offeredLog(ledger, 'again');
    spool.flush();
    spool.unload();
    for (const name of ['parent', 'again']) spool.lose(name);
    offer(ledger, again, { body: '{"v":2}' });
    expect(ledger.nextReady).toBe(parent);
    expect(ledger.startSending()).toBeUndefined();
    expect(drops.counts).toEqual({ spool_lost: 1 });
    expect(statesOf(parent, child)).toEqual(['dropped', 'ready']);
    expect(sendReady(ledger)).toEqual([again, child]);
    expect(again.body).toBe('{"v":2}');
    expect(ledger.contents.unloadedCount).toBe(0);
  });

  test('is one that waits: a log that is being sent or probed stays in memory', () => {
    const { ledger } = createLedger();
    const [sending, unsure, ready] = ['a', 'b', 'c'].map((name) => offeredLog(ledger, name)) as LogEntry[];
    for (const entry of [ledger.startSending(), ledger.startSending()]) expect(entry?.state).toBe('sending');
    ledger.unsure([unsure as LogEntry], false);
    expect([sending, unsure, ready].map((entry) => ledger.unload(entry as LogEntry))).toEqual([false, false, true]);
  });

  test('is written before it is sent, if its span is open', () => {
    const { ledger, spool } = createConnected();
    const open = offeredLog(ledger, 'open', undefined, { isFinal: false });
    const ended = offeredLog(ledger, 'ended');
    sendReady(ledger);
    ledger.secure([ended]);
    expect([...spool.rows]).toEqual([]);
    ledger.secure([ended, open]);
    expect(spool.isStored('open')).toBe(true);
  });
});

describe('logs of a dead process', () => {
  test('are probed or updated, count as memory or disk, and end like any other log', () => {
    const { ledger, spool, sender } = createConnected();
    const [parent, child] = recoverTwo(ledger);
    expect(statesOf(parent, child)).toEqual(['unsure', 'unsure']);
    expect(ledger.contents).toMatchObject({ unloadedCount: 2, bytes: 2 * 'left behind'.length });
    const late = { output: 'newer' };
    const common = { parent: undefined, family: [], startedMillis: 0, late, storedBytes: 0 };
    const updated = recoveredEntry({ ...common, referenceId: 'u', isDelivered: true, acknowledged: { output: 'old' } });
    const equal = recoveredEntry({ ...common, referenceId: 'e', isDelivered: true, acknowledged: late });
    ledger.recover([updated, equal]);
    expect(equal.isDone).toBe(true);
    expect([...ledger.pending]).toEqual([parent, child, updated]);
    expect(sender.wakes).toBeGreaterThan(0);
    expect([ledger.takePatch(), ledger.takePatch()]).toEqual([
      { entries: [parent, child], isUnlikely: false },
      updated,
    ]);
    for (const entry of [parent, child]) ledger.stored(entry, entry.desired);
    ledger.updated(updated, updated.desired);
    expect(ledger.pending.size).toBe(0);
    expect(ledger.contents).toMatchObject({ unloadedCount: 0, bytes: 0 });
    expect(spool.noted).toContain(child);
  });
});

describe('a flush', () => {
  test('waits for logs that were pending when it began, and not for later ones', async () => {
    const { ledger } = createLedger();
    const [first, second] = ['a', 'b'].map((name) => offeredLog(ledger, name)) as [LogEntry, LogEntry];
    const barrier = ledger.pending.addBarrier();
    const later = offeredLog(ledger, 'c');
    let isReached = false;
    void barrier.reached.then(() => {
      isReached = true;
    });
    ledger.drop(later, 'redacted');
    ledger.drop(first, 'redacted');
    await Promise.resolve();
    expect([isReached, ledger.pending.isAwaited]).toEqual([false, true]);
    for (const sent of sendReady(ledger)) ledger.stored(sent, {});
    await barrier.reached;
    expect(second.isDone).toBe(true);
    expect(ledger.pending.isAwaited).toBe(false);
  });

  test('ends at once if nothing is pending, and leaves nothing behind when nobody waits any more', async () => {
    const { ledger } = createLedger();
    await ledger.pending.addBarrier().reached;
    offeredLog(ledger, 'a');
    const barrier = ledger.pending.addBarrier();
    expect(ledger.pending.isAwaited).toBe(true);
    ledger.pending.removeBarrier(barrier);
    expect(ledger.pending.isAwaited).toBe(false);
  });
});

/** Creates a parent and a child that the server may have. */
function recoverTwo(ledger: ReturnType<typeof createLedger>['ledger']): [LogEntry, LogEntry] {
  const family: LogEntry[] = [];
  const late = { output: 'left behind' };
  const common = { family, startedMillis: 0, isDelivered: false, late, acknowledged: undefined, storedBytes: 9 };
  const parent = recoveredEntry({ ...common, referenceId: 'parent', parent: undefined });
  const child = recoveredEntry({ ...common, referenceId: 'child', parent });
  ledger.recover([parent, child]);
  return [parent, child];
}
