/**
 * Trip 0 of a turn: refuses requests that name what is not there, or would make a log too large, before anything is
 * written. Projects and configs that are new are made here, outside of the transaction.
 */
import type pg from 'pg';
import type { Feedback, FeedbackRequest, LogUpdate } from '../../../../wire/v4.ts';
import { encodeFeedbackValue, type FeedbackSize, limitFeedback, limitSize } from '../../log-limits.ts';
import { RejectedFieldError, RejectedItemError, rejectItem } from '../../rejected-item.ts';
import { countCharacters } from '../../rows/row-size.ts';
import { storableText } from '../../storable-text.ts';
import type { LogSelector } from '../../store.ts';
import { toTimestamp } from '../../timestamps.ts';
import type { Catalog, KeyedConfig } from '../tables/catalog.ts';
import { type CheckedLog, type EncodedLog, type FeedbackDraft, NO_PARENT, type ParentDraft } from '../tables/drafts.ts';
import { newFeedbackId, nextTimestamp, placeOf } from '../tables/identifiers.ts';
import { fromId, sessionKey, toKeyed } from '../tables/keys.ts';
import type { FoundLog } from '../tables/lookups.ts';
import type { Project } from '../tables/project-rows.ts';
import type { RememberedReferences } from '../tables/remembered-references.ts';
import { findNamed, type Named, type Work } from './find-named.ts';

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

/** `remembered` is that of `findNamed`. */
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
    limitFeedback(addFeedback(NO_FEEDBACK, feedback), 'feedback');
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
  for (const [at, { index, projectKey, row }] of given.entries()) {
    configs.set(index, { key: keys[at]!, projectKey, type: row.type, model: row.model, label: row.label });
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

function checkSize(named: Named, id: string | undefined, added: number, field: string): void {
  const size = id === undefined ? undefined : named.sizes.get(id);
  if (size !== undefined) limitSize(size + added, field);
}

function checkFeedback(named: Named, requests: readonly FeedbackRequest[]): CheckedFeedback[] {
  const sizes = new Map(named.feedback);
  return each(requests, (request) => {
    const log = request.data_id === undefined ? undefined : named.logs.get(request.data_id);
    if (!log) throw new RejectedFieldError('data_id', 'datapoint not found');
    if (request.unset) return { request, log };
    const draft = toFeedbackDraft({ ...request, value: request.value! }, 'value');
    const size = addFeedback(sizes.get(log.id) ?? NO_FEEDBACK, [draft]);
    limitFeedback(size, 'value');
    sizes.set(log.id, size);
    return { request, log, draft };
  });
}

const NO_FEEDBACK: FeedbackSize = { entries: 0, characters: 0 };

function addFeedback({ entries, characters }: FeedbackSize, added: readonly FeedbackDraft[]): FeedbackSize {
  const sum = added.reduce((all, { type, value, user }) => all + type.length + value.length + (user?.length ?? 0), 0);
  return { entries: entries + added.length, characters: characters + sum };
}

export function toFeedbackDraft(feedback: Feedback, field: string): FeedbackDraft {
  return {
    id: newFeedbackId(),
    type: storableText(feedback.type),
    value: encodeFeedbackValue(feedback.value, field),
    user: feedback.user === undefined ? null : storableText(feedback.user),
    createdAt: (feedback.created_at && toTimestamp(feedback.created_at)) || nextTimestamp(),
  };
}
