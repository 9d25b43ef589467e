/**
 * What is not acknowledged yet, on disk, so that a process that is killed loses nothing that is older than
 * `fsyncMillis`. One SQLite file per process; `spool-directory.ts` finds what dead processes left.
 *
 * Changes are noted and written together, once per `fsyncMillis`: a log that is delivered sooner never touches the
 * disk. Written with `synchronous=NORMAL`, which a killed process survives and a power cut may not: the stronger mode
 * would hold up the app's thread for the disk.
 *
 * If the disk fails, delivery goes on in memory; it is said once, and tried again every few seconds.
 */
import { diag } from '@opentelemetry/api';
import type { SpoolOptions } from '../../options.ts';
import { Turns } from '../../scheduling/turns.ts';
import { explainSqliteError } from '../../sqlite/open.ts';
import type { Drops } from '../drops.ts';
import type { LogEntry } from '../log-entry.ts';
import { openSpoolFile, takeOrphans } from './directory.ts';
import type { SpoolFile } from './file.ts';
import type { OrphanedLog } from './orphan-rows.ts';
import { partsByTrace } from './recovery.ts';
import type { SpooledLog } from './row.ts';

/** Rows written between two turns of the event loop. */
const ROWS_PER_TURN = 100;
const RETRY_MILLIS = 5_000;
const ADOPT_INTERVAL_MILLIS = 30_000;
/** Logs of dead processes that become entries between two turns. */
const RECOVERED_AT_ONCE = 500;

export interface SpoolOwner {
  /** Memory is short: what is on disk need not be there too. */
  isPressed(): boolean;
  /** `false` for an entry that is needed as it is, since it is being sent. */
  unload(entry: LogEntry): boolean;
  /** The file has reached its bound. `false` if there is nothing to give up. */
  dropOldest(): boolean;
  recover(logs: readonly OrphanedLog[]): void;
}

export class Spool {
  readonly #options: SpoolOptions;
  readonly #drops: Drops;
  readonly #owner: SpoolOwner;
  /** Written at the next flush, the newest state of each. */
  #dirty = new Map<string, LogEntry | SpooledLog | 'gone'>();
  /** On disk as they are now, and in memory too. */
  readonly #resident = new Set<LogEntry>();
  readonly #turns = new Turns(() => this.#adoptOrphans());
  #isAdopting = false;
  /** Called when the adoption that is under way is done. */
  readonly #marks: (() => void)[] = [];
  #file: SpoolFile | undefined;
  #timer: NodeJS.Timeout | undefined;
  #adoptTimer: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #isClosed = false;

  /** @throws {SqliteError} only if there is no SQLite engine; a directory that cannot be used is said and done without. */
  constructor(options: SpoolOptions, drops: Drops, owner: SpoolOwner) {
    this.#options = options;
    this.#drops = drops;
    this.#owner = owner;
    this.#attempt(() => this.#open());
  }

  /** Something about the log has changed. */
  note(entry: LogEntry): void {
    if (this.#isClosed) return;
    const { referenceId } = entry;
    this.#resident.delete(entry);
    if (entry.state === 'dropped') this.#file?.discount(referenceId);
    // Most logs are done before they are written: they never touch the disk.
    if (isDone(entry) && !this.#file?.has(referenceId)) this.#dirty.delete(referenceId);
    else this.#write(referenceId, entry);
  }

  /** A log that is known already, though it is held back from the delivery. */
  draft(log: SpooledLog): void {
    this.#write(log.referenceId, log);
  }

  /** What was drafted turned out to be no log. */
  forget(referenceId: string): void {
    if (this.#file?.has(referenceId)) this.#write(referenceId, 'gone');
    else this.#dirty.delete(referenceId);
  }

  /** Brings the body of an unloaded log back. `false` if its row cannot be read. */
  load(entry: LogEntry): boolean {
    let stored: SpooledLog | undefined;
    this.#attempt(() => {
      stored = this.#file?.read(entry.referenceId);
    });
    if (stored?.body === undefined) return false;
    const said = entry.desired;
    entry.body = stored.body;
    entry.desire(stored.late);
    entry.desire(said);
    entry.storedBytes = undefined;
    return true;
  }

  /** Resolves when what dead processes had left by now is here, and known to the owner. */
  adopted(): Promise<void> {
    return this.#isAdopting ? new Promise((resolve) => this.#marks.push(resolve)) : Promise.resolve();
  }

  /** Writes all that is noted, now. */
  flush(): void {
    while (this.#dirty.size > 0 && this.#writeSome());
  }

  /** A log that is sent while its span is open has to be known to the next start, or nobody would ever close it. */
  secure(entries: readonly LogEntry[]): void {
    if (entries.some((entry) => !entry.isFinal && !this.#file?.has(entry.referenceId))) this.flush();
  }

  /** The newest state of the log is on disk. */
  isStored(referenceId: string): boolean {
    return this.#file?.has(referenceId) === true && !this.#dirty.has(referenceId);
  }

  /** What is not delivered stays in the file for the next start. Nothing is noted any more. */
  close(): void {
    this.flush();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#adoptTimer);
    this.#attempt(() => this.#file?.close());
  }

  #write(referenceId: string, what: LogEntry | SpooledLog | 'gone'): void {
    this.#dirty.set(referenceId, what);
    this.#schedule(this.#options.fsyncMillis);
  }

  #schedule(delayMillis: number): void {
    if (this.#timer || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const isWritten = this.#writeSome();
      if (this.#dirty.size > 0) this.#schedule(isWritten ? 0 : RETRY_MILLIS);
    }, delayMillis);
    this.#timer.unref();
  }

  /** One transaction. `false` if the disk would not take it. */
  #writeSome(): boolean {
    const isWritten = this.#attempt(() => {
      const file = this.#usableFile();
      const written: string[] = [];
      const onDisk: LogEntry[] = [];
      file.transaction(() => {
        for (const [referenceId, what] of this.#dirty) {
          if (written.length === ROWS_PER_TURN) break;
          written.push(referenceId);
          if (what === 'gone') file.remove(referenceId);
          else if (!('state' in what)) file.put(what);
          else if (store(file, what)) onDisk.push(what);
        }
        file.markAlive(Date.now());
      });
      for (const referenceId of written) this.#dirty.delete(referenceId);
      for (const entry of onDisk) this.#resident.add(entry);
      this.#unload();
      while (file.bytes > this.#options.maxBytes && this.#owner.dropOldest());
    });
    if (isWritten && this.#hasFailed) {
      this.#hasFailed = false;
      diag.info('humanloop-otel: the spool can be used again');
    }
    return isWritten;
  }

  #unload(): void {
    for (const entry of this.#resident) {
      if (!this.#owner.isPressed()) return;
      if (this.#owner.unload(entry)) this.#resident.delete(entry);
    }
  }

  /** A file that somebody has removed is made anew, with all that it held. */
  #usableFile(): SpoolFile {
    const before = this.#file;
    if (before && !before.isRemoved) return before;
    const file = this.#open();
    if (before) {
      file.copyFrom(before);
      this.#attempt(() => before.close());
    }
    return file;
  }

  #open(): SpoolFile {
    this.#file = openSpoolFile(this.#options.directory);
    this.#adopt();
    return this.#file;
  }

  /** Takes over what processes have left that are no more. */
  #adopt(): void {
    clearTimeout(this.#adoptTimer);
    this.#adoptTimer = setTimeout(() => this.#adopt(), ADOPT_INTERVAL_MILLIS);
    this.#adoptTimer.unref();
    this.#isAdopting = true;
    this.#turns.schedule();
  }

  *#adoptOrphans(): Generator<void> {
    try {
      const file = this.#file;
      if (!file || this.#isClosed) return;
      file.markAlive(Date.now());
      const { logs, expired } = yield* takeOrphans(this.#options, file);
      for (const referenceId of expired) this.#drops.add('spool_expired', referenceId);
      for (const part of partsByTrace(logs, RECOVERED_AT_ONCE)) {
        this.#owner.recover(part);
        yield;
      }
    } catch (cause) {
      this.#fail(explainSqliteError(cause, this.#options.directory));
    } finally {
      this.#isAdopting = false;
      for (const reached of this.#marks.splice(0)) reached();
    }
  }

  #attempt(step: () => void): boolean {
    try {
      step();
      return true;
    } catch (cause) {
      const error = explainSqliteError(cause, this.#options.directory);
      if (error.reason === 'no-engine') throw error;
      this.#fail(error);
      return false;
    }
  }

  #fail(error: Error): void {
    if (!this.#hasFailed) diag.warn('humanloop-otel: the spool cannot be used, going on in memory', error);
    this.#hasFailed = true;
  }
}

/** Writes an entry's state, or removes its row if nothing is left to do for it. `true` if its body is on disk now. */
function store(file: SpoolFile, entry: LogEntry): boolean {
  const { referenceId } = entry;
  if (entry.state === 'dropped') {
    file.remove(referenceId);
    file.moveChildren(referenceId, entry.effectiveParent?.referenceId);
    return false;
  }
  if (isDone(entry)) {
    file.remove(referenceId);
    return false;
  }
  // Its datapoint is about to come; what was drafted of it stands until then.
  if (entry.state === 'new') return false;
  // Its body is here already.
  if (entry.body === undefined && entry.state !== 'delivered') {
    file.change(referenceId, entry.effectiveParent?.referenceId, entry.desired, entry.isFinal);
    return false;
  }
  const { body, desired, acknowledged, isFinal, startedMillis } = entry;
  file.put({
    referenceId,
    parentReferenceId: entry.effectiveParent?.referenceId,
    body,
    late: desired,
    acknowledged,
    isDelivered: entry.state === 'delivered',
    isFinal,
    startedMillis,
  });
  return body !== undefined;
}

/** Nothing is left to do, whatever becomes of this process. An open log is to be closed after a crash. */
function isDone({ state, isFinal, sequence }: LogEntry): boolean {
  return state === 'dropped' || (state === 'delivered' && isFinal && sequence === 0);
}
