/** Rows 26 and 27: more than fits, and fewer files than one would wish. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { Diary } from '../support/producer/diary.ts';
import { bundled } from '../support/producer/start-producer.ts';
import { Random } from '../support/random.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';
import { AGENT, appWithProcessor } from '../support/traced-app.ts';

test('26: of a burst ten times what fits, every log is counted: as delivered, or as dropped with its whole trace', async () => {
  const server = await startMisbehavingV4({
    fault: () => ({ answer: { status: 429, headers: { 'retry-after': '1' } } }),
  });
  const app = appWithProcessor(server, {
    queue: { maxItems: 1_000 },
    onDrop: ({ count }) => {
      reported += count;
    },
  });
  let reported = 0;
  for (let traces = 2_500; traces > 0; traces--) {
    const root = app.start('root', { attributes: AGENT });
    for (let left = 3; left > 0; left--) app.start('child', { parent: root, attributes: AGENT }).end();
    root.end();
    if (traces % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  server.fault = undefined;
  await app.client.forceFlush();
  const { logged, dropped } = app.stats;
  expect(Object.keys(dropped)).toEqual(['queue_full']);
  expect(logged + (dropped['queue_full'] ?? 0)).toBe(10_000);
  expect(logged).toBeGreaterThan(500);
  expect(reported).toBe(dropped['queue_full']);
  expect(server.breaches).toEqual([]);
  const sizes = new Map<string, number>();
  for (const reference of server.logs.keys()) {
    const trace = reference.split('-')[0] as string;
    sizes.set(trace, (sizes.get(trace) ?? 0) + 1);
  }
  // But for what was in flight when its trace was given up.
  expect([...sizes.values()].filter((size) => size < 4).length).toBeLessThanOrEqual(100);
});

test('27: a burst opens no more connections than it may', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 5 }) });
  const app = appWithProcessor(server, { batch: { maxItems: 20 } });
  for (let left = 5_000; left > 0; left--) app.start('call', { attributes: AGENT }).end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(new Set(server.requests.map(({ headers }) => headers.host)).size).toBe(1);
  expect(server.maxInFlight).toBeLessThanOrEqual(8);
});

test('27: 64 open files are enough, with a spool and a server that hangs up on it', async () => {
  const directory = temporaryDirectory();
  const random = new Random(27);
  const server = await startMisbehavingV4({ fault: () => (random.chance(0.2) ? { answer: 'reset' } : undefined) });
  const diary = join(directory, 'diary');
  const plan = {
    seed: 1,
    diary,
    traces: 200,
    maxPauseMillis: 0,
    poisonShare: 0,
    openShare: 0,
    ending: 'drain',
    options: {
      baseUrl: server.baseUrl,
      batch: { maxItems: 10 },
      spool: { directory: join(directory, 'spool'), fsyncMillis: 20 },
      retry: { minDelayMillis: 5, maxDelayMillis: 50 },
    },
  };
  const command = `ulimit -n 64; exec "${process.execPath}" "${await bundled('test/support/producer/producer.ts')}"`;
  const child = spawn('sh', ['-c', command], { env: { PATH: process.env['PATH'], PLAN: JSON.stringify(plan) } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  expect({ code, said: said.includes('EMFILE') }).toEqual({ code: 0, said: false });
  const { spans } = new Diary(diary);
  expect(spans.size).toBeGreaterThan(500);
  expect([...spans.keys()].filter((reference) => !server.logs.has(reference))).toEqual([]);
  expect(server.breaches).toEqual([]);
});
