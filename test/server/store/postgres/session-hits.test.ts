/** Searches with a filter that few sessions meet, for words that very many other logs have. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { SessionQuery } from '../../../../src/server/store/viewer-store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const OTHERS = 1_500;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('a search with the filter of a rare user reads the logs of that user alone', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    const write = (session: string, output: string, user: string) =>
      log({ session_reference_id: session, output, metadata: { user_id: user } });
    await store.createLogs([
      write('first', 'zebra on the grass', 'rare'),
      write('second', 'the grass', 'rare'),
      write('third', 'on the zebra', 'rare'),
      write('third', 'grass', 'rare'),
    ]);
    await store.createLogs(
      Array.from({ length: OTHERS }, (_, index) => write(`other ${index}`, 'zebra on the grass', 'usual')),
    );
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => statements.mockRestore());
    const find = async (query: Omit<SessionQuery, 'size'> & { size?: number }) => {
      const { sessions, next } = await store.viewer.listSessions({ size: 10, ...query });
      return { found: sessions.map((each) => each.reference_id), next };
    };
    expect(await find({ search: 'zebra', user: 'rare' })).toEqual({ found: ['third', 'first'], next: null });
    expect(await find({ search: 'zebra grass', user: 'rare' })).toEqual({ found: ['third', 'first'], next: null });
    expect(await find({ search: '"on the grass"', user: 'rare' })).toEqual({ found: ['first'], next: null });
    expect(await find({ search: 'gras', user: 'rare' })).toMatchObject({ found: ['third', 'second', 'first'] });
    expect(await find({ search: 'zebra', user: 'nobody' })).toEqual({ found: [], next: null });
    const walks = () =>
      statements.mock.calls.filter(([statement]) => /^walk/.test((statement as { name?: string }).name ?? ''));
    expect(walks()).toEqual([]);
    const { found, next } = await find({ search: 'zebra', user: 'rare', size: 1 });
    expect(found).toEqual(['third']);
    expect(await find({ search: 'zebra', user: 'rare', cursor: next! })).toEqual({ found: ['first'], next: null });
    // Most sessions are of this user.
    expect((await find({ search: 'zebra', user: 'usual' })).found).toHaveLength(10);
    expect(walks()).not.toEqual([]);
  });
});
