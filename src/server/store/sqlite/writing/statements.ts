/**
 * Every fixed statement of the v4 operations, named for what it does. Those that are run for each log or session take
 * values by position and have no RETURNING: with names they take five times as long, with RETURNING twice.
 */
import { type Prepare, prepareAll } from '../../../../sqlite/statement-cache.ts';
import { MAX_GIVEN, MAX_GIVEN_CHARACTERS } from '../../feedback-types.ts';
import { MAX_PROJECTS_OF_SESSION } from '../../log-limits.ts';
import { CONTENT_COLUMNS, GIVEN_COLUMNS, PLAIN_COLUMNS } from '../../rows/log-row.ts';
import { MARK_AGAIN, MARK_LOGS, NEW_MARK } from '../viewer/marks.ts';
import { createLogInsert, parameterOf } from './log-insert.ts';

/** Children of one parent that are linked in one step. */
export const CHILDREN_PORTION = 50;

const FIRST_LOG = 'FROM logs WHERE session_key = sessions.key ORDER BY created_at, key LIMIT 1';
const LAST_LOG = 'FROM logs WHERE session_key = sessions.key ORDER BY created_at DESC, key DESC LIMIT 1';

const SESSION_COLUMNS = `
  sessions.key, sessions.id, sessions.reference_id, sessions.created_at, sessions.updated_at,
  coalesce((SELECT logs_count FROM session_summaries WHERE key = sessions.key), 0) AS datapoints_count,
  (SELECT inputs ${FIRST_LOG}) AS first_inputs,
  (SELECT output ${LAST_LOG}) AS last_output,
  (SELECT json_group_array(json_object('id', id, 'name', name, 'type', type)) FROM (
    SELECT projects.id, projects.name, (SELECT type FROM configs WHERE project_key = projects.key ORDER BY key LIMIT 1) AS type
    FROM session_projects JOIN projects ON projects.key = session_projects.project_key
    WHERE session_key = sessions.key ORDER BY session_projects.project_key LIMIT ${MAX_PROJECTS_OF_SESSION}
  )) AS projects`;

export const PROJECT_COLUMNS = `
  projects.key, projects.id, projects.name, projects.created_at, projects.updated_at, projects.active_config_key,
  (SELECT json_group_array(json_object('type', type, 'class', class, 'labels', json(labels)))
    FROM (SELECT * FROM feedback_types WHERE project_key = projects.key ORDER BY key)) AS defined_feedback_types,
  (SELECT count(*) FROM logs WHERE project_key = projects.key) AS data_count,
  (SELECT type FROM configs WHERE project_key = projects.key ORDER BY key LIMIT 1) AS config_type,
  (SELECT json_group_array(type) FROM (
    SELECT type, sum(length(type)) OVER (ORDER BY type) AS characters FROM (
      SELECT DISTINCT feedback.type AS type FROM feedback
        JOIN logs ON logs.key = log_key WHERE project_key = projects.key ORDER BY 1 LIMIT ${MAX_GIVEN}
    )) WHERE characters <= ${MAX_GIVEN_CHARACTERS}) AS feedback_types`;

/** Statements that read a number of rows that grows with the file: they are run on a thread of their own. */
export const READ_PROJECT = `SELECT ${PROJECT_COLUMNS} FROM projects WHERE id = ?`;
/** Of a JSON array of keys, in its order. */
export const READ_PROJECTS = `SELECT ${PROJECT_COLUMNS} FROM json_each(?) AS wanted
  CROSS JOIN projects ON projects.key = wanted.value ORDER BY wanted.key`;
export const COUNT_SESSIONS_OF_PROJECT = `SELECT count(*) AS total FROM session_projects WHERE project_key = ?`;
export const LIST_SESSIONS_OF_PROJECT = `SELECT session_key AS key FROM session_projects
  WHERE project_key = ? ORDER BY session_key DESC LIMIT ? OFFSET ?`;

/** Of large inputs it takes long. */
export const READ_SESSION = `SELECT ${SESSION_COLUMNS} FROM sessions WHERE key = ?`;

/** Of a large log it takes long. */
export const READ_LOG = `SELECT logs.*, projects.id AS project_id, projects.name AS project, sessions.id AS session_id,
    sessions.reference_id AS session_reference_id, parent.id AS parent_id,
    parent.reference_id AS parents_own_reference_id,
    configs.id AS config_id, configs.content AS config, configs.created_at AS config_created_at,
    configs.last_used AS config_last_used,
    (SELECT json_group_array(json_object('id', id, 'type', type, 'value', json(value), 'user', user,
      'created_at', created_at)) FROM (SELECT * FROM feedback WHERE log_key = logs.key ORDER BY key)) AS feedback
  FROM logs JOIN projects ON projects.key = logs.project_key
  LEFT JOIN sessions ON sessions.key = logs.session_key
  LEFT JOIN configs ON configs.key = logs.config_key
  LEFT JOIN logs AS parent ON parent.key = logs.parent_key
  WHERE logs.key = ?`;

const SQL = {
  findProjectById: `SELECT key, id, name FROM projects WHERE id = ?`,
  findProjectByName: `SELECT key, id, name FROM projects WHERE name = ?`,
  insertProject: `INSERT INTO projects (id, name, created_at, updated_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO NOTHING RETURNING key, id, name`,
  touchProject: `UPDATE projects SET updated_at = ? WHERE key = ?`,
  readNewProject: READ_PROJECT,

  findSessionById: `SELECT key, id FROM sessions WHERE id = ?`,
  findSessionByReference: `SELECT key, id FROM sessions WHERE reference_id = ?`,
  insertSession: `INSERT INTO sessions (id, reference_id, created_at, updated_at) VALUES (?, ?, ?, ?)`,
  touchSession: `UPDATE sessions SET updated_at = ? WHERE key = ?`,
  linkSessionToProject: `INSERT INTO session_projects (project_key, session_key) VALUES (?, ?) ON CONFLICT DO NOTHING`,
  readSession: READ_SESSION,

  findConfigById: `SELECT key FROM configs WHERE id = ?`,
  findConfigByDigest: `SELECT key FROM configs WHERE project_key = ? AND digest = ?`,
  touchConfig: `UPDATE configs SET last_used = ? WHERE key = ?`,
  insertConfig: `INSERT INTO configs (id, project_key, digest, type, model, label, content, created_at, last_used)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  findLogById: `SELECT key, session_key FROM logs WHERE id = ?`,
  findLogByReference: `SELECT logs.key, logs.id, project_key, projects.id AS project_id, session_key,
      sessions.id AS session_id, config_key, parent_key, parent_reference_id,
      EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key) AS has_feedback
    FROM logs JOIN projects ON projects.key = project_key LEFT JOIN sessions ON sessions.key = session_key
    WHERE logs.reference_id = ?`,
  findKeyByReference: `SELECT key, session_key FROM logs WHERE reference_id = ?`,
  /** Takes a JSON array. */
  findLogsByReferences: `SELECT logs.reference_id, logs.key FROM json_each(?) AS named
    CROSS JOIN logs ON logs.reference_id = named.value`,
  /** What the triggers do for a log that changes: the sums of a session for several new logs, and their marks. */
  addToSummary: `INSERT INTO session_summaries (key, logs_count, errors_count, running_count, prompt_tokens,
      output_tokens, cost, started_at, ended_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET
      logs_count = logs_count + excluded.logs_count,
      errors_count = errors_count + excluded.errors_count,
      running_count = running_count + excluded.running_count,
      prompt_tokens = coalesce(prompt_tokens + excluded.prompt_tokens, prompt_tokens, excluded.prompt_tokens),
      output_tokens = coalesce(output_tokens + excluded.output_tokens, output_tokens, excluded.output_tokens),
      cost = coalesce(cost + excluded.cost, cost, excluded.cost),
      started_at = min(started_at, excluded.started_at),
      ended_at = max(ended_at, excluded.ended_at),
      updated_at = max(updated_at, excluded.updated_at)`,
  markUnindexed: `${MARK_LOGS} SELECT key, ${NEW_MARK} FROM logs WHERE key BETWEEN ? AND ? ${MARK_AGAIN}`,
  /** Keeps the fields that are there: a retry must not undo a later update. */
  completeLog: `UPDATE logs SET updated_at = ?,
      trace_id = coalesce(trace_id, ?), called = CASE WHEN save THEN coalesce(called, ?) END,
      session_key = coalesce(session_key, ?), config_key = coalesce(config_key, ?),
      ${PLAIN_COLUMNS.map((column) => `${column} = coalesce(${column}, ${parameterOf(column)})`).join(', ')},
      ${CONTENT_COLUMNS.map((column) => `${column} = CASE WHEN save THEN coalesce(${column}, ${parameterOf(column)}) END`).join(', ')}
    WHERE key = ?`,
  updateLog: `UPDATE logs SET updated_at = ?, output = CASE WHEN save THEN coalesce(?, output) END,
      error = coalesce(?, error), duration = coalesce(?, duration) WHERE key = ?`,
  /** What an answer with the log has, besides. */
  /** With its config and feedback. */
  sizeOfLog: `SELECT ${GIVEN_COLUMNS.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ')}
      + coalesce((SELECT octet_length(content) FROM configs WHERE key = config_key), 0)
      + coalesce((SELECT sum(octet_length(value)) FROM feedback WHERE log_key = logs.key), 0) AS bytes
    FROM logs WHERE key = ?`,
  sizeOfSession: `SELECT coalesce((SELECT octet_length(inputs) ${FIRST_LOG}), 0)
      + coalesce((SELECT octet_length(output) ${LAST_LOG}), 0) AS bytes
    FROM sessions WHERE key = ?`,
  /** Of the logs with these keys: those that others have named as their parent before they were there. */
  listAwaited: `SELECT key, reference_id FROM logs AS new WHERE key BETWEEN ? AND ? AND reference_id IS NOT NULL
    AND EXISTS (SELECT 1 FROM logs AS child
      WHERE child.parent_reference_id = new.reference_id AND child.parent_key IS NULL)`,
  listWaitingChildren: `SELECT key FROM logs WHERE parent_reference_id = ? AND parent_key IS NULL AND key > ?
    ORDER BY key LIMIT ${CHILDREN_PORTION}`,
  findParentKey: `SELECT parent_key FROM logs WHERE key = ?`,
  linkChild: `UPDATE logs SET parent_key = ? WHERE key = ?`,
  setParent: `UPDATE logs SET parent_reference_id = ?, parent_key = ? WHERE key = ?`,
  unlinkSessionFromProject: `DELETE FROM session_projects
    WHERE project_key = :project_key AND session_key = :session_key AND NOT EXISTS
      (SELECT 1 FROM logs WHERE logs.session_key = :session_key AND logs.project_key = :project_key)`,
  readLog: READ_LOG,

  insertFeedback: `INSERT INTO feedback (id, log_key, type, value, user, created_at)
    VALUES (:id, :log_key, :type, :value, :user, :created_at)`,
  /** Without a value: all of the type. Without a user: those of all users. */
  deleteFeedback: `DELETE FROM feedback WHERE log_key = :log_key AND type = :type
      AND (:value IS NULL OR value = :value) AND (:user IS NULL OR user = :user)
    RETURNING id, value, created_at`,
  measureFeedback: `SELECT count(*) AS entries,
      coalesce(sum(length(type) + length(value) + coalesce(length(user), 0)), 0) AS characters
    FROM feedback WHERE log_key = ?`,
} as const;

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(prepare: Prepare) {
  return { ...prepareAll(prepare, SQL), insertLog: createLogInsert(prepare) };
}
