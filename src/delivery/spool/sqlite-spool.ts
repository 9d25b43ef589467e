/**
 * The spool as SQLite files, one per process: a killed process loses nothing that is older than `fsyncMillis`.
 * `directory.ts` finds what dead processes have left, and `recovery.ts` takes it over.
 *
 * Changes are noted and written together, once per `fsyncMillis`: a log that is delivered sooner never touches the
 * disk. The files use `synchronous=NORMAL`: they survive a killed process, but perhaps not a power cut. The stronger
 * mode would block the app's thread while the disk writes.
 *
 * If the disk fails, delivery continues in memory. That is reported once, and the disk is tried again every 5 s.
 */
import { bodyText, decodeLate } from '../../datapoint/body.ts';
import type { SpoolOptions } from '../../options.ts';
import { EarliestTimer } from '../../scheduling/earliest-timer.ts';
import { explainSqliteError } from '../../sqlite/open.ts';
import type { SpoolUsage } from '../../telemetry/self-metrics.ts';
import type { Drops } from '../drops.ts';
import type { LogEntry } from '../ledger/log-entry.ts';
import type { Spool, SpooledLog, SpoolOwner, StoredContent } from '../ledger/spool.ts';
import { openSpoolFile } from './directory.ts';
import { DiskWarnings } from './disk-warnings.ts';
import type { SpoolFile } from './file.ts';
import { Recovery } from './take-over-orphans.ts';

/** Number of rows that are written between two turns of the event loop. */
const ROWS_PER_TURN = 100;
const RETRY_MILLIS = 5_000;

/**
 * Opens this process's file in the directory.
 *
 * @throws {SqliteError} only if there is no SQLite engine. A directory that cannot be used is reported; delivery then
 * works in memory.
 */
export function openSpool(options: SpoolOptions, drops: Drops, owner: SpoolOwner, isQuiet = false): Spool {
  return new SqliteSpool(options, drops, owner, isQuiet);
}

class SqliteSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #owner: SpoolOwner;
  readonly #warnings: DiskWarnings;
  readonly #recovery: Recovery;
  readonly #timer = new EarliestTimer(() => this.#writeInTurn());
  /** Logs whose newest state has to be written. */
  readonly #dirty = new Map<string, LogEntry | SpooledLog | 'gone'>();
  /** Logs that are on disk in their newest state, and still in memory too. */
  readonly #resident = new Set<LogEntry>();
  #file: SpoolFile | undefined;
  #isClosed = false;

  constructor(options: SpoolOptions, drops: Drops, owner: SpoolOwner, isQuiet: boolean) {
    this.#options = options;
    this.#warnings = new DiskWarnings(isQuiet);
    this.#owner = owner;
    this.#recovery = new Recovery(options, drops, owner, this.#warnings);
    this.#attempt(() => this.#open());
  }

  note(entry: LogEntry): void {
    if (this.#isClosed) return;
    const { referenceId } = entry;
    this.#resident.delete(entry);
    if (entry.state === 'dropped') this.#file?.discount(referenceId);
    // Most logs are done before they are written, and never touch the disk.
    if (entry.isDone && !this.#file?.has(referenceId)) this.#dirty.delete(referenceId);
    else this.#write(referenceId, entry);
  }

  draft(log: SpooledLog): void {
    this.#write(log.referenceId, log);
  }

  forget(referenceId: string): void {
    if (this.#file?.has(referenceId)) this.#write(referenceId, 'gone');
    else this.#dirty.delete(referenceId);
  }

  load(referenceId: string): StoredContent | undefined {
    let log: SpooledLog | undefined;
    this.#attempt(() => {
      log = this.#file?.read(referenceId);
    });
    return log?.body === undefined ? undefined : { body: log.body, late: log.late };
  }

  usage(): SpoolUsage | undefined {
    const file = this.#file;
    if (!file || file.isClosed || file.isRemoved) return undefined;
    const { rowCount: rows, bytes: usedBytes, fileBytes } = file;
    let oldestMillis: number | undefined;
    const isRead = this.#attempt(() => {
      oldestMillis = file.readOldestMillis();
    });
    return isRead ? { rows, usedBytes, capacityBytes: this.#options.maxBytes, fileBytes, oldestMillis } : undefined;
  }

  recovered(): Promise<void> {
    return this.#recovery.done();
  }

  flush(): void {
    while (this.#dirty.size > 0 && this.#writeSome());
  }

  secure(entries: readonly LogEntry[]): void {
    if (entries.some((entry) => !entry.isFinal && !this.#file?.has(entry.referenceId))) this.flush();
  }

  isStored(referenceId: string): boolean {
    return this.#file?.has(referenceId) === true && !this.#dirty.has(referenceId);
  }

  close(): void {
    this.flush();
    this.#isClosed = true;
    this.#timer.clear();
    this.#recovery.stop();
    this.#attempt(() => this.#file?.close());
  }

  #write(referenceId: string, what: LogEntry | SpooledLog | 'gone'): void {
    this.#dirty.set(referenceId, what);
    this.#schedule(this.#options.fsyncMillis);
  }

  /** If the timer is set, keeps it: while the disk fails, a new change must not cause an earlier attempt. */
  #schedule(delayMillis: number): void {
    if (!this.#timer.isSet && !this.#isClosed) this.#timer.fireAt(performance.now() + delayMillis);
  }

  #writeInTurn(): void {
    const isWritten = this.#writeSome();
    if (this.#dirty.size > 0) this.#schedule(isWritten ? 0 : RETRY_MILLIS);
  }

  /** Writes one transaction. Returns false if the disk fails. */
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
      while (file.bytes > this.#options.maxBytes && this.#owner.dropOldestTrace('spool_full'));
    });
    if (isWritten) this.#warnings.worked();
    return isWritten;
  }

  #unload(): void {
    for (const entry of this.#resident) {
      if (!this.#owner.isPressed()) return;
      if (this.#owner.unload(entry)) this.#resident.delete(entry);
    }
  }

  /** Returns this process's file. If it was deleted, creates another one with all its rows. */
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
    this.#recovery.start(this.#file);
    return this.#file;
  }

  #attempt(step: () => void): boolean {
    try {
      step();
      return true;
    } catch (cause) {
      const error = explainSqliteError(cause, this.#options.directory);
      if (error.reason === 'no-engine') throw error;
      this.#warnings.failed(error);
      return false;
    }
  }
}

/**
 * Writes an entry's state, or removes its row if the log is done. Returns true if the body is now on disk and in
 * memory.
 */
function store(file: SpoolFile, entry: LogEntry): boolean {
  const { referenceId } = entry;
  if (entry.state === 'dropped') {
    file.remove(referenceId);
    file.moveChildren(referenceId, parentOf(entry));
    return false;
  }
  if (entry.isDone) {
    file.remove(referenceId);
    return false;
  }
  // The body is on disk already.
  if (entry.isUnloaded && entry.state !== 'delivered') {
    const { isFinal, feedback } = entry;
    const late = decodeLate(entry.desired);
    file.change({ referenceId, ...parentOf(entry), late, isFinal, feedback });
    return false;
  }
  const { body, desired, acknowledged, isFinal, startedMillis, feedback } = entry;
  file.put({
    referenceId,
    ...parentOf(entry),
    body: body && bodyText(body),
    late: decodeLate(desired),
    acknowledged: acknowledged && decodeLate(acknowledged),
    isDelivered: entry.state === 'delivered',
    isFinal,
    startedMillis,
    feedback,
  });
  return body !== undefined;
}

function parentOf({ effectiveParent }: LogEntry): Pick<SpooledLog, 'parentReferenceId' | 'isParentElsewhere'> {
  return { parentReferenceId: effectiveParent?.referenceId, isParentElsewhere: effectiveParent?.isElsewhere };
}
