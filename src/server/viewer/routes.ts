/** The viewer's own operations. They are stricter than the v4 API: their one client is the page that is served here. */
import type { Access } from '../http/access.ts';
import { type Answer, empty, json } from '../http/answer.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import type { Routes } from '../http/route.ts';
import { splitIdeographs } from '../store/log-text.ts';
import type { Store } from '../store/store.ts';
import { toTimestamp } from '../store/timestamps.ts';
import type { SessionQuery } from '../store/viewer-store.ts';

const MAX_PAGE_SIZE = 200;
const MAX_IDS = 50;
const MAX_VALUE_CHARACTERS = 500;
/** All of them are looked up in the search index. */
const MAX_WORDS = 50;
const TEXT_FILTERS = ['project', 'model', 'type', 'feedback'] as const;
const KNOWN = new Set<string>([...TEXT_FILTERS, 'error', 'since', 'until', 'q', 'id', 'cursor', 'size']);

export function createViewerRoutes(store: Store, access: Access): Routes {
  const { viewer } = store;
  return {
    '/viewer/api': {},
    '/viewer/api/sessions': {
      GET: { needs: 'read', run: async ({ query }) => fresh(await viewer.listSessions(parseSessionQuery(query))) },
    },
    '/viewer/api/sessions/:id': {
      GET: {
        needs: 'read',
        run: async ({ id, query }) => {
          const session = await viewer.readSession(id, parseTime(query, 'since'));
          if (!session) throw new HttpError(404, 'session not found');
          return fresh(session);
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
    '/viewer/api/logs/:id': {
      GET: {
        needs: 'read',
        run: async ({ id }) => {
          const log = await viewer.readLog(id);
          if (!log) throw new HttpError(404, 'log not found');
          return fresh(log);
        },
      },
    },
    '/viewer/api/filters': { GET: { needs: 'read', run: async () => fresh(await viewer.listFilters()) } },
    '/viewer/api/login': {
      POST: {
        needs: 'nothing',
        run: async ({ body }) => {
          const given = (body as { api_key?: unknown } | null | undefined)?.api_key;
          if (typeof given !== 'string') throw invalid(['body', 'api_key'], 'field required', 'value_error.missing');
          const cookie = access.logIn(given);
          return empty(cookie === undefined ? undefined : { 'Set-Cookie': cookie });
        },
      },
    },
  };
}

function fresh(body: unknown): Answer {
  return json(200, body, { 'Cache-Control': 'no-store' });
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
  const search = query.get('q')?.trim();
  if (search && countWords(search) > MAX_WORDS) throw invalid(['query', 'q'], `at most ${MAX_WORDS} words are taken`);
  const cursor = query.get('cursor');
  if (cursor !== null && !(search ? /^\d{1,16}$/ : /^\d{4}-[-0-9T:.]{10,24}Z -?\d{1,16}$/).test(cursor)) {
    throw invalid(['query', 'cursor'], 'expected the cursor of a page of the same list');
  }
  return {
    ...Object.fromEntries(texts),
    ...(query.get('error') === '1' && { hasError: true }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(search && { search }),
    ...(ids.length > 0 && { ids }),
    ...(cursor !== null && { cursor }),
    size: parseSize(query.get('size')),
  };
}

/** Each Chinese or Japanese character is a word. */
function countWords(text: string): number {
  return splitIdeographs(text).match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
}

function parseSize(text: string | null): number {
  if (text === null) return 50;
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < 1 || size > MAX_PAGE_SIZE) {
    throw invalid(['query', 'size'], `expected a whole number from 1 to ${MAX_PAGE_SIZE}`);
  }
  return size;
}

function parseTime(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  const time = toTimestamp(text);
  if (time === undefined) throw invalid(['query', name], 'value is not a valid datetime');
  return time;
}
