/** The viewer's reads on the SQLite store. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { LogResponse } from '../../../wire/v4.ts';
import { createPauses } from '../heavy-turns.ts';
import { countLogCharacters } from '../rows/log-json.ts';
import { excerpt, plainText } from '../rows/log-text.ts';
import { countCharacters } from '../rows/row-size.ts';
import { searchTerms } from '../search-query.ts';
import { toConfigLabel, toOverview, toSessionLog, toSummary } from '../viewer-rows.ts';
import type { IndexLag, Overview, SessionLog, SessionSummary, ViewerStore } from '../viewer-store.ts';
import { labelsOf, toTexts } from './index/log-content.ts';
import type { ViewerIndex } from './index/viewer-index.ts';
import { findName } from './viewer/viewer-names.ts';
import { createSessionFinder, type SessionReads } from './viewer/viewer-query.ts';
import { LOGS_PORTION, SCANS } from './viewer/viewer-statements.ts';

/** In one portion of a session, so that nothing waits long for it. */
const MAX_PORTION_CHARACTERS = 512 * 1024;
const MAX_EXPORT_LOGS = 200;
const MAX_EXPORT_CHARACTERS = 1024 * 1024;
/** In the logs that the matches of one page are read from. Sessions beyond it are listed without their match. */
const MAX_MATCHED_CHARACTERS = 2 * 1024 * 1024;
/** Logs with documents of any size that are searched for the words of one page. */
const MAX_LARGE_MATCHES = 10;
const DAY_MILLIS = 86_400_000;

export interface ViewerStoreParts extends SessionReads {
  readonly index: ViewerIndex;
  readonly readLog: (key: SqliteValue) => Promise<LogResponse | undefined>;
}

export function createSqliteViewerStore(parts: ViewerStoreParts): ViewerStore {
  const { reader, statements, index, readLog } = parts;
  const findSessions = createSessionFinder(parts);

  const readSummary = (key: SqliteValue): SessionSummary | undefined => {
    const row = statements.readSummary.get(key);
    return row && toSummary(row, statements.listLabels.all(key));
  };

  const indexLag = async (): Promise<IndexLag> => {
    const [row] = await reader.all(SCANS.readLag, []);
    const oldest = row!['oldest'] as string | null;
    return { logs: Number(row!['logs']), ...(oldest !== null && { oldestCreatedAt: oldest }) };
  };

  /** Returns the id of its session, or of the log at the top; undefined where that has gone meanwhile. */
  const findSessionOf = async (log: SqliteRow): Promise<SqliteValue | undefined> => {
    const isTop = log['parent_key'] === null;
    if (log['session_key'] !== null) return statements.findSessionId.get(log['session_key']!)?.['id'];
    // There may be hundreds of thousands above it.
    return isTop ? log['id'] : (await reader.all(SCANS.findTop, [log['key']!]))[0]?.['id'];
  };

  const listFacets = async (kind: string) => {
    const rows = await reader.all(SCANS.listFacets, [kind]);
    return rows.map((row) => row['value'] as string);
  };

  return {
    listSessions: async (query) => {
      // Changes that come while it is read are newer than this, so that the page reads them again.
      const version = index.version();
      const { found, next } = await findSessions(query);
      const readMatch = createMatchReader(parts, query.search ?? query.metadata?.[0]?.value ?? '');
      const sessions: SessionSummary[] = [];
      const pause = createPauses();
      for (const { key, logKey } of found) {
        await pause();
        const summary = readSummary(key);
        const match = summary && logKey !== undefined ? await readMatch(logKey) : undefined;
        if (summary) sessions.push({ ...summary, ...(match && { match }) });
      }
      const lag = await indexLag();
      return { sessions, next, version, ...(lag.logs > 0 && { indexing: lag }) };
    },

    readSession: async (id, { changedSince = '', cursor } = {}) => {
      const version = index.version();
      const key = statements.findSummaryKey.get({ id })?.['key'];
      // Read first: all changes up to its time are in the logs that are read after it.
      const asOf = key === undefined ? undefined : statements.readSummary.get(key)?.['updated_at'];
      if (key === undefined || asOf === undefined) return undefined;
      const isSession = Number(key) > 0;
      const sql = isSession ? SCANS.listLogsOfSession : SCANS.listLogsBelow;
      const rows = await reader.all(sql, [key, ...parseLogCursor(cursor), changedSince]);
      const logs: SessionLog[] = [];
      let characters = 0;
      for (const row of rows) {
        characters += countCharacters(row);
        if (characters > MAX_PORTION_CHARACTERS && logs.length > 0) break;
        logs.push(toSessionLog(row));
      }
      const isLast = logs.length === rows.length && rows.length < LOGS_PORTION;
      const next = isLast ? null : `${logs.at(-1)!.created_at} ${logs.at(-1)!.key}`;
      const keys = [...new Set(logs.flatMap(({ config }) => config ?? []))];
      const configs = await reader.all(SCANS.listConfigs, [JSON.stringify(keys)]);
      // Read last, so that its sums include the logs.
      const session = readSummary(key);
      if (!session) return undefined;
      const below = isSession ? undefined : await reader.all(SCANS.countLogsBelow, [key]);
      const total = below ? Number(below[0]!['total']) : session.logs;
      const labels = Object.fromEntries(configs.map((row) => [row['key'], toConfigLabel(row)]));
      return { session, total, logs, configs: labels, next, as_of: asOf as string, version };
    },

    findSession: async (name) => {
      const found = findName(statements, name);
      const session = found && statements.findSummaryId.get(found.key)?.['id'];
      if (typeof session !== 'string') return undefined;
      const log = found?.logKey === undefined ? undefined : statements.findLogByKey.get(found.logKey)?.['id'];
      return { session, ...(log !== undefined && { log: log as string }) };
    },

    exportSession: async (id, cursor) => {
      const key = statements.findSummaryKey.get({ id })?.['key'];
      if (key === undefined) return undefined;
      const sql = Number(key) > 0 ? SCANS.listKeysOfSession : SCANS.listKeysBelow;
      const rows = await reader.all(sql, [key, ...parseLogCursor(cursor)]);
      const records: LogResponse[] = [];
      const pause = createPauses();
      let characters = 0;
      for (const [at, row] of rows.entries()) {
        await pause();
        const log = await readLog(row['key']!);
        if (!log) continue;
        records.push(log);
        characters += countLogCharacters(log);
        await pause();
        const isFull = characters > MAX_EXPORT_CHARACTERS || records.length >= MAX_EXPORT_LOGS;
        if (isFull && at < rows.length - 1) return { records, next: `${row['created_at']} ${row['key']}` };
      }
      const last = rows.length < LOGS_PORTION ? undefined : rows.at(-1);
      return { records, next: last ? `${last['created_at']} ${last['key']}` : null };
    },

    readLog: async (id) => {
      const row = statements.findLogById.get(id);
      if (!row) return undefined;
      const session = await findSessionOf(row);
      const log = session === undefined ? undefined : await readLog(row['key']!);
      return log && { log, session: session as string };
    },

    listFilters: async () => ({
      projects: await listFacets('project'),
      models: await listFacets('model'),
      types: await listFacets('type'),
      feedback: await listFacets('feedback'),
      environments: await listFacets('environment'),
    }),

    // Day by day: so many rows at once would take long to receive.
    readOverview: async ({ days, until, project = null }) => {
      const last = until.slice(0, 10);
      const first = new Date(Date.parse(`${last}T00:00:00Z`) - (days - 1) * DAY_MILLIS).toISOString().slice(0, 10);
      const [found] = await reader.all(SCANS.listDays, [first, last, project]);
      const [all, models] = [found!['days'] as string, found!['models'] as string];
      const overview = { days: [] as Overview['days'], models: [] as Overview['models'] };
      for (const day of JSON.parse(all) as string[]) {
        overview.days.push(...toOverview(await reader.all(SCANS.readDay, [day, day, project, models])).days);
      }
      overview.models = toOverview(await reader.all(SCANS.readDay, [first, last, project, models])).models;
      return overview;
    },

    indexLag,
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
    let text = `${plainText(toTexts(row))}\n${labelsOf(row).words}`;
    if (row['is_large'] === 1 && largeLeft > 0) {
      largeLeft -= 1;
      const [found] = await reader.all(SCANS.readNear, [logKey, (terms[0] ?? '').toLowerCase()]);
      text += `\n${found?.['text'] ?? ''}`;
    }
    return { log_id: row['id'] as string, text: excerpt(text, terms) };
  };
}

/** Time and key of the log that a portion ended with. */
function parseLogCursor(cursor = ''): [time: string, key: number] {
  const [time = '', key = '0'] = cursor.split(' ');
  return [time, Number(key)];
}
