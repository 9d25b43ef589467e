/** The contract of a store, on each PostgreSQL that is here. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { describeStore } from '../store-contract.ts';

/** By the end of a test's name. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'the lag of the index is how many logs wait, and since when':
    'words and filters are written with the log, so that nothing ever waits for an index',
};

beforeEach(({ task, skip }) => {
  const isIngest = task.suite?.name.endsWith(': ingest');
  const own = Object.entries(LEFT_OUT).find(([name]) => task.name.endsWith(name))?.[1];
  const reason = isIngest ? 'OTLP is not stored in PostgreSQL yet: see the test of what a sender is answered' : own;
  if (reason) skip(reason);
});

for (const binaries of findPostgres()) {
  describe(binaries.name, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    }, 60_000);
    afterAll(() => cluster?.stop(), 60_000);
    describeStore(binaries.name, async () => openPostgresStore({ url: await cluster.createSchema() }));
  });
}
