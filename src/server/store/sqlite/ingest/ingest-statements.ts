/**
 * Every fixed statement of `ingest`, named for what it does. Those that run for most spans or traces take values by
 * position: by name takes several times as long.
 */
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';
import { isContent, REVISED_COLUMNS } from '../../rows/stored-log.ts';
import { MARK_AGAIN, MARK_LOGS, NEW_MARK } from '../viewer/marks.ts';

/** Traces that one statement deletes, with their parts, whose calls are deleted before in statements of their own. */
export const FORGOTTEN_AT_ONCE = 20;
export const CALLS_FORGOTTEN_AT_ONCE = 1_000;

/** The oldest traces that were seen before a time. */
const FORGOTTEN = `SELECT key FROM traces WHERE seen_at < ? ORDER BY seen_at LIMIT ${FORGOTTEN_AT_ONCE}`;

const SQL = {
  findTrace: `SELECT key, last_part FROM traces WHERE trace_id = ?`,
  insertTrace: `INSERT INTO traces (trace_id, last_part, seen_at) VALUES (?, 1, ?)`,
  seeTrace: `UPDATE traces SET last_part = ?, seen_at = max(seen_at, ?) WHERE key = ?`,
  listParts: `SELECT spans FROM trace_parts WHERE trace_key = ? ORDER BY part`,
  deleteParts: `DELETE FROM trace_parts WHERE trace_key = ?`,
  insertPart: `INSERT INTO trace_parts (trace_key, part, spans) VALUES (?, ?, ?)`,
  readContent: `SELECT content FROM trace_contents
    WHERE trace_key = (SELECT key FROM traces WHERE trace_id = ?) AND reference_id = ?`,
  keepContent: `INSERT INTO trace_contents (trace_key, reference_id, content)
    SELECT key, :reference_id, :content FROM traces WHERE trace_id = :trace_id
    ON CONFLICT (trace_key, reference_id) DO UPDATE SET content = excluded.content`,
  dropContent: `DELETE FROM trace_contents
    WHERE trace_key = (SELECT key FROM traces WHERE trace_id = ?) AND reference_id = ?`,
  insertCall: `INSERT INTO trace_calls (call_key, start_millis, span_id, end_millis, reporter, trace_key)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  forgetCalls: `DELETE FROM trace_calls WHERE (call_key, start_millis, trace_key, span_id) IN
    (SELECT call_key, start_millis, trace_key, span_id FROM trace_calls WHERE trace_key IN (${FORGOTTEN})
      LIMIT ${CALLS_FORGOTTEN_AT_ONCE})`,
  forgetTraces: `DELETE FROM traces WHERE key IN (${FORGOTTEN})`,

  findLog: `SELECT key, project_key, session_key, metadata FROM logs WHERE reference_id = ?`,
  readLog: `SELECT logs.*, projects.name AS project, sessions.reference_id AS session_reference_id,
      configs.content AS config
    FROM logs JOIN projects ON projects.key = logs.project_key
    LEFT JOIN sessions ON sessions.key = logs.session_key
    LEFT JOIN configs ON configs.key = logs.config_key
    WHERE logs.reference_id = ?`,
  setParent: `WITH RECURSIVE ancestors (key) AS (
      SELECT key FROM logs WHERE reference_id = :parent
      UNION
      SELECT logs.parent_key FROM logs JOIN ancestors ON logs.key = ancestors.key WHERE logs.parent_key IS NOT NULL
    )
    UPDATE logs SET updated_at = :now, parent_reference_id = :parent, parent_key =
      CASE WHEN key IN ancestors THEN NULL ELSE (SELECT key FROM logs WHERE reference_id = :parent) END
    WHERE key = :key`,
  /** Of a JSON array of reference ids. */
  listLogsThatWait: `SELECT logs.key, logs.parent_reference_id AS named FROM json_each(?) AS span
    CROSS JOIN logs ON logs.parent_reference_id = span.value AND logs.parent_key IS NULL`,
  setSession: `UPDATE logs SET updated_at = :now, session_key = :session_key WHERE key = :key`,
  setContent: `UPDATE logs SET updated_at = :now, config_key = :config_key,
      called = CASE WHEN save THEN :called END,
      ${REVISED_COLUMNS.map((column) => (isContent(column) ? `${column} = CASE WHEN save THEN :${column} END` : `${column} = :${column}`)).join(', ')}
    WHERE key = :key`,
  setDuration: `UPDATE logs SET updated_at = :now, duration = :duration WHERE key = :key`,
  setMetadata: `UPDATE logs SET updated_at = :now, metadata = :metadata WHERE key = :key`,
  moveFeedback: `UPDATE feedback SET log_key = (SELECT key FROM logs WHERE reference_id = :into) WHERE log_key = :key`,
  clearReference: `UPDATE logs SET reference_id = NULL WHERE key = ?`,
  deleteLog: `DELETE FROM logs WHERE key = ?`,
  markLog: `${MARK_LOGS} SELECT key, ${NEW_MARK} FROM logs WHERE reference_id = ? ${MARK_AGAIN}`,
  markSession: `INSERT INTO unindexed_sessions (key) VALUES (?) ON CONFLICT DO NOTHING`,
  /**
   * Of a log that no longer says all of what it said: others that repeat it are in the search index without it. Must be
   * run before the log changes.
   */
  markSessionOfRevised: `INSERT INTO unindexed_sessions (key, due_at)
    SELECT session_key, :due_at FROM logs WHERE key = :key AND session_key IS NOT NULL AND messages IS NOT NULL
      AND substr(messages, 1, length(messages) - 1) IS NOT substr(:messages, 1, length(messages) - 1)
    ON CONFLICT DO NOTHING`,
  takeFeedback: `DELETE FROM feedback WHERE key = (SELECT key FROM feedback
    WHERE log_key = (SELECT key FROM logs WHERE reference_id = :from) AND type = :type AND value = :value
      AND user IS :user AND (:created_at IS NULL OR created_at = :created_at) ORDER BY key LIMIT 1)`,
  hasFeedback: `SELECT 1 FROM feedback WHERE log_key = :log_key AND type = :type AND value = :value
    AND user IS :user AND (:created_at IS NULL OR created_at = :created_at)`,

  findSession: `SELECT key FROM sessions WHERE reference_id = ?`,
  insertSession: `INSERT INTO sessions (id, reference_id, created_at, updated_at)
    VALUES (:id, :reference_id, :now, :now) RETURNING key`,
  linkSession: `INSERT INTO session_projects (project_key, session_key) VALUES (:project_key, :session_key)
    ON CONFLICT DO NOTHING`,
  unlinkSession: `DELETE FROM session_projects WHERE project_key = :project_key AND session_key = :session_key
    AND NOT EXISTS (SELECT 1 FROM logs WHERE session_key = :session_key AND project_key = :project_key)`,
  deleteEmptySession: `DELETE FROM sessions WHERE key = :key AND NOT EXISTS
    (SELECT 1 FROM logs WHERE session_key = :key)`,
} as const;

export type IngestStatements = ReturnType<typeof prepareIngestStatements>;

export function prepareIngestStatements(prepare: Prepare) {
  return prepareAll(prepare, SQL);
}
