/** Which index PostgreSQL reads for a search: each version has its own planner. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

/** So many that a walk along the newest of them seems to find enough soon, with words that are all rare. */
const MANY_LOGS = 400_000;
/** So many that it seems cheaper to sort them all, where nothing is known of them. */
const NEW_LOGS = 40_000;

describe.each(findPostgres())('$name: a search among many logs', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off', 'autovacuum=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  /** Words of so many logs, of which only these rows of the table are there. */
  const fill = (url: string, logs: number, isKnown: boolean) =>
    withClient(url, async (client) => {
      await client.query(
        `INSERT INTO log_words (day, bucket, id, session, words)
         SELECT current_date, 0, 'data_0' || lpad(number::text, 20, '0'), gen_random_uuid(), ARRAY[number % 7]
         FROM generate_series(1, ${logs}) AS number`,
      );
      if (!isKnown) return;
      // So that each word seems to be in some logs, as it does where there are millions of words.
      await client.query('ALTER TABLE log_words ALTER COLUMN words SET STATISTICS 0');
      await client.query('VACUUM ANALYZE log_words');
    });

  /**
   * Returns the plans of what a search asks of the words' table with a limit, as often as it does: `ofIndex` by the words,
   * `ofNewest` along the logs. The planner knows the table only if it `isKnown`.
   */
  const explainSearch = async (word: string, logs: number, isKnown: boolean) => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    await store.createLogs([log({ reference_id: 'only', output: `about ${word}` })]);
    await fill(url, logs, isKnown);
    const [ofIndex, ofNewest]: [string[], string[]] = [[], []];
    const query = pg.Client.prototype.query as (...given: unknown[]) => Promise<pg.QueryResult>;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
      const [statement] = given as { text?: string; values?: unknown[] }[];
      if (!/FROM log_words\s.*\sLIMIT /s.test(statement?.text ?? '')) return query.apply(this, given) as never;
      const plans = statement!.text!.includes('ORDER BY id DESC') ? ofNewest : ofIndex;
      // In the transaction of the search, with its settings.
      const explained = query.call(this, `EXPLAIN ${statement!.text}`, statement!.values);
      explained.then(({ rows }) => plans.push(rows.map((row) => row['QUERY PLAN']).join('\n')));
      return query.apply(this, given) as never;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const { sessions } = await store.viewer.listSessions({ search: word, size: 20 });
    return { sessions, ofIndex, ofNewest };
  };

  test('reads the index of words for a rare word, and not the logs one by one', async () => {
    const { sessions, ofIndex } = await explainSearch('zanzibar', MANY_LOGS, true);
    expect(sessions).toHaveLength(1);
    expect(ofIndex).not.toHaveLength(0);
    for (const plan of ofIndex) {
      expect(plan).toContain('Bitmap Index Scan on log_words');
      expect(plan).not.toContain('Index Scan Backward');
    }
  });

  test.each(['absent', '"about absent" other'])(
    'reads the newest logs alone, and of the words only that index, on a day of which nothing is known: %s',
    async (searched) => {
      const { ofIndex, ofNewest } = await explainSearch(searched, NEW_LOGS, false);
      expect(ofNewest).not.toHaveLength(0);
      for (const plan of ofNewest) {
        expect(plan).toMatch(/Index Scan Backward using log_words_p\d+_pkey/);
        // Several days are merged, by a key to sort by.
        expect(plan).not.toMatch(/^(?:[ ]*-> {2})?(?:Incremental )?Sort /m);
      }
      expect(ofIndex).not.toHaveLength(0);
      for (const plan of ofIndex) expect(plan).not.toContain('pkey');
    },
  );

  test('reads the index for a word of one log in a hundred, and not the newest logs until there are enough', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    for (let first = 0; first < 3_000; first += 500) {
      const logs = Array.from({ length: 500 }, (_, index) => {
        const output = index % 100 === 0 ? 'quagga' : 'zebra';
        return log({ session_reference_id: `session ${first + index}`, output });
      });
      await store.createLogs(logs);
    }
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => statements.mockRestore());
    const { sessions, next } = await store.viewer.listSessions({ search: 'quagga', size: 50 });
    const expected = Array.from({ length: 30 }, (_, index) => `session ${(29 - index) * 100}`);
    expect(sessions.map((each) => each.reference_id)).toEqual(expected);
    expect(next).toBeNull();
    const names = statements.mock.calls.map(([statement]) => (statement as { name?: string }).name ?? '');
    expect(names.filter((name) => name.startsWith('walk far'))).toEqual([]);
  });
});
