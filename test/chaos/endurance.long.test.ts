/**
 * An outage in real time, and spans without number. `npm run test:long` makes the outage ten seconds long, `npm run
 * chaos` ten minutes, with a million spans.
 */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { HumanloopOptions } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { bundled, startScript } from '../support/producer/start-producer.ts';
import { temporaryDirectory } from '../support/start-test-server.ts';
import type { SteadyPlan, SteadyReport } from './steady-app.ts';

const OUTAGE_MILLIS = Number(process.env['OUTAGE_MILLIS'] ?? 10_000);
const SPANS = Number(process.env['LEAK_SPANS'] ?? 200_000);
const MEBIBYTE = 1024 * 1024;

async function startSteadyApp(plan: SteadyPlan) {
  const app = startScript(await bundled('test/chaos/steady-app.ts'), { PLAN: JSON.stringify(plan) }, ['--expose-gc']);
  onTestFinished(() => void app.child.kill('SIGKILL'));
  const report = async () => {
    expect(await app.ended, app.output).toBe(0);
    return JSON.parse(app.output.trim().split('\n').at(-1) as string) as SteadyReport;
  };
  return { ...app, report };
}

/** Runs 100 traces of three logs per second, from two seconds before the outage to its end. */
async function outage(options: HumanloopOptions) {
  const server = await startMisbehavingV4();
  const app = await startSteadyApp({
    tracesPerSecond: 100,
    traces: Math.ceil((OUTAGE_MILLIS + 2_000) / 10),
    options: { baseUrl: server.baseUrl, flushTimeoutMillis: 60_000, ...options },
  });
  await app.says('ready');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  server.fault = (_, index) => ({ answer: index % 2 ? 'reset' : { status: 503 } });
  // Requests that were in flight when it began: a few POSTs, and the updates that share their connections.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const before = server.requests.length;
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MILLIS - 1_000));
  const during = server.requests.length - before;
  server.fault = undefined;
  const report = await app.report();
  expect(server.breaches).toEqual([]);
  // After that one request at a time, after pauses that grow to half a minute.
  expect(during).toBeLessThan(30 + OUTAGE_MILLIS / 3_000);
  expect(report.drainMillis).toBeLessThan(60_000);
  const dropped = Object.values(report.stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(report.stats.logged + dropped).toBe(report.ended);
  expect(server.logs.size).toBe(report.stats.logged);
  return report;
}

test('in an outage with a spool nothing is lost, memory stays bounded, and the app does not notice', {
  timeout: OUTAGE_MILLIS + 120_000,
}, async () => {
  const report = await outage({
    // Each log on disk still takes some bytes of memory; ten minutes are 180,000 logs.
    queue: { maxBytes: 192 * MEBIBYTE },
    spool: { directory: join(temporaryDirectory(), 'spool') },
  });
  expect(report.stats.dropped).toEqual({});
  expect(report.maxRssBytes).toBeLessThan(400 * MEBIBYTE);
  // A write to the disk within the call would take milliseconds each time.
  expect(report.endMicrosP90).toBeLessThan(1_000);
});

test('in an outage without a spool the oldest logs are dropped and counted as soon as the bound is reached', {
  timeout: OUTAGE_MILLIS + 120_000,
}, async () => {
  const report = await outage({ queue: { maxItems: 300 } });
  expect(Object.keys(report.stats.dropped)).toEqual(['queue_full']);
  expect(report.maxRssBytes).toBeLessThan(300 * MEBIBYTE);
});

test(`the heap is as large after ${SPANS} spans as after a third of them`, {
  timeout: 120_000 + 3 * SPANS,
}, async () => {
  const server = await startMisbehavingV4();
  const app = await startSteadyApp({
    tracesPerSecond: Number.MAX_SAFE_INTEGER,
    traces: SPANS / 3,
    options: { baseUrl: server.baseUrl, flushTimeoutMillis: 60_000 },
  });
  // The records of the test's own server are not needed here.
  const forget = setInterval(() => {
    server.requests.length = 0;
  }, 100);
  onTestFinished(() => clearInterval(forget));
  const { stats, ended, heapBytes } = await app.report();
  expect(stats).toMatchObject({ logged: ended, dropped: {} });
  const [third = 0, end = 0] = heapBytes;
  // The 50,000 spans that are remembered for late children are reached at a third of a million, and not earlier.
  const stillRemembering = Math.max(0, 50_000 - SPANS / 3) * 1_000;
  expect(end - third).toBeLessThan(8 * MEBIBYTE + stillRemembering);
});
