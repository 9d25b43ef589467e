/** Every fixed statement of the v4 operations, named for what it does. */
import { type Prepare, prepareAll } from '../../../sqlite/statement-cache.ts';
import { CONTENT_COLUMNS, GIVEN_COLUMNS, PLAIN_COLUMNS } from '../log-row.ts';

/** The log and its ancestors, nearest first. UNION ends even on a damaged file with a cycle. */
const ancestorsOf = (key: string) => `
  WITH RECURSIVE ancestors (key) AS (
    SELECT ${key}
    UNION
    SELECT logs.parent_key FROM logs JOIN ancestors ON logs.key = ancestors.key WHERE logs.parent_key IS NOT NULL
  )`;

const SESSION_COLUMNS = `
  sessions.key, sessions.id, sessions.reference_id, sessions.created_at, sessions.updated_at,
  coalesce((SELECT logs_count FROM session_summaries WHERE key = sessions.key), 0) AS datapoints_count,
  (SELECT inputs FROM logs WHERE session_key = sessions.key ORDER BY created_at, key LIMIT 1) AS first_inputs,
  (SELECT output FROM logs WHERE session_key = sessions.key ORDER BY created_at DESC, key DESC LIMIT 1) AS last_output`;

export const PROJECT_COLUMNS = `
  projects.key, projects.id, projects.name, projects.created_at, projects.updated_at, projects.active_config_key,
  (SELECT json_group_array(json_object('type', type, 'class', class, 'labels', json(labels)))
    FROM (SELECT * FROM feedback_types WHERE project_key = projects.key ORDER BY key)) AS defined_feedback_types,
  (SELECT count(*) FROM logs WHERE project_key = projects.key) AS data_count,
  (SELECT type FROM configs WHERE project_key = projects.key ORDER BY key LIMIT 1) AS config_type,
  (SELECT json_group_array(type) FROM (SELECT DISTINCT feedback.type AS type FROM feedback
    JOIN logs ON logs.key = log_key WHERE project_key = projects.key ORDER BY 1 LIMIT 500)) AS feedback_types`;

/** Statements that read a number of rows that grows with the file: they are run on a thread of their own. */
export const READ_PROJECT = `SELECT ${PROJECT_COLUMNS} FROM projects WHERE id = ?`;
export const COUNT_SESSIONS_OF_PROJECT = `SELECT count(*) AS total FROM session_projects WHERE project_key = ?`;
export const LIST_SESSIONS_OF_PROJECT = `SELECT session_key AS key FROM session_projects
  WHERE project_key = ? ORDER BY session_key DESC LIMIT ? OFFSET ?`;

const SQL = {
  findProjectById: `SELECT key, id, name FROM projects WHERE id = ?`,
  findProjectByName: `SELECT key, id, name FROM projects WHERE name = ?`,
  insertProject: `INSERT INTO projects (id, name, created_at, updated_at) VALUES (:id, :name, :now, :now)
    ON CONFLICT (name) DO NOTHING RETURNING key, id, name`,
  touchProject: `UPDATE projects SET updated_at = :now WHERE key = :key`,
  readNewProject: READ_PROJECT,

  findSessionById: `SELECT key, id FROM sessions WHERE id = ?`,
  findSessionByReference: `SELECT key, id FROM sessions WHERE reference_id = ?`,
  insertSession: `INSERT INTO sessions (id, reference_id, created_at, updated_at)
    VALUES (:id, :reference_id, :now, :now) RETURNING key, id`,
  touchSession: `UPDATE sessions SET updated_at = :now WHERE key = :key`,
  linkSessionToProject: `INSERT INTO session_projects (project_key, session_key) VALUES (:project_key, :session_key)
    ON CONFLICT DO NOTHING`,
  readSession: `SELECT ${SESSION_COLUMNS} FROM sessions WHERE key = ?`,
  listProjectsOfSession: `SELECT projects.id, projects.name,
      (SELECT type FROM configs WHERE project_key = projects.key ORDER BY key LIMIT 1) AS config_type
    FROM session_projects JOIN projects ON projects.key = session_projects.project_key
    WHERE session_key = ? ORDER BY projects.key`,

  findConfigById: `SELECT key FROM configs WHERE id = ?`,
  useConfig: `INSERT INTO configs (id, project_key, digest, type, model, label, content, created_at, last_used)
    VALUES (:id, :project_key, :digest, :type, :model, :label, :content, :now, :now)
    ON CONFLICT (project_key, digest) DO UPDATE SET last_used = :now RETURNING key`,

  findLogById: `SELECT key, session_key FROM logs WHERE id = ?`,
  findLogByReference: `SELECT logs.key, logs.id, project_key, projects.id AS project_id, session_key,
      sessions.id AS session_id, config_key, parent_key, parent_reference_id,
      EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key) AS has_feedback
    FROM logs JOIN projects ON projects.key = project_key LEFT JOIN sessions ON sessions.key = session_key
    WHERE logs.reference_id = ?`,
  /** Bound by position and without RETURNING: by name it takes five times as long. */
  insertLog: `INSERT INTO logs (id, reference_id, project_key, session_key, config_key, parent_key,
      parent_reference_id, created_at, updated_at, save, trace_id, called, ${GIVEN_COLUMNS.join(', ')})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${GIVEN_COLUMNS.map(() => '?').join(', ')})`,
  /** Keeps the fields that are there: a retry must not undo a later update. */
  completeLog: `UPDATE logs SET updated_at = :now,
      trace_id = coalesce(trace_id, :trace_id), called = CASE WHEN save THEN coalesce(called, :called) END,
      session_key = coalesce(session_key, :session_key), config_key = coalesce(config_key, :config_key),
      ${PLAIN_COLUMNS.map((column) => `${column} = coalesce(${column}, :${column})`).join(', ')},
      ${CONTENT_COLUMNS.map((column) => `${column} = CASE WHEN save THEN coalesce(${column}, :${column}) END`).join(', ')}
    WHERE key = :key`,
  updateLog: `UPDATE logs SET updated_at = :now, output = CASE WHEN save THEN coalesce(:output, output) END,
      error = coalesce(:error, error), duration = coalesce(:duration, duration) WHERE key = :key`,
  sizeOfLog: `SELECT ${GIVEN_COLUMNS.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ')} AS bytes
    FROM logs WHERE key = ?`,
  /** Links the children that named this reference before it was known, except where the link would close a cycle. */
  linkWaitingChildren: `${ancestorsOf(':key')}
    UPDATE logs SET parent_key = :key
    WHERE parent_reference_id = :reference_id AND parent_key IS NULL AND key NOT IN ancestors`,
  setParent: `${ancestorsOf(':parent_key')}
    UPDATE logs SET parent_reference_id = :parent_reference_id,
      parent_key = CASE WHEN key IN ancestors THEN NULL ELSE :parent_key END
    WHERE key = :key`,
  deleteLog: `DELETE FROM logs WHERE id = ? RETURNING project_key, session_key`,
  unlinkSessionFromProject: `DELETE FROM session_projects
    WHERE project_key = :project_key AND session_key = :session_key AND NOT EXISTS
      (SELECT 1 FROM logs WHERE logs.session_key = :session_key AND logs.project_key = :project_key)`,
  readLog: `SELECT logs.*, projects.id AS project_id, projects.name AS project, sessions.id AS session_id,
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
    WHERE logs.key = ?`,

  insertFeedback: `INSERT INTO feedback (id, log_key, type, value, user, created_at)
    VALUES (:id, :log_key, :type, :value, :user, :created_at)`,
  /** Without a value: all of the type. Without a user: those of all users. */
  deleteFeedback: `DELETE FROM feedback WHERE log_key = :log_key AND type = :type
      AND (:value IS NULL OR value = :value) AND (:user IS NULL OR user = :user)
    RETURNING id, value, created_at`,
  countFeedback: `SELECT count(*) AS count FROM feedback WHERE log_key = ?`,
} as const;

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(prepare: Prepare) {
  return prepareAll(prepare, SQL);
}
