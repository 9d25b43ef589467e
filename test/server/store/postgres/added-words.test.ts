/** Words that are added to a log after it was written. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('a log that is updated with each part of its output has each word once', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    await store.createLogs([log({ reference_id: 'r' })]);
    const words = Array.from({ length: 40 }, (_, index) => `word${index}`);
    for (let count = 1; count <= words.length; count += 1)
      await store.updateLog({ referenceId: 'r' }, { output: words.slice(0, count).join(' ') });
    const read = () =>
      withClient(url, async (client) => {
        const { rows } = await client.query<{ words: number[]; version: string }>(
          `SELECT words, xmin::text AS version FROM log_words WHERE id LIKE '%+'`,
        );
        return rows[0]!;
      });
    const added = await read();
    expect(added.words).toHaveLength(words.length);
    expect(new Set(added.words).size).toBe(words.length);
    await store.updateLog({ referenceId: 'r' }, { output: 'word7 word1' });
    // Nothing of the index was written again.
    expect((await read()).version).toBe(added.version);
  });
});
