/** Servers that say when to come again, that cannot be reached, or that point elsewhere. */
import { expect, test, vi } from 'vitest';
import { collectDiag } from '../support/collect-diag.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor } from '../support/traced-app.ts';

const MINUTE = 60_000;
const YEAR = 365 * 24 * 60 * MINUTE;

/** Value of `Retry-After`, and the milliseconds between which the next request comes. */
const WAITS: readonly (readonly [string, number, number])[] = [
  ['2', 2_000, 2_500],
  ['0', 100, 1_000],
  ['-5', 100, 1_000],
  ['abc', 100, 1_000],
  ['1e9', 100, 1_000],
  ['99999999', 15 * MINUTE, 15 * MINUTE + 500],
  [new Date(Date.now() - YEAR).toUTCString(), 100, 1_000],
  [new Date(Date.now() + YEAR).toUTCString(), 15 * MINUTE, 15 * MINUTE + 500],
];

test.each(WAITS)('8: 429 with Retry-After: %s', async (value, least, most) => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 429, headers: { 'retry-after': value } } } : undefined),
  });
  fakeClock();
  const app = appWithProcessor(server, {
    retry: { minDelayMillis: 100, maxDelayMillis: 1_000, maxElapsedMillis: 24 * 60 * MINUTE },
    holdMillis: 0,
    timeoutMillis: 60 * MINUTE,
  });
  app.start('call', { attributes: AGENT }).end();
  // Past the time for which a wave gathers.
  await vi.advanceTimersByTimeAsync(250);
  await vi.waitUntil(() => app.stats.inFlight === 0 && server.requests.length === 1);
  app.start('meanwhile', { attributes: AGENT }).end();
  await vi.advanceTimersByTimeAsync(least - 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(server.requests).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(most - least + 251);
  await vi.waitUntil(() => app.stats.queued === 0);
  app.expectDelivered();
});

test('9: a connection that is refused is tried again, and one line a minute says so', async () => {
  const { lines } = collectDiag();
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { baseUrl: 'http://127.0.0.1:9/v4', flushTimeoutMillis: 500 });
  app.start('call', { attributes: AGENT }).end();
  await expect(app.client.forceFlush()).rejects.toThrow();
  expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
  expect(lines.filter((line) => /nothing can be sent now \(.*ECONNREFUSED/.test(line))).toHaveLength(1);
  await app.client.shutdown();
  expect(app.stats.dropped).toEqual({ shutdown: 1 });
  app.expectAccounted();
});

test.each([
  ['http://no-such-host.invalid/v4', /ENOTFOUND|EAI_AGAIN|no connection/],
  ['https://127.0.0.1:9/v4', /ECONNREFUSED/],
])('13: %s: what is traced is kept, and said why it waits', async (baseUrl, why) => {
  const { lines } = collectDiag();
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { baseUrl, flushTimeoutMillis: 700, timeoutMillis: 500 });
  app.start('call', { attributes: AGENT }).end();
  await expect(app.client.forceFlush()).rejects.toThrow();
  expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
  expect(lines.filter((line) => line.includes('nothing can be sent now'))).toEqual([expect.stringMatching(why)]);
});

test.each([301, 302, 303, 307, 308])(
  '19: %i to another host is not followed: it gets neither key nor content',
  async (status) => {
    const other = await startMisbehavingV4();
    const server = await startMisbehavingV4({
      fault: () => ({ answer: { status, headers: { location: `${other.baseUrl}/logs` } } }),
    });
    const app = appWithProcessor(server, { apiKey: 'hl_key', flushTimeoutMillis: 300 });
    app.start('call', { attributes: AGENT }).end();
    await expect(app.client.forceFlush()).rejects.toThrow();
    expect(other.requests).toEqual([]);
    expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
    server.fault = undefined;
  },
);
