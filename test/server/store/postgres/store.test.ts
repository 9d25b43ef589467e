/** The contract of a store, on each PostgreSQL that is here. */
import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { describeStore } from '../store-contract.ts';

for (const binaries of findPostgres()) {
  describe(binaries.name, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);
    describeStore(binaries.name, async () => openPostgresStore({ url: await cluster.createSchema() }));
  });
}
