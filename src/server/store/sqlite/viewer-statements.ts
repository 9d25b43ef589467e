/** Every fixed statement of the viewer's reads and of the index behind them, named for what it does. */
import { type Prepare, prepareAll } from '../../../sqlite/statement-cache.ts';

const MAX_FILTER_VALUES = 500;
/** A larger session is cut: its newest logs are left out. */
const MAX_SESSION_LOGS = 20_000;
/** A search reads matching logs in portions of this size. */
export const MATCHES_PORTION = 200;

const LOG_COLUMNS = `
  logs.key, logs.id, logs.parent_key, logs.parent_reference_id, logs.reference_id, logs.created_at, logs.updated_at,
  substr(logs.output, 1, 160) AS output, substr(logs.error, 1, 300) AS error, logs.duration,
  (logs.duration IS NULL AND logs.output IS NULL AND logs.error IS NULL) AS is_running, prompt_tokens, output_tokens,
  coalesce(prompt_cost + output_cost, prompt_cost, output_cost) AS cost, logs.config_key, projects.name AS project,
  json_extract(metadata, '$.trace_id') AS trace,
  CASE WHEN logs.output IS NULL THEN json_extract(output_message, '$.tool_calls[0].function.name') END AS calls,
  (SELECT json_group_array(json_object('type', type, 'value', json(value))) FROM feedback WHERE log_key = logs.key)
    AS feedback`;

const CHANGED_LOGS = `
  (logs.updated_at >= :since OR EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key))
  ORDER BY logs.created_at, logs.key LIMIT ${MAX_SESSION_LOGS}`;

const CONFIG_COLUMNS = `key, type, model, json_extract(content, '$.name') AS name,
  json_extract(content, '$.agent_class') AS agent_class`;

/** A log in no session is shown like a session of itself and all logs below it. `:key` is minus the log's. */
const BELOW = `
  WITH RECURSIVE below (key) AS (SELECT -:key UNION SELECT logs.key FROM logs JOIN below ON logs.parent_key = below.key)`;

const SQL = {
  readSummary: `SELECT summary.*, sessions.reference_id,
      coalesce(sessions.id, logs.id) AS id,
      CASE WHEN summary.key > 0 THEN (SELECT json_group_array(name) FROM session_projects
        JOIN projects ON projects.key = project_key WHERE session_key = summary.key)
      ELSE (SELECT json_array(name) FROM projects WHERE key = logs.project_key) END AS projects
    FROM session_summaries AS summary
    LEFT JOIN sessions ON sessions.key = summary.key
    LEFT JOIN logs ON logs.key = -summary.key
    WHERE summary.key = ?`,
  findSummaryKey: `SELECT key FROM sessions WHERE id = :id
    UNION ALL SELECT -key FROM logs WHERE id = :id AND session_key IS NULL`,
  findSummaryId: `SELECT coalesce((SELECT id FROM sessions WHERE key = :key), (SELECT id FROM logs WHERE key = -:key))
    AS id`,
  findSessionId: `SELECT id FROM sessions WHERE key = ?`,
  findLogById: `SELECT key, session_key, parent_key, id FROM logs WHERE id = ?`,
  findLogByKey: `SELECT key, session_key, parent_key, id FROM logs WHERE key = ?`,

  listLogsOfSession: `SELECT ${LOG_COLUMNS} FROM logs JOIN projects ON projects.key = project_key
    WHERE logs.session_key = :key AND ${CHANGED_LOGS}`,
  listLogsBelow: `${BELOW}
    SELECT ${LOG_COLUMNS} FROM logs JOIN projects ON projects.key = project_key
    WHERE logs.key IN below AND ${CHANGED_LOGS}`,
  countLogsOfSession: `SELECT count(*) AS total FROM logs WHERE session_key = :key`,
  countLogsBelow: `${BELOW} SELECT count(*) AS total FROM logs WHERE key IN below`,
  listConfigsOfSession: `SELECT ${CONFIG_COLUMNS} FROM configs
    WHERE key IN (SELECT config_key FROM logs WHERE session_key = :key)`,
  listConfigsBelow: `${BELOW}
    SELECT ${CONFIG_COLUMNS} FROM configs WHERE key IN (SELECT config_key FROM logs WHERE key IN below)`,

  listFacets: `SELECT value FROM facets WHERE kind = ? AND EXISTS
    (SELECT 1 FROM session_facets WHERE facet_key = facets.key) ORDER BY value LIMIT ${MAX_FILTER_VALUES}`,
  findFacet: `SELECT key FROM facets WHERE kind = ? AND value = ?`,
  insertFacet: `INSERT INTO facets (kind, value) VALUES (?, ?) RETURNING key`,
  addFacet: `INSERT INTO session_facets (facet_key, session_key) VALUES (?, ?) ON CONFLICT DO NOTHING`,
  countSessionsOfFacet: `SELECT count(*) AS count FROM (SELECT 1 FROM session_facets WHERE facet_key = ? LIMIT ?)`,
  clearFacets: `DELETE FROM session_facets WHERE session_key = ? AND facet_key IN (SELECT key FROM facets)`,

  listMatches: `SELECT rowid AS key FROM logs_search
    WHERE logs_search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ${MATCHES_PORTION}`,
  readMatch: `SELECT logs.id, inputs, messages, output, output_message, error, model,
      json_extract(content, '$.name') AS name
    FROM logs LEFT JOIN configs ON configs.key = config_key WHERE logs.key = ?`,

  takeMarkedSession: `DELETE FROM unindexed_sessions WHERE key = (SELECT min(key) FROM unindexed_sessions)
    RETURNING key`,
  takeMarkedLog: `DELETE FROM unindexed_logs WHERE key = (SELECT max(key) FROM unindexed_logs) RETURNING key`,
  markLogsOfSession: `INSERT INTO unindexed_logs (key) SELECT key FROM logs WHERE session_key = :key OR key = -:key
    ON CONFLICT DO NOTHING`,
  readLogToIndex: `SELECT logs.key, session_key, parent_key, parent_reference_id, logs.created_at, inputs, messages,
      output, output_message, error, projects.name AS project, configs.type, configs.model,
      json_extract(configs.content, '$.name') AS name,
      (SELECT json_group_array(json_array(type, json(value))) FROM feedback WHERE log_key = logs.key) AS feedback
    FROM logs JOIN projects ON projects.key = logs.project_key LEFT JOIN configs ON configs.key = config_key
    WHERE logs.key = ?`,
  writeText: `INSERT OR REPLACE INTO logs_search (rowid, text) VALUES (?, ?)`,
  clearTexts: `UPDATE session_summaries SET first_input = NULL, first_input_rank = NULL, last_output = NULL,
      last_output_rank = NULL,
      started_at = coalesce((SELECT min(created_at) FROM logs WHERE session_key = :key OR logs.key = -:key), started_at),
      ended_at = coalesce((SELECT max(unixepoch(created_at, 'subsec') + coalesce(duration, 0)) FROM logs
        WHERE session_key = :key OR logs.key = -:key), ended_at)
    WHERE key = :key`,
  setFirstInput: `UPDATE session_summaries SET first_input = :text, first_input_rank = :rank
    WHERE key = :key AND (first_input_rank IS NULL OR first_input_rank >= :rank)`,
  setLastOutput: `UPDATE session_summaries SET last_output = :text, last_output_rank = :rank, last_is_error = :is_error
    WHERE key = :key AND (last_output_rank IS NULL OR last_output_rank <= :rank)`,
} as const;

export type ViewerStatements = ReturnType<typeof prepareViewerStatements>;

export function prepareViewerStatements(prepare: Prepare) {
  return prepareAll(prepare, SQL);
}
