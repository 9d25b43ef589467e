/** One process's spool: a SQLite file with a row for each log that is not done. */
import { existsSync, unlinkSync } from 'node:fs';
import type { SqliteDatabase, SqliteRow, SqliteStatement } from '../sqlite/open.ts';
import type { Late } from './log-entry.ts';

export interface SpooledLog {
  readonly referenceId: string;
  readonly parentReferenceId: string | undefined;
  /** The datapoint without its ids and late fields; `undefined` where only updates are left to send. */
  readonly body: string | undefined;
  readonly late: Late;
  readonly acknowledged: Late | undefined;
  readonly isDelivered: boolean;
  /** The span has ended. */
  readonly isFinal: boolean;
  /** Start of the span, Unix milliseconds. */
  readonly startedMillis: number;
}

/** A log as it was found in a dead process's file, without its body. */
export interface OrphanedLog extends SpooledLog {
  readonly bytes: number;
  /** When the process that the span ran in last wrote, Unix milliseconds. */
  readonly aliveMillis: number;
}

export interface Inheritance {
  readonly logs: OrphanedLog[];
  /** References of those that are too old. */
  readonly expired: string[];
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY,
    reference_id TEXT NOT NULL UNIQUE,
    parent_reference_id TEXT,
    body TEXT,
    late TEXT NOT NULL,
    acknowledged TEXT,
    is_delivered INTEGER NOT NULL,
    is_final INTEGER NOT NULL,
    started_millis INTEGER NOT NULL,
    alive_millis INTEGER
  );
  CREATE INDEX IF NOT EXISTS log_parent ON log (parent_reference_id);
  CREATE TABLE IF NOT EXISTS process (id INTEGER PRIMARY KEY CHECK (id = 1), alive_millis INTEGER NOT NULL);
`;

const COLUMNS =
  'reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis, alive_millis';

/** An orphan's rows that are not here, without their bodies. */
const ORPHANS = `
  SELECT reference_id, parent_reference_id, late, acknowledged, is_delivered, is_final, started_millis,
    length(CAST(body AS BLOB)) AS bytes, COALESCE(alive_millis, (SELECT alive_millis FROM orphan.process), 0) AS alive_millis
  FROM orphan.log WHERE reference_id NOT IN (SELECT reference_id FROM main.log) ORDER BY position`;

const INHERIT = `
  INSERT OR IGNORE INTO main.log (${COLUMNS})
  SELECT reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis,
    COALESCE(alive_millis, (SELECT alive_millis FROM orphan.process), 0)
  FROM orphan.log WHERE COALESCE(alive_millis, (SELECT alive_millis FROM orphan.process), 0) >= ? ORDER BY position`;

/** A row's ids, times and index entries, roughly. */
const ROW_BYTES = 300;

const PUT = `
  INSERT INTO log (reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (reference_id) DO UPDATE SET parent_reference_id = excluded.parent_reference_id, body = excluded.body,
    late = excluded.late, acknowledged = excluded.acknowledged, is_delivered = excluded.is_delivered,
    is_final = excluded.is_final, started_millis = excluded.started_millis`;

export class SpoolFile {
  readonly path: string;
  readonly #database: SqliteDatabase;
  readonly #sizes = new Map<string, number>();
  readonly #put: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #change: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #moveChildren: SqliteStatement;
  readonly #markAlive: SqliteStatement;
  #bytes = 0;
  /** Sizes before the transaction that is under way. */
  #undo: Map<string, number | undefined> | undefined;

  /** The connection must hold the file for itself: its lock is what tells others that this process lives. */
  constructor(path: string, database: SqliteDatabase) {
    this.path = path;
    this.#database = database;
    database.exec(SCHEMA);
    this.#put = database.prepare(PUT);
    this.#read = database.prepare('SELECT * FROM log WHERE reference_id = ?');
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

  /** Bytes of the rows that are to stay; the file is somewhat larger. */
  get bytes(): number {
    return this.#bytes;
  }

  has(referenceId: string): boolean {
    return this.#sizes.has(referenceId);
  }

  transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    const undo = new Map<string, number | undefined>();
    this.#undo = undo;
    try {
      work();
      this.#database.exec('COMMIT');
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
      this.#database.exec('ROLLBACK');
    } catch {
      // After some errors, such as a full disk, SQLite has done it itself.
    }
  }

  put(log: SpooledLog): void {
    const late = JSON.stringify(log.late);
    this.#put.run(
      log.referenceId,
      log.parentReferenceId ?? null,
      log.body ?? null,
      late,
      log.acknowledged ? JSON.stringify(log.acknowledged) : null,
      Number(log.isDelivered),
      Number(log.isFinal),
      log.startedMillis,
    );
    this.#resize(log.referenceId, ROW_BYTES + late.length + (log.body?.length ?? 0));
  }

  /** Changes what can change of a log whose body is only here. */
  change(referenceId: string, parentReferenceId: string | undefined, late: Late, isFinal: boolean): void {
    this.#change.run(parentReferenceId ?? null, JSON.stringify(late), Number(isFinal), referenceId);
  }

  read(referenceId: string): SpooledLog | undefined {
    const row = this.#read.get(referenceId);
    return row && toLog(row);
  }

  remove(referenceId: string): void {
    if (!this.#sizes.has(referenceId)) return;
    this.#remove.run(referenceId);
    this.#resize(referenceId, 0);
  }

  /** The row is to be removed: its bytes count no more. */
  discount(referenceId: string): void {
    const bytes = this.#sizes.get(referenceId);
    if (bytes === undefined) return;
    this.#bytes -= bytes;
    this.#sizes.set(referenceId, 0);
  }

  moveChildren(fromReferenceId: string, toReferenceId: string | undefined): void {
    this.#moveChildren.run(toReferenceId ?? null, fromReferenceId);
  }

  markAlive(nowMillis: number): void {
    this.#markAlive.run(nowMillis);
  }

  /**
   * Moves the rows of a dead process's file here, but for those that are here already, and removes the file. What was
   * last alive before `sinceMillis` is left out. A row keeps its own process's last sign of life, however often it moves.
   */
  takeOver(orphanPath: string, sinceMillis: number): Inheritance {
    this.#database.prepare('ATTACH DATABASE ? AS orphan').run(orphanPath);
    try {
      // Locked from here on, since the connection locks for itself whatever it touches.
      const tables = this.#database.prepare("SELECT name FROM orphan.sqlite_schema WHERE name IN ('log', 'process')");
      const inheritance = tables.all().length === 2 ? this.#moveRows(sinceMillis) : { logs: [], expired: [] };
      // While it is locked, so that nobody else finds it; and whoever has it open already finds nothing in it.
      removeSpoolFile(orphanPath);
      return inheritance;
    } finally {
      this.#database.exec('DETACH DATABASE orphan');
    }
  }

  /** A file that is removed can still be read and written, but no other process will ever find it. */
  get isRemoved(): boolean {
    return !existsSync(this.path);
  }

  /** All rows of a file that was removed while it was in use. */
  copyFrom(removed: SpoolFile): void {
    this.transaction(() => {
      for (const referenceId of removed.#sizes.keys()) {
        const log = removed.read(referenceId);
        if (log) this.put(log);
      }
    });
  }

  /**
   * Lets go of the lock, and deletes the file if nothing is left in it. The lock is let go of outright, since
   * `@photostructure/sqlite` keeps a connection open until its statements are collected.
   */
  close(): void {
    try {
      this.#database.exec('PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL; SELECT count(*) FROM process');
    } finally {
      this.#database.close();
      if (this.#sizes.size === 0) removeSpoolFile(this.path);
    }
  }

  #moveRows(sinceMillis: number): Inheritance {
    const logs: OrphanedLog[] = [];
    const expired: string[] = [];
    for (const row of this.#database.prepare(ORPHANS).all()) {
      const log = { ...toLog(row), bytes: Number(row['bytes'] ?? 0), aliveMillis: Number(row['alive_millis']) };
      if (log.aliveMillis < sinceMillis) expired.push(log.referenceId);
      else logs.push(log);
    }
    // Here before it is gone there: a process that is killed between the two leaves a row twice, never lost.
    this.#database.prepare(INHERIT).run(sinceMillis);
    for (const { referenceId, late, bytes } of logs) {
      this.#resize(referenceId, ROW_BYTES + JSON.stringify(late).length + bytes);
    }
    this.#database.exec('DELETE FROM orphan.log');
    return { logs, expired };
  }

  #resize(referenceId: string, bytes: number): void {
    const before = this.#sizes.get(referenceId);
    if (this.#undo && !this.#undo.has(referenceId)) this.#undo.set(referenceId, before);
    this.#bytes += bytes - (before ?? 0);
    if (bytes > 0) this.#sizes.set(referenceId, bytes);
    else this.#sizes.delete(referenceId);
  }
}

export function removeSpoolFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    try {
      unlinkSync(path + suffix);
    } catch {
      // Not there, or another process was quicker.
    }
  }
}

function toLog(row: SqliteRow): SpooledLog {
  const body = row['body'];
  return {
    referenceId: String(row['reference_id']),
    parentReferenceId: (row['parent_reference_id'] as string | null) ?? undefined,
    body: typeof body === 'string' ? body : undefined,
    late: JSON.parse(String(row['late'])) as Late,
    acknowledged: row['acknowledged'] ? (JSON.parse(String(row['acknowledged'])) as Late) : undefined,
    isDelivered: Number(row['is_delivered']) === 1,
    isFinal: Number(row['is_final']) === 1,
    startedMillis: Number(row['started_millis']),
  };
}
