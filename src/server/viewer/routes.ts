/** The viewer's own operations. They are stricter than the v4 API: their one client is the page that is served here. */
import type { Access } from '../http/access.ts';
import { type Answer, empty, json, jsonText } from '../http/answer.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import { writeLogJson, writeRecordsJson } from '../store/rows/log-json.ts';
import { splitIdeographs } from '../store/rows/log-text.ts';
import { parseSearch } from '../store/search-query.ts';
import type { Store } from '../store/store.ts';
import { timestampNow, toTimestamp } from '../store/timestamps.ts';
import type { SessionQuery, SessionSort } from '../store/viewer-store.ts';

const MAX_PAGE_SIZE = 200;
const MAX_IDS = 50;
const MAX_VALUE_CHARACTERS = 500;
/** All of them are looked up in the search index. */
const MAX_WORDS = 50;
const TEXT_FILTERS = ['project', 'model', 'type', 'feedback', 'user', 'environment'] as const;
const SORTS: readonly SessionSort[] = ['activity', 'started', 'changed', 'duration', 'cost'];
const KNOWN = new Set<string>([
  ...TEXT_FILTERS,
  ...['error', 'since', 'until', 'min_duration', 'q', 'sort', 'id', 'cursor', 'size'],
]);
const MAX_DAYS = 92;
const NUMBER = String.raw`-?\d{1,16}(?:\.\d{1,30})?(?:e[-+]?\d{1,3})?`;
const TIME = String.raw`\d{4}-[-0-9T:.]{10,24}Z`;
const LOG = 'data_[0-9A-Za-z]{21}';
/** A place in the order of the list, and a key: each store has its own. */
const LIST_CURSOR = new RegExp(
  `^(?:${NUMBER} -?\\d{1,16}|(?:${NUMBER}|(?:${NUMBER} \\d{1,16} )?${TIME}) [0-9a-f-]{36})$`,
);
/** SQLite: key of a log, and how the terms are searched. PostgreSQL: how they are searched, and the log. */
const SEARCH_CURSOR = new RegExp(`^(?:\\d{1,16} \\d{1,3} \\d{1,3}(?: [01])?|\\d{1,2} ${LOG})$`);
const LOG_CURSOR = new RegExp(`^${TIME} (?:-?\\d{1,16}|${LOG})$`);

export function createViewerRoutes(store: Store, access: Access): Routes {
  const { viewer } = store;
  return {
    '/viewer/api': {},
    '/viewer/api/sessions': {
      GET: { needs: 'read', run: async ({ query }) => json(200, await viewer.listSessions(parseSessionQuery(query))) },
    },
    '/viewer/api/sessions/:id': {
      GET: {
        needs: 'read',
        run: async ({ id, query }) => {
          const changedSince = parseTime(query, 'since');
          const cursor = parseLogCursor(query);
          const session = await viewer.readSession(id, {
            ...(changedSince !== undefined && { changedSince }),
            ...(cursor !== undefined && { cursor }),
          });
          if (!session) throw new HttpError(404, 'session not found');
          return json(200, session);
        },
      },
      DELETE: {
        needs: 'write',
        run: async ({ id }) => {
          if (!(await store.deleteSession({ id }))) throw new HttpError(404, 'session not found');
          return empty();
        },
      },
    },
    '/viewer/api/sessions/:id/logs': {
      GET: {
        needs: 'read',
        run: async ({ id, query }) => {
          const portion = await viewer.exportSession(id, parseLogCursor(query));
          if (!portion) throw new HttpError(404, 'session not found');
          return jsonText(200, await writeRecordsJson(portion));
        },
      },
    },
    '/viewer/api/names/:id': {
      GET: {
        needs: 'read',
        run: async ({ id }) => {
          const found = await viewer.findSession(id);
          if (!found) throw new HttpError(404, 'nothing has this id or reference');
          return json(200, found);
        },
      },
    },
    '/viewer/api/overview': {
      GET: {
        needs: 'read',
        run: async ({ query }) => {
          const project = query.get('project');
          return json(
            200,
            await viewer.readOverview({
              days: parseWhole(query, 'days', MAX_DAYS, 14),
              until: parseTime(query, 'until') ?? timestampNow(),
              ...(project && { project }),
            }),
          );
        },
      },
    },
    '/viewer/api/logs/:id': {
      GET: {
        needs: 'read',
        run: async ({ id }) => {
          const found = await viewer.readLog(id);
          if (!found) throw new HttpError(404, 'log not found');
          return jsonText(200, `{"log":${await writeLogJson(found.log)},"session":${JSON.stringify(found.session)}}`);
        },
      },
    },
    '/viewer/api/filters': { GET: { needs: 'read', run: async () => json(200, await viewer.listFilters()) } },
    '/viewer/api/login': {
      GET: { needs: 'nothing', run: async ({ caller }) => json(200, { logged_in: caller.login !== undefined }) },
      POST: {
        needs: 'nothing',
        run: async ({ body, caller }) => {
          const given = (body as { api_key?: unknown } | null | undefined)?.api_key;
          if (typeof given !== 'string') throw invalid(['body', 'api_key'], 'field required', 'value_error.missing');
          return withCookie(access.logIn(given, caller));
        },
      },
    },
    '/viewer/api/logout': {
      POST: { needs: 'nothing', run: async ({ caller }) => withCookie(access.logOut(caller)) },
    },
  };
}

function withCookie(cookie: string | undefined): Answer {
  return empty(cookie === undefined ? undefined : { 'Set-Cookie': cookie });
}

export function parseSessionQuery(query: URLSearchParams): SessionQuery {
  for (const [name, value] of query) {
    if (!KNOWN.has(name)) throw invalid(['query', name], 'is not a filter');
    if (value.length > MAX_VALUE_CHARACTERS) {
      throw invalid(['query', name], `ensure this value has at most ${MAX_VALUE_CHARACTERS} characters`);
    }
  }
  const ids = query.getAll('id');
  if (ids.length > MAX_IDS) throw invalid(['query', 'id'], `at most ${MAX_IDS} are taken`);
  const texts = TEXT_FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : []));
  const since = parseTime(query, 'since');
  const until = parseTime(query, 'until');
  const minDuration = parseSeconds(query, 'min_duration');
  const sort = parseSort(query);
  const typed = query.get('q')?.trim() ?? '';
  if (countWords(typed) > MAX_WORDS) throw invalid(['query', 'q'], `at most ${MAX_WORDS} words are taken`);
  const { words: search, ...filters } = parseSearch(typed);
  const cursor = query.get('cursor');
  const isSearch = search !== '' || filters.metadata.length > 0;
  if (cursor !== null && !(isSearch ? SEARCH_CURSOR : LIST_CURSOR).test(cursor)) {
    throw invalid(['query', 'cursor'], 'expected the cursor of a page of the same list');
  }
  return {
    ...Object.fromEntries(texts),
    ...filters,
    ...(minDuration !== undefined && { minDuration }),
    ...(sort !== undefined && { sort }),
    ...(query.get('error') === '1' && { hasError: true }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(search && { search }),
    ...(ids.length > 0 && { ids }),
    ...(cursor !== null && { cursor }),
    size: parseWhole(query, 'size', MAX_PAGE_SIZE, 50),
  };
}

/** Each Chinese or Japanese character is a word. */
function countWords(text: string): number {
  return splitIdeographs(text).match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
}

function parseWhole(query: URLSearchParams, name: string, most: number, otherwise: number): number {
  const text = query.get(name);
  if (text === null) return otherwise;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most) {
    throw invalid(['query', name], `expected a whole number from 1 to ${most}`);
  }
  return number;
}

function parseSeconds(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) throw invalid(['query', name], 'expected a number of seconds');
  return Number(text);
}

function parseSort(query: URLSearchParams): SessionSort | undefined {
  const text = query.get('sort');
  if (!text) return undefined;
  const sort = SORTS.find((name) => name === text);
  if (!sort) throw invalid(['query', 'sort'], `expected one of ${SORTS.join(', ')}`);
  return sort;
}

function parseLogCursor(query: URLSearchParams): string | undefined {
  const cursor = query.get('cursor');
  if (cursor === null) return undefined;
  if (!LOG_CURSOR.test(cursor)) throw invalid(['query', 'cursor'], 'expected the cursor of a portion of this session');
  return cursor;
}

function parseTime(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const time = toTimestamp(text);
  if (time === undefined) throw invalid(['query', name], 'value is not a valid datetime');
  return time;
}
