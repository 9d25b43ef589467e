/** Feedback of a turn: what is added, and what is taken away. */
import type pg from 'pg';
import type { FeedbackRequest } from '../../../../wire/v4.ts';
import { storableText } from '../../storable-text.ts';
import type { FeedbackResponse } from '../../store.ts';
import type { TurnWords } from '../search/vocabulary.ts';
import { insertWords, type LogWords } from '../search/word-rows.ts';
import { type Row, type Statement, toSqlTime, type Value } from '../tables/connection.ts';
import type { FeedbackDraft } from '../tables/drafts.ts';
import { newFeedbackId, placeOf } from '../tables/identifiers.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { toKeyed } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import { facetsOf, labelsOf } from '../tables/log-facts.ts';
import { readPlaces } from '../tables/lookups.ts';
import { RepeatTurn } from '../tables/repeat-turn.ts';
import { toWords } from '../tables/words.ts';
import type { CheckedFeedback } from './check-works.ts';
import { NEVER } from './session-sums.ts';
import type { SessionWrites } from './session-writes.ts';

export type FeedbackAnswer = FeedbackResponse;

const FEEDBACK: Insertion = {
  table: 'feedback',
  columns: [
    ...['day::date', 'bucket::smallint', 'log_id::text', 'id::text', 'type::text', 'value::text', '"user"::text'],
    'created_at::timestamptz',
  ],
  rest: 'ON CONFLICT DO NOTHING',
};

export function insertFeedback(
  entries: readonly { logId: string; entry: FeedbackDraft }[],
  layout: Layout,
): Statement[] {
  const rows = entries.map(({ logId, entry }) => {
    const { day, bucket } = placeOf(logId)!;
    const { id, type, value, user, createdAt } = entry;
    return { bucket, key: `${logId} ${id}`, values: [day, bucket, logId, id, type, value, user, toSqlTime(createdAt)] };
  });
  return insertRows(
    FEEDBACK,
    inLockOrder(rows, layout, (row) => row).map(({ values }): Value[] => values),
    layout,
  );
}

/** Resolves to what is stored, by log, oldest first. */
export async function readFeedbackDrafts(
  client: pg.ClientBase,
  logIds: Iterable<string>,
): Promise<Map<string, FeedbackDraft[]>> {
  const found = new Map<string, FeedbackDraft[]>();
  const columns = 'log_id, id, type, value, "user", created_at';
  const read = { name: 'read feedback drafts', columns, table: 'feedback', rest: 'ORDER BY log_id, id' } as const;
  for (const row of await readPlaces(client, read, logIds)) {
    const logId = row['log_id'] as string;
    const { id, type, value, user, created_at: createdAt } = row;
    found.set(logId, [...(found.get(logId) ?? []), { id, type, value, user, createdAt } as FeedbackDraft]);
  }
  return found;
}

/**
 * Keeps logs while feedback on them is written: another server may delete them. To be checked by `repeatIfDeleted`. On
 * Citus a statement locks rows of one shard only.
 */
export function toKeepLogs(ids: Iterable<string>, layout: Layout): Statement[] {
  const places = [...new Set(ids)].map((id) => placeOf(id)!);
  return inLockOrder(places, layout, ({ bucket, id }) => ({ bucket, key: id })).map(({ day, bucket, id }) => ({
    text: 'SELECT 1 FROM logs WHERE day = $1::date AND bucket = $2::smallint AND id = $3::text FOR KEY SHARE',
    values: [day, bucket, id],
  }));
}

/** For the results of `toKeepLogs`. @throws {RepeatTurn} */
export function repeatIfDeleted(kept: readonly pg.QueryResult[]): void {
  if (kept.some(({ rows }) => rows.length === 0)) throw new RepeatTurn('a log was deleted');
}

export interface FeedbackWrites {
  readonly statements: readonly Statement[];
  /** Takes what the statements have returned. In the order of the requests. */
  toAnswers(results: readonly pg.QueryResult<Row>[]): FeedbackAnswer[];
}

/** Adds to the sessions what the feedback changes of them. */
export function writeFeedback(
  feedback: readonly CheckedFeedback[],
  sessions: SessionWrites,
  { layout, vocabulary, search }: { layout: Layout; vocabulary: TurnWords; search: 'index' | 'off' },
): FeedbackWrites {
  const added = feedback.flatMap(({ log, draft }) => (draft ? [{ logId: log.id, entry: draft }] : []));
  const words = new Map<string, LogWords & { words: Set<number> }>();
  for (const { log, draft } of feedback) {
    const session = toKeyed(log.session);
    sessions.add(session, { day: placeOf(log.id)!.day, updatedAt: NEVER });
    if (!draft) sessions.recount(session);
    else {
      const facts = [{ type: draft.type, value: JSON.parse(draft.value) as unknown }];
      sessions.addFacets(session, facetsOf({}, undefined, facts));
      const all = toWords(labelsOf({}, facts).words, words.get(log.id)?.words, vocabulary.add);
      words.set(log.id, { id: log.id, session: log.session, words: all, isAdded: true });
    }
  }
  const taken = feedback.filter(({ draft }) => !draft);
  const inserts = [...(search === 'off' ? [] : insertWords(words.values(), layout)), ...insertFeedback(added, layout)];
  return {
    statements: [...inserts, ...taken.map(({ request, log }) => toDeletion(request, log.id))],
    toAnswers: (results) => {
      const removed = new Map(taken.map((each, index) => [each, results[inserts.length + index]!.rows]));
      return feedback.map((each) => toAnswer(each, removed.get(each)));
    },
  };
}

export function toFeedbackRemoval(logId: string, id: string): Statement {
  const { day, bucket } = placeOf(logId)!;
  return {
    name: 'take feedback',
    text: `DELETE FROM feedback WHERE day = $1::date AND bucket = $2::smallint AND log_id = $3::text AND id = $4::text`,
    values: [day, bucket, logId, id],
  };
}

/** Without a value: all of the type. Without a user: those of all users. */
function toDeletion({ type, value, user }: FeedbackRequest, logId: string): Statement {
  const { day, bucket } = placeOf(logId)!;
  return {
    name: 'delete feedback',
    text: `DELETE FROM feedback WHERE day = $1::date AND bucket = $2::smallint AND log_id = $3::text AND type = $4::text
      AND ($5::text IS NULL OR value = $5::text) AND ($6::text IS NULL OR "user" = $6::text) RETURNING id, value`,
    values: [
      ...[day, bucket, logId, storableText(type), value === undefined ? null : JSON.stringify(value)],
      user === undefined ? null : storableText(user),
    ],
  };
}

function toAnswer({ request, log, draft }: CheckedFeedback, removed: readonly Row[] | undefined): FeedbackAnswer {
  const { type, value, user } = request;
  const answer = { type, data_id: log.id, ...(user !== undefined && { user }) };
  if (draft) return { ...answer, value, id: draft.id, created_at: draft.createdAt };
  const last = [...(removed ?? [])].sort((left, right) => (String(left['id']) < String(right['id']) ? -1 : 1)).at(-1);
  // Nothing was removed. v4 requires a value in the answer.
  if (!last) return { ...answer, value: value ?? '', id: newFeedbackId() };
  return { ...answer, value: JSON.parse(last['value'] as string), id: last['id'] as string };
}
