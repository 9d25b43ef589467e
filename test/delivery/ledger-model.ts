/**
 * A ledger, and a naive model of what should be true of it. The model records every step and adds everything up again
 * after each one.
 */
import { expect } from 'vitest';
import { bodyText, decodeLate, type EncodedLate } from '../../src/datapoint/body.ts';
import type { Drops } from '../../src/delivery/drops.ts';
import { recoveredEntry } from '../../src/delivery/ledger/earlier-logs.ts';
import type { Ledger } from '../../src/delivery/ledger/ledger.ts';
import type { EntryState, LogEntry, UnsureLogs } from '../../src/delivery/ledger/log-entry.ts';
import type { Offer } from '../../src/delivery/ledger/offer.ts';
import type { FlushBarrier } from '../../src/delivery/ledger/pending-logs.ts';
import type { SpooledLog } from '../../src/delivery/ledger/spool.ts';
import type { SpanCounts, Tally } from '../../src/telemetry/span-counts.ts';
import type { LateFields } from '../../src/wire/late-fields.ts';
import { FakeSpool } from './fake-spool.ts';
import { asBytes, createLedger } from './offered-logs.ts';

const MAX_LOGS = 6;

/** The expected state of one log. */
interface Known {
  readonly entry: LogEntry;
  body: string | undefined;
  /** Undefined if the spool has lost a part of them. */
  desired: LateFields | undefined;
  overrides: LateFields;
  wasAttempted: boolean;
  /** Its row was removed from the spool and has not been written again. */
  isRowLost: boolean;
  /** It was sent, and is neither stored nor dropped since. */
  isInFlight: boolean;
  /** After the last step. */
  stateBefore: EntryState;
}

/** What a restart needs of a log. */
type Picture = Omit<SpooledLog, 'referenceId' | 'startedMillis'>;

interface Sent {
  readonly entry: LogEntry;
  readonly late: Readonly<EncodedLate>;
}

/** What `offer` passes on, before it is encoded. */
export interface Offered {
  readonly body: string;
  readonly late: LateFields;
  readonly isFinal: boolean;
  readonly mayBeStored: boolean;
  /** Encoded as bytes. */
  readonly asBytes: boolean;
}

export class LedgerModel {
  readonly #ledger: Ledger;
  readonly #drops: Drops;
  readonly #counts: SpanCounts;
  readonly #spool: FakeSpool;
  readonly #known = new Map<LogEntry, Known>();
  readonly #families: LogEntry[][] = [[], []];
  /** In the order in which they came. */
  #pending: LogEntry[] = [];
  /** The logs of the last call of `accept`, if that is the step in hand. */
  #offered: LogEntry[] = [];
  readonly #requests: Sent[][] = [];
  readonly #updates: Sent[] = [];
  readonly #probes: UnsureLogs[] = [];
  readonly #barriers = new Map<FlushBarrier, { left: LogEntry[]; isReached: boolean }>();
  #wakes = 0;
  #logged = 0;
  #updated = 0;
  #retried = 0;
  #droppedUpdates = 0;
  #droppedUndelivered = 0;
  /** Exports that have begun, less those that have ended. */
  #openExports = 0;

  constructor(maxElapsedMillis: number) {
    const { ledger, drops, counts } = createLedger({ maxElapsedMillis });
    this.#ledger = ledger;
    this.#drops = drops;
    this.#counts = counts;
    counts.onExported = () => this.#openExports--;
    this.#spool = new FakeSpool(ledger);
    ledger.connect({ wake: () => void this.#wakes++ }, this.#spool);
  }

  // Steps of the pipeline.

  expect(family: number, parentIndex: number): void {
    if (this.#known.size >= MAX_LOGS) return;
    const logs = this.#families[family % this.#families.length] as LogEntry[];
    const parent = logs[parentIndex % (logs.length + 1)];
    const referenceId = `log-${this.#known.size}`;
    this.#add(this.#ledger.expect({ referenceId, parent, family: logs, startedMillis: 0 }), undefined, {});
  }

  /** Offers several logs at once. */
  accept(planned: readonly [index: number, offer: Offered][]): void {
    const offers: Offer[] = [];
    for (const [index, offer] of planned) {
      this.#at(index, (known) => {
        const { entry } = known;
        const { body, late, isFinal, mayBeStored } = offer;
        offers.push({ entry, ...(offer.asBytes ? asBytes(body, late) : { body, late }), isFinal, mayBeStored });
        if (this.#isLost(entry)) known.desired = undefined;
        if (entry.state !== 'dropped') known.desired = known.desired && over(known.overrides, late, known.desired);
        if (['new', 'waiting', 'ready', 'unsure'].includes(entry.state)) known.body = body;
      });
    }
    this.#offered = offers.map(({ entry }) => entry);
    this.#ledger.accept(offers);
  }

  override(index: number, late: LateFields): void {
    this.#at(index, (known) => {
      if (known.entry.state !== 'dropped') {
        known.overrides = over(late, known.overrides);
        known.desired = known.desired && over(known.overrides, known.desired);
      }
      this.#ledger.override(known.entry, late);
    });
  }

  expectOverride(index: number): void {
    this.#at(index, ({ entry }) => this.#ledger.expectOverride(entry));
  }

  finish(index: number): void {
    this.#at(index, ({ entry }) => this.#ledger.finish(entry));
  }

  drop(index: number): void {
    this.#at(index, ({ entry }) => this.#ledger.drop(entry, 'redacted'));
  }

  dropOldestTrace(): void {
    const oldest = this.#pending.find(({ isUnsent }) => isUnsent);
    const family = this.#families.find((logs) => oldest && logs.includes(oldest)) ?? [];
    const unsent = family.filter(({ isUnsent }) => isUnsent);
    expect(this.#ledger.dropOldestTrace('queue_full')).toBe(oldest !== undefined);
    expect(unsent.every(({ state }) => state === 'dropped')).toBe(true);
  }

  // Steps of a request and its answer.

  send(maxItems: number): void {
    const wave: Sent[] = [];
    for (let next = this.#ledger.nextReady; next && wave.length < maxItems; next = this.#ledger.nextReady) {
      const known = this.#known.get(next) as Known;
      expect(parentOf(next)?.state ?? 'delivered').toBe('delivered');
      const isLost = this.#isLost(next);
      const entry = this.#ledger.startSending();
      expect(entry).toBe(isLost ? undefined : next);
      if (!entry) continue;
      expect(textOf(entry)).toBe(known.body);
      this.#attempt(known);
      wave.push({ entry, late: entry.desired });
    }
    if (wave.length === 0) return;
    this.#ledger.secure(wave.map(({ entry }) => entry));
    this.#ledger.exports.begin(wave.map(({ entry }) => entry));
    this.#beginExport(wave);
    this.#requests.push(wave);
  }

  store(index: number): void {
    for (const sent of takeFrom(this.#requests, index) ?? []) this.#store(sent);
  }

  loseAnswer(index: number, isUnlikely: boolean): void {
    const entries = takeFrom(this.#requests, index)?.map(({ entry }) => entry);
    if (entries) this.#ledger.unsure(entries, isUnlikely);
  }

  refuse(index: number, bad: number, isCut: boolean): void {
    const entries = takeFrom(this.#requests, index)?.map(({ entry }) => entry);
    if (!entries) return;
    const entry = entries[bad % entries.length] as LogEntry;
    if (!isCut) this.#ledger.drop(entry, 'rejected');
    else if (entry.state === 'sending') {
      this.#ledger.shrink(entry, 600);
      this.#readCut(entry);
    }
    this.#ledger.backToReady(entries);
  }

  takePatch(): void {
    const patch = this.#ledger.takePatch();
    if (!patch) return;
    if ('entries' in patch) return void this.#probes.push(patch);
    const late = this.#ledger.startUpdating(patch);
    expect(late !== undefined).toBe(differs(patch));
    if (!late) return;
    this.#attempt(this.#known.get(patch) as Known);
    this.#updates.push({ entry: patch, late });
  }

  answerUpdate(index: number, answer: 'taken' | 'refused' | 'unknown' | 'tooLarge' | 'later'): void {
    const update = takeFrom(this.#updates, index);
    if (!update || update.entry.state === 'dropped') return;
    const { entry, late } = update;
    if (answer === 'taken') {
      this.#updated++;
      (this.#known.get(entry) as Known).wasAttempted = false;
      this.#ledger.updated(entry, late);
    } else if (answer === 'later' || answer === 'tooLarge') {
      if (answer === 'tooLarge') {
        this.#ledger.shrinkUpdate(entry);
        this.#readCut(entry);
      }
      this.#ledger.backToUpdates(entry);
    } else if (answer === 'refused' || !this.#ledger.lost(entry)) {
      this.#droppedUpdates++;
      (this.#known.get(entry) as Known).wasAttempted = false;
      this.#ledger.dropUpdate(entry, late, 'update_rejected');
    }
  }

  /** `there` has a bit for each log: 1 if the server has it. */
  answerProbes(index: number, there: number): void {
    const { entries } = takeFrom(this.#probes, index) ?? { entries: [] };
    const absent: LogEntry[] = [];
    for (const [at, entry] of entries.entries()) {
      if (entry.state !== 'unsure') continue;
      const late = this.#ledger.startProbing(entry);
      this.#beginExport([{ entry }]);
      this.#attempt(this.#known.get(entry) as Known);
      if (there & (1 << at)) this.#store({ entry, late });
      else absent.push(entry);
    }
    this.#ledger.backToReady(absent);
  }

  // Steps of the spool and of a flush.

  recover(isParentDelivered: boolean, isParentKnown: boolean): void {
    const family = this.#families[1] as LogEntry[];
    let parent: LogEntry | undefined;
    for (const isDelivered of isParentKnown ? [isParentDelivered, false] : [false]) {
      if (this.#known.size >= MAX_LOGS) break;
      const [referenceId, late] = [`log-${this.#known.size}`, { output: 'left behind' }];
      const common = { referenceId, startedMillis: 0, isDelivered, late, acknowledged: undefined };
      const body = isDelivered ? undefined : `{"left":"${referenceId}"}`;
      const row = { ...common, body, parentReferenceId: parent?.referenceId, isFinal: true };
      this.#spool.rows.set(referenceId, row);
      const entry = recoveredEntry({ ...common, parent, family, storedBytes: body?.length ?? 0 });
      this.#add(entry, body, late);
      this.#ledger.recover([entry]);
      parent = entry;
    }
  }

  writeSpool(): void {
    this.#spool.flush();
    for (const known of this.#known.values()) {
      const { entry } = known;
      const row = this.#spool.rows.get(entry.referenceId);
      if (row) known.isRowLost = false;
      if (entry.isDone || entry.state === 'new') expect(row).toBeUndefined();
      // What was unloaded and is lost is not known here, once it was offered again and unloaded again.
      else if (!known.isRowLost && isNeeded(entry) && (known.desired || !entry.isUnloaded))
        expect(row && pictureOf(row)).toEqual(pictureOf(this.#rowOf(known)));
    }
  }

  unload(): void {
    this.#spool.unload();
  }

  loseRow(index: number): void {
    this.#at(index, (known) => {
      known.isRowLost ||= this.#spool.rows.has(known.entry.referenceId);
      this.#spool.lose(known.entry.referenceId);
    });
  }

  addBarrier(): void {
    const barrier = this.#ledger.pending.addBarrier();
    const seen = { left: [...this.#pending], isReached: false };
    this.#barriers.set(barrier, seen);
    void barrier.reached.then(() => {
      seen.isReached = true;
    });
  }

  // Checks.

  async check(step: () => void): Promise<void> {
    const before = new Map([...this.#known.values()].map((known) => [known, this.#needsOf(known)]));
    const wakesBefore = this.#wakes;
    const waitingBefore = new Set(this.#sendable());
    this.#spool.noted.length = 0;
    this.#offered = [];
    step();
    await Promise.resolve();
    const entries = [...this.#known.keys()];
    for (const known of this.#known.values()) this.#checkLog(known);
    this.#checkSums(entries);
    this.#checkCounts();
    for (const [known, needs] of before) {
      if (this.#needsOf(known) !== needs) expect(this.#spool.noted).toContain(known.entry);
    }
    if (this.#sendable().some((entry) => !waitingBefore.has(entry))) expect(this.#wakes).toBeGreaterThan(wakesBefore);
    const isNew = (entry: LogEntry) => entry.isPending && !this.#pending.includes(entry);
    // Those that were offered together come in that order.
    const added = [...new Set([...this.#offered, ...entries])].filter(isNew);
    this.#pending = [...this.#pending.filter(({ isPending }) => isPending), ...added];
    expect([...this.#ledger.pending]).toEqual(this.#pending);
    for (const seen of this.#barriers.values()) {
      seen.left = seen.left.filter(({ isPending }) => isPending);
      expect(seen.isReached).toBe(seen.left.length === 0);
    }
    expect(this.#ledger.pending.isAwaited).toBe([...this.#barriers.values()].some(({ isReached }) => !isReached));
  }

  /** The server accepts everything from now on: each offered log arrives, or was dropped with a reason. */
  async end(): Promise<void> {
    for (const { entry } of this.#known.values()) await this.check(() => this.#ledger.finish(entry));
    const open = [this.#requests, this.#updates, this.#probes];
    for (let round = 0; this.#sendable().length > 0 || open.some(({ length }) => length > 0); round++) {
      expect(round).toBeLessThan(100);
      for (let left = 2 * MAX_LOGS; left > 0; left--) await this.check(() => this.takePatch());
      await this.check(() => this.send(MAX_LOGS));
      while (this.#probes.length > 0) await this.check(() => this.answerProbes(0, -1));
      while (this.#updates.length > 0) await this.check(() => this.answerUpdate(0, 'taken'));
      while (this.#requests.length > 0) await this.check(() => this.store(0));
    }
    for (const { state } of this.#known.keys()) expect(['new', 'waiting', 'delivered', 'dropped']).toContain(state);
    // Only a log that was never offered keeps others waiting.
    for (const entry of this.#known.keys()) {
      if (entry.state === 'waiting') expect(['new', 'waiting']).toContain(parentOf(entry)?.state);
    }
  }

  #checkLog(known: Known): void {
    const { entry } = known;
    const parent = parentOf(entry);
    if (entry.isDone) Object.assign(known, { body: undefined, desired: {} });
    expect(entry.effectiveParent).toBe(parent);
    if (entry.state === 'ready') expect(parent?.state ?? 'delivered').toBe('delivered');
    if (entry.state === 'waiting') expect(parent && parent.state !== 'delivered').toBe(true);
    if (!entry.isUnloaded) {
      if (known.desired) expect(over(decodeLate(entry.desired))).toEqual(over(known.desired));
      if (entry.isUnsent || entry.state === 'sending') expect(textOf(entry)).toBe(known.body);
    }
    if (entry.state === 'dropped') expect(entry.isPending).toBe(false);
    else if (entry.state !== 'delivered' || differs(entry)) expect(entry.isPending).toBe(true);
    expect(entry.isDone).toBe(
      entry.state === 'dropped' || (entry.state === 'delivered' && entry.isFinal && !entry.isPending),
    );
  }

  #checkSums(entries: readonly LogEntry[]): void {
    let [bytes, unloadedCount, dropped] = [0, 0, 0];
    for (const { body = '', desired, isUnloaded, state } of entries) {
      bytes += body.length + (desired.output ?? '').length + (desired.error ?? '').length;
      if (isUnloaded) unloadedCount++;
      if (state === 'dropped') dropped++;
    }
    const { contents, counts } = this.#ledger;
    expect({ bytes: contents.bytes, unloadedCount: contents.unloadedCount }).toEqual({ bytes, unloadedCount });
    expect(counts).toEqual({ logged: this.#logged, updated: this.#updated, retried: this.#retried });
    const sum = Object.values(this.#drops.counts).reduce((total, count) => total + count, 0);
    expect(sum).toBe(dropped + this.#droppedUpdates);
    expect(this.#ledger.pending.size).toBe(entries.filter(({ isPending }) => isPending).length);
    expect(this.#ledger.readyCount).toBeGreaterThanOrEqual(entries.filter(({ state }) => state === 'ready').length);
  }

  #checkCounts(): void {
    for (const known of this.#known.values()) {
      const { entry, stateBefore } = known;
      if (entry.state === 'dropped') known.isInFlight = false;
      if (entry.state === 'dropped' && stateBefore !== 'dropped' && stateBefore !== 'delivered') {
        this.#droppedUndelivered++;
      }
      known.stateBefore = entry.state;
    }
    const { processed, exported, inFlight } = this.#counts;
    expect(exported.succeeded).toBe(this.#logged);
    expect(failuresOf(processed) + failuresOf(exported)).toBe(this.#droppedUndelivered);
    expect(inFlight).toBe([...this.#known.values()].filter(({ isInFlight }) => isInFlight).length);
    if (inFlight === 0) expect(this.#openExports).toBe(0);
  }

  #beginExport(sent: readonly { readonly entry: LogEntry }[]): void {
    const begun = sent.map(({ entry }) => this.#known.get(entry) as Known).filter(({ isInFlight }) => !isInFlight);
    for (const known of begun) known.isInFlight = true;
    if (begun.length > 0) this.#openExports++;
  }

  /** Returns the logs that should be in one of the queues. */
  #sendable(): LogEntry[] {
    const busy = new Set([...this.#updates.map(({ entry }) => entry), ...this.#probes.flatMap((one) => one.entries)]);
    return [...this.#known.keys()].filter(
      (entry) =>
        !busy.has(entry) &&
        (entry.state === 'ready' || entry.state === 'unsure' || (entry.state === 'delivered' && differs(entry))),
    );
  }

  /** Returns what a restart needs to know of the log, as text. */
  #needsOf(known: Known): string {
    const { entry } = known;
    if (entry.state === 'new' || known.desired === undefined) return '';
    // The children of a dropped log move with its own row.
    return isNeeded(entry) ? JSON.stringify(pictureOf({ ...this.#rowOf(known), parentReferenceId: '' })) : 'nothing';
  }

  #rowOf({ entry, body, desired }: Known): Picture {
    return {
      parentReferenceId: parentOf(entry)?.referenceId,
      body: entry.isUnloaded && entry.state !== 'delivered' ? body : textOf(entry),
      late: (entry.isUnloaded && desired) || decodeLate(entry.desired),
      acknowledged: entry.acknowledged && decodeLate(entry.acknowledged),
      isDelivered: entry.state === 'delivered',
      isFinal: entry.isFinal,
    };
  }

  #isLost(entry: LogEntry): boolean {
    return entry.isUnloaded && !this.#spool.rows.has(entry.referenceId);
  }

  #store({ entry, late }: Sent): void {
    const isExpected = entry.state !== 'dropped';
    expect(this.#ledger.stored(entry, late)).toBe(isExpected);
    if (!isExpected) return;
    this.#logged++;
    Object.assign(this.#known.get(entry) as Known, { wasAttempted: false, isInFlight: false });
  }

  #attempt(known: Known): void {
    if (known.wasAttempted) this.#retried++;
    known.wasAttempted = true;
  }

  /** Accepts the cut texts: how they are cut is not checked here. */
  #readCut(entry: LogEntry): void {
    const desired = decodeLate(entry.desired);
    Object.assign(this.#known.get(entry) as Known, { body: textOf(entry), desired, overrides: {} });
  }

  #add(entry: LogEntry, body: string | undefined, desired: LateFields): void {
    this.#known.set(entry, {
      entry,
      body,
      desired,
      overrides: {},
      wasAttempted: false,
      isRowLost: false,
      isInFlight: false,
      stateBefore: entry.state,
    });
  }

  #at(index: number, act: (known: Known) => void): void {
    const all = [...this.#known.values()];
    if (all.length > 0) act(all[index % all.length] as Known);
  }
}

function failuresOf({ failed }: Tally): number {
  return [...failed.values()].reduce((sum, count) => sum + count, 0);
}

function takeFrom<Item>(items: Item[], index: number): Item | undefined {
  return items.splice(index % Math.max(1, items.length), 1)[0];
}

function parentOf({ parent }: LogEntry): LogEntry | undefined {
  return parent?.state === 'dropped' ? parentOf(parent) : parent;
}

/** Returns, for each field, the first value that is not undefined. */
function over(...all: readonly LateFields[]): LateFields {
  const first = <Field extends keyof LateFields>(field: Field) =>
    all.find((late) => late[field] !== undefined)?.[field];
  return { output: first('output'), error: first('error'), duration: first('duration') };
}

function textOf({ body }: LogEntry): string | undefined {
  return body === undefined ? undefined : bodyText(body);
}

function differs(entry: LogEntry): boolean {
  const desired = decodeLate(entry.desired);
  const acknowledged = decodeLate(entry.acknowledged ?? {});
  return (['output', 'error', 'duration'] as const).some(
    (field) => desired[field] !== undefined && desired[field] !== acknowledged[field],
  );
}

/** Returns true if the log would have something left to do after a restart. */
function isNeeded(entry: LogEntry): boolean {
  return entry.state !== 'dropped' && !(entry.state === 'delivered' && entry.isFinal && !differs(entry));
}

function pictureOf({ parentReferenceId, body, late, acknowledged, isDelivered, isFinal }: Picture): Picture {
  const texts = { late: over(late), acknowledged: acknowledged && over(acknowledged) };
  return { parentReferenceId, body, isDelivered, isFinal, ...texts };
}
