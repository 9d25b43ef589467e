/** The values that the viewer's filters offer, of a database in which few of them have nearly all sessions. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect } from '../../../../src/server/store/postgres/tables/connection.ts';
import { FACETS } from '../../../../src/server/store/postgres/tables/log-facts.ts';
import { createPostgresViewerStore } from '../../../../src/server/store/postgres/viewer-store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';

const SESSIONS = 20_000;
const MODELS = ['Zephyr', 'gpt-4', 'Älter'];
const FEW = 100;
const MOST = 500;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('are found without a look at all sessions', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    expect(await store.viewer.listFilters()).toMatchObject({ models: [], types: [] });
    await withClient(url, async (client) => {
      await client.query(
        `INSERT INTO session_facets (bucket, session, kind, value)
         SELECT number % 1024, gen_random_uuid(), 1 + number % 2,
           CASE number % 2 WHEN 0 THEN ($1::text[])[1 + number % ${MODELS.length}] ELSE 'tool' END
         FROM generate_series(1, ${SESSIONS}) AS number`,
        [MODELS],
      );
      await client.query('VACUUM ANALYZE session_facets');
    });
    const statements = vi.spyOn(pg.Pool.prototype, 'query');
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await store.viewer.listFilters()).toMatchObject({ models: MODELS, types: ['tool'] });
    const asked = statements.mock.calls.flatMap(([given]) => (given as unknown as { text?: string }).text ?? []);
    const [text] = asked.filter((each) => each.includes('session_facets'));
    await withClient(url, async (client) => {
      const { rows } = await client.query(`EXPLAIN (ANALYZE, TIMING OFF) ${text!.replaceAll('$1', '1')}`);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      const read = Array.from(plan.matchAll(/actual rows=([\d.]+)|by Filter: (\d+)/g), ([, a, b]) => Number(a ?? b));
      expect(read, plan).not.toHaveLength(0);
      expect(Math.max(...read), plan).toBeLessThan(FEW);
    });
  });

  test('are found in a distributed table without recursion, and are the same', async () => {
    const url = await cluster.createSchema();
    await (await openPostgresStore({ url })).close();
    // Each with connections of its own: in one, a name stands for one statement.
    const [plain, distributed] = [false, true].map((isDistributed) => {
      const connections = connect(url, () => {});
      onTestFinished(() => connections.close());
      return createPostgresViewerStore(connections, { layout: { isDistributed, shardOrder: [] } } as never);
    });
    const asked = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => void vi.restoreAllMocks());
    const isRecursive = () => JSON.stringify(asked.mock.calls).includes('RECURSIVE');
    const value = fc.oneof(fc.string(), fc.constantFrom('', 'a', 'A', 'ä', 'a ', '🙂', '\uffff', 'null', '%'));
    const values = fc.array(fc.tuple(fc.constantFrom(...Object.values(FACETS)), value), { maxLength: 12 });
    const many = Array.from({ length: MOST + 1 }, (_, index): [number, string] => [FACETS.model, `m${index}`]);
    await fc.assert(
      fc.asyncProperty(values, async (all) => {
        const rows = all.map(([kind, text]) => [kind, text.replaceAll('\0', '')] as const);
        await withClient(url, async (client) => {
          await client.query('TRUNCATE session_facets');
          await client.query(
            `INSERT INTO session_facets SELECT 1, gen_random_uuid(), * FROM unnest($1::smallint[], $2::text[])`,
            [rows.map(([kind]) => kind), rows.map(([, text]) => text)],
          );
        });
        const valuesOf = (kind: number) =>
          [...new Set(rows.flatMap(([each, text]) => (each === kind ? text : [])))].sort(byBytes).slice(0, MOST);
        const found = await plain!.listFilters();
        expect(found).toEqual({
          ...{ projects: [], models: valuesOf(FACETS.model), types: valuesOf(FACETS.type) },
          ...{ feedback: valuesOf(FACETS.feedback), environments: valuesOf(FACETS.environment) },
        });
        expect(isRecursive()).toBe(true);
        asked.mockClear();
        expect(await distributed!.listFilters()).toEqual(found);
        expect(isRecursive()).toBe(false);
      }),
      { numRuns: 40, examples: [[[]], [many]] },
    );
  });
});

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
