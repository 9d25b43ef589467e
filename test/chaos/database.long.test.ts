/**
 * No log is lost, doubled or misplaced while apps, the servers that they send to, and the PostgreSQL of the servers are
 * killed at random.
 *
 * `npm run test:long` plays five seeds, `npm run chaos:database` two hundred. `CHAOS_FROM=17 CHAOS_RUNS=1 npm run
 * chaos:database` plays one seed again.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findPostgres, type PostgresCluster, startPostgres } from '../support/postgres/cluster.ts';
import { openDatabaseStage } from './database-stage.ts';
import { playSeed, type Story } from './play-seed.ts';

const RUNS = Number(process.env['CHAOS_DATABASE_RUNS'] ?? 5);
const FIRST = Number(process.env['CHAOS_DATABASE_FROM'] ?? 1);
const MILLIS_PER_RUN = 60_000;

const [binaries] = findPostgres();
let cluster: PostgresCluster | undefined;

beforeAll(async () => {
  if (binaries) cluster = await startPostgres(binaries, ['max_connections=200']);
});
// What it has written takes long to delete.
afterAll(() => cluster?.stop(), 60_000);

test.skipIf(!binaries)(
  `${RUNS} seeds of kills of apps, servers and database`,
  {
    timeout: 60_000 + RUNS * MILLIS_PER_RUN,
  },
  async () => {
    const failures: string[] = [];
    const stories: Story[] = [];
    for (let seed = FIRST; seed < FIRST + RUNS; seed += 1) {
      const story = await playSeed(seed, (_, random) => openDatabaseStage(cluster!, random));
      stories.push(story);
      console.log(`seed ${seed}: ${story.delivered} logs, ${story.problems.length} problems`);
      if (story.problems.length === 0) continue;
      failures.push(`seed ${seed}: ${story.problems.slice(0, 5).join('; ')}`);
      console.error(`seed ${seed} failed\n${story.problems.join('\n')}`);
    }
    const sum = (read: (story: Story) => number) => stories.reduce((total, story) => total + read(story), 0);
    const faults: Record<string, number> = {};
    for (const story of stories) {
      for (const [name, count] of Object.entries(story.faults)) faults[name] = (faults[name] ?? 0) + count;
    }
    console.log(
      JSON.stringify({
        ...{ seeds: stories.length, killedApps: sum(({ kills }) => kills), spansEnded: sum(({ ended }) => ended) },
        ...{ logsStored: sum(({ delivered }) => delivered), connections: sum(({ requests }) => requests), faults },
      }),
    );
    expect(failures).toEqual([]);
  },
);
