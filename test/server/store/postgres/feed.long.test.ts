/** The feed of changes misses none, though transactions become visible in another order than that of their times. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChangeFeed } from '../../../../src/server/store/postgres/reading/change-feed.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { Random } from '../../../support/random.ts';

const WRITERS = 8;
const WRITES_MILLIS = 8_000;
const HELD_MILLIS = 3_000;

const WRITE = `INSERT INTO sessions (bucket, key, id, keys, buckets, first_day, last_day, created_at, updated_at, changed_at,
    logs, errors, running, started_at, ended_at)
  VALUES (0, gen_random_uuid(), $1, '{}', '{}', now(), now(), now(), now(), clock_timestamp(), 1, 0, 0, now(), now())`;

for (const binaries of findPostgres()) {
  describe(`the feed of changes on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    test('hears of commits that were held up for seconds; with a shorter look back it would not', async () => {
      const url = await cluster.createSchema();
      await (await openPostgresStore({ url })).close();
      const pool = new pg.Pool({ connectionString: url, max: WRITERS + 2 });
      pool.on('error', () => {});
      const heard = { long: new Map<string, number>(), short: new Map<string, number>() };
      const feeds = [new ChangeFeed(pool), new ChangeFeed(pool, 0)];
      for (const [index, into] of [heard.long, heard.short].entries()) {
        feeds[index]!.onChange(({ sessions }) => {
          for (const id of sessions ?? []) into.set(id, (into.get(id) ?? 0) + 1);
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const written: string[] = [];
      const end = Date.now() + WRITES_MILLIS;
      const work = async (writer: number) => {
        const random = new Random(writer);
        const client = await pool.connect();
        for (let round = 0; Date.now() < end; round += 1) {
          const id = `${writer} ${round}`;
          await client.query('BEGIN');
          await client.query(WRITE, [id]);
          await new Promise((resolve) =>
            setTimeout(resolve, random.chance(0.3) ? random.between(0, HELD_MILLIS) : 100),
          );
          await client.query('COMMIT');
          written.push(id);
        }
        client.release();
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer)));
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      for (const feed of feeds) feed.close();
      await pool.end();
      expect(written.length).toBeGreaterThan(50);
      expect(written.filter((id) => heard.long.get(id) !== 1)).toEqual([]);
      expect(written.filter((id) => !heard.short.has(id)).length).toBeGreaterThan(0);
    });
  });
}
