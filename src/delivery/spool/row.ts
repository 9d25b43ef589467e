/** A log as a row of a spool file. */
import type { SqliteRow } from '../../sqlite/open.ts';
import type { LateFields } from '../../wire/late-fields.ts';
import type { SpooledLog } from '../ledger/spool.ts';

export const SCHEMA = `
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

/** Stands before the reference of a parent that another process logs. No reference begins with it. */
const ELSEWHERE = '^';

type Parent = Pick<SpooledLog, 'parentReferenceId' | 'isParentElsewhere'>;

export function toParentColumn({ parentReferenceId, isParentElsewhere }: Parent): string | null {
  if (parentReferenceId === undefined) return null;
  return isParentElsewhere ? ELSEWHERE + parentReferenceId : parentReferenceId;
}

function readParent(column: string | null): Parent {
  const isParentElsewhere = column?.startsWith(ELSEWHERE) === true;
  return { parentReferenceId: (isParentElsewhere ? column?.slice(1) : column) ?? undefined, isParentElsewhere };
}

export function toLog(row: SqliteRow): SpooledLog {
  const body = row['body'];
  return {
    referenceId: String(row['reference_id']),
    ...readParent(row['parent_reference_id'] as string | null),
    body: typeof body === 'string' ? body : undefined,
    ...readLate(String(row['late'])),
    acknowledged: row['acknowledged'] ? (JSON.parse(String(row['acknowledged'])) as LateFields) : undefined,
    isDelivered: Number(row['is_delivered']) === 1,
    isFinal: Number(row['is_final']) === 1,
    startedMillis: Number(row['started_millis']),
  };
}

type Late = Pick<SpooledLog, 'late' | 'feedback'>;

/** Encodes what can change in a log. The feedback is among the late fields, so files of older versions can be read. */
export function toLateColumn({ late, feedback }: Late): string {
  return JSON.stringify(feedback && feedback.length > 0 ? { ...late, feedback } : late);
}

function readLate(column: string): Late {
  const { feedback, ...late } = JSON.parse(column) as LateFields & Pick<Late, 'feedback'>;
  return { late, feedback };
}
