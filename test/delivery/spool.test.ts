/** What the ledger expects of a spool: one contract for the spool on disk and for the fake one of the tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Drops } from '../../src/delivery/drops.ts';
import type { Ledger } from '../../src/delivery/ledger/ledger.ts';
import type { Spool, SpooledLog } from '../../src/delivery/ledger/spool.ts';
import { openSpool } from '../../src/delivery/spool/sqlite-spool.ts';
import { FakeSpool } from './fake-spool.ts';
import { createLedger, deliveredLog, expectLog, offer, offeredLog, sendReady } from './offered-logs.ts';

function onDisk(ledger: Ledger): Spool {
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-spool-'));
  const options = { directory, maxBytes: 1_000_000, maxAgeMillis: 60_000, fsyncMillis: 60_000 };
  const spool = openSpool(options, new Drops(undefined), ledger);
  onTestFinished(() => {
    spool.close();
    rmSync(directory, { recursive: true });
  });
  return spool;
}

const DRAFT: SpooledLog = {
  referenceId: 'a',
  parentReferenceId: undefined,
  body: '{"draft":true}',
  late: {},
  acknowledged: undefined,
  isDelivered: false,
  isFinal: false,
  startedMillis: 0,
};

describe.each<[string, (ledger: Ledger) => Spool]>([
  ['on disk', onDisk],
  ['of the tests', (ledger) => new FakeSpool(ledger)],
])('the spool %s', (_, create) => {
  function createConnected() {
    const { ledger } = createLedger();
    const spool = create(ledger);
    ledger.connect({ wake: () => undefined }, spool);
    return { ledger, spool };
  }
  const late = { output: 'output', error: undefined, duration: undefined };

  test('stores noted logs when it is flushed, in their newest state', () => {
    const { ledger, spool } = createConnected();
    const entry = offeredLog(ledger, 'a', undefined, { body: '{"v":1}', late });
    expect(spool.isStored('a')).toBe(false);
    spool.flush();
    expect(spool.isStored('a')).toBe(true);
    offer(ledger, entry, { body: '{"v":2}' });
    expect(spool.isStored('a')).toBe(false);
    spool.flush();
    expect(spool.load('a')).toMatchObject({ body: '{"v":2}', late: { output: 'output' } });
  });

  test('changes a log whose body is only on disk', () => {
    const { ledger, spool } = createConnected();
    const entry = offeredLog(ledger, 'a', undefined, { body: '{"v":1}', late });
    spool.flush();
    expect(ledger.unload(entry)).toBe(true);
    ledger.override(entry, { error: 'later' });
    spool.flush();
    expect(spool.load('a')).toMatchObject({ body: '{"v":1}', late: { output: 'output', error: 'later' } });
    expect(sendReady(ledger)).toEqual([entry]);
    expect(entry).toMatchObject({ body: '{"v":1}', desired: { output: 'output', error: 'later' } });
  });

  test('removes logs that are done or dropped', () => {
    const { ledger, spool } = createConnected();
    const done = offeredLog(ledger, 'done');
    const dropped = offeredLog(ledger, 'dropped', expectLog(ledger, 'new'));
    spool.flush();
    for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
    ledger.drop(dropped, 'redacted');
    spool.flush();
    for (const { referenceId } of [done, dropped]) {
      expect(spool.isStored(referenceId)).toBe(false);
      expect(spool.load(referenceId)).toBeUndefined();
    }
  });

  test('keeps a log that was sent while its span is open, since a restart has to close it', () => {
    const { ledger, spool } = createConnected();
    const entry = deliveredLog(ledger, 'a', undefined, { isFinal: false });
    spool.flush();
    expect(spool.isStored('a')).toBe(true);
    ledger.finish(entry);
    spool.flush();
    expect(spool.isStored('a')).toBe(false);
  });

  test('keeps a draft until the log is offered, or is forgotten', () => {
    const { ledger, spool } = createConnected();
    spool.draft(DRAFT);
    spool.draft({ ...DRAFT, referenceId: 'b' });
    const entry = expectLog(ledger, 'a');
    ledger.override(entry, { output: 'early' });
    spool.flush();
    expect(spool.load('a')?.body).toBe('{"draft":true}');
    offer(ledger, entry, { body: '{"v":1}' });
    spool.forget('b');
    spool.flush();
    expect(spool.load('a')).toMatchObject({ body: '{"v":1}', late: { output: 'early' } });
    expect(spool.isStored('b')).toBe(false);
  });

  test('writes a log at once if it is sent while its span is open', () => {
    const { ledger, spool } = createConnected();
    const ended = offeredLog(ledger, 'ended');
    const open = offeredLog(ledger, 'open', undefined, { isFinal: false });
    spool.secure([ended]);
    expect(spool.isStored('ended')).toBe(false);
    spool.secure([ended, open]);
    expect(spool.isStored('open')).toBe(true);
  });

  test('finds no log that it never got', async () => {
    const { spool } = createConnected();
    expect(spool.load('unknown')).toBeUndefined();
    expect(spool.isStored('unknown')).toBe(false);
    await spool.recovered();
  });
});
