/** A database that is slow, answers nothing, or has no space: what clients and operator are told, and how it goes on. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { type ServeProcess, serve } from '../../../support/postgres/serve.ts';
import { startTestServer } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const MEBIBYTE = 1024 * 1024;
const SENDERS = 30;
const FROZEN_MILLIS = Number(process.env['OUTAGE_MILLIS'] ?? 14_000);

interface Sent {
  readonly answered: Set<string>;
  readonly statuses: Map<number, number>;
  /** Answers without `Retry-After` that should have it. */
  readonly unexplained: number[];
  slowestMillis: number;
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`outages of ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries);
    });
    afterAll(() => cluster?.stop());

    test('while the database answers nothing, 503 with Retry-After and bounded memory; then nothing is missing', async () => {
      const url = await cluster.createSchema();
      const server = await serve(url);
      const sent: Sent = { answered: new Set(), statuses: new Map(), unexplained: [], slowestMillis: 0 };
      let isOver = false;
      const senders = Array.from({ length: SENDERS }, (_, sender) => send(server, sender, sent, () => isOver));
      await expect.poll(() => sent.answered.size, { timeout: 60_000 }).toBeGreaterThan(100);
      const before = server.memoryBytes();
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, server.memoryBytes());
      }, 100);
      onTestFinished(() => clearInterval(watch));
      cluster.freeze();
      await new Promise((resolve) => setTimeout(resolve, FROZEN_MILLIS));
      cluster.thaw();
      const thawed = sent.answered.size;
      await expect.poll(() => sent.answered.size).toBeGreaterThan(thawed + 100);
      isOver = true;
      await Promise.all(senders);
      expect([...sent.statuses.keys()].sort()).toEqual([200, 503]);
      expect(sent.unexplained).toEqual([]);
      // Its reads and its writes may be silent for 12 s each; without a limit of the server's, nobody would be answered.
      expect(sent.slowestMillis).toBeLessThan(120_000);
      expect(most - before).toBeLessThan(300 * MEBIBYTE);
      expect(server.errors()).toMatch(/the PostgreSQL database is not available \(.+\)\n/);
      expect(server.child.exitCode).toBeNull();
      await expectStored(url, sent.answered);
    }, 180_000);

    test('writes that wait for a lock of another client are a 503 in time, and go on when it is gone', async () => {
      const url = await cluster.createSchema();
      const reports: string[] = [];
      const server = await startTestServer({
        file: undefined,
        database: url,
        onError: (error) => reports.push((error as Error).message),
      });
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'before' }))).status).toBe(200);
      let giveBack = () => {};
      const isOver = new Promise<void>((resolve) => {
        giveBack = resolve;
      });
      let isHeld = false;
      const holder = withClient(url, async (client) => {
        await client.query('BEGIN; LOCK TABLE sessions IN EXCLUSIVE MODE');
        isHeld = true;
        await isOver;
        await client.query('COMMIT');
      });
      await expect.poll(() => isHeld).toBe(true);
      const waiting = server.call('POST', '/v4/logs', log({ reference_id: 'waits' }));
      expect((await server.call('GET', '/viewer/api/sessions')).status).toBe(200);
      const refused = await waiting;
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(reports.at(-1)).toContain('takes too long: see in pg_stat_activity what it waits for');
      giveBack();
      await holder;
      expect((await server.call('POST', '/v4/logs', log({ reference_id: 'waits' }))).status).toBe(200);
      expect(await findFaults(url)).toEqual([]);
    });

    test('a full disk is a 503 and a line; reads go on, and writes do once there is space', async (context) => {
      const disk = mountSmallDisk();
      if (!disk) return context.skip();
      // A table space has a disk of its own: the write-ahead log is not full with it.
      const { uid, gid } = ownerOf(cluster);
      execFileSync('chown', [`${uid}:${gid}`, disk]);
      await withClient(cluster.url, (client) => client.query(`CREATE TABLESPACE small LOCATION '${disk}'`));
      const base = await cluster.createSchema();
      const url = `${base}%20-c%20default_tablespace%3Dsmall`;
      const reports: string[] = [];
      const server = await startTestServer({
        file: undefined,
        database: url,
        onError: (error) => reports.push((error as Error).message),
      });
      const answered = new Set<string>();
      const post = async (n: number) => {
        const output = Array.from({ length: 3_000 }, () => Math.random().toString(36)).join('');
        const request = log({ reference_id: `r${n}`, session_reference_id: 's', output });
        const answer = await server.call('POST', '/v4/logs', request);
        if (answer.status === 200) answered.add(`r${n}`);
        return answer;
      };
      let refused = await post(0);
      for (let n = 1; refused.status === 200 && n < 3_000; n += 1) refused = await post(n);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(answered.size).toBeGreaterThan(20);
      expect(reports.at(-1)).toContain('the PostgreSQL database has no space left on its disk: make space');
      expect((await server.call('GET', '/viewer/api/sessions')).status).toBe(200);
      execFileSync('mount', ['-o', 'remount,size=200m', disk]);
      await expect.poll(async () => (await post(9_999)).status).toBe(200);
      await expectStored(url, answered);
    });
  });
}

/** Sends until it is over, and each request again until it is stored, as an exporter does. */
async function send(server: ServeProcess, sender: number, sent: Sent, isOver: () => boolean): Promise<void> {
  const output = 'x'.repeat(2_000);
  for (let round = 0; !isOver(); round += 1) {
    const body = JSON.stringify(
      Array.from({ length: 10 }, (_, index) =>
        log({ reference_id: `${sender}-${round}-${index}`, session_reference_id: `s${round % 5}`, output }),
      ),
    );
    for (;;) {
      const startedAt = performance.now();
      const response = await fetch(`${server.baseUrl}/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await response.arrayBuffer();
      sent.slowestMillis = Math.max(sent.slowestMillis, performance.now() - startedAt);
      sent.statuses.set(response.status, (sent.statuses.get(response.status) ?? 0) + 1);
      if (response.status === 200) {
        for (let index = 0; index < 10; index += 1) sent.answered.add(`${sender}-${round}-${index}`);
        break;
      }
      if (!(Number(response.headers.get('retry-after')) > 0)) sent.unexplained.push(response.status);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function expectStored(url: string, answered: ReadonlySet<string>): Promise<void> {
  expect(await findFaults(url)).toEqual([]);
  const { rows } = await withClient(url, (client) => client.query('SELECT reference_id FROM logs'));
  const stored = new Set(rows.map((row) => row.reference_id));
  expect([...answered].filter((reference) => !stored.has(reference))).toEqual([]);
}

function ownerOf({ directory }: PostgresCluster): { uid: number; gid: number } {
  const [uid, gid] = execFileSync('stat', ['-c', '%u %g', directory], { encoding: 'utf8' }).split(' ').map(Number);
  return { uid: uid!, gid: gid! };
}

/** Returns the directory of a disk of 24 MB; `undefined`, and why, where this process may not mount one. */
function mountSmallDisk(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'humanloop-small-disk-'));
  chmodSync(directory, 0o755);
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    console.log(`no small disk can be mounted here, so a full one is not tried: ${String(error).split('\n')[0]}`);
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', directory]));
  return directory;
}
