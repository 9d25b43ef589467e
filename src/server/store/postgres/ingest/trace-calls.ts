/** By what spans of several traces find each other that may report the same call: see `CallKey`. */
import type pg from 'pg';
import { toCallSearches } from '../../call-searches.ts';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../../ingest.ts';
import { pipelined, type Row, type Statement, type Value, withConnection } from '../tables/connection.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { sessionKey, type Uuid } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';

const CALLS: Insertion = {
  table: 'trace_calls',
  columns: [
    ...['bucket::smallint', 'call_key::bigint', 'start_millis::bigint', 'end_millis::bigint', 'reporter::bigint'],
    ...['trace::uuid', 'reference_id::text'],
  ],
  rest: 'ON CONFLICT DO NOTHING',
};

const COLUMNS = 'call_key::text, start_millis, end_millis, reporter::text, reference_id';
const FIND = `SELECT ${COLUMNS} FROM trace_calls WHERE bucket = ANY($1::smallint[]) AND call_key = ANY($2::bigint[])`;
/** One `OR` with those that have no time would read all rows of the keys. */
const FIND_AROUND = `${FIND} AND start_millis BETWEEN greatest($3::bigint, 1) AND $4::bigint AND end_millis >= $5::bigint
  ORDER BY start_millis DESC LIMIT $6::integer`;
const FIND_TIMELESS = `${FIND} AND start_millis = 0 LIMIT $3::integer`;

const OF_KEY = `SELECT ${COLUMNS} FROM trace_calls WHERE bucket = wanted.of_bucket AND call_key = wanted.of_key`;
/** Of each search so many: what very many calls have is not found in the place of what few have. */
const FIND_OF_EACH = `SELECT found.* FROM unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::integer[])
    AS wanted (of_bucket, of_key, first_millis, last_millis, most)
  CROSS JOIN LATERAL (
    (${OF_KEY} AND start_millis BETWEEN greatest(first_millis - ${MAX_CALL_MILLIS}, 1) AND last_millis
      AND end_millis >= first_millis ORDER BY start_millis DESC LIMIT most)
    UNION ALL (${OF_KEY} AND start_millis = 0 LIMIT ${MAX_CALLS_FOUND})) AS found`;

/** Of one key that is wanted for many calls. */
const MAX_ROWS_OF_MANY = 1_000;

/**
 * Each call beside those that are given, in the order of their times: very many may have one key, so that they are not
 * compared with each other. One overlaps another that began before it and has not ended, or that begins before it ends.
 */
const LINKED = `WITH own AS (
    SELECT bucket, call_key, start_millis - ${CLOCKS_MILLIS} AS first_millis, end_millis + ${CLOCKS_MILLIS} AS last_millis
    FROM trace_calls WHERE trace = ANY($1::uuid[]) AND reference_id = ANY($2::text[])
  ), wanted AS (
    SELECT bucket, call_key, min(first_millis) - ${MAX_CALL_MILLIS} AS from_millis, max(last_millis) AS to_millis
    FROM own GROUP BY bucket, call_key
  ), near AS (
    SELECT call.bucket, call.call_key, call.start_millis AS first_millis, call.end_millis AS last_millis, call.trace
    FROM wanted JOIN trace_calls AS call ON call.bucket = wanted.bucket AND call.call_key = wanted.call_key
      AND call.start_millis BETWEEN from_millis AND to_millis
    UNION ALL SELECT bucket, call_key, first_millis, last_millis, NULL FROM own
  ), compared AS (
    SELECT trace, first_millis, last_millis,
      max(last_millis) FILTER (WHERE trace IS NULL) OVER (PARTITION BY bucket, call_key ORDER BY first_millis) AS before_ends,
      min(first_millis) FILTER (WHERE trace IS NULL)
        OVER (PARTITION BY bucket, call_key ORDER BY first_millis DESC) AS next_begins
    FROM near
  )
  SELECT DISTINCT trace FROM compared
  WHERE trace IS NOT NULL AND (before_ends >= first_millis OR next_begins <= last_millis)`;

export function insertCalls(calls: readonly CallKey[], layout: Layout): Statement[] {
  const rows = calls.map(({ key, referenceId, reporter, startMillis, endMillis }) => {
    const [bucket, trace] = [bucketOfCall(key), sessionKey(referenceId.slice(0, 32)).key];
    const times = [startMillis, endMillis].map(String);
    const values: Value[] = [bucket, toBigint(key), ...times, toBigint(reporter), trace, referenceId];
    return { bucket, key: `${key} ${referenceId}`, values };
  });
  return insertRows(
    CALLS,
    inLockOrder(rows, layout, (row) => row).map(({ values }) => values),
    layout,
  );
}

export async function findCalls(pool: pg.Pool, layout: Layout, wanted: readonly CallKey[]): Promise<CallKey[]> {
  // What has no time of its own would widen the range for all.
  const found = await Promise.all(
    [wanted.filter(({ startMillis }) => startMillis > 0), wanted.filter(({ startMillis }) => startMillis === 0)].map(
      (some) => findLike(pool, layout, some),
    ),
  );
  return found.flat();
}

async function findLike(pool: pg.Pool, layout: Layout, wanted: readonly CallKey[]): Promise<CallKey[]> {
  if (wanted.length === 0) return [];
  const searches = toCallSearches(wanted).map(({ first: { key, startMillis }, endMillis, wantedCount }) => ({
    ...{ key, wantedCount, firstMillis: startMillis - CLOCKS_MILLIS, lastMillis: endMillis + CLOCKS_MILLIS },
  }));
  const statements = layout.isDistributed ? toDistributed(searches) : [toEach(searches)];
  const results = await withConnection(pool, (client) => pipelined(client, statements));
  return results.flatMap(({ rows }) => rows.map(toCallKey));
}

interface Search {
  readonly key: string;
  readonly firstMillis: number;
  readonly lastMillis: number;
  readonly wantedCount: number;
}

function toEach(searches: readonly Search[]): Statement {
  return {
    name: 'find calls',
    text: FIND_OF_EACH,
    values: [
      searches.map(({ key }) => bucketOfCall(key)),
      searches.map(({ key }) => toBigint(key)),
      searches.map(({ firstMillis }) => String(firstMillis)),
      searches.map(({ lastMillis }) => String(lastMillis)),
      searches.map(({ wantedCount }) => limitOf(wantedCount)),
    ],
  };
}

/** No shard is asked for one key after the other. */
function toDistributed(searches: readonly Search[]): Statement[] {
  const from = Math.min(...searches.map(({ firstMillis }) => firstMillis));
  const to = Math.max(...searches.map(({ lastMillis }) => lastMillis));
  const buckets = [...new Set(searches.map(({ key }) => bucketOfCall(key)))];
  const named = [buckets, searches.map(({ key }) => toBigint(key))];
  const limit = searches.reduce((sum, { wantedCount }) => sum + limitOf(wantedCount), 0);
  return [
    {
      name: 'find calls',
      text: FIND_AROUND,
      values: [...named, ...[from - MAX_CALL_MILLIS, to, from].map(String), limit],
    },
    { name: 'find timeless calls', text: FIND_TIMELESS, values: [...named, limit] },
  ];
}

function limitOf(wantedCount: number): number {
  return Math.min(MAX_CALLS_FOUND * wantedCount, MAX_ROWS_OF_MANY);
}

function toCallKey(row: Row): CallKey {
  return {
    key: toHex(row['call_key'] as string),
    referenceId: row['reference_id'] as string,
    reporter: toHex(row['reporter'] as string),
    startMillis: Number(row['start_millis']),
    endMillis: Number(row['end_millis']),
  };
}

/** Resolves to the keys of the traces of these logs, and of those with spans that may report the same calls. */
export async function findTracesOfCalls(client: pg.ClientBase, referenceIds: readonly string[]): Promise<Set<Uuid>> {
  const own = new Set(referenceIds.map((referenceId) => sessionKey(referenceId.slice(0, 32)).key));
  if (own.size === 0) return own;
  const { rows } = await client.query<Row>({ name: 'traces of calls', text: LINKED, values: [[...own], referenceIds] });
  for (const row of rows) own.add(row['trace'] as Uuid);
  return own;
}

export function forgetCalls(traces: readonly Uuid[]): Statement {
  return { name: 'forget calls', text: 'DELETE FROM trace_calls WHERE trace = ANY($1::uuid[])', values: [traces] };
}

function bucketOfCall(key: string): number {
  return Number.parseInt(key.slice(0, 3), 16) & 1023;
}

/** The type has a sign. */
function toBigint(hex: string): string {
  return BigInt.asIntN(64, BigInt(`0x${hex}`)).toString();
}

function toHex(value: string): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');
}
