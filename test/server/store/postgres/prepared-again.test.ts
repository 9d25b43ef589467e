/** Poolers that know prepared statements prepare them again on another connection, where a column may have another type. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect, pipelined, withConnection } from '../../../../src/server/store/postgres/tables/connection.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';

const STATEMENT = { name: 'seen', text: 'SELECT amount, said, "at" FROM seen', values: [] };

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('an answer is read by the columns of its own', async () => {
    const connections = connect(await cluster.createSchema(), () => {});
    onTestFinished(() => connections.close());
    await withConnection(connections.writes, async (client) => {
      const read = async () => {
        const [first, second] = await pipelined(client, [STATEMENT, STATEMENT]);
        expect(second!.rows).toEqual(first!.rows);
        return first!.rows;
      };
      await client.query(
        `CREATE TABLE seen AS SELECT 5 AS amount, '{"a":1}'::text AS said, '2026-01-31Z'::text AS "at"`,
      );
      expect(await read()).toEqual([{ amount: 5, said: '{"a":1}', at: '2026-01-31Z' }]);
      await client.query(`ALTER TABLE seen ALTER amount TYPE text, ALTER said TYPE jsonb USING said::jsonb,
        ALTER "at" TYPE timestamptz USING "at"::timestamptz`);
      await client.query(`DEALLOCATE ALL; PREPARE seen AS ${STATEMENT.text}`);
      expect(await read()).toEqual([{ amount: '5', said: { a: 1 }, at: '2026-01-31T00:00:00.000000Z' }]);
    });
  });
});
