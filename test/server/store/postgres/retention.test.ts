/** Retention: what is too old or too much goes, whole days give their space back, and no row stays for ever. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const DAY_MILLIS = 86_400_000;
const LOGS_A_DAY = 40;
/** Of a quarter of them, by the measure of `prune`. */
const SESSION_BYTES = 205_000;
const CLI = join(import.meta.dirname, '..', '..', '..', '..', 'src', 'cli.ts');

/** Not packed by any database. */
function noise(index: number): string {
  let [text, state] = ['', index + 1];
  while (text.length < 20_000) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    text += state.toString(36);
  }
  return text;
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`retention on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    const count = (url: string, sql: string) =>
      withClient(url, async (client) =>
        Number((await client.query(`SELECT count(*) AS count FROM ${sql}`)).rows[0].count),
      );
    const listDays = (url: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query(
          `SELECT right(inhrelid::regclass::text, 8) AS day FROM pg_inherits WHERE inhparent = 'logs'::regclass ORDER BY 1`,
        );
        return rows.map(({ day }) => day as string);
      });
    const measure = (url: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query(
          `SELECT sum(pg_total_relation_size(oid)) AS bytes FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`,
        );
        return Number(rows[0].bytes);
      });

    /** As `prune` does. */
    const measureLogs = (url: string) =>
      withClient(url, async (client) => {
        const { rows } = await client.query('SELECT sum(500 + octet_length(output)) AS bytes FROM logs');
        return Number(rows[0].bytes);
      });

    test('sessions that are too old go with their references, days without logs are dropped, and a bound of the size holds', async () => {
      const url = await cluster.createSchema();
      const store = await openPostgresStore({ url });
      const other = await openPostgresStore({ url });
      onTestFinished(async () => void (await Promise.all([store.close(), other.close()])));
      const today = Date.now();
      const dayOf = (ago: number) => new Date(today - ago * DAY_MILLIS).toISOString().slice(0, 10).replaceAll('-', '');
      vi.useFakeTimers({ toFake: ['Date'] });
      onTestFinished(() => void vi.useRealTimers());
      for (const ago of [19, 16, 15, 14, 0]) {
        vi.setSystemTime(today - ago * DAY_MILLIS);
        const requests = Array.from({ length: LOGS_A_DAY }, (_, index) =>
          log({
            reference_id: `${ago}-${index}`,
            session_reference_id: `s ${ago}-${index % 4}`,
            output: noise(ago * 100 + index),
          }),
        );
        // One session goes on from day to day.
        await store.createLogs([...requests, log({ session_reference_id: 'long', output: `day ${ago}` })]);
      }
      vi.useRealTimers();
      expect(await listDays(url)).toEqual(expect.arrayContaining([dayOf(19), dayOf(16), dayOf(14)]));

      // By age: only the session that goes on keeps the oldest day.
      const byAge = await store.prune({
        olderThan: new Date(today - 17 * DAY_MILLIS).toISOString().replace('Z', '000Z'),
      });
      expect(byAge).toEqual({ logs: LOGS_A_DAY, sessions: 4 });
      expect(await count(url, 'log_references')).toBe(4 * LOGS_A_DAY);
      expect(await listDays(url)).toContain(dayOf(19));
      expect(await store.deleteSession({ referenceId: 'long' })).toEqual({ logs: 5, sessions: 1 });
      await store.prune({ olderThan: new Date(today - 17 * DAY_MILLIS).toISOString().replace('Z', '000Z') });
      expect(await listDays(url)).not.toContain(dayOf(19));
      expect(await listDays(url)).toContain(dayOf(16));

      // By size: the oldest sessions, and no more of them than it takes.
      const full = await measureLogs(url);
      expect(await store.prune({ maxBytes: full + 1 })).toEqual({ logs: 0, sessions: 0 });
      const onDisk = await measure(url);
      const bySize = await store.prune({ maxBytes: full - SESSION_BYTES });
      expect(bySize.sessions).toBeGreaterThan(1);
      expect(bySize).toEqual({ logs: (bySize.sessions * LOGS_A_DAY) / 4, sessions: bySize.sessions });
      expect(await measureLogs(url)).toBeLessThan((full - SESSION_BYTES) * 0.95);
      expect(await store.prune({ maxBytes: full - SESSION_BYTES })).toEqual({ logs: 0, sessions: 0 });

      // Once all of a day is gone, so is the day.
      await store.prune({ maxBytes: 9 * SESSION_BYTES });
      expect(await listDays(url)).not.toContain(dayOf(16));
      expect(await listDays(url)).toContain(dayOf(14));
      expect(await measure(url)).toBeLessThan(onDisk - 1_000_000);
      expect(await findFaults(url)).toEqual([]);

      // A day is written again where a session of it goes on.
      vi.useFakeTimers({ toFake: ['Date'] });
      vi.setSystemTime(today + 1_000);
      await store.createLogs([log({ session_reference_id: 's 14-0', output: 'goes on' })]);
      vi.useRealTimers();
      const before = await measure(url);
      await Promise.all([store, other].map((each) => each.prune({ maxBytes: 5.5 * SESSION_BYTES })));
      expect(await measure(url)).toBeLessThan(before - 300_000);
      expect(await count(url, `logs WHERE day = '${dayOf(14)}'`)).toBe(LOGS_A_DAY / 4);
      // Two that measure at once delete no more than one.
      expect(await count(url, 'logs')).toBe(LOGS_A_DAY + LOGS_A_DAY / 4 + 1);
      expect(await findFaults(url)).toEqual([]);
    });

    test('delete and prune work on the database, beside servers', async () => {
      const url = await cluster.createSchema();
      const store = await openPostgresStore({ url, search: 'off' });
      onTestFinished(() => store.close());
      await store.createLogs(
        ['ann', 'bob'].map((user) => log({ session_reference_id: user, metadata: { user }, output: 'word' })),
      );
      expect(await count(url, 'log_words')).toBe(0);
      const run = (...words: string[]) =>
        promisify(execFile)(process.execPath, ['--import', 'tsx', CLI, ...words], {
          env: { ...process.env, HUMANLOOP_DATABASE_URL: url },
        });
      // Of logs that a server has deleted, which was killed before it forgot the word.
      await withClient(url, (client) => client.query(`INSERT INTO words VALUES (1, 'stray', 5)`));
      expect((await run('delete', '--user', 'ann')).stdout).toBe(
        'humanloop-otel: deleted 1 log and 1 session: their space is free\n',
      );
      expect(await store.getSession('x')).toBeUndefined();
      expect(await count(url, 'logs')).toBe(1);
      expect(await count(url, 'words')).toBe(0);
      expect((await run('prune', '--older-than', '1h', '--database', url)).stdout).toContain('deleted 0 logs');
      await expect(run('prune', '--older-than', '1h', '--database', url, '--db', 'x')).rejects.toThrow('not both');
      for (const address of ['mysql://u:secret@h/d', 'postgres://u:secret@first,second/d']) {
        await expect(run('delete', '--user', 'ann', '--database', address)).rejects.toThrow(
          'option --database: expected an address of one host such as postgres://user@host/database',
        );
      }
    });
  });
}
