/**
 * Moves the rows of a dead process's file into this process's own file, some at a time: a file of 200 MB would block
 * the app for a second.
 */
import type { SqliteDatabase } from '../../sqlite/open.ts';
import type { SpooledLog } from '../ledger/spool.ts';
import { toLog } from './row.ts';

/** A log as it was found in a dead process's file, without its body. */
export interface FoundLog extends SpooledLog {
  /** Length of the body, in bytes. */
  readonly bytes: number;
  /** Last write of the process that the span ran in, Unix milliseconds. */
  readonly aliveMillis: number;
}

export interface TakenOver {
  readonly logs: FoundLog[];
  /** Reference ids of logs that are too old. */
  readonly expired: string[];
}

/** The file that the rows are moved into. */
export interface OwnFile {
  readonly database: SqliteDatabase;
  /** Nothing more can be moved into it. */
  readonly isClosed: boolean;
  has(referenceId: string): boolean;
  count(log: FoundLog): void;
}

const ROWS_PER_STEP = 50;

/** The last write of the row's own process, however often the row was moved since. */
const ALIVE = 'COALESCE(alive_millis, (SELECT alive_millis FROM dead.process), 0)';

const PAGE = `
  SELECT position, reference_id, parent_reference_id, late, acknowledged, is_delivered, is_final, started_millis,
    length(CAST(body AS BLOB)) AS bytes, ${ALIVE} AS alive_millis
  FROM dead.log WHERE position > ? ORDER BY position LIMIT ${ROWS_PER_STEP}`;

const COPY = `
  INSERT OR IGNORE INTO main.log (reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final,
    started_millis, alive_millis)
  SELECT reference_id, parent_reference_id, body, late, acknowledged, is_delivered, is_final, started_millis, ${ALIVE}
  FROM dead.log WHERE position > ? AND position <= ? AND ${ALIVE} >= ? ORDER BY position`;

/**
 * Moves the rows of the file that is attached as `dead`. Yields after each step. Returns true if no rows are left
 * there.
 */
export function* takeOverRows(own: OwnFile, sinceMillis: number, into: TakenOver): Generator<void, boolean> {
  const { database } = own;
  // This read locks the file: the connection's locking mode is exclusive.
  const tables = database.prepare("SELECT name FROM dead.sqlite_schema WHERE name IN ('log', 'process')").all();
  if (tables.length < 2) return true;
  const page = database.prepare(PAGE);
  const copy = database.prepare(COPY);
  const remove = database.prepare('DELETE FROM dead.log WHERE position <= ?');
  let position = Number.MIN_SAFE_INTEGER;
  for (let rows = page.all(position); rows.length > 0; rows = page.all(position)) {
    const last = Number(rows.at(-1)?.['position']);
    const found = rows.map((row) => ({
      ...toLog(row),
      bytes: Number(row['bytes'] ?? 0),
      aliveMillis: Number(row['alive_millis']),
    }));
    const missing = found.filter(({ referenceId }) => !own.has(referenceId));
    // Copied before they are removed: a process that is killed in between leaves a row twice and never loses one.
    copy.run(position, last, sinceMillis);
    for (const log of missing) {
      if (log.aliveMillis < sinceMillis) {
        into.expired.push(log.referenceId);
      } else {
        own.count(log);
        into.logs.push(log);
      }
    }
    remove.run(last);
    position = last;
    yield;
    if (own.isClosed) return false;
  }
  return true;
}
