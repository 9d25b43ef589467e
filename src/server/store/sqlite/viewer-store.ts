/** The viewer's reads on the SQLite store. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { Prepare } from '../../../sqlite/statement-cache.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { excerpt, searchableText } from '../log-text.ts';
import type { LogLabel, SessionLog, SessionSummary, ViewerStore } from '../viewer-store.ts';
import { toTexts, type ViewerIndex } from './viewer-index.ts';
import { createSessionFinder } from './viewer-query.ts';
import { type FoundSession, searchTerms } from './viewer-search.ts';
import type { ViewerStatements } from './viewer-statements.ts';

export function createSqliteViewerStore(
  prepare: Prepare,
  statements: ViewerStatements,
  index: ViewerIndex,
  readLog: (key: SqliteValue) => LogResponse,
): ViewerStore {
  const findSessions = createSessionFinder(prepare, statements);

  const readSummary = ({ key, logKey }: FoundSession, terms: readonly string[]): SessionSummary | undefined => {
    const row = statements.readSummary.get(key);
    if (!row) return undefined;
    const summary = toSummary(row);
    if (logKey === undefined) return summary;
    const match = statements.readMatch.get(logKey)!;
    return {
      ...summary,
      match: { log_id: match['id'] as string, text: excerpt(searchableText(toTexts(match)), terms) },
    };
  };

  const values = (kind: string) => statements.listFacets.all(kind).map((row) => row['value'] as string);

  return {
    listSessions: async (query) => {
      const { found, next } = findSessions(query);
      const terms = query.search === undefined ? [] : searchTerms(query.search);
      const sessions = found.map((session) => readSummary(session, terms));
      return { sessions: sessions.filter((session) => session !== undefined), next, version: index.version() };
    },

    readSession: async (id, changedSince = '') => {
      const key = statements.findSummaryKey.get({ id })?.['key'];
      if (key === undefined) return undefined;
      const session = readSummary({ key }, []);
      if (!session) return undefined;
      const isSession = Number(key) > 0;
      const listLogs = isSession ? statements.listLogsOfSession : statements.listLogsBelow;
      const listConfigs = isSession ? statements.listConfigsOfSession : statements.listConfigsBelow;
      const countLogs = isSession ? statements.countLogsOfSession : statements.countLogsBelow;
      const logs = listLogs.all({ key, since: changedSince }).map(toSessionLog);
      const configs = listConfigs.all({ key }).map((row) => [row['key'], toConfigLabel(row)]);
      const total = Number(countLogs.get({ key })!['total']);
      return { session, total, logs, configs: Object.fromEntries(configs), version: index.version() };
    },

    readLog: async (id) => {
      const row = statements.findLogById.get(id);
      if (!row) return undefined;
      let top = row;
      while (top['session_key'] === null && top['parent_key'] !== null) {
        const parent = statements.findLogByKey.get(top['parent_key']!);
        if (!parent || parent['key'] === row['key']) break;
        top = parent;
      }
      const session =
        top['session_key'] === null ? top['id'] : statements.findSessionId.get(top['session_key']!)!['id'];
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
    ...(row['is_running'] === 1 && { running: true as const }),
    ...given('prompt_tokens', row['prompt_tokens']),
    ...given('output_tokens', row['output_tokens']),
    ...given('cost', row['cost']),
    ...given('error', row['error']),
    ...given('output', row['output']),
    ...given('calls', row['calls']),
    ...(feedback.length > 0 && { feedback }),
  };
}

function toConfigLabel(row: SqliteRow): LogLabel {
  const type = row['type'] as string;
  const name = row['name'] ?? row['agent_class'] ?? row['model'] ?? type;
  return { type, name: name as string, ...given('model', row['model']) };
}

function given<Name extends string>(name: Name, value: SqliteValue | undefined): { [K in Name]?: never } {
  return value === null || value === undefined ? {} : ({ [name]: value } as object);
}
