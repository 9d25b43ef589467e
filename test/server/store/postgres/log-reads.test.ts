/** Logs that are read by their ids. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { LogReads } from '../../../../src/server/store/postgres/reading/log-reads.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect } from '../../../../src/server/store/postgres/tables/connection.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('a log whose id is given several times is whole each time', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    const connections = connect(url, () => {});
    onTestFinished(async () => {
      await connections.close();
      await store.close();
    });
    const [first, second] = await store.createLogs([
      log({ reference_id: 'first', session_reference_id: 'conversation', config: { type: 'model', model: 'gpt-4o' } }),
      log({ parent_reference_id: 'first', feedback: { type: 'rating', value: 'good' } }),
    ]);
    const ids = [first!.id, second!.id, first!.id, 'data_of nothing', second!.id];
    const expected = [first!.id, second!.id, first!.id, second!.id];
    const read = await new LogReads(connections.reads).read(ids);
    expect(read).toEqual(await Promise.all(expected.map((id) => store.getLog(id))));
    expect(read[2]).toMatchObject({ config: { model: 'gpt-4o' }, session_reference_id: 'conversation' });
    expect(read[3]).toMatchObject({ parent_id: first!.id, feedback: [{ value: 'good' }] });
  });

  test('a log is read, updated and revised as before once a later version has added a column', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    const [{ id } = {}] = await store.createLogs([log({ reference_id: 'r', output: 'before' })]);
    const revision = { referenceId: 'r', duration: 1 };
    const work = { creates: [], feedback: [], places: new Map(), parts: new Map(), kept: new Map(), calls: [] };
    const useAll = async (output: string) => {
      await store.ingest(['a'.repeat(32)], () => ({ ...work, revisions: [revision] }));
      const updated = await store.updateLog({ referenceId: 'r' }, { output });
      expect(await store.getLog(id!)).toEqual(updated);
      return { ...updated!, updated_at: undefined, output: undefined };
    };
    const before = await useAll('first');
    await withClient(url, (client) => client.query(`ALTER TABLE logs ADD COLUMN later text NOT NULL DEFAULT 'new'`));
    for (const output of ['second', 'third']) expect(await useAll(output)).toEqual(before);
  });
});
