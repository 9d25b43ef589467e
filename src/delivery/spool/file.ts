/** One process's spool: a SQLite file with a row for each log that is not done. */
import { existsSync, statSync, unlinkSync } from 'node:fs';
import type { SqliteDatabase, SqliteStatement } from '../../sqlite/open.ts';
import type { SpooledLog } from '../ledger/spool.ts';
import { SCHEMA, toLateColumn, toLog, toParentColumn } from './row.ts';
import { type FoundLog, type OwnFile, type TakenOver, takeOverRows } from './take-over-rows.ts';

/** Estimated bytes of a row's ids, times and index entries. */
const ROW_BYTES = 300;

/** What SQLite adds to the name of a file for the files that belong to it; first that file itself. */
const COMPANIONS = ['', '-wal', '-shm', '-journal'];

const PUT = `
  INSERT INTO log (reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (reference_id) DO UPDATE SET parent_reference_id = excluded.parent_reference_id, body = excluded.body,
    late = excluded.late, acknowledged = excluded.acknowledged, is_delivered = excluded.is_delivered,
    is_final = excluded.is_final, started_millis = excluded.started_millis`;

export class SpoolFile implements OwnFile {
  readonly path: string;
  readonly database: SqliteDatabase;
  readonly #sizes = new Map<string, number>();
  readonly #put: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #readOldest: SqliteStatement;
  readonly #change: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #moveChildren: SqliteStatement;
  readonly #markAlive: SqliteStatement;
  #bytes = 0;
  #isOtherAttached = false;
  #isClosed = false;
  /** Sizes before the current transaction. */
  #undo: Map<string, number | undefined> | undefined;

  /** The connection must have locked the file: the lock shows other processes that this one lives. */
  constructor(path: string, database: SqliteDatabase) {
    this.path = path;
    this.database = database;
    database.exec(SCHEMA);
    this.#put = database.prepare(PUT);
    this.#read = database.prepare('SELECT * FROM log WHERE reference_id = ?');
    // A stub has no start. Rows are in the order in which they were first written.
    this.#readOldest = database.prepare(
      'SELECT started_millis FROM log WHERE started_millis > 0 ORDER BY position LIMIT 1',
    );
    this.#change = database.prepare(
      'UPDATE log SET parent_reference_id = ?, late = json_patch(late, ?), is_final = ? WHERE reference_id = ?',
    );
    this.#remove = database.prepare('DELETE FROM log WHERE reference_id = ?');
    this.#moveChildren = database.prepare('UPDATE log SET parent_reference_id = ? WHERE parent_reference_id = ?');
    this.#markAlive = database.prepare(
      'INSERT INTO process (id, alive_millis) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET alive_millis = excluded.alive_millis',
    );
    this.markAlive(Date.now());
  }

  /** Estimated bytes of the rows that are to stay; the file is somewhat larger. */
  get bytes(): number {
    return this.#bytes;
  }

  get rowCount(): number {
    return this.#sizes.size;
  }

  /** Bytes of the file and its SQLite companions on disk. */
  get fileBytes(): number {
    return COMPANIONS.reduce(
      (sum, suffix) => sum + (statSync(this.path + suffix, { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  has(referenceId: string): boolean {
    return this.#sizes.has(referenceId);
  }

  transaction(work: () => void): void {
    this.database.exec('BEGIN IMMEDIATE');
    const undo = new Map<string, number | undefined>();
    this.#undo = undo;
    try {
      work();
      this.database.exec('COMMIT');
      this.#undo = undefined;
    } catch (error) {
      this.#undo = undefined;
      for (const [referenceId, bytes] of undo) this.#restore(referenceId, bytes);
      this.#rollBack();
      throw error;
    }
  }

  #restore(referenceId: string, bytes: number | undefined): void {
    this.#bytes += (bytes ?? 0) - (this.#sizes.get(referenceId) ?? 0);
    if (bytes === undefined) this.#sizes.delete(referenceId);
    else this.#sizes.set(referenceId, bytes);
  }

  #rollBack(): void {
    try {
      this.database.exec('ROLLBACK');
    } catch {
      // After some errors, such as a full disk, SQLite has rolled back by itself.
    }
  }

  put(log: SpooledLog): void {
    const late = toLateColumn(log);
    this.#put.run(
      log.referenceId,
      toParentColumn(log),
      log.body ?? null,
      late,
      log.acknowledged ? JSON.stringify(log.acknowledged) : null,
      Number(log.isDelivered),
      Number(log.isFinal),
      log.startedMillis,
    );
    this.#resize(log.referenceId, ROW_BYTES + late.length + (log.body?.length ?? 0));
  }

  /** Changes what can change in a log whose body is only here. */
  change(log: Omit<SpooledLog, 'body' | 'acknowledged' | 'isDelivered' | 'startedMillis'>): void {
    this.#change.run(toParentColumn(log), toLateColumn(log), Number(log.isFinal), log.referenceId);
  }

  read(referenceId: string): SpooledLog | undefined {
    const row = this.#read.get(referenceId);
    return row && toLog(row);
  }

  /** Returns the start of the span whose row was written first, Unix milliseconds; undefined if there are no rows. */
  readOldestMillis(): number | undefined {
    const row = this.#readOldest.get();
    return row && Number(row['started_millis']);
  }

  remove(referenceId: string): void {
    if (!this.#sizes.has(referenceId)) return;
    this.#remove.run(referenceId);
    this.#resize(referenceId, 0);
  }

  /** Stops counting the bytes of a row that is to be removed. */
  discount(referenceId: string): void {
    const bytes = this.#sizes.get(referenceId);
    if (bytes === undefined) return;
    this.#bytes -= bytes;
    this.#sizes.set(referenceId, 0);
  }

  moveChildren(fromReferenceId: string, to: Pick<SpooledLog, 'parentReferenceId' | 'isParentElsewhere'>): void {
    this.#moveChildren.run(toParentColumn(to), fromReferenceId);
  }

  markAlive(nowMillis: number): void {
    this.#markAlive.run(nowMillis);
  }

  /**
   * Moves the rows of a dead process's file here, except those that are here already, and removes the file. Rows of
   * processes that last wrote before `sinceMillis` (Unix milliseconds) expire. Yields after each step. `into` gets the
   * rows that were moved, even if a later step fails.
   */
  *takeOver(path: string, sinceMillis: number, into: TakenOver): Generator<void> {
    this.database.prepare('ATTACH DATABASE ? AS dead').run(path);
    this.#isOtherAttached = true;
    try {
      const isEmpty = yield* takeOverRows(this, sinceMillis, into);
      // Removed while it is locked, so no other process finds it. A process that has it open finds no rows.
      if (isEmpty) removeSpoolFile(path);
    } finally {
      this.#detachOther();
    }
  }

  /** Counts the row of a log that was moved here. */
  count(log: FoundLog): void {
    this.#resize(log.referenceId, ROW_BYTES + toLateColumn(log).length + log.bytes);
  }

  #detachOther(): void {
    if (!this.#isOtherAttached) return;
    this.#isOtherAttached = false;
    this.database.exec('DETACH DATABASE dead');
  }

  /** True if the file was deleted. It can still be read and written, but no other process will ever find it. */
  get isRemoved(): boolean {
    return !existsSync(this.path);
  }

  /** Copies all rows of a file that was deleted while it was in use. */
  copyFrom(removed: SpoolFile): void {
    this.transaction(() => {
      for (const referenceId of removed.#sizes.keys()) {
        const log = removed.read(referenceId);
        if (log) this.put(log);
      }
    });
  }

  /**
   * Unlocks the file, and deletes it if no rows are left. The lock is given up explicitly, since
   * `@photostructure/sqlite` keeps a connection open until its statements are collected.
   */
  close(): void {
    this.#isClosed = true;
    try {
      this.#detachOther();
      this.database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM process');
    } finally {
      this.database.close();
      if (this.#sizes.size === 0) removeSpoolFile(this.path);
    }
  }

  #resize(referenceId: string, bytes: number): void {
    const before = this.#sizes.get(referenceId);
    if (this.#undo && !this.#undo.has(referenceId)) this.#undo.set(referenceId, before);
    this.#bytes += bytes - (before ?? 0);
    if (bytes > 0) this.#sizes.set(referenceId, bytes);
    else this.#sizes.delete(referenceId);
  }
}

/** Deletes the file and its SQLite companions. A file that is not there is ignored. */
export function removeSpoolFile(path: string): void {
  for (const suffix of COMPANIONS) {
    try {
      unlinkSync(path + suffix);
    } catch {
      // It is not there, or another process was quicker.
    }
  }
}
