/** Rows 5, 8 and 9: the server is away, asks for time, or fails. */
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test, vi } from 'vitest';
import { resolveOptions } from '../../src/options.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { type Fault, StrictEndpoint } from '../support/strict-endpoint.ts';
import { appWithProcessor, CHAT } from '../support/traced-app.ts';

const MINUTE = 60_000;

/** Time is faked, so the network is, too: ten minutes in a second. */
async function outage(fault: Fault, queue: { maxItems: number }) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let isDown = true;
  const endpoint = new StrictEndpoint({ nextFault: () => (isDown ? fault : undefined), nextDelayMillis: () => 1 });
  const pipeline = new Pipeline(resolveOptions({ queue }, {}), { awaitsUnseenParents: false }, endpoint as Transport);
  const tracer = new BasicTracerProvider({
    spanProcessors: [
      {
        onStart: (span) => pipeline.start(span),
        onEnd: (span) => pipeline.end(span),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      },
    ],
  }).getTracer('app');
  let ended = 0;
  for (let second = 0; second < 600; second++) {
    for (let call = 0; call < 20; call++, ended++) tracer.startSpan('call', { attributes: CHAT, root: true }).end();
    await vi.advanceTimersByTimeAsync(1_000);
  }
  const whileDown = endpoint.requests.length;
  isDown = false;
  await vi.advanceTimersByTimeAsync(MINUTE);
  return { endpoint, stats: pipeline.stats(), ended, whileDown };
}

test.each(['unsent', '503', 'lostBefore'] as const)(
  '5: ten minutes of %s, room for all: nothing is lost, and within a minute it is delivered',
  async (fault) => {
    const { endpoint, stats, ended, whileDown } = await outage(fault, { maxItems: 100_000 });
    const { retry_expired = 0, ...others } = stats.dropped;
    expect(others).toEqual({});
    // Only what was tried for ten minutes is given up, a request's worth at the most.
    expect(retry_expired).toBeLessThanOrEqual(400);
    expect(endpoint.logs.size + retry_expired).toBe(ended);
    expect(endpoint.breaches).toEqual([]);
    // Up to 30 s apart, on average 15: one probe a pause, and not one for each log.
    expect(whileDown).toBeLessThan(120);
  },
);

test('5: without room the oldest are given up and counted, and memory stays bounded', async () => {
  const { endpoint, stats, ended } = await outage('unsent', { maxItems: 1_000 });
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(stats.dropped['queue_full']).toBeGreaterThan(9_000);
  expect(endpoint.logs.size + dropped).toBe(ended);
  expect(stats).toMatchObject({ held: 0, queued: 0 });
});

test('8: 429 with Retry-After pauses the whole queue for as long as it says', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 429, headers: { 'retry-after': '1' } } } : undefined),
  });
  const app = appWithProcessor(server, { batch: { maxItems: 1 }, concurrency: 4 });
  for (let call = 0; call < 3; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  const [first, ...later] = server.requests.map(({ startedAtMillis, status }) => ({ startedAtMillis, status }));
  for (const request of later.filter(({ status }) => status === 200)) {
    // Those that were on the way already are not called back.
    const wasInFlight = request.startedAtMillis - first!.startedAtMillis < 50;
    if (!wasInFlight) expect(request.startedAtMillis - first!.startedAtMillis).toBeGreaterThanOrEqual(990);
  }
});

test.each(['0', '-5', 'abc', new Date(0).toUTCString()])(
  '8: Retry-After %s is no wish: the back-off holds',
  async (value) => {
    const server = await startMisbehavingV4({
      fault: (_, index) => (index < 2 ? { answer: { status: 429, headers: { 'retry-after': value } } } : undefined),
    });
    const app = appWithProcessor(server, { retry: { minDelayMillis: 60, maxDelayMillis: 70 } });
    app.start('call').end();
    await app.client.forceFlush();
    app.expectDelivered();
    const [first, second] = server.requests;
    expect(second!.startedAtMillis - first!.startedAtMillis).toBeGreaterThanOrEqual(58);
  },
);

test.each([408, 500, 502, 503, 504])('9: HTTP %i is tried again until it passes', async (status) => {
  const server = await startMisbehavingV4({ fault: (_, index) => (index < 6 ? { answer: { status } } : undefined) });
  const app = appWithProcessor(server);
  for (let call = 0; call < 5; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
});

test.each([401, 403, 404])('9: HTTP %i is not hammered, and nothing is lost when it is mended', async (status) => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status } }) });
  const app = appWithProcessor(server, {
    flushTimeoutMillis: 400,
    retry: { minDelayMillis: 100, maxDelayMillis: 200, maxElapsedMillis: 60_000 },
  });
  for (let call = 0; call < 5; call++) app.start('call').end();
  await expect(app.client.forceFlush()).rejects.toThrow('not acknowledged');
  expect(server.requests.length).toBeLessThanOrEqual(3);
  server.fault = undefined;
  await expect.poll(() => app.stats.queued, { timeout: 5_000 }).toBe(0);
  app.expectDelivered();
});

test('9: a server that resets each POST and answers each question about it is not hammered', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'POST' ? { answer: 'reset' } : undefined),
  });
  const app = appWithProcessor(server, { retry: { minDelayMillis: 50, maxDelayMillis: 400 } });
  for (let left = 10; left > 0; left--) app.start('call', { attributes: CHAT }).end();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(server.ofMethod('POST').length).toBeGreaterThan(2);
  expect(server.ofMethod('POST').length).toBeLessThan(25);
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
});
