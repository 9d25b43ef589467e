/** Takes logs away, and makes the rows of their sessions again from what is left. */
import type pg from 'pg';
import { findTracesOfCalls } from '../ingest/trace-calls.ts';
import { toContentDeletions } from '../ingest/trace-memory.ts';
import type { Vocabulary } from '../search/vocabulary.ts';
import { wordRowsOf } from '../search/word-rows.ts';
import { pipelined, type Row, rollBack } from '../tables/connection.ts';
import { nextTimestamp, placeOf } from '../tables/identifiers.ts';
import { inLockOrder } from '../tables/insert-rows.ts';
import { referenceKey, toKeyed, traceOf, type Uuid } from '../tables/keys.ts';
import { type Layout, toBegin } from '../tables/layout.ts';
import { type FoundSession, findCurrentSessions, findLogs } from '../tables/lookups.ts';
import { Merges } from '../tables/merges.ts';
import { MAX_OVERTAKEN, pause, RepeatTurn } from '../tables/repeat-turn.ts';
import { SessionWrites } from '../writing/session-writes.ts';

/** In one transaction, so that others wait for a moment only. */
const SLICE = 500;

export interface Deleted {
  readonly logs: number;
  readonly sessions: number;
}

export interface DeletionOptions {
  /**
   * Nothing of the references stays: logs that name them as their parent are not joined with who logs them again, and the
   * reference of a session that has gone does not mean another session.
   */
  readonly forgets?: boolean;
}

interface DeletionParts {
  readonly layout: Layout;
  readonly vocabulary: Vocabulary;
}

export async function deleteLogs(
  pool: pg.Pool,
  { layout, vocabulary }: DeletionParts,
  ids: readonly string[],
  options: DeletionOptions = {},
): Promise<Deleted> {
  let [logs, sessions] = [0, 0];
  for (let at = 0; at < ids.length; at += SLICE) {
    const slice = ids.slice(at, at + SLICE);
    const deleted = await repeatOvertaken(pool, (client) =>
      deleteSlice(client, { layout, vocabulary, ...options }, slice),
    );
    logs += deleted.logs;
    sessions += deleted.sessions;
  }
  return { logs, sessions };
}

/** Another server may merge one of the sessions meanwhile: then the transaction is begun again. */
export async function repeatOvertaken<Result>(
  pool: pg.Pool,
  run: (client: pg.ClientBase) => Promise<Result>,
): Promise<Result> {
  for (let overtaken = 1; ; overtaken += 1) {
    const client = await pool.connect();
    try {
      const result = await run(client);
      client.release();
      return result;
    } catch (error) {
      await rollBack(client, error);
      if (!(error instanceof RepeatTurn) || overtaken > MAX_OVERTAKEN) throw error;
      await pause(overtaken);
    }
  }
}

/** Makes the rows of sessions again from what is left of their logs, of which open pages hear. */
export async function writeAgain(
  client: pg.ClientBase,
  layout: Layout,
  sessions: Iterable<FoundSession>,
  { forgets, ...times }: { readonly forgets: boolean; readonly updatedAt?: string },
): Promise<void> {
  // What the server remembers is not needed: these are the sessions as they are now.
  const writes = new SessionWrites(layout, new Merges().ofTurn(), nextTimestamp());
  for (const session of sessions) {
    writes.add(toKeyed(session.key), { day: session.firstDay, ...times });
    writes.recount(toKeyed(session.key), forgets);
  }
  await writes.write(client);
}

/** What is asked of the rows that are deleted. */
const RETURNED = { logs: 'RETURNING session', log_words: 'RETURNING words', feedback: '' };

async function deleteSlice(
  client: pg.ClientBase,
  { layout, vocabulary, forgets = false }: DeletionParts & DeletionOptions,
  ids: readonly string[],
): Promise<Deleted> {
  const found = [...(await findLogs(client, ids)).values()];
  if (found.length === 0) return { logs: 0, sessions: 0 };
  const places = inLockOrder(
    found.map(({ id }) => placeOf(id)!),
    layout,
    ({ bucket, id }) => ({ bucket, key: id }),
  );
  const references = inLockOrder(
    found.flatMap(({ referenceId, id }) => (referenceId === null ? [] : [{ ...referenceKey(referenceId), id }])),
    layout,
    (each) => each,
  );
  // A client that deletes a log means its content. The ids of its trace stay, so that a repeat does not bring it back.
  const ofTraces = found.flatMap(({ referenceId }) => (traceOf(referenceId ?? '') ? [referenceId as string] : []));
  const traces = toContentDeletions(await findTracesOfCalls(client, ofTraces), layout);
  const results = await pipelined(client, [
    { text: toBegin(layout) },
    ...traces,
    // Children may still name it: whoever logs it again is merged with them.
    ...references.map(({ bucket, key, id }) => ({
      text: `${forgets ? 'DELETE FROM log_references' : 'UPDATE log_references SET log_id = NULL, awaited = true'}
        WHERE bucket = $1::smallint AND reference = $2::uuid AND log_id = $3`,
      values: [bucket, key, id],
    })),
    ...(['logs', 'log_words', 'feedback'] as const).flatMap((table) =>
      places.map(({ day, bucket, id }) => ({
        text: `DELETE FROM ${table} WHERE day = $1::date AND bucket = $2::smallint
          AND ${table === 'feedback' ? 'log_id = $3' : table === 'logs' ? 'id = $3' : `id IN ${wordRowsOf('$3')}`}
          ${table === 'log_words' && forgets ? '' : RETURNED[table]}`,
        values: [day, bucket, id],
      })),
    ),
  ]);
  const first = 1 + traces.length + references.length;
  const gone = results.slice(first, first + places.length).flatMap(({ rows }) => rows);
  // Another server may have moved a log since it was found.
  const sessionsOfGone = gone.map((row) => row['session'] as Uuid);
  const current = await findCurrentSessions(client, [...found.map(({ session }) => session), ...sessionsOfGone]);
  const touched = new Map([...current.values()].map((session) => [session.key, session]));
  await writeAgain(client, layout, touched.values(), { forgets });
  const left = await countSessions(client, [...touched.keys()]);
  await client.query('COMMIT');
  // What is pruned is much, and comes regularly: then all words are looked through.
  if (forgets) vocabulary.noteFreed();
  const ofWords = results.slice(first + places.length, first + 2 * places.length);
  for (const { rows } of ofWords) for (const row of rows) vocabulary.noteFreed(row['words'] as number[]);
  const inSession = [...touched.values()].filter(({ id }) => id !== null);
  return { logs: gone.length, sessions: inSession.filter(({ key }) => !left.has(key)).length };
}

async function countSessions(client: pg.ClientBase, keys: readonly Uuid[]): Promise<Set<Uuid>> {
  const { rows } = await client.query<Row>(
    `SELECT key FROM sessions WHERE bucket = ANY($1::smallint[]) AND key = ANY($2::uuid[]) AND merged_into IS NULL`,
    [keys.map((key) => toKeyed(key).bucket), keys],
  );
  return new Set(rows.map((row) => row['key'] as Uuid));
}
