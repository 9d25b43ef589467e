/** The server is away, or fails every request. */
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test, vi } from 'vitest';
import { resolveOptions } from '../../../src/options.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { type Fault, StrictEndpoint } from '../../support/strict-endpoint.ts';
import { AGENT, appWithProcessor, CHAT, referenceOf } from '../../support/traced-app.ts';

const MINUTE = 60_000;

/** Time and network are fake: ten minutes take a second. */
async function outage(fault: Fault, queue: { maxItems: number }) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let isDown = true;
  const endpoint = new StrictEndpoint({ nextFault: () => (isDown ? fault : undefined), nextDelayMillis: () => 1 });
  const pipeline = new Pipeline(resolveOptions({ queue }, {}), { awaitsUnseenParents: false }, endpoint);
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
  'in ten minutes of %s nothing is lost that memory has room for, and a minute later all is delivered',
  async (fault) => {
    const { endpoint, stats, ended, whileDown } = await outage(fault, { maxItems: 100_000 });
    const { retry_expired = 0, ...others } = stats.dropped;
    expect(others).toEqual({});
    // Only logs that were tried for ten minutes are dropped, at most those of one request.
    expect(retry_expired).toBeLessThanOrEqual(400);
    expect(endpoint.logs.size + retry_expired).toBe(ended);
    expect(endpoint.breaches).toEqual([]);
    // Pauses take up to 30 s, on average 15: there is one probe per pause, and not one per log.
    expect(whileDown).toBeLessThan(120);
  },
);

test('without room the oldest logs are dropped and counted, and memory stays bounded', async () => {
  const { endpoint, stats, ended } = await outage('unsent', { maxItems: 1_000 });
  const dropped = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(stats.dropped['queue_full']).toBeGreaterThan(9_000);
  expect(endpoint.logs.size + dropped).toBe(ended);
  expect(stats).toMatchObject({ held: 0, queued: 0 });
});

test('after an outage all is delivered, once', async () => {
  let isDown = true;
  const server = await startMisbehavingV4({ fault: () => (isDown ? { answer: 'reset' } : undefined) });
  const app = appWithProcessor(server);
  for (let i = 0; i < 50; i++) app.start('chat').end();
  void app.client.forceFlush();
  await expect.poll(() => server.requests.length).toBeGreaterThan(2);
  isDown = false;
  await app.client.forceFlush();
  app.expectDelivered();
});

test.each([408, 500, 502, 503, 504])('a request with HTTP %i is tried again until it succeeds', async (status) => {
  const server = await startMisbehavingV4({ fault: (_, index) => (index < 6 ? { answer: { status } } : undefined) });
  const app = appWithProcessor(server);
  for (let call = 0; call < 5; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
});

test('a server that resets each POST and answers each probe is not overloaded', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'POST' ? { answer: 'reset' } : undefined),
  });
  const app = appWithProcessor(server, { retry: { minDelayMillis: 50, maxDelayMillis: 400 } });
  for (let left = 10; left > 0; left--) app.start('call').end();
  const aSecond = new Promise((resolve) => setTimeout(resolve, 1_000));
  await expect.poll(() => server.ofMethod('POST').length).toBeGreaterThan(2);
  await aSecond;
  expect(server.ofMethod('POST').length).toBeLessThan(20);
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
});

test('a log that is refused for longer than maxElapsedMillis is dropped with a reason', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 429 } }) });
  const app = appWithProcessor(server, { retry: { minDelayMillis: 1, maxDelayMillis: 5, maxElapsedMillis: 100 } });
  const root = app.start('root', { attributes: AGENT });
  app.start('child', { parent: root }).end();
  root.end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats).toMatchObject({ logged: 0, queued: 0 });
  expect(app.dropped.get('retry_expired')).toContain(referenceOf(root));
});
