/**
 * `npx tsx bench/postgres.ts [LOGS]`: what a log costs a server with PostgreSQL, in CPU time of Node and of the database,
 * and how long reads take; the same with SQLite. Logs of 3 kB, 8 in a session, on this machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgresStore } from '../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../src/server/store/sqlite/store.ts';
import type { Store } from '../src/server/store/store.ts';
import type { LogRequest } from '../src/wire/v4.ts';
import { findPostgres, startPostgres } from '../test/support/postgres/cluster.ts';
import { Random } from '../test/support/random.ts';

const LOGS = Number(process.argv[2] ?? 20_000);
const PER_REQUEST = 50;
const AT_ONCE = 8;
const PER_SESSION = 8;
const PATCHES = 2_000;

const random = new Random(1);
/** As common as in English: few words make up most of a text. */
const word = (): string => `word${Math.floor(20_000 * random.next() ** 3)}`;
const text = (words: number): string => Array.from({ length: words }, word).join(' ');

function request(index: number): LogRequest {
  const trace = `${Math.floor(index / PER_SESSION)}`.padStart(32, '0');
  const span = index % PER_SESSION;
  return {
    ...{ project: 'bench', reference_id: `${trace}-${`${span}`.padStart(16, '0')}`, session_reference_id: trace },
    ...(span > 0 && { parent_reference_id: `${trace}-${'0'.repeat(16)}` }),
    ...{ config: { type: 'model', model: `model-${index % 5}` }, messages: [{ role: 'user', content: text(180) }] },
    ...{
      output: text(90),
      metadata: { user: `user${index % 1000}` },
      duration: 1.5,
      prompt_tokens: 10,
      output_tokens: 9,
    },
  };
}

async function measure(name: string, store: Store, databaseCpu: () => number): Promise<void> {
  const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
  const requests = Array.from({ length: LOGS }, (_, index) => request(index));
  const [startNode, startDatabase, started] = [cpu(), databaseCpu(), performance.now()];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < LOGS) {
        const at = next;
        next += PER_REQUEST;
        await store.createLogs(requests.slice(at, at + PER_REQUEST));
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  while ((await store.viewer.indexLag()).logs > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  const [node, database] = [(cpu() - startNode) / LOGS, (databaseCpu() - startDatabase) / LOGS];
  console.log(
    `${name}: a log costs ${node.toFixed(0)} µs of Node and ${database.toFixed(0)} µs of the database; ` +
      `${(LOGS / seconds).toFixed(0)} logs/s answered`,
  );

  const [patchNode, patchDatabase] = [cpu(), databaseCpu()];
  for (let at = 0; at < PATCHES; at += 32) {
    await Promise.all(
      requests
        .slice(at, at + 32)
        .map(({ reference_id: reference }) => store.updateLog({ referenceId: reference! }, { output: 'changed' })),
    );
  }
  console.log(
    `${name}: a PATCH costs ${((cpu() - patchNode) / PATCHES).toFixed(0)} µs of Node and ` +
      `${((databaseCpu() - patchDatabase) / PATCHES).toFixed(0)} µs of the database, with the log that it answers with`,
  );

  const time = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const times: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const begun = performance.now();
      await work();
      times.push(performance.now() - begun);
    }
    times.sort((left, right) => left - right);
    console.log(`${name}: ${what}: ${times[10]!.toFixed(1)} ms, slowest of 20 ${times[19]!.toFixed(1)} ms`);
  };
  const [first] = (await store.viewer.listSessions({ size: 50 })).sessions;
  await time('newest 50 sessions', () => store.viewer.listSessions({ size: 50 }));
  await time('a session', () => store.viewer.readSession(first!.id));
  await time('sessions of a user', () => store.viewer.listSessions({ size: 50, user: 'user77' }));
  await time('search for a rare word', () => store.viewer.listSessions({ size: 50, search: 'word19990' }));
  await time('search for two common words', () => store.viewer.listSessions({ size: 50, search: 'word3 word9' }));
  await time('search for no word that is there', () => store.viewer.listSessions({ size: 50, search: 'nowhere' }));
}

for (const binaries of findPostgres()) {
  const cluster = await startPostgres(binaries, ['shared_buffers=256MB', 'max_wal_size=4GB']);
  const store = await openPostgresStore({ url: cluster.url });
  await measure(binaries.name, store, () => cluster.cpuMicros());
  await store.close();
  await cluster.stop();
}
const directory = mkdtempSync(join(tmpdir(), 'bench-'));
const store = await openSqliteStore({ file: join(directory, 'logs.db') });
await measure('SQLite', store, () => 0);
await store.close();
rmSync(directory, { recursive: true });
