/** The viewer's reads on the SQLite store. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { excerpt, searchableText } from '../log-text.ts';
import type { LogLabel, SessionLog, SessionSummary, ViewerStore } from '../viewer-store.ts';
import { toTexts } from './index-slice.ts';
import { countCharacters } from './row-size.ts';
import type { ViewerIndex } from './viewer-index.ts';
import { createSessionFinder, type SessionReads } from './viewer-query.ts';
import { searchTerms } from './viewer-search.ts';
import { LOGS_PORTION, SCANS } from './viewer-statements.ts';

/** A larger session is cut: its newest logs are left out. */
const MAX_SESSION_LOGS = 20_000;
const MAX_SESSION_CHARACTERS = 6 * 1024 * 1024;
/** In the logs that the matches of one page are read from. Sessions beyond it are listed without their match. */
const MAX_MATCHED_CHARACTERS = 2 * 1024 * 1024;
/** Logs with documents of any size that are searched for the words of one page. */
const MAX_LARGE_MATCHES = 10;

export interface ViewerStoreParts extends SessionReads {
  readonly index: ViewerIndex;
  readonly readLog: (key: SqliteValue) => LogResponse | undefined;
}

export function createSqliteViewerStore(parts: ViewerStoreParts): ViewerStore {
  const { reader, statements, index, readLog } = parts;
  const findSessions = createSessionFinder(parts);

  const readSummary = (key: SqliteValue): SessionSummary | undefined => {
    const row = statements.readSummary.get(key);
    return row && toSummary(row);
  };

  const listFacets = async (kind: string) => {
    const rows = await reader.all(SCANS.listFacets, [kind]);
    return rows.map((row) => row['value'] as string);
  };

  /** Reads portion by portion, so that nothing waits for a large session. */
  const listLogs = async (sql: string, key: SqliteValue, since: string): Promise<SessionLog[]> => {
    const logs: SessionLog[] = [];
    let characters = 0;
    for (;;) {
      const { created_at: time = '', key: after = 0 } = logs.at(-1) ?? {};
      const rows = await reader.all(sql, [key, since, time, after]);
      for (const row of rows) {
        characters += countCharacters(row);
        if (characters > MAX_SESSION_CHARACTERS && logs.length > 0) return logs;
        logs.push(toSessionLog(row));
      }
      if (rows.length < LOGS_PORTION || logs.length >= MAX_SESSION_LOGS) return logs;
    }
  };

  return {
    listSessions: async (query) => {
      // Changes that come while it is read are newer than this, so that the page reads them again.
      const version = index.version();
      const { found, next } = await findSessions(query);
      const readMatch = createMatchReader(parts, query.search ?? '');
      const sessions: SessionSummary[] = [];
      for (const { key, logKey } of found) {
        const summary = readSummary(key);
        const match = summary && logKey !== undefined ? await readMatch(logKey) : undefined;
        if (summary) sessions.push({ ...summary, ...(match && { match }) });
      }
      return { sessions, next, version };
    },

    readSession: async (id, changedSince = '') => {
      const version = index.version();
      const key = statements.findSummaryKey.get({ id })?.['key'];
      if (key === undefined || !readSummary(key)) return undefined;
      const isSession = Number(key) > 0;
      const logs = await listLogs(isSession ? SCANS.listLogsOfSession : SCANS.listLogsBelow, key, changedSince);
      const configs = await reader.all(isSession ? SCANS.listConfigsOfSession : SCANS.listConfigsBelow, [key]);
      const total = await reader.all(isSession ? SCANS.countLogsOfSession : SCANS.countLogsBelow, [key]);
      // Read last, so that its sums include the logs.
      const session = readSummary(key);
      if (!session) return undefined;
      const labels = Object.fromEntries(configs.map((row) => [row['key'], toConfigLabel(row)]));
      return { session, total: Number(total[0]!['total']), logs, configs: labels, version };
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
      const log = readLog(row['key']!);
      return log && { log, session: session as string };
    },

    listFilters: async () => ({
      projects: await listFacets('project'),
      models: await listFacets('model'),
      types: await listFacets('type'),
      feedback: await listFacets('feedback'),
    }),

    readBacklog: async () => {
      const [row] = await reader.all(SCANS.readBacklog, []);
      return { logs: Number(row!['logs']), ...given('since', row!['since']) };
    },

    version: async () => index.version(),
    onChange: (listener) => index.onChange(listener),
  };
}

/** Returns a function that reads the words of the log in which a search found a session. */
function createMatchReader(
  { statements, reader }: SessionReads,
  search: string,
): (logKey: SqliteValue) => Promise<SessionSummary['match']> {
  const terms = searchTerms(search);
  let left = MAX_MATCHED_CHARACTERS;
  let largeLeft = MAX_LARGE_MATCHES;
  return async (logKey) => {
    const row = left > 0 ? statements.readMatch.get(logKey) : undefined;
    if (!row) return undefined;
    left -= countCharacters(row);
    let text = searchableText(toTexts(row));
    if (row['is_large'] === 1 && largeLeft > 0) {
      largeLeft -= 1;
      const [found] = await reader.all(SCANS.readNear, [logKey, terms[0]!.toLowerCase()]);
      text += `\n${found?.['text'] ?? ''}`;
    }
    return { log_id: row['id'] as string, text: excerpt(text, terms) };
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
    ...(Number.isFinite(row['cost']) && given('cost', row['cost'])),
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
  const name = row['label'] ?? row['model'] ?? type;
  return { type, name: name as string, ...given('model', row['model']) };
}

function given<Name extends string>(name: Name, value: SqliteValue | undefined): { [K in Name]?: never } {
  return value === null || value === undefined ? {} : ({ [name]: value } as object);
}
