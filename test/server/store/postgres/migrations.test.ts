/** Migrations while servers of an earlier version run on the database. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { prepareSchema } from '../../../../src/server/store/postgres/tables/layout.ts';
import { MIGRATIONS } from '../../../../src/server/store/postgres/tables/schema.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

const ADDITION = {
  sql: `ALTER TABLE logs ADD COLUMN note text; ALTER TABLE sessions ADD COLUMN notes bigint NOT NULL DEFAULT 0;
    CREATE TABLE notes (bucket smallint NOT NULL, id text NOT NULL, PRIMARY KEY (id, bucket));
    CREATE INDEX logs_by_note ON logs (note)`,
  distribution: [],
};

for (const binaries of findPostgres()) {
  describe(`migrations of ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    const poolOf = (url: string): pg.Pool => {
      const pool = new pg.Pool({ connectionString: url });
      onTestFinished(() => pool.end());
      return pool;
    };

    test('a database of the first version is brought to this one, and keeps its logs', async () => {
      const url = await cluster.createSchema();
      await prepareSchema(poolOf(url), MIGRATIONS.slice(0, 1));
      const tables = `SELECT to_regclass(name) IS NOT NULL AS is_new FROM unnest(ARRAY['trace_contents', 'words']) AS name`;
      expect((await withClient(url, (client) => client.query(tables))).rows).toEqual([
        { is_new: false },
        { is_new: false },
      ]);
      await withClient(url, (client) =>
        client.query(`INSERT INTO traces VALUES (0, '00000000-0000-0000-0000-000000000000', 3, current_date)`),
      );
      const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })));
      onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
      expect((await withClient(url, (client) => client.query(tables))).rows).toEqual([
        { is_new: true },
        { is_new: true },
      ]);
      expect(await stores[0]!.readiness()).toEqual({ status: 'ok' });
      await stores[1]!.forgetTraces(Date.now() + 60_000);
      expect((await withClient(url, (client) => client.query('SELECT * FROM traces'))).rows).toEqual([]);
    });

    test('an addition under load fails no write, and servers of the earlier version still start', async () => {
      const url = await cluster.createSchema();
      const stores = [await openPostgresStore({ url }), await openPostgresStore({ url })];
      onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
      let isOver = false;
      let written = 0;
      const failures: unknown[] = [];
      const work = async (writer: number) => {
        for (let round = 0; !isOver; round += 1) {
          const requests = [0, 1, 2].map((index) =>
            log({ reference_id: `${writer}-${round}-${index}`, session_reference_id: `s${round % 9}`, output: 'x' }),
          );
          await stores[writer % 2]!.createLogs(requests).then(
            (created) => {
              written += created.length;
            },
            (error) => void failures.push(error),
          );
        }
      };
      const writers = [0, 1, 2, 3].map(work);
      await expect.poll(() => written).toBeGreaterThan(20);
      await prepareSchema(poolOf(url), [...MIGRATIONS, ADDITION]);
      const before = written;
      await expect.poll(() => written).toBeGreaterThan(before + 20);
      isOver = true;
      await Promise.all(writers);
      expect(failures).toEqual([]);
      expect(await findFaults(url)).toEqual([]);
      const late = await openPostgresStore({ url });
      onTestFinished(() => late.close());
      expect(await late.readiness()).toEqual({ status: 'ok' });
      expect(await createOne(late)).toMatchObject({ id: expect.any(String) });

      await withClient(url, (client) => client.query(`UPDATE meta SET value = '9' WHERE name = 'major'`));
      await expect(openPostgresStore({ url })).rejects.toThrow('made by a newer version of humanloop-otel');
    });
  });
}
