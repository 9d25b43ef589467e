/** Every fixed statement of the viewer's reads and of the index behind them, named for what it does. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';
import { MAX_SEARCHED_CHARACTERS } from '../../rows/log-text.ts';
import { MAX_MODELS, OTHER_MODELS } from '../../viewer-rows.ts';
import { MARK_AGAIN, MARK_LOGS, NEW_MARK } from './marks.ts';
import { LABEL_COLUMNS, LABEL_SQL, METADATA } from './viewer-labels.ts';

const MAX_FILTER_VALUES = 500;
/** Counting stops there. */
const MAX_COUNTED_LAG = 1_000_000;
/** Logs or filters of one session, in one step. */
const MARKED_AT_ONCE = 200;
/** Rows that are read at once of what may be much longer, so that nothing waits long for their conversion. */
export const MATCHES_PORTION = 200;
export const LOGS_PORTION = 600;
/** A longer document is not parsed for the words of a match. */
const MATCH_CHARACTERS = 100_000;
/** The part of the document around the first place of a term, `?2`, which is in lower case. */
const near = (column: string) =>
  `CASE WHEN instr(lower(${column}), ?2) > 0 THEN
    substr(${column}, max(1, instr(lower(${column}), ?2) - 100), 1500) END`;

/** Names that are longer are cut: everything in a list is bounded. */
const NAME_CHARACTERS = 500;
/** The newest feedback of a log, without longer comments. */
const feedbackOf = (type: string, maxCharacters: number) => `
  (SELECT json_group_array(json_object('type', type, 'value', json(value))) FROM (
    SELECT ${type} AS type, CASE WHEN length(value) <= ${maxCharacters} THEN value ELSE '"…"' END AS value FROM (
      SELECT key, type, value FROM feedback WHERE log_key = logs.key ORDER BY key DESC LIMIT 200
    ) ORDER BY key
  )) AS feedback`;
const LISTED_FEEDBACK = feedbackOf(`substr(type, 1, ${NAME_CHARACTERS})`, NAME_CHARACTERS);
/** Comments are searched as far as a reader can write them. */
const INDEXED_FEEDBACK = feedbackOf('type', 6_000);
/** A log that cannot be indexed is found by what else it has. */
const READABLE_FEEDBACK = INDEXED_FEEDBACK.replace('json(value)', 'CASE WHEN json_valid(value) THEN json(value) END');

const LOG_COLUMNS = `
  logs.key, logs.id, logs.parent_key, substr(logs.parent_reference_id, 1, ${NAME_CHARACTERS}) AS parent_reference_id,
  substr(logs.reference_id, 1, 50) AS reference_id, logs.created_at, logs.updated_at,
  substr(logs.output, 1, 160) AS output, substr(logs.error, 1, 300) AS error, logs.duration,
  (logs.duration IS NULL AND logs.output IS NULL AND logs.error IS NULL) AS is_running, prompt_tokens, output_tokens,
  coalesce(prompt_cost + output_cost, prompt_cost, output_cost) AS cost, logs.config_key,
  substr(projects.name, 1, ${NAME_CHARACTERS}) AS project, trace_id AS trace,
  CASE WHEN logs.output IS NULL THEN called END AS calls, ${LISTED_FEEDBACK}`;

/** By key: `?2` and `?3` are time and key of the last log of the portion before. */
const NEXT_LOGS = `(logs.created_at, logs.key) > (?2, ?3)
  ORDER BY logs.created_at, logs.key LIMIT ${LOGS_PORTION}`;
const CHANGED_LOGS = `
  (logs.updated_at >= ?4 OR EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key)) AND ${NEXT_LOGS}`;

const CONFIG_COLUMNS = `key, type, substr(model, 1, ${NAME_CHARACTERS}) AS model, label`;

/**
 * A log in no session is shown like a session of itself and the logs below it that are in none either. `?1` is minus the
 * log's key.
 */
const BELOW = `
  WITH RECURSIVE below (key) AS (SELECT -?1
    UNION SELECT logs.key FROM logs JOIN below ON logs.parent_key = below.key WHERE logs.session_key IS NULL)`;

const IN_DAYS = `day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR project_key = (SELECT key FROM projects WHERE name = ?3))`;

/** Statements that read a number of rows that grows with the file: they are run on a thread of their own. */
export const SCANS = {
  listLogsOfSession: `SELECT ${LOG_COLUMNS} FROM logs JOIN projects ON projects.key = project_key
    WHERE logs.session_key = ?1 AND ${CHANGED_LOGS}`,
  listLogsBelow: `${BELOW}
    SELECT ${LOG_COLUMNS} FROM logs JOIN projects ON projects.key = project_key
    WHERE logs.key IN below AND ${CHANGED_LOGS}`,
  countLogsBelow: `${BELOW} SELECT count(*) AS total FROM logs WHERE key IN below`,
  /** The log at the top of those that are in no session, or the session that one above it is in. */
  findTop: `WITH RECURSIVE above (key, session_key, parent_key) AS (
      SELECT key, session_key, parent_key FROM logs WHERE key = ?
      UNION SELECT logs.key, logs.session_key, logs.parent_key FROM logs JOIN above ON logs.key = above.parent_key
        WHERE above.session_key IS NULL)
    SELECT coalesce(sessions.id, logs.id) AS id FROM above JOIN logs ON logs.key = above.key
      LEFT JOIN sessions ON sessions.key = above.session_key
    WHERE above.session_key IS NOT NULL OR above.parent_key IS NULL LIMIT 1`,
  listKeysOfSession: `SELECT logs.key, logs.created_at FROM logs WHERE logs.session_key = ?1 AND ${NEXT_LOGS}`,
  listKeysBelow: `${BELOW}
    SELECT logs.key, logs.created_at FROM logs WHERE logs.key IN below AND ${NEXT_LOGS}`,
  listConfigs: `SELECT ${CONFIG_COLUMNS} FROM configs WHERE key IN (SELECT value FROM json_each(?))`,

  /** Days with counts, newest first, and the models that have most of them; both as JSON. */
  listDays: `SELECT
      (SELECT json_group_array(day) FROM (SELECT DISTINCT day FROM day_counts WHERE ${IN_DAYS} ORDER BY day DESC)) AS days,
      (SELECT json_group_array(model) FROM (SELECT model FROM day_counts WHERE ${IN_DAYS} AND model <> ''
        GROUP BY model ORDER BY sum(logs) DESC, model LIMIT ${MAX_MODELS})) AS models`,
  /** Of the days from `?1` to `?2`, with the day where it is one. `?4` are the models to name. */
  readDay: `SELECT CASE WHEN ?1 = ?2 THEN ?1 ELSE '' END AS day,
      CASE WHEN model = '' OR model IN (SELECT value FROM json_each(?4)) THEN model ELSE '${OTHER_MODELS}' END AS model,
      bucket, sum(logs) AS logs, sum(errors) AS errors,
      CAST(sum(prompt_tokens) AS REAL) AS prompt_tokens, CAST(sum(output_tokens) AS REAL) AS output_tokens,
      sum(priced) AS priced, sum(cost) AS cost
    FROM day_counts WHERE ${IN_DAYS} GROUP BY 2, 3 ORDER BY 2, 3`,
  readLag: `SELECT (SELECT count(*) FROM (SELECT 1 FROM unindexed_logs LIMIT ${MAX_COUNTED_LAG}))
        + (SELECT count(*) FROM (SELECT 1 FROM unindexed_sessions LIMIT ${MAX_COUNTED_LAG})) AS logs,
      (SELECT created_at FROM logs WHERE key = (SELECT min(key) FROM unindexed_logs)) AS oldest`,

  /** A project may have got a longer name than a filter can have. */
  listFacets: `SELECT value FROM facets WHERE kind = ? AND length(value) <= ${NAME_CHARACTERS} AND EXISTS
    (SELECT 1 FROM session_facets WHERE facet_key = facets.key) ORDER BY value LIMIT ${MAX_FILTER_VALUES}`,

  /** How many of the newest matches there are, and how far back one has to go for them. */
  reachMatches: `SELECT count(*) AS count, min(key) AS oldest
    FROM (SELECT rowid AS key FROM logs_search WHERE logs_search MATCH ? ORDER BY rowid DESC LIMIT ?)`,
  listMetadata: `SELECT ${METADATA} AS metadata FROM (SELECT rowid AS key FROM logs_search WHERE logs_search MATCH ?
      LIMIT ${MATCHES_PORTION}) AS found
    JOIN logs ON logs.key = found.key`,
  readNear: `SELECT coalesce(${near('messages')}, ${near('inputs')}, ${near('output_message')}) AS text
    FROM logs WHERE key = ?1`,
} as const;

/**
 * Lists the first `?3` logs below `?2` that have the first term, and says of each whether its session has `others` more.
 * Most logs that are looked for have them all, which is found for all of them at once (`whole`). For those that have not,
 * the terms are in the index with other logs of the session, see indexed-messages.ts, and it finds them by the word that
 * all of these have: one search for each log and term, which takes far longer.
 */
export function toMatchesSql(others: number): string {
  const group = `CASE WHEN session_key IS NULL THEN 'log' || found.key ELSE 'session' || session_key END`;
  const places = Array.from({ length: others }, (_, index) => `?${index + 4}`);
  const hasOthers = places.map(
    (at) => `EXISTS (SELECT 1 FROM logs_search
      WHERE logs_search MATCH ${at} || ' AND session : "' || ${group} || '"' AND NOT ${isForgotten('rowid')})`,
  );
  const all = ['?1', ...places].join(` || ' AND ' || `);
  const whole = `, whole AS MATERIALIZED (SELECT rowid AS key FROM logs_search
      WHERE logs_search MATCH ${all} AND rowid < ?2 AND rowid >= (SELECT min(key) FROM found))`;
  const hasAll = `found.key IN (SELECT key FROM whole) OR (${hasOthers.join(' AND ')})`;
  return `WITH found AS MATERIALIZED (SELECT rowid AS key FROM logs_search
      WHERE logs_search MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC LIMIT ?3)${others > 0 ? whole : ''}
    SELECT found.key, logs.id, session_key, parent_key, ${others > 0 ? hasAll : '1'} AS has_all
    FROM found LEFT JOIN logs ON logs.key = found.key AND NOT ${isForgotten('found.key')} ORDER BY found.key DESC`;
}

/** Whether the words that the index has of this key are those of a deleted log, also where another log has it now. */
function isForgotten(key: string): string {
  return `EXISTS (SELECT 1 FROM forgotten_logs WHERE forgotten_logs.key = ${key})`;
}

/** The word in the index that all logs of a session have, and no text. `group` is minus the key of a log in none. */
export function toGroupWord(group: SqliteValue): string {
  return Number(group) < 0 ? `log${-Number(group)}` : `session${group}`;
}

/** What a match of the term must meet to be of this group. */
export function inGroup(term: string, group: SqliteValue): string {
  return `${term} AND session : "${toGroupWord(group)}"`;
}

const SQL = {
  /** Sums are read as REAL, which has no largest number: the driver throws on integers beyond 2^53. */
  readSummary: `SELECT summary.key, logs_count, errors_count, running_count,
      CAST(summary.prompt_tokens AS REAL) AS prompt_tokens, CAST(summary.output_tokens AS REAL) AS output_tokens, cost,
      started_at, ended_at, ended_at - unixepoch(started_at, 'subsec') AS duration, summary.updated_at, first_input, last_output, last_is_error,
      substr(sessions.reference_id, 1, ${NAME_CHARACTERS}) AS reference_id,
      coalesce(sessions.id, logs.id) AS id,
      CASE WHEN summary.key > 0 THEN (SELECT json_group_array(name) FROM
          (SELECT substr(name, 1, ${NAME_CHARACTERS}) AS name FROM session_projects
            JOIN projects ON projects.key = project_key WHERE session_key = summary.key LIMIT 50))
      ELSE (SELECT json_array(substr(name, 1, ${NAME_CHARACTERS})) FROM projects WHERE key = logs.project_key) END
        AS projects
    FROM session_summaries AS summary
    LEFT JOIN sessions ON sessions.key = summary.key
    LEFT JOIN logs ON logs.key = -summary.key
    WHERE summary.key = ?`,
  findSummaryKey: `SELECT key FROM sessions WHERE id = :id
    UNION ALL SELECT -key FROM logs WHERE id = :id AND session_key IS NULL`,
  findSummaryId: `SELECT coalesce((SELECT id FROM sessions WHERE key = ?1), (SELECT id FROM logs WHERE key = -?1))
    AS id`,
  findSessionId: `SELECT id FROM sessions WHERE key = ?`,
  findLogById: `SELECT key, session_key, parent_key, id FROM logs WHERE id = ?`,
  findLogByKey: `SELECT key, session_key, parent_key, id FROM logs WHERE key = ?`,

  findFacet: `SELECT key FROM facets WHERE kind = ? AND value = ?`,
  countSessionsOfFacet: `SELECT count(*) AS count FROM (SELECT 1 FROM session_facets WHERE facet_key = ? LIMIT ?)`,
  /** Some of them. */
  clearFacets: `DELETE FROM session_facets WHERE session_key = ?1 AND facet_key IN
    (SELECT facet_key FROM session_facets WHERE session_key = ?1 LIMIT ${MARKED_AT_ONCE})`,

  readMatch: `SELECT logs.id, model, label, substr(output, 1, ${MATCH_CHARACTERS}) AS output,
      substr(error, 1, ${MATCH_CHARACTERS}) AS error,
      CASE WHEN octet_length(inputs) < ${MATCH_CHARACTERS} THEN inputs END AS inputs,
      CASE WHEN octet_length(messages) < ${MATCH_CHARACTERS} THEN messages END AS messages,
      CASE WHEN octet_length(output_message) < ${MATCH_CHARACTERS} THEN output_message END AS output_message,
      max(coalesce(octet_length(inputs), 0), coalesce(octet_length(messages), 0), coalesce(octet_length(output_message), 0))
        >= ${MATCH_CHARACTERS} AS is_large, ${LABEL_COLUMNS}, ${READABLE_FEEDBACK}
    FROM logs LEFT JOIN configs ON configs.key = config_key WHERE logs.key = ?`,

  /** `?` is now, in milliseconds. What is due much later was written by a clock that was wrong. */
  listDueSessions: `SELECT key, due_at FROM unindexed_sessions WHERE due_at NOT BETWEEN ?1 + 1 AND ?1 + 60000
    ORDER BY due_at LIMIT 100`,
  hasForgotten: `SELECT 1 FROM forgotten_logs LIMIT 1`,
  hasMarkedSessions: `SELECT 1 FROM unindexed_sessions LIMIT 1`,
  markSession: `INSERT OR REPLACE INTO unindexed_sessions (key, due_at) VALUES (?, ?)`,
  isSessionMarked: `SELECT 1 FROM unindexed_sessions WHERE key = ?`,
  unmarkSession: `DELETE FROM unindexed_sessions WHERE key = ?`,
  listMarkedLogs: `SELECT key, mark FROM unindexed_logs ORDER BY key DESC LIMIT ?`,
  listOldestMarkedLogs: `SELECT key, mark FROM unindexed_logs ORDER BY key LIMIT ?`,
  hasMarkedLogs: `SELECT 1 FROM unindexed_logs LIMIT 1`,
  /** Of a session or, by minus its key, the log that is in none: the next ones after `?2` and `?3`. */
  listLogsToMark: `SELECT key, created_at, unixepoch(created_at, 'subsec') + coalesce(duration, 0) AS ended_at FROM (
      SELECT * FROM (SELECT key, created_at, duration FROM logs
        WHERE session_key = ?1 AND (created_at, key) > (?2, ?3) ORDER BY created_at, key LIMIT ${MARKED_AT_ONCE})
      UNION ALL SELECT key, created_at, duration FROM logs WHERE key = -?1 AND (created_at, key) > (?2, ?3)
    )`,
  markLog: `${MARK_LOGS} VALUES (?, ${NEW_MARK}) ${MARK_AGAIN}`,
  raiseEnd: `UPDATE session_summaries SET ended_at = max(ended_at, ?2) WHERE key = ?1`,
  readLastSlice: `SELECT slice FROM last_index_slice`,
  /** Takes the lock, so that what is read after it is still true of what is written. */
  lockSlices: `UPDATE last_index_slice SET slice = slice`,
  setLastSlice: `UPDATE last_index_slice SET slice = ?`,
  readLogToIndex: `SELECT session_key, parent_key, parent_reference_id, created_at, config_key, inputs, messages,
      substr(output, 1, ${MAX_SEARCHED_CHARACTERS}) AS output, output_message,
      substr(error, 1, ${MAX_SEARCHED_CHARACTERS}) AS error, ${LABEL_COLUMNS},
      EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key) AS has_feedback,
      EXISTS (SELECT 1 FROM counted_logs WHERE key = logs.key) AS is_counted
    FROM logs WHERE key = ?`,
  readProjectName: `SELECT name FROM projects WHERE key = ?`,
  readConfigLabel: `SELECT type, model, label FROM configs WHERE key = ?`,
  readFeedback: `SELECT ${INDEXED_FEEDBACK} FROM logs WHERE key = ?`,
  hasUnsearchable: `SELECT 1 FROM unsearchable_logs LIMIT 1`,
  /** With its end, as far as the last log says it: `raiseEnd` follows. */
  clearTexts: `UPDATE session_summaries SET first_input = NULL, first_input_rank = NULL, last_output = NULL,
      last_output_rank = NULL,
      started_at = coalesce((SELECT created_at FROM logs WHERE session_key = :key ORDER BY created_at, key LIMIT 1),
        (SELECT created_at FROM logs WHERE key = -:key), started_at),
      ended_at = coalesce((SELECT unixepoch(created_at, 'subsec') + coalesce(duration, 0) FROM logs
        WHERE session_key = :key ORDER BY created_at DESC, key DESC LIMIT 1),
        (SELECT unixepoch(created_at, 'subsec') + coalesce(duration, 0) FROM logs WHERE key = -:key), ended_at)
    WHERE key = :key`,
} as const;

export type ViewerStatements = ReturnType<typeof prepareViewerStatements>;

export function prepareViewerStatements(prepare: Prepare) {
  return prepareAll(prepare, { ...SQL, ...LABEL_SQL });
}
