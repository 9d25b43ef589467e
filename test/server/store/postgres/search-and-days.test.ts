/** What this store has of its own: search over whole words, partitions by day, and deletions of whole sessions. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { dayOf, firstIdOf, nextDay } from '../../../../src/server/store/postgres/tables/identifiers.ts';
import { maintainPartitions } from '../../../../src/server/store/postgres/tables/partitions.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

for (const binaries of findPostgres()) {
  describe(binaries.name, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const open = async () => {
      const url = await cluster.createSchema();
      const store = await openPostgresStore({ url });
      onTestFinished(() => store.close());
      return { url, store };
    };

    test('a search finds sessions that have all words, in whichever of their logs, page by page', async () => {
      const { store } = await open();
      await store.createLogs([
        log({ session_reference_id: 'a', output: 'the zebra' }),
        log({ session_reference_id: 'a', messages: [{ role: 'user', content: 'where is the watering place' }] }),
        log({ session_reference_id: 'b', output: 'a zebra, watering' }),
        log({ session_reference_id: 'c', output: 'no Zébra', error: '日本語の文' }),
        log({ output: 'lonely zebra' }),
      ]);
      const find = async (search: string) => {
        const seen: string[] = [];
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await store.viewer.listSessions({ search, size: 2, ...(cursor !== undefined && { cursor }) });
          seen.push(...page.sessions.map((each) => each.reference_id ?? 'alone'));
          cursor = page.next;
        }
        return seen;
      };
      expect(await find('zebra')).toEqual(['alone', 'c', 'b', 'a']);
      expect((await find('zebra watering')).sort()).toEqual(['a', 'b']);
      expect(await find('"watering place" zebra')).toEqual(['a']);
      expect(await find('"place watering"')).toEqual([]);
      expect(await find('lonely watering')).toEqual([]);
      expect(await find('語の')).toEqual(['c']);
      expect(await find('の語')).toEqual([]);
    });

    test('a server forgets the words that only its deleted logs had, and an administrator all that no log has', async () => {
      const { url, store } = await open();
      const gone = await createOne(store, { output: 'Zuckerwatte zebra' });
      const last = await createOne(store, { output: 'zebra lonely' });
      // Of no log, so that a look through all words would remove it.
      await withClient(url, (client) => client.query(`INSERT INTO words VALUES (1, 'stray', 5)`));
      const words = async () =>
        (await withClient(url, (client) => client.query('SELECT word FROM words ORDER BY word'))).rows.map(
          ({ word }) => word,
        );
      await store.deleteLogs([gone.id]);
      await expect.poll(words).not.toContain('zuckerwatte');
      expect(await words()).toEqual(expect.arrayContaining(['lonely', 'stray', 'zebra']));
      // What it forgets is written again with the next log that has it.
      const again = await createOne(store, { output: 'Zuckerwatte' });
      expect(await words()).toContain('zuckerwatte');
      // Whoever closes it loses nothing of what it has to do.
      await store.deleteLogs([again.id, last.id]);
      await store.close();
      expect(await words()).toEqual(['stray']);
      const other = await openPostgresStore({ url });
      onTestFinished(() => other.close());
      await other.eraseDeleted();
      expect(await words()).toEqual([]);
    });

    test('the beginning of a word is found until no log has the word and the deleted is erased', async () => {
      const { url, store } = await open();
      const gone = await createOne(store, {
        output: 'Zuckerbäcker zebra',
        metadata: { release: 'v1.2', hash: '0a1b2c3d4e5f' },
      });
      await createOne(store, { output: 'zebra', save: false });
      await store.createLogs([log({ output: 'zebra' })]);
      const secret = await createOne(store, { reference_id: 'r', save: false });
      await store.updateLog({ id: secret.id }, { output: 'unkept' });
      await store.addFeedback([{ data_id: gone.id, type: 'comment', value: 'remarkable' }]);
      const count = async (search: string) => (await store.viewer.listSessions({ search, size: 9 })).sessions.length;
      for (const search of ['zuckerb', '"zuckerbacker zeb"', 'remark', 'zuckerbäcker', '0a1b2c3d4e5f']) {
        expect(await count(search), search).toBe(1);
      }
      for (const search of ['zu', '"zebra zuck"', 'unk', '0a1b2c']) expect(await count(search), search).toBe(0);
      await store.deleteLogs([gone.id]);
      await store.eraseDeleted();
      expect(await count('zuckerb')).toBe(0);
      expect(await count('zeb')).toBe(1);
      const { rows } = await withClient(url, (client) => client.query('SELECT word FROM words ORDER BY word'));
      expect(rows.map(({ word }) => word)).toEqual(['4', 'gpt', 'zebra']);
    });

    test('days are made ahead', async () => {
      const { url } = await open();
      const today = dayOf(Date.now());
      await withClient(url, async (client) => {
        await client.query(`DROP TABLE logs_p${nextDay(today, 3).replaceAll('-', '')}`);
        // It may be the turn of the server that starts.
        await expect.poll(() => maintainPartitions(client)).toBe(true);
        const { rows } = await client.query(
          `SELECT right(inhrelid::regclass::text, 8) AS day FROM pg_inherits WHERE inhparent = 'logs'::regclass ORDER BY 1`,
        );
        expect(rows.map((row) => row.day)).toEqual(
          [-1, 0, 1, 2, 3, 4, 5, 6, 7].map((days) => nextDay(today, days).replaceAll('-', '')),
        );
      });
    });

    test('a day that is named without a look is read as an empty one where it is not there', async () => {
      const { url, store } = await open();
      const today = dayOf(Date.now());
      const tableOn = (table: string, days: number) => `${table}_p${nextDay(today, days).replaceAll('-', '')}`;
      const created = await createOne(store, { reference_id: 'r', session_reference_id: 's', output: 'zebra' });
      // As another server may have made it, on the day before.
      const idOf = (days: number) => firstIdOf(Date.now() + days * 86_400_000).padEnd(14, '0') + created.id.slice(14);
      await withClient(url, async (client) => {
        for (const table of ['logs', 'log_words', 'feedback']) await client.query(`DROP TABLE ${tableOn(table, -1)}`);
      });
      expect(await store.getLog(idOf(-1))).toBeUndefined();
      expect(await store.viewer.readLog(idOf(-1))).toBeUndefined();
      expect(await store.deleteLogs([idOf(-1)])).toEqual({ logs: 0, sessions: 0 });
      await expect(store.addFeedback([{ data_id: idOf(-1), type: 'rating', value: 'x' }])).rejects.toThrow('not found');
      const below = await createOne(store, { output: 'below', parent_id: created.id });
      await withClient(url, (client) =>
        client.query('UPDATE logs SET parent_id = $1 WHERE id = $2', [idOf(-1), below.id]),
      );
      expect(await store.updateLog({ id: below.id }, { output: 'later' })).toMatchObject({ output: 'later' });
      // Within a transaction, the day is made, and the work done again.
      const lost = await createOne(store, { reference_id: 'lost' });
      await createOne(store, { reference_id: 'child', session_reference_id: 's' });
      await withClient(url, (client) =>
        client.query('UPDATE log_references SET log_id = $1 WHERE log_id = $2', [idOf(-1), lost.id]),
      );
      await createOne(store, {
        ...{ reference_id: 'child', session_reference_id: 's' },
        ...{ parent_reference_id: 'lost', output: 'completed' },
      });
      expect(await store.updateLog({ referenceId: 'child' }, {})).toMatchObject({ output: 'completed' });
      await withClient(url, async (client) => {
        const { rows } = await client.query('SELECT to_regclass($1) AS found', [tableOn('logs', -1)]);
        expect(rows[0].found).not.toBeNull();
      });
    });

    test('a session is deleted as a whole, and the rest stays right', async () => {
      const { url, store } = await open();
      const [gone, kept] = await store.createLogs([
        log({ session_reference_id: 'gone', output: 'secretword', metadata: { user: 'ada' } }),
        log({ session_reference_id: 'kept', output: 'other' }),
        log({ session_reference_id: 'gone' }),
      ]);
      expect(await store.deleteSession({ referenceId: 'gone' })).toEqual({ logs: 2, sessions: 1 });
      expect(await store.deleteSession({ id: gone!.session_id! })).toBeUndefined();
      expect(await store.getSession(gone!.session_id!)).toBeUndefined();
      expect((await store.viewer.listSessions({ search: 'secretword', size: 5 })).sessions).toEqual([]);
      expect((await store.viewer.listSessions({ size: 5 })).sessions).toMatchObject([{ id: kept!.session_id }]);
      expect(await findFaults(url)).toEqual([]);
    });
  });
}
