/** Creates logs in a ledger, in the states that tests need. */
import { ByteBody } from '../../src/datapoint/body.ts';
import type { EncodedDatapoint } from '../../src/datapoint/encode.ts';
import { Drops } from '../../src/delivery/drops.ts';
import { Ledger } from '../../src/delivery/ledger/ledger.ts';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import type { Offer } from '../../src/delivery/ledger/offer.ts';
import { SpanCounts } from '../../src/telemetry/span-counts.ts';
import type { LateFields } from '../../src/wire/late-fields.ts';

export function createLedger(options: { maxElapsedMillis?: number; isPressed?: () => boolean } = {}) {
  const drops = new Drops(undefined);
  const counts = new SpanCounts();
  const maxElapsedMillis = options.maxElapsedMillis ?? Number.POSITIVE_INFINITY;
  const ledger = new Ledger(drops, maxElapsedMillis, options.isPressed, counts);
  return { drops, ledger, counts };
}

/** Creates a log that is expected and not mapped yet. */
export function expectLog(ledger: Ledger, referenceId: string, parent?: LogEntry, family: LogEntry[] = []): LogEntry {
  return ledger.expect({ referenceId, parent, family, startedMillis: 0 });
}

export function offer(ledger: Ledger, entry: LogEntry, more: Partial<Offer> = {}): LogEntry {
  ledger.accept([{ entry, body: '{}', late: {}, isFinal: true, mayBeStored: false, ...more }]);
  return entry;
}

/** Creates a log that is ready, or waits for its parent. */
export function offeredLog(ledger: Ledger, referenceId: string, parent?: LogEntry, more?: Partial<Offer>): LogEntry {
  return offer(ledger, expectLog(ledger, referenceId, parent), more);
}

/** Returns the same with body and output as bytes, as the short way makes them. */
export function asBytes(body: string, { output, error, duration }: LateFields): EncodedDatapoint {
  const json = Buffer.from(body);
  const outputJson = Buffer.from(output === undefined ? '' : JSON.stringify(output.toWellFormed()));
  const bytes = Buffer.concat([json, outputJson]);
  const outputTo = outputJson.length > 0 ? bytes.length : 0;
  const encoded = new ByteBody(bytes, bytes.length, json.length, json.length, outputTo);
  return { body: encoded, late: { output: encoded.output, error, duration } };
}

/** Takes all ready logs into a request. */
export function sendReady(ledger: Ledger): LogEntry[] {
  const sent: LogEntry[] = [];
  for (; ledger.nextReady; ) sent.push(ledger.startSending() as LogEntry);
  return sent;
}

export function deliveredLog(ledger: Ledger, referenceId: string, parent?: LogEntry, more?: Partial<Offer>): LogEntry {
  const entry = offeredLog(ledger, referenceId, parent, more);
  for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
  return entry;
}

/** Delivered, with an update under way. */
export function updatedLog(): LogEntry {
  const { ledger } = createLedger();
  const entry = deliveredLog(ledger, 'log');
  ledger.override(entry, { output: 'found out later' });
  return entry;
}
