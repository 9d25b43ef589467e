/** Servers that ask to wait. */
import { expect, test, vi } from 'vitest';
import { fakeClock, passTime } from '../../support/fake-clock.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor } from '../../support/traced-app.ts';

const PATIENT = { timeout: 60_000 };
const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

/** The header's value, and the range of milliseconds after which the next request comes. */
const WAITS: readonly (readonly [string, () => string, number, number])[] = [
  ['2', () => '2', 2_000, 2_500],
  ['0', () => '0', 100, 1_000],
  ['-5', () => '-5', 100, 1_000],
  ['abc', () => 'abc', 100, 1_000],
  ['1e9', () => '1e9', 100, 1_000],
  ['99999999', () => '99999999', 15 * MINUTE, 15 * MINUTE + 500],
  ['a date that is past', () => new Date(Date.now() - YEAR).toUTCString(), 100, 1_000],
  // A date without its fraction of a second.
  ['a date in five seconds', () => new Date(Date.now() + 5_000).toUTCString(), 3_500, 5_500],
  ['a date in a year', () => new Date(Date.now() + YEAR).toUTCString(), 15 * MINUTE, 15 * MINUTE + 500],
];

test.each(WAITS)(
  '429 with Retry-After: %s pauses everything for that time, or for that of the back-off',
  async (_, retryAfter, least, most) => {
    let refusedAtMillis = 0;
    const server = await startMisbehavingV4({
      fault(__, index) {
        if (index > 0) return undefined;
        refusedAtMillis = performance.now();
        return { answer: { status: 429, headers: { 'retry-after': retryAfter() } } };
      },
    });
    fakeClock();
    const app = appWithProcessor(server, {
      retry: { minDelayMillis: 100, maxDelayMillis: 1_000, maxElapsedMillis: 24 * 60 * MINUTE },
      holdMillis: 0,
      timeoutMillis: 60 * MINUTE,
    });
    app.start('call', { attributes: AGENT }).end();
    // While it waits, a millisecond passes at each look.
    await vi.waitUntil(() => app.stats.inFlight === 0 && server.requests.length === 1, { ...PATIENT, interval: 1 });
    app.start('meanwhile', { attributes: AGENT }).end();
    await vi.advanceTimersByTimeAsync(refusedAtMillis + least - 1 - performance.now());
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(most - least + 251);
    await vi.waitUntil(() => app.stats.queued === 0, PATIENT);
    app.expectDelivered();
    expect(app.stats.retried).toBe(1);
  },
);

test('429 with Retry-After pauses the whole queue, but not requests in flight', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 429, headers: { 'retry-after': '1' } } } : undefined),
  });
  const app = appWithProcessor(server, { batch: { maxItems: 1 }, concurrency: 4 });
  for (let call = 0; call < 3; call++) app.start('call').end();
  const flushed = app.client.forceFlush();
  await vi.waitUntil(() => server.requests.length === 3 && app.stats.inFlight === 0, PATIENT);
  for (let call = 0; call < 5; call++) app.start('meanwhile').end();
  await flushed;
  await app.client.forceFlush();
  app.expectDelivered();
  const [first, second, third, ...others] = server.requests;
  expect([first, second, third].map((request) => request?.status)).toEqual([429, 200, 200]);
  expect(others).toHaveLength(6);
  for (const { startedAtMillis } of others)
    expect(startedAtMillis).toBeGreaterThanOrEqual(Number(first?.startedAtMillis) + 990);
});

test('429 with a Retry-After longer than all time-outs pauses everything, and nothing is lost', async () => {
  const server = await startMisbehavingV4({
    fault: () => ({ answer: { status: 429, headers: { 'retry-after': '60' } } }),
  });
  fakeClock();
  const app = appWithProcessor(server, { holdMillis: 0 });
  app.start('first').end();
  await passTime(1_000, app, 100);
  for (let second = 0; second < 57; second++) {
    app.start('meanwhile').end();
    await passTime(1_000, app);
  }
  expect(server.requests).toHaveLength(1);
  expect(app.stats.queued).toBe(58);
  server.fault = undefined;
  await passTime(3_000, app);
  app.expectDelivered();
});

test('a server that answers 429 gets one request at a time', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 429 }, delayMillis: 5 }) });
  const app = appWithProcessor(server, { holdMillis: 0, batch: { maxItems: 1 }, concurrency: 4 });
  for (let count = 0; count < 50; count++) app.start('call').end();
  await expect.poll(() => server.requests.length).toBeGreaterThan(20);
  // The first ones were sent together; after that one is sent alone.
  const [, , , , ...others] = server.requests;
  for (const [index, request] of others.entries()) {
    const next = others[index + 1];
    if (next) expect(next.startedAtMillis - request.startedAtMillis).toBeGreaterThan(4);
  }
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
});
