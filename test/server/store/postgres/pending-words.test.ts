/** Servers that write words at the same time do not each sort them into the index. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PendingWords } from '../../../../src/server/store/postgres/search/pending-words.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';

const SERVERS = 4;

for (const binaries of findPostgres()) {
  describe(`words to be sorted on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    test('one server sorts for all, and what came meanwhile is sorted later', async () => {
      const url = await cluster.createSchema();
      await (await openPostgresStore({ url })).close();
      const pool = new pg.Pool({ connectionString: url });
      onTestFinished(() => pool.end());
      let [tried, sorted] = [0, 0];
      const counting = {
        query: (text: string) => {
          tried += 1;
          return pool.query(text);
        },
        connect: () => {
          sorted += 1;
          return pool.connect();
        },
      };
      const servers = Array.from(
        { length: SERVERS },
        () => new PendingWords(counting as never, { isDistributed: false, shardOrder: [] }),
      );
      onTestFinished(() => {
        for (const server of servers) server.close();
      });
      for (const server of servers) server.schedule();
      await expect.poll(() => tried, { timeout: 5_000 }).toBe(SERVERS);
      await expect.poll(() => sorted, { timeout: 1_000 }).toBe(1);
      await expect.poll(() => sorted, { timeout: 5_000 }).toBe(2);
    });
  });
}
