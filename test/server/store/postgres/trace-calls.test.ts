/** What is forgotten of traces together with a log: those of calls that may be the same, whatever very many have one key. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CallKey, CLOCKS_MILLIS, MAX_CALL_MILLIS, MAX_CALLS_FOUND } from '../../../../src/server/store/ingest.ts';
import { findCalls, findTracesOfCalls, insertCalls } from '../../../../src/server/store/postgres/ingest/trace-calls.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect, pipelined, withConnection } from '../../../../src/server/store/postgres/tables/connection.ts';
import { sessionKey } from '../../../../src/server/store/postgres/tables/keys.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';

const LAYOUT = { isDistributed: false, shardOrder: Array.from({ length: 1024 }, () => 0) };
const AT = 1_700_000_000_000;
const [KEY, OTHER_KEY] = ['f'.repeat(16), '1'.repeat(16)];
const traceOf = (index: number) => String(index).padStart(32, '0');

function call(index: number, startMillis: number, durationMillis: number, key = KEY): CallKey {
  const endMillis = startMillis + durationMillis;
  return { key, referenceId: `${traceOf(index)}-${'a'.repeat(16)}`, reporter: '2'.repeat(16), startMillis, endMillis };
}

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  async function createTables(): Promise<pg.Pool> {
    const url = await cluster.createSchema();
    await (await openPostgresStore({ url })).close();
    const { writes, close } = connect(url, () => {});
    onTestFinished(close);
    return writes;
  }

  test('traces of calls that overlap one of the given logs are found, and no others', async () => {
    const overlaps = (one: CallKey, other: CallKey) =>
      one.key === other.key &&
      other.startMillis <= one.endMillis + CLOCKS_MILLIS &&
      other.endMillis >= one.startMillis - CLOCKS_MILLIS;
    const place = fc.record({
      start: fc.oneof(fc.nat(200), fc.nat(3 * MAX_CALL_MILLIS)),
      duration: fc.oneof(fc.nat(30), fc.nat(MAX_CALL_MILLIS)),
      key: fc.constantFrom(KEY, OTHER_KEY),
    });
    await withConnection(await createTables(), (client) =>
      fc.assert(
        fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 30 }), fc.nat(5), async (places, count) => {
          await client.query('DELETE FROM trace_calls');
          const calls = places.map(({ start, duration, key }, index) => call(index, AT + start, duration, key));
          await pipelined(client, insertCalls(calls, LAYOUT));
          const given = calls.slice(0, count);
          const wanted = calls.filter((each) => given.some((one) => overlaps(one, each)));
          const found = await findTracesOfCalls(
            client,
            given.map(({ referenceId }) => referenceId),
          );
          const keys = wanted.map(({ referenceId }) => sessionKey(referenceId.slice(0, 32)).key);
          expect([...found].sort()).toEqual(keys.sort());
        }),
        { numRuns: 100 },
      ),
    );
  });

  test('to find them takes rows in proportion to the calls with one key', async () => {
    await withConnection(await createTables(), async (client) => {
      const calls = Array.from({ length: 1_000 }, (_, index) => call(index, AT + 10 * index, 60_000));
      await pipelined(client, insertCalls(calls, LAYOUT));
      const statements: { text: string; values: unknown[] }[] = [];
      const spied = {
        query: async (statement: { text: string; values: unknown[] }) => {
          statements.push(statement);
          return client.query(statement);
        },
      } as unknown as pg.ClientBase;
      const found = await findTracesOfCalls(
        spied,
        calls.map(({ referenceId }) => referenceId),
      );
      expect(found.size).toBe(calls.length);
      const [{ text, values }] = statements as [{ text: string; values: unknown[] }];
      const { rows } = await client.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
      expect(rowsOf(rows[0]['QUERY PLAN'][0].Plan)).toBeLessThan(30 * calls.length);
    });
  });

  test('calls at one time are found beside very many later ones with the same key', async () => {
    const pool = await createTables();
    const between = Array.from({ length: 5 * MAX_CALLS_FOUND }, (_, index) => call(index, AT + 600_000 + index, 1));
    const first = call(1_000, AT, 10);
    await withConnection(pool, (client) => pipelined(client, insertCalls([first, ...between], LAYOUT)));
    const found = await findCalls(pool, LAYOUT, [call(2_000, AT, 10), call(2_001, AT + 1_200_000, 10)]);
    expect(found.map(({ referenceId }) => referenceId)).toEqual([first.referenceId]);
  });
});

interface Plan {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Of all nodes. */
function rowsOf(plan: Plan): number {
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Join Filter'] ?? 0);
  const own = (plan['Actual Rows'] + removed) * plan['Actual Loops'];
  return (plan.Plans ?? []).reduce((sum, each) => sum + rowsOf(each), own);
}
