/** Words that one server forgets while others take them for written, and how long a server waits for it when it ends. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

const FOR_GOOD = 'SELECT 1 / 0';
const FOR_NOW = `DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`;

describe.each(findPostgres())('$name: words that are forgotten', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  const openTwo = async () => {
    const url = await cluster.createSchema();
    const open = async () => {
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      return store;
    };
    const readWords = async () => {
      const { rows } = await withClient(url, (client) => client.query<{ word: string }>('SELECT word FROM words'));
      return rows.map(({ word }) => word);
    };
    return { one: await open(), other: await open(), readWords, url };
  };

  test('are written again with the next log, by a server that took them for written', async () => {
    const { one, other, readWords } = await openTwo();
    const count = async (search: string) => (await other.viewer.listSessions({ search, size: 9 })).sessions.length;
    await createOne(other, { output: 'zebra' });
    const gone = await createOne(other, { output: 'Zuckerwatte zebra' });
    const kept = await createOne(other, { output: 'zebra' });
    await one.deleteLogs([gone.id]);
    await expect.poll(readWords).not.toContain('zuckerwatte');
    await createOne(other, { output: 'Zuckerwatte' });
    expect(await count('zuckerw')).toBe(1);
    // So are those of an update, of feedback, and of spans.
    const writes: Record<string, (output: string) => Promise<unknown>> = {
      karussell: (output) => other.updateLog({ id: kept.id }, { output }),
      geisterbahn: (value) => other.addFeedback([{ data_id: kept.id, type: 'comment', value }]),
      riesenrad: (output) => other.ingest([], () => ({ ...NOTHING, creates: [log({ output })] })),
    };
    for (const [word, write] of Object.entries(writes)) {
      const first = await createOne(other, { output: word });
      await createOne(other, { output: 'zebra' });
      await one.deleteLogs([first.id]);
      await expect.poll(readWords).not.toContain(word);
      await write(word);
      expect(await readWords()).toContain(word);
    }
  });

  /** Statements of writes fail in this way, each once. */
  const failInTurn = (failures: readonly { of: string; by: string }[]): { readonly left: number } => {
    const left = [...failures];
    const query = pg.Client.prototype.query as (this: pg.Client, ...parameters: unknown[]) => unknown;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...parameters: unknown[]) {
      const [{ name }] = parameters as [{ name?: string }];
      const [next] = left;
      if (!next || !name?.startsWith(next.of)) return query.apply(this, parameters);
      left.shift();
      return query.call(this, { text: next.by });
    } as never);
    onTestFinished(() => void vi.restoreAllMocks());
    return {
      get left() {
        return left.length;
      },
    };
  };

  test.each([
    { when: 'at once', failures: [{ of: 'sessions ', by: FOR_GOOD }] },
    {
      when: 'after a try that had written them',
      failures: [
        { of: 'sessions ', by: FOR_NOW },
        { of: 'log_references ', by: FOR_GOOD },
      ],
    },
  ])('are those of logs that were rolled back for good $when, too', async ({ failures }) => {
    const { one, readWords } = await openTwo();
    await createOne(one, { output: 'zebra' });
    const statements = failInTurn(failures);
    const failing = createOne(one, { output: 'zebra zuckerwatte', reference_id: 'reference' });
    await expect(failing).rejects.toThrow('division by zero');
    expect(statements.left).toBe(0);
    expect(await readWords()).toContain('zuckerwatte');
    await expect.poll(readWords, { timeout: 10_000 }).not.toContain('zuckerwatte');
    expect(await readWords()).toContain('zebra');
  });

  test('are there for each log that is answered, whoever deletes and forgets at the same time', async () => {
    const { one, other, readWords } = await openTwo();
    const words = ['zuckerwatte', 'karussell', 'riesenrad'];
    for (let round = 0; round < 12; round += 1) {
      const word = words[round % words.length]!;
      const gone = await Promise.all([createOne(one, { output: word }), createOne(other, { output: word })]);
      await one.deleteLogs(gone.map(({ id }) => id));
      const forgetting = one.eraseDeleted();
      const written: string[] = [];
      for (let at = 0; at < 10; at += 1) {
        written.push((await createOne(at % 3 === 0 ? one : other, { output: word })).id);
        await expect.poll(readWords, { message: `round ${round}` }).toContain(word);
      }
      await forgetting;
      await expect.poll(readWords, { message: `round ${round}` }).toContain(word);
      await one.deleteLogs(written);
    }
  });

  test.each([
    ['fails', 'SELECT 1 / 0'],
    ['is ended by the end of the server', 'SELECT pg_sleep(30)'],
  ])('are written again if the look after their deletion %s', async (_, instead) => {
    const { one, other, readWords } = await openTwo();
    const gone = await createOne(other, { output: 'zuckerwatte' });
    let isDeleted = false;
    const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
    const looksAfterwards = vi.fn();
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
      const [statement] = given as { name?: string; text?: string }[];
      if (statement?.name === 'forget word') isDeleted = true;
      if (!isDeleted || statement?.name !== 'is a word used') return query.apply(this, given) as never;
      looksAfterwards();
      return query.call(this, instead) as never;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await one.deleteLogs([gone.id]);
    await expect.poll(() => looksAfterwards.mock.calls.length).toBeGreaterThan(0);
    await one.close();
    expect(await readWords()).toContain('zuckerwatte');
  });

  test('are many at a time, after which the other servers write theirs again', async () => {
    const { one, other, readWords, url } = await openTwo();
    const word = (index: number) =>
      `word${'abcdefghij'[index % 10]}${'abcdefghij'[Math.floor(index / 10) % 10]}${'abc'[Math.floor(index / 100)]}`;
    const gone = await createOne(other, { output: Array.from({ length: 300 }, (_, index) => word(index)).join(' ') });
    await one.deleteLogs([gone.id]);
    await one.eraseDeleted();
    expect((await readWords()).filter((each) => each.startsWith('word'))).toEqual([]);
    const { rows } = await withClient(url, (client) =>
      client.query(`SELECT value FROM meta WHERE name = 'forgotten_words'`),
    );
    expect(Number(rows[0]?.value)).toBeLessThanOrEqual(2);
  });

  test('keep a server that ends from it for two seconds at most', async () => {
    const { one } = await openTwo();
    const gone = await createOne(one, { output: 'zuckerwatte' });
    // Each look at the index takes its time.
    const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
    let looks = 0;
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
      const [statement] = given as { name?: string }[];
      if (statement?.name !== 'is a word used') return query.apply(this, given) as never;
      looks += 1;
      return query.call(this, 'SELECT pg_sleep(30)') as never;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await one.deleteLogs([gone.id]);
    await expect.poll(() => looks).toBeGreaterThan(0);
    const startedAtMillis = performance.now();
    await one.close();
    // The statement that it has under way would take half a minute.
    expect(performance.now() - startedAtMillis).toBeLessThan(20_000);
  });
});

const NOTHING = {
  creates: [],
  revisions: [],
  feedback: [],
  calls: [],
  places: new Map(),
  parts: new Map(),
  kept: new Map(),
};
