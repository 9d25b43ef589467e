/** A search where the index of words takes too long: pages come all the same, and what they have is right. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const [binaries] = findPostgres();
/** What is asked of the index. */
const OF_INDEX = /(^|\()SELECT (session|1|id, session) FROM log_words\s+WHERE day/;

describe.skipIf(!binaries)('a search with a slow index', () => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries!, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  const open = async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    const find = async (search: string) => {
      const seen: string[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.viewer.listSessions({ search, size: 20, ...(cursor !== undefined && { cursor }) });
        seen.push(...page.sessions.map((each) => each.reference_id!));
        cursor = page.next;
      }
      return seen;
    };
    return { store, find };
  };

  /** The database takes its time for what is asked of the index; all else is as it was. */
  const slowDown = () => {
    const asked = { now: 0, most: 0, timedOut: 0 };
    const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
      const [statement] = given as { text?: string; values?: unknown[] }[];
      if (!OF_INDEX.test(statement?.text ?? '')) return query.apply(this, given) as never;
      asked.now += 1;
      asked.most = Math.max(asked.most, asked.now);
      const answer = query.call(this, 'SELECT pg_sleep(20)') as Promise<unknown>;
      const ended = () => {
        asked.now -= 1;
      };
      answer.then(ended, () => {
        ended();
        asked.timedOut += 1;
      });
      return answer as never;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    return asked;
  };

  test('finds the sessions that have all words, two statements at a time', async () => {
    const { store, find } = await open();
    const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo'];
    await store.createLogs([
      log({ session_reference_id: 'all', output: words.join(' ') }),
      log({ session_reference_id: 'two', output: 'alpha bravo' }),
      ...words.map((output) => log({ session_reference_id: 'each', output })),
      ...words.map((output) => log({ session_reference_id: output, output })),
    ]);
    const asked = slowDown();
    expect((await find(words.join(' '))).sort()).toEqual(['all', 'each']);
    expect(asked.timedOut).toBeGreaterThan(0);
    expect(asked.most).toBe(2);
  });

  test('goes on through the newest logs where it has nothing of the rare ones', async () => {
    const { store, find } = await open();
    await store.createLogs([log({ session_reference_id: 'old', output: 'rare' })]);
    for (let at = 0; at < 22; at += 1) {
      await store.createLogs(
        Array.from({ length: 50 }, () => log({ session_reference_id: 'many', output: 'frequent' })),
      );
    }
    await store.createLogs([log({ session_reference_id: 'new', output: 'rare' })]);
    const asked = slowDown();
    expect(await find('rare')).toEqual(['new', 'old']);
    expect(asked.timedOut).toBeGreaterThan(0);
  });
});
