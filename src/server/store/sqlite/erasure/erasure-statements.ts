/** Every fixed statement of deletion, named for what it does. A trigger notes that the words of a deleted log must go. */
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';

/** While a session is deleted in slices, the index does not look at what is left of it, unless the next slice fails. */
export const POSTPONED_MILLIS = 2_000;
/** Logs of a tree that are listed at once, on the thread that answers. */
export const MAX_SMALL_TREE = 200;
/** In one step, so that nothing waits long for it. */
export const CHANGED_AT_ONCE = 50;

const SQL = {
  /** Children come before their parents, mostly: a parent that is deleted is taken out of each child that is left. */
  listLogsOfSession: `SELECT key FROM logs WHERE session_key = ? AND key <= ? ORDER BY key DESC LIMIT ?`,
  listLogsOfProject: `SELECT key FROM logs WHERE project_key = ? AND key <= ? ORDER BY created_at DESC, key DESC LIMIT ?`,
  /** Of the log and all below it that are in no session: these, itself last, or one more than `MAX_SMALL_TREE` of them. */
  listLogsOfTree: `WITH RECURSIVE below (key) AS (
      SELECT key FROM logs WHERE key = ?1 AND session_key IS NULL
      UNION SELECT logs.key FROM logs JOIN below ON logs.parent_key = below.key
        WHERE session_key IS NULL AND logs.key <= ?2
      LIMIT ${MAX_SMALL_TREE + 1}
    ) SELECT id FROM below JOIN logs ON logs.key = below.key ORDER BY logs.key = ?1, logs.key DESC`,
  findLogOfTree: `SELECT key FROM logs WHERE id = ? AND session_key IS NULL`,
  isUnchanged: `SELECT 1 FROM session_summaries WHERE key = ? AND updated_at = ?`,
  findNewestLog: `SELECT coalesce(max(key), 0) AS key FROM logs`,
  findTreeById: `SELECT key, id FROM logs WHERE id = ? AND session_key IS NULL AND parent_key IS NULL`,
  findTreeByReference: `SELECT key, id FROM logs WHERE reference_id = ? AND session_key IS NULL AND parent_key IS NULL`,
  listOldestSessions: `SELECT key, updated_at FROM session_summaries WHERE updated_at < ? ORDER BY updated_at, key LIMIT ?`,

  deleteLog: `DELETE FROM logs WHERE key = ? RETURNING id, project_key, session_key, config_key`,
  /** Before the log is deleted: for all children, the engine would do it at once. */
  unlinkChildren: `UPDATE logs SET parent_key = NULL
    WHERE key IN (SELECT key FROM logs WHERE parent_key = ? LIMIT ${CHANGED_AT_ONCE})`,
  /** The words of comments are among those of their log, which is indexed again. */
  clearWordsOfFeedback: `INSERT OR REPLACE INTO forgotten_logs (key) SELECT log_key FROM feedback WHERE key = ? AND user = ?`,
  deleteFeedback: `DELETE FROM feedback WHERE key = ? AND user = ?`,
  deleteEmptySession: `DELETE FROM sessions WHERE key = ? AND NOT EXISTS
    (SELECT 1 FROM logs WHERE session_key = sessions.key) RETURNING id`,
  deleteUnusedConfig: `DELETE FROM configs WHERE key = ? AND NOT is_registered
    AND NOT EXISTS (SELECT 1 FROM logs WHERE config_key = configs.key)
    AND NOT EXISTS (SELECT 1 FROM projects WHERE active_config_key = configs.key)`,
  /** What a list shows of the session's logs. The index writes it again from those that are left. */
  clearPreviews: `UPDATE session_summaries SET first_input = NULL, first_input_rank = NULL, last_output = NULL,
    last_output_rank = NULL, last_is_error = NULL WHERE key = ?`,

  hasLogsOfProject: `SELECT 1 FROM logs WHERE project_key = ? LIMIT 1`,
  /** One of them, with the project of a log that has it: a log may name a config of another project. */
  findConfigOfProject: `SELECT key,
      (SELECT project_key FROM logs WHERE key = (SELECT min(key) FROM logs WHERE config_key = configs.key)) AS used_in
    FROM configs WHERE project_key = ? LIMIT 1`,
  findSameConfig: `SELECT key FROM configs WHERE project_key = ?2 AND digest = (SELECT digest FROM configs WHERE key = ?1)`,
  useOtherConfig: `UPDATE logs SET config_key = ?2
    WHERE key IN (SELECT key FROM logs WHERE config_key = ?1 LIMIT ${CHANGED_AT_ONCE})`,
  deleteConfig: `DELETE FROM configs WHERE key = ?`,
  moveConfig: `UPDATE configs SET project_key = ?2, is_registered = 0 WHERE key = ?1`,
  deleteProject: `DELETE FROM projects WHERE key = ?`,

  /** Unused facets of a portion. */
  deleteUnusedFacets: `DELETE FROM facets WHERE key > ? AND key <= ? AND NOT EXISTS
    (SELECT 1 FROM session_facets WHERE facet_key = facets.key)`,
  findLastFacet: `SELECT coalesce(max(key), 0) AS key FROM facets`,
  hasSessionsDueBefore: `SELECT 1 FROM unindexed_sessions WHERE due_at <= ? LIMIT 1`,
  findLastForgotten: `SELECT coalesce(max(seq), 0) AS seq FROM forgotten_logs`,
  hasForgottenBefore: `SELECT 1 FROM forgotten_logs WHERE seq <= ? LIMIT 1`,
  setSessionDue: `UPDATE unindexed_sessions SET due_at = ?2 WHERE key = ?1`,

  setErasureDue: `INSERT INTO erasure_due (key, due_at, deletions) VALUES (1, ?, ?)
    ON CONFLICT (key) DO UPDATE SET due_at = min(due_at, excluded.due_at), deletions = deletions + excluded.deletions`,
  hastenErasure: `UPDATE erasure_due SET due_at = min(due_at, ?)`,
  /** They are many where they are a tenth of the logs that are left, roughly, and more than a few. */
  readErasureDue: `SELECT due_at, deletions,
      deletions > 1000 + ((SELECT max(key) FROM logs) - (SELECT min(key) FROM logs)) / 10 AS are_many
    FROM erasure_due`,
  /** The share of the search index that is of deleted logs, roughly. */
  readDeadShare: `SELECT CAST(deletions AS REAL) / max(1, deletions + (SELECT max(key) FROM logs) - (SELECT min(key) FROM logs))
    AS share FROM erasure_due`,
  clearErasureDue: `DELETE FROM erasure_due WHERE deletions = ?`,
  /** Leaves those that came meanwhile, where nobody else has changed their number. */
  reduceErasureDue: `UPDATE erasure_due SET deletions = ?2, due_at = ?3 WHERE deletions = ?1 + ?2`,

  setCompactionDue: `INSERT INTO compaction_due (key, deletions) VALUES (1, 1)
    ON CONFLICT (key) DO UPDATE SET deletions = deletions + 1`,
  readCompactionDue: `SELECT deletions FROM compaction_due`,
  clearCompactionDue: `DELETE FROM compaction_due WHERE deletions = ?`,
} as const;

export type ErasureStatements = ReturnType<typeof prepareErasureStatements>;

export function prepareErasureStatements(prepare: Prepare) {
  return prepareAll(prepare, SQL);
}

/** Statements that read a number of rows that grows with the file: they are run on a thread of their own. */
export const LIST_METADATA_WITH = `SELECT id, metadata FROM logs WHERE key > ? AND key <= ? AND instr(metadata, ?) > 0`;
/** Of each row of `LIST_TREE`. */
export const TREE_PORTION = 1_000;
/** The ids of a tree of any size, itself last, as JSON arrays. */
export const LIST_TREE = `WITH RECURSIVE below (key) AS (
    SELECT key FROM logs WHERE key = ?1 AND session_key IS NULL
    UNION SELECT logs.key FROM logs JOIN below ON logs.parent_key = below.key
      WHERE session_key IS NULL AND logs.key <= ?2
  ) SELECT json_group_array(id) AS ids FROM
    (SELECT id, row_number() OVER (ORDER BY key = ?1, key DESC) - 1 AS place FROM logs WHERE key IN below)
  GROUP BY place / ${TREE_PORTION} ORDER BY place`;
export const LIST_FEEDBACK_OF_USER = `SELECT key, log_key FROM feedback WHERE user = ? LIMIT 1000`;
export const LIST_EMPTY_SESSIONS = `SELECT key, id FROM sessions WHERE updated_at < ? AND NOT EXISTS
  (SELECT 1 FROM session_summaries WHERE key = sessions.key) LIMIT 10000`;
