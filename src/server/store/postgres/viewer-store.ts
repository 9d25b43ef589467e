/** The viewer's reads on the PostgreSQL store. */
import { excerpt } from '../rows/log-text.ts';
import { searchTerms } from '../search-query.ts';
import type { SessionQuery, SessionSummary, ViewerStore } from '../viewer-store.ts';
import type { ChangeFeed } from './reading/change-feed.ts';
import type { LogReads } from './reading/log-reads.ts';
import { readOverview } from './reading/overview.ts';
import {
  type Conditions,
  type FoundSessions,
  keepWanted,
  listByIds,
  listByOrder,
  toConditions,
} from './reading/session-list.ts';
import { findName } from './reading/session-names.ts';
import { exportSession, readSessionLogs } from './reading/session-pages.ts';
import { readClock, readSummaries } from './reading/summaries.ts';
import { readTexts } from './search/match-texts.ts';
import type { Vocabulary } from './search/vocabulary.ts';
import { searchWords } from './search/word-search.ts';
import type { Catalog } from './tables/catalog.ts';
import type { Connections, Row } from './tables/connection.ts';
import type { Uuid } from './tables/keys.ts';
import type { Layout } from './tables/layout.ts';
import { FACETS } from './tables/log-facts.ts';
import { findCurrentSessions, findLogs } from './tables/lookups.ts';

const MAX_FILTER_VALUES = 500;

/** From each value to the next one: few values have many sessions, of which all would be read. */
const VALUES = `WITH RECURSIVE found AS (
    (SELECT value FROM session_facets WHERE kind = $1::smallint ORDER BY value LIMIT 1)
    UNION ALL
    SELECT (SELECT value FROM session_facets WHERE kind = $1::smallint AND value > found.value ORDER BY value LIMIT 1)
    FROM found WHERE value IS NOT NULL)
  SELECT value FROM found WHERE value IS NOT NULL LIMIT ${MAX_FILTER_VALUES}`;
/** A distributed table takes no recursion. */
const VALUES_OF_SHARDS = `SELECT DISTINCT value FROM session_facets WHERE kind = $1::smallint ORDER BY value
  LIMIT ${MAX_FILTER_VALUES}`;

interface ViewerParts {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly logReads: LogReads;
  readonly feed: ChangeFeed;
  readonly vocabulary: Vocabulary;
}

export function createPostgresViewerStore(
  { reads }: Connections,
  { layout, catalog, logReads, feed, vocabulary }: ViewerParts,
): ViewerStore {
  const find = async (query: SessionQuery, conditions: Conditions): Promise<FoundSessions> => {
    if (query.search === undefined && !query.metadata?.length) {
      return query.ids ? listByIds(reads, query.ids, conditions) : listByOrder(reads, query, conditions);
    }
    const name = query.metadata?.length ? undefined : await findName(reads, query.search);
    const key = name?.session.key;
    const isWanted = key !== undefined && (await keepWanted(reads, [key], conditions)).has(key);
    // It is first, and on no page after the first.
    const first = isWanted && query.cursor === undefined ? [{ key, ...(name?.logId && { logId: name.logId }) }] : [];
    const size = Math.max(1, query.size - first.length);
    const searched = await searchWords(
      { pool: reads, vocabulary, conditions, excluded: new Set(isWanted ? [key] : []) },
      { ...query, size },
    );
    return { found: [...first, ...searched.found], next: searched.next };
  };

  return {
    listSessions: async (query) => {
      // Changes that come while it is read are newer than this, so that the page reads them again.
      const { version } = await readClock(reads);
      const conditions = await toConditions(catalog, query);
      if (!conditions) return { sessions: [], next: null, version };
      const { found, next } = await find(query, conditions);
      const summaries = await readSummaries(
        reads,
        found.map(({ key }) => key),
      );
      const terms = searchTerms(query.search ?? query.metadata?.[0]?.value ?? '');
      const texts = await readTexts(
        reads,
        found.flatMap(({ logId }) => logId ?? []),
      );
      const sessions: SessionSummary[] = [];
      for (const { key, logId } of found) {
        const summary = summaries.get(key);
        const text = texts.get(logId ?? '')?.text;
        if (!summary) continue;
        sessions.push({
          ...summary,
          ...(logId !== undefined && text !== undefined && { match: { log_id: logId, text: excerpt(text, terms) } }),
        });
      }
      return { sessions, next, version };
    },

    readSession: (id, portion = {}) => readSessionLogs(reads, logReads, id, portion),

    readLog: async (id) => {
      const found = (await findLogs(reads, [id])).get(id);
      const log = found && (await logReads.readOne(id));
      if (!found || !log) return undefined;
      const session = (await findCurrentSessions(reads, [found.session])).get(found.session as Uuid);
      const summary = session && (await readSummaries(reads, [session.key])).get(session.key);
      return { log, session: summary?.id ?? id };
    },

    findSession: async (name) => {
      const found = await findName(reads, name);
      const summary = found && (await readSummaries(reads, [found.session.key])).get(found.session.key);
      if (!found) return undefined;
      const session = summary?.id ?? found.session.id;
      if (!session) return undefined;
      return { session, ...(found.logId !== undefined && { log: found.logId }) };
    },

    exportSession: (id, cursor) => exportSession(reads, logReads, id, cursor),

    listFilters: async () => {
      const valuesOf = async (kind: number) => {
        const { rows } = await reads.query<Row>({
          name: 'values of filter',
          text: layout.isDistributed ? VALUES_OF_SHARDS : VALUES,
          values: [kind],
        });
        return rows.map((row) => row['value'] as string);
      };
      const [models, types, feedback, environments, projects] = await Promise.all([
        ...[FACETS.model, FACETS.type, FACETS.feedback, FACETS.environment].map(valuesOf),
        reads
          .query<Row>(
            `SELECT name FROM projects WHERE EXISTS (SELECT 1 FROM session_projects WHERE project = projects.key)
             ORDER BY name COLLATE "C" LIMIT ${MAX_FILTER_VALUES}`,
          )
          .then(({ rows }) => rows.map((row) => row['name'] as string)),
      ]);
      return { projects: projects!, models: models!, types: types!, feedback: feedback!, environments: environments! };
    },

    readOverview: (query) => readOverview(reads, catalog, query),
    // Words and filters are written with the log, in one transaction.
    indexLag: async () => ({ logs: 0 }),
    version: async () => {
      await feed.ready();
      return (await readClock(reads)).version;
    },
    onChange: (listener) => feed.onChange(listener),
  };
}
