/** One process's spool: a SQLite file with a row for each log that is not done. */
import { unlinkSync } from 'node:fs';
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
  /** When its process last wrote, Unix milliseconds. */
  readonly aliveMillis: number;
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
    started_millis INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS log_parent ON log (parent_reference_id);
  CREATE TABLE IF NOT EXISTS process (id INTEGER PRIMARY KEY CHECK (id = 1), alive_millis INTEGER NOT NULL);
`;

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
  }

  /** Bytes of the rows; the file is somewhat larger. */
  get bytes(): number {
    return this.#bytes;
  }

  has(referenceId: string): boolean {
    return this.#sizes.has(referenceId);
  }

  transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
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

  moveChildren(fromReferenceId: string, toReferenceId: string | undefined): void {
    this.#moveChildren.run(toReferenceId ?? null, fromReferenceId);
  }

  markAlive(nowMillis: number): void {
    this.#markAlive.run(nowMillis);
  }

  /**
   * Moves the rows of a dead process's file here, but for those that are here already, and tells which they are. What
   * is older than `sinceMillis` is left out.
   */
  takeOver(orphanPath: string, sinceMillis: number): { logs: OrphanedLog[]; expired: string[] } {
    this.#database.prepare('ATTACH DATABASE ? AS orphan').run(orphanPath);
    try {
      const alive = this.#database.prepare('SELECT alive_millis FROM orphan.process').get();
      const aliveMillis = Number(alive?.['alive_millis'] ?? Date.now());
      const fresh = this.#database.prepare(
        'SELECT reference_id, parent_reference_id, late, acknowledged, is_delivered, is_final, started_millis, length(body) AS bytes FROM orphan.log WHERE reference_id NOT IN (SELECT reference_id FROM log) ORDER BY position',
      );
      const logs: OrphanedLog[] = [];
      const expired: string[] = [];
      for (const row of fresh.all()) {
        const log = { ...toLog(row), bytes: Number(row['bytes'] ?? 0), aliveMillis };
        if (aliveMillis < sinceMillis) expired.push(log.referenceId);
        else logs.push(log);
      }
      if (logs.length > 0) {
        this.#database.exec(
          'INSERT OR IGNORE INTO log (reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis) SELECT reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis FROM orphan.log ORDER BY position',
        );
        for (const { referenceId, bytes } of logs) this.#resize(referenceId, ROW_BYTES + bytes);
      }
      // Whoever locks that file next finds nothing in it.
      this.#database.exec('DELETE FROM orphan.log');
      return { logs, expired };
    } finally {
      this.#database.exec('DETACH DATABASE orphan');
    }
  }

  /** Deletes the file if nothing is left in it. */
  close(): void {
    this.#database.close();
    if (this.#sizes.size === 0) removeSpoolFile(this.path);
  }

  #resize(referenceId: string, bytes: number): void {
    this.#bytes += bytes - (this.#sizes.get(referenceId) ?? 0);
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
