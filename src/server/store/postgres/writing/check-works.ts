/**
 * Trip 0 of a turn: finds what the requests name, and refuses those that name what is not there, before anything is
 * written. Projects and configs that are new are made here, outside of the transaction.
 */
import type pg from 'pg';
import type { Feedback, FeedbackRequest, LogUpdate } from '../../../../wire/v4.ts';
import { RejectedFieldError, RejectedItemError, rejectItem } from '../../rejected-item.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { storableText } from '../../storable-text.ts';
import type { LogSelector } from '../../store.ts';
import { toTimestamp } from '../../timestamps.ts';
import type { Catalog, KeyedConfig, Project } from '../tables/catalog.ts';
import type { Row } from '../tables/connection.ts';
import { type CheckedLog, type EncodedLog, type FeedbackDraft, NO_PARENT, type ParentDraft } from '../tables/drafts.ts';
import { newFeedbackId, nextTimestamp, placeOf } from '../tables/identifiers.ts';
import { fromId, sessionKey, toKeyed, type Uuid } from '../tables/keys.ts';
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

/** All feedback of a log is in each answer that has the log. */
export const MAX_FEEDBACK = 1_000;
const MAX_FEEDBACK_CHARACTERS = 50_000;
const MAX_LOG_BYTES = 32 * 1024 * 1024;
const SMALL_CHARACTERS = 256 * 1024;

export type Work =
  | { readonly kind: 'create'; readonly logs: readonly EncodedLog[] }
  | { readonly kind: 'update'; readonly selector: LogSelector; readonly update: LogUpdate }
  | { readonly kind: 'feedback'; readonly requests: readonly FeedbackRequest[] };

export interface CheckedFeedback {
  readonly request: FeedbackRequest;
  readonly log: FoundLog;
  /** Absent for what is taken away. */
  readonly draft?: FeedbackDraft;
}

/** In the order of the requests. */
export type Checked =
  | { readonly kind: 'create'; readonly logs: readonly CheckedLog[] }
  | {
      readonly kind: 'update';
      readonly update: LogUpdate;
      readonly id: string | undefined;
      readonly isRemembered: boolean;
    }
  | { readonly kind: 'feedback'; readonly feedback: readonly CheckedFeedback[] }
  | { readonly kind: 'rejected'; readonly error: unknown };

interface Named {
  readonly sessions: ReadonlyMap<Uuid, FoundSession>;
  readonly configs: ReadonlyMap<Uuid, KeyedConfig>;
  /** By id. */
  readonly logs: ReadonlyMap<string, FoundLog>;
  /** Ids of logs by reference. */
  readonly references: ReadonlyMap<string, string>;
  /** Those that were remembered, and not looked up. */
  readonly known: ReadonlyMap<string, string>;
  /** How many entries of feedback each log has. */
  readonly feedback: ReadonlyMap<string, number>;
  /** Bytes of the logs that large requests add to. */
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * What updates name is looked up where it is not `remembered`, which must be left out once what was remembered has led to
 * no log.
 */
export async function checkWorks(
  pool: pg.Pool,
  catalog: Catalog,
  works: readonly Work[],
  remembered?: Pick<RememberedReferences, 'get'>,
): Promise<Checked[]> {
  const named = await findNamed(pool, works, remembered);
  return Promise.all(
    works.map(async (work): Promise<Checked> => {
      try {
        if (work.kind === 'create') return { kind: 'create', logs: await checkLogs(catalog, named, work.logs) };
        if (work.kind === 'update') return checkUpdate(named, work.selector, work.update);
        return { kind: 'feedback', feedback: checkFeedback(named, work.requests) };
      } catch (error) {
        if (error instanceof RejectedItemError || error instanceof RejectedFieldError)
          return { kind: 'rejected', error };
        throw error;
      }
    }),
  );
}

async function findNamed(
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
    countFeedback(pool, withFeedback),
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
  const { rows } = await pool.query<Row>('SELECT key, type, model, label FROM configs WHERE key = ANY($1::uuid[])', [
    [...keys],
  ]);
  return new Map((rows as unknown as KeyedConfig[]).map((row) => [row.key, row]));
}

const COUNT_FEEDBACK: PlacedRead = {
  ...{ name: 'count feedback', table: 'feedback' },
  ...{ columns: 'log_id, count(*) AS count', rest: 'GROUP BY log_id' },
};
const MEASURE_LOGS: PlacedRead = {
  ...{ name: 'measure logs', table: 'logs', columns: 'id, octet_length(logs::text) AS bytes' },
};

async function countFeedback(pool: pg.Pool, ids: ReadonlySet<string>): Promise<Map<string, number>> {
  const rows = await readPlaces(pool, COUNT_FEEDBACK, ids);
  return new Map(rows.map((row) => [row['log_id'] as string, row['count'] as number]));
}

async function measure(pool: pg.Pool, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await readPlaces(pool, MEASURE_LOGS, ids);
  return new Map(rows.map((row) => [row['id'] as string, row['bytes'] as number]));
}

async function checkLogs(catalog: Catalog, named: Named, logs: readonly EncodedLog[]): Promise<CheckedLog[]> {
  // Everything is checked before a project is made.
  const checked = each(logs, ({ request, row }) => {
    if (request.reference_id) {
      checkSize(
        named,
        named.references.get(storableText(request.reference_id)),
        countCharacters(row.given),
        'reference_id',
      );
    }
    const session = sessionOf(named, request);
    const feedback = [request.feedback ?? []].flat().map((entry) => toFeedbackDraft(entry, 'feedback'));
    if (feedback.length > MAX_FEEDBACK) throw tooMuchFeedback('feedback');
    const config = request.config_id ? configOf(named, request.config_id) : undefined;
    return { request, row, session, parent: parentOf(named, request), config, feedback };
  });
  const projects: (Project | undefined)[] = await Promise.all(
    logs.map(({ request }) => (request.project_id ? catalog.findProject({ id: request.project_id }) : undefined)),
  );
  each(logs, ({ request }, index) => {
    if (request.project_id && !projects[index]) throw new RejectedFieldError('project_id', 'project not found');
  });
  const names = logs.map(({ request }, index) => (projects[index] ? undefined : storableText(request.project!)));
  // Of a name that several have, the first.
  const first = new Map(names.flatMap((name, index) => (name === undefined ? [] : [[name, index] as const])).reverse());
  const byName = await catalog.findOrMakeProjects(first);
  for (const [index, name] of names.entries()) {
    if (name !== undefined) projects[index] = byName.get(name);
    catalog.touchProject(projects[index]!.key);
  }
  const given = checked.flatMap(({ row, config }, index) =>
    !config && row.config ? [{ index, projectKey: projects[index]!.key, row: row.config }] : [],
  );
  const keys = await catalog.useConfigs(given);
  const configs = new Map<number, KeyedConfig>();
  for (const [at, { index, row }] of given.entries()) {
    configs.set(index, { key: keys[at]!, type: row.type, model: row.model, label: row.label });
  }
  return checked.map(({ request, row, session, parent, config: byId, feedback }, index) => {
    const config = byId ?? configs.get(index);
    return { request, row, project: projects[index]!, session, parent, config, feedback };
  });
}

/** A `RejectedFieldError` gets the index of its item. */
function each<Item, Result>(items: readonly Item[], check: (item: Item, index: number) => Result): Result[] {
  return items.map((item, index) => {
    try {
      return check(item, index);
    } catch (error) {
      return rejectItem(index)(error);
    }
  });
}

function sessionOf(named: Named, { session_id: id, session_reference_id: reference }: EncodedLog['request']) {
  if (id) {
    const key = fromId('sesh', id);
    const session = key && named.sessions.get(key);
    if (!session || session.id === null) throw new RejectedFieldError('session_id', 'session not found');
    return toKeyed(session.key);
  }
  return reference ? { referenceId: storableText(reference), ...sessionKey(storableText(reference)) } : undefined;
}

function configOf(named: Named, id: string): KeyedConfig {
  const key = fromId('config', id);
  const config = key && named.configs.get(key);
  if (!config) throw new RejectedFieldError('config_id', 'config not found');
  return config;
}

function parentOf(named: Named, { parent_id: id, parent_reference_id: reference }: EncodedLog['request']): ParentDraft {
  if (id) {
    // By the official description, `parent_id` can be a reference as well.
    const found = named.logs.get(id) ?? named.logs.get(named.references.get(storableText(id)) ?? '');
    if (!found) throw new RejectedFieldError('parent_id', 'parent datapoint not found');
    return { id: found.id, referenceId: null, session: found.session };
  }
  return reference ? { id: null, referenceId: storableText(reference) } : NO_PARENT;
}

function checkUpdate(named: Named, selector: LogSelector, update: LogUpdate): Checked {
  const reference = 'id' in selector ? undefined : storableText(selector.referenceId);
  const id = 'id' in selector ? selector.id : named.references.get(reference!);
  checkSize(named, id, (update.output?.length ?? 0) + (update.error?.length ?? 0), 'output');
  const isRemembered = reference !== undefined && named.known.has(reference);
  return { kind: 'update', id: id !== undefined && placeOf(id) ? id : undefined, isRemembered, update };
}

/** A log can grow request by request, and every answer has all of it. */
function checkSize(named: Named, id: string | undefined, added: number, field: string): void {
  const size = id === undefined ? undefined : named.sizes.get(id);
  if (size === undefined || size + added <= MAX_LOG_BYTES) return;
  throw new RejectedFieldError(field, `the datapoint would have more than ${MAX_LOG_BYTES} bytes in all`);
}

function checkFeedback(named: Named, requests: readonly FeedbackRequest[]): CheckedFeedback[] {
  const counts = new Map(named.feedback);
  return each(requests, (request) => {
    const log = request.data_id === undefined ? undefined : named.logs.get(request.data_id);
    if (!log) throw new RejectedFieldError('data_id', 'datapoint not found');
    if (request.unset) return { request, log };
    const count = (counts.get(log.id) ?? 0) + 1;
    if (count > MAX_FEEDBACK) throw tooMuchFeedback('value');
    counts.set(log.id, count);
    return { request, log, draft: toFeedbackDraft({ ...request, value: request.value! }, 'value') };
  });
}

export function toFeedbackDraft(feedback: Feedback, field: string): FeedbackDraft {
  const value = JSON.stringify(feedback.value);
  if (value.length > MAX_FEEDBACK_CHARACTERS) {
    throw new RejectedFieldError(field, `the value is longer than ${MAX_FEEDBACK_CHARACTERS} characters`);
  }
  return {
    id: newFeedbackId(),
    type: storableText(feedback.type),
    value,
    user: feedback.user === undefined ? null : storableText(feedback.user),
    createdAt: (feedback.created_at && toTimestamp(feedback.created_at)) || nextTimestamp(),
  };
}

export function tooMuchFeedback(field: string): RejectedFieldError {
  return new RejectedFieldError(field, `the datapoint has ${MAX_FEEDBACK} feedback entries, and takes no more`);
}
