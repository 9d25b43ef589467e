/**
 * Moves the rows of a dead process's file into this process's own, some at a time: a file of 200 MB would hold up the
 * app for a second.
 */
import type { SqliteDatabase } from '../../sqlite/open.ts';
import type { SpooledLog } from '../ledger/spool.ts';
import { toLog } from './row.ts';

/** A log as it was found in a dead process's file, without its body. */
export interface FoundLog extends SpooledLog {
  /** Length of the body. */
  readonly bytes: number;
  /** When the process that the span ran in last wrote, Unix milliseconds. */
  readonly aliveMillis: number;
}

export interface TakenOver {
  readonly logs: FoundLog[];
  /** References of those that are too old. */
  readonly expired: string[];
}

/** What the rows are moved into. */
export interface OwnFile {
  readonly database: SqliteDatabase;
  /** It is given up: nothing more can be moved into it. */
  readonly isClosed: boolean;
  has(referenceId: string): boolean;
  count(log: FoundLog): void;
}

const ROWS_PER_STEP = 50;

/** A row keeps its own process's last sign of life, however often it moves. */
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

/** The dead process's file is attached as `dead`. Yields between steps; `true` if nothing is left in it. */
export function* takeOverRows(own: OwnFile, sinceMillis: number, into: TakenOver): Generator<void, boolean> {
  const { database } = own;
  // Locked from here on, since the connection locks for itself whatever it touches.
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
    // Here before they are gone there: a process that is killed between the two leaves a row twice, never lost.
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
