/** Finds what the requests of a turn name, with a few statements for all of them. */
import type pg from 'pg';
import type { FeedbackRequest, LogUpdate } from '../../../../wire/v4.ts';
import { type FeedbackSize, SMALL_CHARACTERS } from '../../log-limits.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { storableText } from '../../storable-text.ts';
import type { LogSelector } from '../../store.ts';
import type { KeyedConfig } from '../tables/catalog.ts';
import type { Row } from '../tables/connection.ts';
import type { EncodedLog } from '../tables/drafts.ts';
import { fromId, type Uuid } from '../tables/keys.ts';
import {
  type FoundLog,
  type FoundSession,
  findCurrentSessions,
  findLogs,
  findReferences,
  type PlacedRead,
  readPlaces,
} from '../tables/lookups.ts';
import type { RememberedReferences } from '../tables/remembered-references.ts';

export type Work =
  | { readonly kind: 'create'; readonly logs: readonly EncodedLog[] }
  | { readonly kind: 'update'; readonly selector: LogSelector; readonly update: LogUpdate }
  | { readonly kind: 'feedback'; readonly requests: readonly FeedbackRequest[] };

export interface Named {
  readonly sessions: ReadonlyMap<Uuid, FoundSession>;
  readonly configs: ReadonlyMap<Uuid, KeyedConfig>;
  /** By id. */
  readonly logs: ReadonlyMap<string, FoundLog>;
  /** Ids of logs by reference. */
  readonly references: ReadonlyMap<string, string>;
  /** Those that were remembered, and not looked up. */
  readonly known: ReadonlyMap<string, string>;
  /** What each log has of it. */
  readonly feedback: ReadonlyMap<string, FeedbackSize>;
  /** Bytes of the logs that large requests add to. */
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * What updates name is looked up where it is not `remembered`, which must be left out once what was remembered has led to
 * no log.
 */
export async function findNamed(
  pool: pg.Pool,
  works: readonly Work[],
  remembered?: Pick<RememberedReferences, 'get'>,
): Promise<Named> {
  const [sessions, configs] = [new Set<Uuid>(), new Set<Uuid>()];
  const [logIds, references] = [new Set<string>(), new Set<string>()];
  const [withFeedback, large, parents] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const updated = new Set<string>();
  const add = <Item>(set: Set<Item>, item: Item | undefined) => void (item !== undefined && set.add(item));
  for (const work of works) {
    if (work.kind === 'create') {
      for (const { request, row } of work.logs) {
        if (request.session_id) add(sessions, fromId('sesh', request.session_id));
        if (request.config_id) add(configs, fromId('config', request.config_id));
        if (request.parent_id) {
          logIds.add(request.parent_id);
          references.add(storableText(request.parent_id));
          parents.add(storableText(request.parent_id));
        }
        if (request.reference_id && countCharacters(row.given) > SMALL_CHARACTERS) {
          references.add(storableText(request.reference_id));
          large.add(storableText(request.reference_id));
        }
      }
    } else if (work.kind === 'update') {
      const isLarge = (work.update.output?.length ?? 0) + (work.update.error?.length ?? 0) > SMALL_CHARACTERS;
      if ('referenceId' in work.selector) updated.add(storableText(work.selector.referenceId));
      if (isLarge) large.add('id' in work.selector ? work.selector.id : storableText(work.selector.referenceId));
    } else {
      for (const { data_id: id } of work.requests) {
        if (id === undefined) continue;
        logIds.add(id);
        withFeedback.add(id);
      }
    }
  }
  const known = new Map<string, string>();
  for (const reference of updated) {
    const id = remembered?.get(reference);
    if (id === undefined) references.add(reference);
    else known.set(reference, id);
  }
  const [found, currentSessions, foundConfigs, counts] = await Promise.all([
    findReferences(pool, references),
    findCurrentSessions(pool, sessions),
    findConfigs(pool, configs),
    measureFeedback(pool, withFeedback),
  ]);
  for (const [reference, id] of known) if (!found.has(reference)) found.set(reference, id);
  // Of an update nothing is needed but the id.
  const ids = new Set([...logIds, ...[...parents].flatMap((reference) => found.get(reference) ?? [])]);
  const [logs, sizes] = await Promise.all([
    findLogs(pool, ids),
    measure(
      pool,
      [...large].map((name) => found.get(name) ?? name),
    ),
  ]);
  return { sessions: currentSessions, configs: foundConfigs, logs, references: found, known, feedback: counts, sizes };
}

async function findConfigs(pool: pg.Pool, keys: ReadonlySet<Uuid>): Promise<Map<Uuid, KeyedConfig>> {
  if (keys.size === 0) return new Map();
  // One that is left of a project that was deleted is not named any more.
  const { rows } = await pool.query<Row>(
    `SELECT configs.key, projects.key AS "projectKey", type, model, label FROM configs
     JOIN projects ON projects.key = configs.project WHERE configs.key = ANY($1::uuid[])`,
    [[...keys]],
  );
  return new Map((rows as unknown as KeyedConfig[]).map((row) => [row.key, row]));
}

const MEASURE_FEEDBACK: PlacedRead = {
  ...{ name: 'measure feedback', table: 'feedback', rest: 'GROUP BY log_id' },
  columns: `log_id, count(*) AS entries,
    sum(length(type) + length(value) + coalesce(length("user"), 0))::bigint AS characters`,
};
const MEASURE_LOGS: PlacedRead = {
  ...{ name: 'measure logs', table: 'logs', columns: 'id, octet_length(logs::text) AS bytes' },
};

async function measureFeedback(pool: pg.Pool, ids: ReadonlySet<string>): Promise<Map<string, FeedbackSize>> {
  const rows = await readPlaces(pool, MEASURE_FEEDBACK, ids);
  return new Map(rows.map((row) => [row['log_id'] as string, row as unknown as FeedbackSize]));
}

async function measure(pool: pg.Pool, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await readPlaces(pool, MEASURE_LOGS, ids);
  return new Map(rows.map((row) => [row['id'] as string, row['bytes'] as number]));
}
