/** All connections for writes are held up: what clients are told, what the server keeps, and how it goes on. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { serve } from '../../../support/postgres/serve.ts';
import { log } from '../../sample-log.ts';

const MEBIBYTE = 1024 * 1024;
const CONNECTIONS = 4;
/** 40 MB in all, within what the server may keep of bodies: those that do not fit would wait for these. */
const WRITES = 200;
const OUTPUT = 'a word or two '.repeat(14_000);

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
}

function expectRefused({ status, retryAfter }: Answer): void {
  expect(status).toBe(503);
  expect(retryAfter).toBeGreaterThan(0);
}

for (const binaries of findPostgres().slice(0, 1)) {
  describe(`an exhausted pool on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop());

    test('writes are a 503 with Retry-After and bounded memory while reads are answered; then all are stored once', async () => {
      const url = await cluster.createSchema();
      const server = await serve(url);
      const post = async (index: number, output = OUTPUT): Promise<Answer> => {
        const body = JSON.stringify(log({ reference_id: `r${index}`, session_reference_id: `s${index}`, output }));
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(`${server.baseUrl}/logs`, { method: 'POST', headers, body });
        await response.arrayBuffer();
        return { status: response.status, retryAfter: Number(response.headers.get('retry-after')) };
      };
      expect((await post(-1)).status).toBe(200);
      let giveBack = () => {};
      const isOver = new Promise<void>((resolve) => {
        giveBack = resolve;
      });
      let isHeld = false;
      const holder = withClient(url, async (client) => {
        await client.query('BEGIN; LOCK TABLE log_references IN EXCLUSIVE MODE');
        isHeld = true;
        await isOver;
        await client.query('COMMIT');
      });
      onTestFinished(() => giveBack());
      await expect.poll(() => isHeld).toBe(true);

      const before = server.memoryBytes();
      let most = before;
      const watch = setInterval(() => {
        most = Math.max(most, server.memoryBytes());
      }, 50);
      onTestFinished(() => clearInterval(watch));
      const waiting = () =>
        withClient(url, async (client) => {
          const { rows } = await client.query(
            `SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'humanloop-otel'`,
          );
          return Number(rows[0].count);
        });
      const sent: Promise<Answer>[] = [];
      // Each turn has another connection, and those that come then wait for one.
      for (let turn = 1; turn <= CONNECTIONS; turn += 1) {
        sent.push(post(sent.length, 'short'));
        await expect.poll(waiting, { interval: 20, timeout: 8_000 }).toBe(turn);
      }
      while (sent.length < WRITES) sent.push(post(sent.length));
      expect((await fetch(`${server.url}/viewer/api/sessions`)).status).toBe(200);
      for (const answer of await Promise.all(sent.slice(0, CONNECTIONS))) expectRefused(answer);
      // Each text is there as bytes, as a string and as what is sent.
      expect(most - before).toBeLessThan(300 * MEBIBYTE);
      giveBack();
      await holder;
      for (const [index, answer] of (await Promise.all(sent)).entries()) {
        if (answer.status === 200) continue;
        expectRefused(answer);
        expect((await post(index)).status).toBe(200);
      }
      const { rows } = await withClient(url, (client) =>
        client.query('SELECT count(DISTINCT reference_id), count(*) AS all FROM logs'),
      );
      expect(rows).toEqual([{ count: String(WRITES + 1), all: String(WRITES + 1) }]);
      expect(await findFaults(url)).toEqual([]);
    }, 60_000);
  });
}
