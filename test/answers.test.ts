/** What becomes of logs that the server does not simply take, as the app sees it: delivered, or dropped and named. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type MisbehavingV4, startMisbehavingV4 } from './support/misbehaving-v4.ts';
import { appWithProcessor, CHAT, outputOf, referenceOf } from './support/traced-app.ts';

/** Ten logs of which the fourth is bad. */
async function sendTen(v4: MisbehavingV4) {
  const app = appWithProcessor(v4);
  const spans = Array.from({ length: 10 }, (_, index) => app.start(index === 3 ? 'poison' : 'chat'));
  for (const span of spans) span.end();
  await app.client.forceFlush();
  await sleep(0);
  return { app, poison: referenceOf(spans[3] as (typeof spans)[0]) };
}

test('422 that names the bad log: that one is dropped, the rest is sent once more', async () => {
  const v4 = await startMisbehavingV4({ refuses: isPoison });
  const { app, poison } = await sendTen(v4);
  expect(v4.requests.map(({ status }) => status)).toEqual([422, 200]);
  expect(app.dropped).toEqual(new Map([['rejected', [poison]]]));
  expect(v4.logs.size).toBe(9);
  app.expectAccounted();
});

test('422 that names none: the bad log is found by halving', async () => {
  const v4 = await startMisbehavingV4({
    fault: ({ body }) =>
      body.includes('"span_name":"poison"') ? { answer: { status: 422, body: { detail: 'bad' } } } : undefined,
  });
  const { app, poison } = await sendTen(v4);
  expect(app.dropped).toEqual(new Map([['rejected', [poison]]]));
  expect(v4.logs.size).toBe(9);
  expect(v4.requests.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(10)) + 1);
  app.expectAccounted();
});

test('413: requests are cut until they fit, and what is too large alone is shortened', async () => {
  const v4 = await startMisbehavingV4({ maxBytes: 8_000 });
  const app = appWithProcessor(v4);
  for (let i = 0; i < 20; i++) {
    app.start('chat', { attributes: { ...CHAT, ...outputOf('x'.repeat(i === 7 ? 30_000 : 1_000)) } }).end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  const long = [...v4.logs.values()].find(({ output }) => output?.startsWith('xxx') && output.length !== 1_000);
  expect(long?.output?.length).toBeLessThan(30_000);
});

test.each([
  ['seconds', () => '1'],
  ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
])('429 with Retry-After in %s: nothing goes out before, and nothing is lost', async (_, retryAfter) => {
  const v4 = await startMisbehavingV4({
    fault: (_request, index) =>
      index === 0 ? { answer: { status: 429, headers: { 'retry-after': retryAfter() } } } : undefined,
  });
  const app = appWithProcessor(v4, { batch: { maxItems: 1 }, concurrency: 1 });
  app.start('chat').end();
  app.start('chat').end();
  await app.client.forceFlush();
  const [first, second] = v4.requests;
  expect((second?.startedAtMillis ?? 0) - (first?.startedAtMillis ?? 0)).toBeGreaterThanOrEqual(950);
  app.expectDelivered();
  expect(app.stats.retried).toBe(1);
});

test('401: asked seldom, the logs are kept', async () => {
  const v4 = await startMisbehavingV4({ fault: () => ({ answer: { status: 401 } }) });
  const app = appWithProcessor(v4, { retry: {}, flushTimeoutMillis: 1_500, apiKey: 'hl_sk_secret' });
  app.start('chat').end();
  const error = await app.client.forceFlush().catch((reason: Error) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(v4.requests.length).toBeLessThanOrEqual(2);
  expect(v4.requests[0]?.headers['x-api-key']).toBe('hl_sk_secret');
  expect(app.stats).toMatchObject({ queued: 1, dropped: {} });
  expect(JSON.stringify([error, String(error), app.client, app.stats])).not.toContain('hl_sk_secret');
});

test('an outage that ends: all is delivered once', async () => {
  let isDown = true;
  const v4 = await startMisbehavingV4({ fault: () => (isDown ? { answer: 'reset' } : undefined) });
  const app = appWithProcessor(v4);
  for (let i = 0; i < 50; i++) app.start('chat').end();
  void app.client.forceFlush();
  await vi.waitFor(() => expect(v4.requests.length).toBeGreaterThan(2));
  isDown = false;
  await app.client.forceFlush();
  app.expectDelivered();
});

function isPoison({ metadata }: { metadata?: Record<string, unknown> | null | undefined }): boolean {
  return metadata?.['span_name'] === 'poison';
}
