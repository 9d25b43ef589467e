/**
 * What is remembered of traces: their parts, and the content of spans that no log says. The row of a trace in `traces` is
 * its lock, over all servers: whoever writes or deletes anything of its memory has it first.
 */
import type pg from 'pg';
import type { Ingest } from '../../ingest.ts';
import { toTimestamp } from '../../timestamps.ts';
import { pipelined, type Row, type Statement, toSqlTime, type Value } from '../tables/connection.ts';
import { dayOf, nextDay } from '../tables/identifiers.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { type Key, sessionKey, toKeyed, type Uuid } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import { forgetCalls, insertCalls } from './trace-calls.ts';

const TRACES: Insertion = {
  table: 'traces',
  columns: [
    ...['bucket::smallint', 'trace::uuid', 'part::integer', 'seen_on::date', 'seen_at::timestamptz', 'first_day::date'],
  ],
  rest: `ON CONFLICT (trace, bucket) DO UPDATE SET part = traces.part + 1,
    seen_on = greatest(traces.seen_on, excluded.seen_on), seen_at = greatest(traces.seen_at, excluded.seen_at)
    RETURNING trace, part, first_day`,
};

const PARTS: Insertion = {
  table: 'trace_parts',
  columns: ['bucket::smallint', 'trace::uuid', 'part::integer', 'day::date', 'spans::bytea'],
};

const CONTENTS: Insertion = {
  table: 'trace_contents',
  columns: ['bucket::smallint', 'trace::uuid', 'reference_id::text', 'content::text'],
  rest: 'ON CONFLICT (trace, reference_id, bucket) DO UPDATE SET content = excluded.content',
};

/** Traces that are forgotten in one transaction. */
const FORGOTTEN_AT_ONCE = 200;
const OF_TRACE = 'bucket = $1::smallint AND trace = $2::uuid';

interface LockedTrace extends Key {
  /** The number of a part that is written now. */
  readonly part: number;
  readonly firstDay: string;
}

/** The memory of some traces, within a transaction that has locked them. */
export class TraceMemory {
  readonly #client: pg.ClientBase;
  readonly #layout: Layout;
  /** By trace id. */
  readonly #traces: ReadonlyMap<string, LockedTrace>;
  readonly #today: string;

  private constructor(client: pg.ClientBase, layout: Layout, traces: ReadonlyMap<string, LockedTrace>, today: string) {
    this.#client = client;
    this.#layout = layout;
    this.#traces = traces;
    this.#today = today;
  }

  /** Begins the transaction, and waits for its turn at each of the traces. */
  static async lock(
    client: pg.ClientBase,
    layout: Layout,
    begin: Statement,
    traceIds: readonly string[],
  ): Promise<TraceMemory> {
    const now = Date.now();
    const today = dayOf(now);
    const seenAt = toSqlTime(toTimestamp(new Date(now).toISOString())!);
    const keys = new Map(traceIds.map((traceId) => [traceId, traceKey(traceId)]));
    const rows = inLockOrder(
      new Map([...keys.values()].map((key) => [key.key, key])).values(),
      layout,
      (key) => key,
    ).map(({ bucket, key }): Value[] => [bucket, key, 1, today, seenAt, today]);
    const [, ...results] = await pipelined(client, [begin, ...insertRows(TRACES, rows, layout)]);
    const found = new Map(results.flatMap((result) => result.rows).map((row) => [row['trace'] as Uuid, row]));
    const traces = new Map<string, LockedTrace>();
    for (const [traceId, key] of keys) {
      const row = found.get(key.key)!;
      traces.set(traceId, { ...key, part: row['part'] as number, firstDay: row['first_day'] as string });
    }
    return new TraceMemory(client, layout, traces, today);
  }

  /** Resolves to the parts of each trace, in their order. */
  async readParts(): Promise<Map<string, Uint8Array[]>> {
    const traces = [...this.#traces];
    const parts = new Map(traces.map(([traceId]): [string, Uint8Array[]] => [traceId, []]));
    if (traces.length === 0) return parts;
    const byKey = new Map(traces.map(([traceId, { key }]) => [key, parts.get(traceId)!]));
    const { rows } = await this.#client.query<Row>({
      name: 'read trace parts',
      // The clock of the server that wrote the last part may be ahead.
      text: `SELECT trace, spans FROM trace_parts WHERE day BETWEEN $1::date AND $2::date
        AND bucket = ANY($3::smallint[]) AND trace = ANY($4::uuid[]) ORDER BY trace, part`,
      values: [
        ...[traces.map(([, { firstDay }]) => firstDay).sort()[0]!, nextDay(this.#today)],
        ...[[...new Set(traces.map(([, { bucket }]) => bucket))], [...byKey.keys()]],
      ],
    });
    for (const row of rows) byKey.get(row['trace'] as Uuid)!.push(row['spans'] as Uint8Array);
    return parts;
  }

  /** Resolves to what is kept, by reference id. */
  async readKept(referenceIds: readonly string[]): Promise<Map<string, string>> {
    const keys = referenceIds.map((referenceId) => traceKey(traceIdOf(referenceId)));
    const { rows } = await this.#client.query<Row>({
      name: 'read trace contents',
      text: `SELECT reference_id, content FROM trace_contents
        WHERE bucket = ANY($1::smallint[]) AND trace = ANY($2::uuid[]) AND reference_id = ANY($3::text[])`,
      values: [[...new Set(keys.map(({ bucket }) => bucket))], [...new Set(keys.map(({ key }) => key))], referenceIds],
    });
    return new Map(rows.map((row) => [row['reference_id'] as string, row['content'] as string]));
  }

  async write({ parts, calls, kept }: Pick<Ingest, 'parts' | 'calls' | 'kept'>): Promise<void> {
    const [deletions, partRows, contentRows]: [Statement[], Part[], Part[]] = [[], [], []];
    for (const [traceId, { bytes, replacesOthers }] of parts) {
      const { bucket, key, part, firstDay } = this.#traces.get(traceId)!;
      if (replacesOthers) {
        deletions.push({
          name: 'delete trace parts',
          text: `DELETE FROM trace_parts WHERE ${OF_TRACE} AND day BETWEEN $3::date AND $4::date`,
          values: [bucket, key, firstDay, nextDay(this.#today)],
        });
      }
      // The clock of the server that saw the trace first may be ahead.
      const day = [this.#today, firstDay].sort()[1] as string;
      partRows.push({ bucket, key, values: [bucket, key, part, day, bytes] });
    }
    for (const [referenceId, content] of kept) {
      const { bucket, key } = traceKey(traceIdOf(referenceId));
      if (content !== undefined) {
        contentRows.push({ bucket, key: `${key} ${referenceId}`, values: [bucket, key, referenceId, content] });
      } else {
        deletions.push({
          name: 'delete trace content',
          text: `DELETE FROM trace_contents WHERE ${OF_TRACE} AND reference_id = $3`,
          values: [bucket, key, referenceId],
        });
      }
    }
    await pipelined(this.#client, [
      ...deletions,
      ...insertRows(PARTS, this.#ordered(partRows), this.#layout),
      ...insertRows(CONTENTS, this.#ordered(contentRows), this.#layout),
      ...insertCalls(calls, this.#layout),
    ]);
  }

  #ordered(rows: readonly Part[]): Value[][] {
    return inLockOrder(rows, this.#layout, (row) => row).map(({ values }) => values);
  }
}

interface Part extends Key {
  readonly values: Value[];
}

/** Resolves to those of which anything is remembered. */
export async function findTraces(pool: pg.Pool, traceIds: readonly string[]): Promise<string[]> {
  if (traceIds.length === 0) return [];
  const byKey = new Map(traceIds.map((traceId) => [traceKey(traceId).key, traceId]));
  const { rows } = await pool.query<Row>({
    name: 'find traces',
    text: 'SELECT trace FROM traces WHERE bucket = ANY($1::smallint[]) AND trace = ANY($2::uuid[])',
    values: [[...new Set(traceIds.map((traceId) => traceKey(traceId).bucket))], [...byKey.keys()]],
  });
  return rows.map((row) => byKey.get(row['trace'] as Uuid)!);
}

function traceKey(traceId: string): Key {
  return sessionKey(traceId);
}

function traceIdOf(referenceId: string): string {
  return referenceId.slice(0, 32);
}

/**
 * Deletes what is kept beside the logs of these traces. First in a transaction: it waits for what is being written of the
 * traces, which may have read the content already.
 */
export function toContentDeletions(traces: Iterable<Uuid>, layout: Layout): Statement[] {
  const keys = inLockOrder([...traces].map(toKeyed), layout, (key) => key);
  const values = keys.map(({ bucket, key }) => [bucket, key]);
  return [
    ...values.map((each) => ({
      name: 'lock trace',
      text: `SELECT part FROM traces WHERE ${OF_TRACE} FOR UPDATE`,
      values: each,
    })),
    ...values.map((each) => ({
      name: 'delete trace contents',
      text: `DELETE FROM trace_contents WHERE ${OF_TRACE}`,
      values: each,
    })),
  ];
}

/**
 * Deletes the memory of traces that were seen before the given time, in Unix milliseconds. Resolves to whether there may
 * be more.
 */
export async function forgetTraces(client: pg.ClientBase, layout: Layout, seenBeforeMillis: number): Promise<boolean> {
  const before = toSqlTime(toTimestamp(new Date(seenBeforeMillis).toISOString())!);
  const { rows } = await client.query<Row>(
    `SELECT bucket, trace, first_day, seen_on FROM traces WHERE seen_at < $1::timestamptz
     ORDER BY seen_at LIMIT ${FORGOTTEN_AT_ONCE}`,
    [before],
  );
  const found = rows.map((row) => ({ ...row, bucket: row['bucket'] as number, key: row['trace'] as Uuid }));
  await client.query('BEGIN');
  try {
    // Another server may have seen one of them meanwhile, or forgotten it.
    const deleted = await pipelined(
      client,
      inLockOrder(found, layout, (key) => key).map(({ bucket, key }) => ({
        name: 'forget trace',
        text: `DELETE FROM traces WHERE ${OF_TRACE} AND seen_at < $3::timestamptz RETURNING bucket, trace, first_day, seen_on`,
        values: [bucket, key, before],
      })),
    );
    const keys = deleted.flatMap((result) => result.rows.map((row) => row['trace'] as Uuid));
    if (keys.length > 0) await pipelined(client, [forgetCalls(keys)]);
    await pipelined(
      client,
      deleted.flatMap((result) =>
        result.rows.flatMap((row): Statement[] => [
          {
            name: 'forget trace parts',
            text: `DELETE FROM trace_parts WHERE ${OF_TRACE} AND day BETWEEN $3::date AND $4::date`,
            values: [
              row['bucket'] as number,
              row['trace'] as Uuid,
              row['first_day'] as string,
              row['seen_on'] as string,
            ],
          },
          {
            name: 'delete trace contents',
            text: `DELETE FROM trace_contents WHERE ${OF_TRACE}`,
            values: [row['bucket'] as number, row['trace'] as Uuid],
          },
        ]),
      ),
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
  return rows.length === FORGOTTEN_AT_ONCE;
}
