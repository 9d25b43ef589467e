/** By what spans of several traces find each other that may report the same call: see `CallKey`. */
import type pg from 'pg';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../../ingest.ts';
import type { Row, Statement, Value } from '../tables/connection.ts';
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

const FIND = `SELECT call_key::text, start_millis, end_millis, reporter::text, reference_id FROM trace_calls
  WHERE bucket = ANY($1::smallint[]) AND call_key = ANY($2::bigint[])`;
/** One `OR` with those that have no time would read all rows of the keys. */
const FIND_AROUND = `${FIND} AND start_millis BETWEEN greatest($3::bigint, 1) AND $4::bigint AND end_millis >= $5::bigint
  ORDER BY start_millis DESC LIMIT $6::integer`;
const FIND_TIMELESS = `${FIND} AND start_millis = 0 LIMIT $3::integer`;

/** Where one key is wanted for many calls. */
const MAX_ROWS_OF_MANY = 1_000;

const LINKED = `SELECT DISTINCT other.trace FROM trace_calls AS own JOIN trace_calls AS other
    ON other.bucket = own.bucket AND other.call_key = own.call_key
    AND other.start_millis BETWEEN own.start_millis - ${MAX_CALL_MILLIS} AND own.end_millis + ${CLOCKS_MILLIS}
    AND other.end_millis >= own.start_millis - ${CLOCKS_MILLIS}
  WHERE own.trace = ANY($1::uuid[]) AND own.reference_id = ANY($2::text[])`;

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

export async function findCalls(pool: pg.Pool, wanted: readonly CallKey[]): Promise<CallKey[]> {
  // What has no time of its own would widen the range for all.
  const found = await Promise.all(
    [wanted.filter(({ startMillis }) => startMillis > 0), wanted.filter(({ startMillis }) => startMillis === 0)].map(
      (some) => findLike(pool, some),
    ),
  );
  return found.flat();
}

async function findLike(pool: pg.Pool, wanted: readonly CallKey[]): Promise<CallKey[]> {
  if (wanted.length === 0) return [];
  let [from, to] = [Number.POSITIVE_INFINITY, 0];
  for (const { startMillis, endMillis } of wanted) {
    from = Math.min(from, startMillis - CLOCKS_MILLIS);
    to = Math.max(to, endMillis + CLOCKS_MILLIS);
  }
  const keys = [...new Set(wanted.map(({ key }) => key))];
  const named = [[...new Set(keys.map(bucketOfCall))], keys.map(toBigint)];
  const perKey = MAX_CALLS_FOUND * keys.length;
  const limit = Math.max(perKey, Math.min(MAX_CALLS_FOUND * wanted.length, MAX_ROWS_OF_MANY));
  const around = [...named, ...[from - MAX_CALL_MILLIS, to, from].map(String), limit];
  const results = await Promise.all([
    pool.query<Row>({ name: 'find calls', text: FIND_AROUND, values: around }),
    pool.query<Row>({ name: 'find timeless calls', text: FIND_TIMELESS, values: [...named, limit] }),
  ]);
  return results.flatMap(({ rows }) => rows.map(toCallKey));
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
