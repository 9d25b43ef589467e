/** The values that the viewer's filters offer, of a database in which few of them have nearly all sessions. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';

const SESSIONS = 20_000;
const MODELS = ['Zephyr', 'gpt-4', 'Älter'];
const FEW = 100;

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
});
