/** The viewer's reads on the SQLite store. */

import type { SqliteDatabase, SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { excerpt, searchableText } from '../log-text.ts';
import type { LogLabel, SessionLog, SessionSummary, ViewerStore } from '../viewer-store.ts';
import { toTexts, type ViewerIndex } from './viewer-index.ts';
import { createSessionFinder } from './viewer-query.ts';
import { type FoundSession, searchTerms } from './viewer-search.ts';

const MAX_FILTER_VALUES = 500;
/** A session that is larger is cut: its newest logs are left out. */
const MAX_SESSION_LOGS = 20_000;

const SUMMARY = `
  SELECT summary.*, sessions.reference_id,
    coalesce(sessions.id, logs.id) AS id,
    CASE WHEN summary.key > 0 THEN (SELECT json_group_array(name) FROM session_projects
      JOIN projects ON projects.key = project_key WHERE session_key = summary.key)
    ELSE (SELECT json_array(name) FROM projects WHERE key = logs.project_key) END AS projects
  FROM session_summaries AS summary
  LEFT JOIN sessions ON sessions.key = summary.key
  LEFT JOIN logs ON logs.key = -summary.key
  WHERE summary.key = ?`;

const LOG_COLUMNS = `
  logs.key, logs.id, logs.parent_key, logs.parent_reference_id, logs.reference_id, logs.created_at, logs.updated_at,
  substr(logs.output, 1, 160) AS output, substr(logs.error, 1, 300) AS error, logs.output IS NOT NULL AS has_output,
  logs.duration, prompt_tokens, output_tokens,
  coalesce(prompt_cost + output_cost, prompt_cost, output_cost) AS cost, logs.config_key, projects.name AS project,
  json_extract(metadata, '$.trace_id') AS trace,
  CASE WHEN logs.output IS NULL THEN json_extract(output_message, '$.tool_calls[0].function.name') END AS calls,
  (SELECT json_group_array(json_object('type', type, 'value', json(value))) FROM feedback WHERE log_key = logs.key) AS feedback`;

/** A log in no session stands for itself and all that is under it. */
const MEMBERS = {
  session: 'logs.session_key = :key',
  log: `logs.key IN (WITH RECURSIVE below (key) AS (
    SELECT -:key UNION SELECT logs.key FROM logs JOIN below ON logs.parent_key = below.key) SELECT key FROM below)`,
};

const listLogs = (members: string) => `SELECT ${LOG_COLUMNS} FROM logs JOIN projects ON projects.key = project_key
  WHERE ${members}
    AND (logs.updated_at >= :since OR EXISTS (SELECT 1 FROM feedback WHERE log_key = logs.key)) ORDER BY logs.created_at, logs.key LIMIT ${MAX_SESSION_LOGS}`;
const countLogs = (members: string) => `SELECT count(*) AS total FROM logs WHERE ${members}`;
const listConfigs = (members: string) => `SELECT key, type, model, json_extract(content, '$.name') AS name,
    json_extract(content, '$.agent_class') AS agent_class
  FROM configs WHERE key IN (SELECT config_key FROM logs WHERE ${members})`;

export function createSqliteViewerStore(
  database: SqliteDatabase,
  index: ViewerIndex,
  readLog: (key: SqliteValue) => LogResponse,
): ViewerStore {
  const findSessions = createSessionFinder(database);
  const statements = {
    summary: database.prepare(SUMMARY),
    findGroup: database.prepare(`SELECT key FROM sessions WHERE id = :id
      UNION ALL SELECT -key FROM logs WHERE id = :id AND session_key IS NULL`),
    findLog: database.prepare('SELECT key, session_key, parent_key, id FROM logs WHERE id = ?'),
    findParent: database.prepare('SELECT key, session_key, parent_key, id FROM logs WHERE key = ?'),
    sessionId: database.prepare('SELECT id FROM sessions WHERE key = ?'),
    matchText: database.prepare(`SELECT logs.id, inputs, messages, output, output_message, error, model,
        json_extract(content, '$.name') AS name
      FROM logs LEFT JOIN configs ON configs.key = config_key WHERE logs.key = ?`),
    facets: database.prepare(`SELECT value FROM facets WHERE kind = ? AND EXISTS
        (SELECT 1 FROM session_facets WHERE facet_key = facets.key) ORDER BY value LIMIT ${MAX_FILTER_VALUES}`),
    logs: { session: database.prepare(listLogs(MEMBERS.session)), log: database.prepare(listLogs(MEMBERS.log)) },
    total: { session: database.prepare(countLogs(MEMBERS.session)), log: database.prepare(countLogs(MEMBERS.log)) },
    configs: {
      session: database.prepare(listConfigs(MEMBERS.session)),
      log: database.prepare(listConfigs(MEMBERS.log)),
    },
  };

  const readSummary = ({ key, logKey }: FoundSession, terms: readonly string[]): SessionSummary | undefined => {
    const row = statements.summary.get(key);
    if (!row) return undefined;
    const summary = toSummary(row);
    if (logKey === undefined) return summary;
    const match = statements.matchText.get(logKey)!;
    return {
      ...summary,
      match: { log_id: match['id'] as string, text: excerpt(searchableText(toTexts(match)), terms) },
    };
  };

  const values = (kind: string) => statements.facets.all(kind).map((row) => row['value'] as string);

  return {
    listSessions: async (query) => {
      const { found, next } = findSessions(query);
      const terms = query.search === undefined ? [] : searchTerms(query.search);
      const sessions = found.map((session) => readSummary(session, terms));
      return { sessions: sessions.filter((session) => session !== undefined), next, version: index.version() };
    },

    readSession: async (id, changedSince = '') => {
      const key = statements.findGroup.get({ id })?.['key'];
      if (key === undefined) return undefined;
      const session = readSummary({ key }, []);
      if (!session) return undefined;
      const members = Number(key) > 0 ? 'session' : 'log';
      const logs = statements.logs[members].all({ key, since: changedSince }).map(toSessionLog);
      const configs = statements.configs[members].all({ key }).map((row) => [row['key'], toLabel(row)]);
      const total = Number(statements.total[members].get({ key })!['total']);
      return { session, total, logs, configs: Object.fromEntries(configs), version: index.version() };
    },

    readLog: async (id) => {
      const row = statements.findLog.get(id);
      if (!row) return undefined;
      let top = row;
      while (top['session_key'] === null && top['parent_key'] !== null) {
        const parent = statements.findParent.get(top['parent_key']!);
        if (!parent || parent['key'] === row['key']) break;
        top = parent;
      }
      const session = top['session_key'] === null ? top['id'] : statements.sessionId.get(top['session_key']!)!['id'];
      return { log: readLog(row['key']!), session: session as string };
    },

    listFilters: async () => ({
      projects: values('project'),
      models: values('model'),
      types: values('type'),
      feedback: values('feedback'),
    }),

    version: async () => index.version(),
    onChange: (listener) => index.onChange(listener),
  };
}

function toSummary(row: SqliteRow): SessionSummary {
  const started = Date.parse(row['started_at'] as string) / 1000;
  return {
    key: Number(row['key']),
    id: row['id'] as string,
    ...given('reference_id', row['reference_id']),
    projects: JSON.parse((row['projects'] as string | null) ?? '[]'),
    logs: Number(row['logs_count']),
    errors: Number(row['errors_count']),
    running: Number(row['running_count']),
    ...given('prompt_tokens', row['prompt_tokens']),
    ...given('output_tokens', row['output_tokens']),
    ...given('cost', row['cost']),
    ...given('first_input', row['first_input']),
    ...given('last_output', row['last_output']),
    ...(row['last_is_error'] === 1 && { last_is_error: true as const }),
    started_at: row['started_at'] as string,
    duration: Math.max(0, Number(row['ended_at']) - started),
    updated_at: row['updated_at'] as string,
  };
}

function toSessionLog(row: SqliteRow): SessionLog {
  const isRunning = row['duration'] === null && row['error'] === null && row['has_output'] === 0;
  const feedback = JSON.parse(row['feedback'] as string);
  const trace = row['trace'] ?? /^([0-9a-f]{32})-[0-9a-f]{16}$/.exec((row['reference_id'] as string | null) ?? '')?.[1];
  return {
    key: Number(row['key']),
    id: row['id'] as string,
    ...given('parent', row['parent_key']),
    ...(row['parent_key'] === null && given('missing_parent', row['parent_reference_id'])),
    ...(trace !== undefined && { trace: String(trace) }),
    project: row['project'] as string,
    ...given('config', row['config_key']),
    created_at: row['created_at'] as string,
    updated_at: row['updated_at'] as string,
    ...given('duration', row['duration']),
    ...(isRunning && { running: true as const }),
    ...given('prompt_tokens', row['prompt_tokens']),
    ...given('output_tokens', row['output_tokens']),
    ...given('cost', row['cost']),
    ...given('error', row['error']),
    ...given('output', row['output']),
    ...given('calls', row['calls']),
    ...(feedback.length > 0 && { feedback }),
  };
}

function toLabel(row: SqliteRow): LogLabel {
  const type = row['type'] as string;
  const name = row['name'] ?? row['agent_class'] ?? row['model'] ?? type;
  return { type, name: name as string, ...given('model', row['model']) };
}

function given<Name extends string>(name: Name, value: SqliteValue | undefined): { [K in Name]?: never } {
  return value === null || value === undefined ? {} : ({ [name]: value } as object);
}
