/** Searches in a session that very many others were merged into: its logs are under the keys of all of them. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const MERGED = 600;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('what is asked of them grows with their number, and not with its square', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    const write = (index: number) =>
      log({ session_reference_id: `s${index}`, output: index % 2 ? 'zebra' : 'grass', environment: 'rare' });
    await store.createLogs(Array.from({ length: MERGED }, (_, index) => write(index)));
    await withClient(url, async (client) => {
      await client.query(`UPDATE sessions SET logs = ${MERGED}, keys = (SELECT array_agg(key) FROM sessions),
        buckets = (SELECT array_agg(bucket) FROM sessions) WHERE reference_id = 's0'`);
      await client.query(`UPDATE sessions SET logs = 0, merged_into = (SELECT key FROM sessions WHERE reference_id = 's0')
        WHERE reference_id <> 's0'`);
      await client.query(
        `DELETE FROM session_facets WHERE session <> (SELECT key FROM sessions WHERE reference_id = 's0')`,
      );
    });
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => statements.mockRestore());
    for (const environment of [undefined, 'rare']) {
      const query = { search: 'zebra grass', size: 10, ...(environment && { environment }) };
      const { sessions } = await store.viewer.listSessions(query);
      expect(sessions.map((each) => each.reference_id)).toEqual(['s0']);
    }
    const sizes = statements.mock.calls.flatMap((call) => {
      const values = (call[0] as { values?: unknown[] }).values ?? (call[1] as unknown as unknown[]) ?? [];
      return Array.isArray(values) ? values.map((value) => (Array.isArray(value) ? value.length : 1)) : [];
    });
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * MERGED);
  });
});
