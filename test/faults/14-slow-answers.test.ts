/** Servers that take their time, or that never come to an end. */
import { expect, test } from 'vitest';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, outputOf } from '../support/traced-app.ts';

const CHAT = { ...AGENT, ...outputOf('an answer') };

test('1: what is sent once more is the same, byte for byte', async () => {
  const server = await startMisbehavingV4({ fault: (_, index) => (index === 0 ? { answer: 'reset' } : undefined) });
  const app = appWithProcessor(server);
  for (let left = 10; left > 0; left--) app.start('call', { attributes: CHAT }).end();
  await app.client.forceFlush();
  app.expectDelivered();
  const [first, second] = server.ofMethod('POST');
  expect(second?.body).toBe(first?.body);
});

const SILENCES: readonly Misbehaviour['answer'][] = ['hang', 'drip'];

test.each(SILENCES)(
  '14: an answer that never ends (%s) costs timeoutMillis, of the clock and not of idleness',
  async (answer) => {
    const server = await startMisbehavingV4({
      fault: (_, index) => (index < 2 ? { answer: answer as Misbehaviour['answer'] } : undefined),
    });
    const app = appWithProcessor(server, { timeoutMillis: 100, flushTimeoutMillis: 10_000 });
    app.start('call', { attributes: CHAT }).end();
    const startedAt = performance.now();
    await app.client.forceFlush();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    app.expectDelivered();
  },
);

test('14: forceFlush keeps its deadline where no answer ever comes', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = appWithProcessor(server, { flushTimeoutMillis: 200 });
  app.start('call', { attributes: CHAT }).end();
  const startedAt = performance.now();
  await expect(app.client.forceFlush()).rejects.toThrow('1 logs were not acknowledged');
  expect(performance.now() - startedAt).toBeLessThan(600);
  server.fault = undefined;
  await app.client.shutdown();
  app.expectAccounted();
});

test('14: with answers that take 300 ms the requests go side by side', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 300 }) });
  const app = appWithProcessor(server, { concurrency: 4, batch: { maxItems: 10 } });
  for (let left = 120; left > 0; left--) app.start('call', { attributes: CHAT }).end();
  const startedAt = performance.now();
  await app.client.forceFlush();
  // Three times four requests, where one after the other would take 3.6 s.
  expect(performance.now() - startedAt).toBeLessThan(2_400);
  expect(server.maxInFlight).toBe(4);
  app.expectDelivered();
});
