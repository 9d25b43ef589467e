/** A flush ends when the answers are there, or at its deadline. Work continues after it. */
import { expect, test } from 'vitest';
import type { HumanloopOptions } from '../../src/index.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor } from '../support/traced-app.ts';

/** Of a flush without the option. What waits for it, or for a request that may take as long, takes far too long. */
const DEFAULT_DEADLINE_MILLIS = 30_000;

test('a flush ends when the answers are there, not when the requests are sent', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 80 }) });
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const root = app.start('root', { attributes: AGENT });
    app.start('child', { parent: root }).end();
    root.end();
    await app.flush();
    expect(server.unanswered).toBe(0);
    app.expectDelivered();
  }
});

test('a flush waits for what is in flight already', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 80 }) });
  const app = appWithProcessor(server, { holdMillis: 0 });
  app.start('one').end();
  await expect.poll(() => app.stats.inFlight).toBe(1);
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.stats.logged).toBe(1);
});

test('a flush does not depend on timers', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const options = { holdMillis: 60_000 };
  for (const app of [appWithProcessor(server, options), appWithExporter(server, options)]) {
    const root = app.start('invocation', { attributes: AGENT });
    app.start('call', { parent: root }).end();
    root.end();
    await app.flush();
    app.expectDelivered();
  }
});

test.each<[string, Misbehaviour, HumanloopOptions]>([
  ['asks to wait', { answer: { status: 429 } }, {}],
  ['never answers', { answer: 'hang' }, { timeoutMillis: 50 }],
])(
  'a flush that cannot finish rejects at its deadline, and sending continues, if the server %s',
  async (_, misbehaviour, options) => {
    const server = await startMisbehavingV4({ fault: () => misbehaviour });
    const app = appWithProcessor(server, { flushTimeoutMillis: 100, ...options });
    app.start('first').end();
    const startedAt = performance.now();
    await expect(app.client.forceFlush()).rejects.toThrow(/^1 logs? (was|were) not acknowledged within \d+ ms$/);
    expect(performance.now() - startedAt).toBeLessThan(DEFAULT_DEADLINE_MILLIS / 2);
    server.fault = undefined;
    app.start('second').end();
    await expect.poll(() => app.stats.logged).toBe(2);
    app.expectDelivered();
  },
);

test('a flush keeps its deadline while a request that may take longer is in flight', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const app = appWithProcessor(server, { flushTimeoutMillis: 200, timeoutMillis: DEFAULT_DEADLINE_MILLIS });
  app.start('call').end();
  const startedAt = performance.now();
  await expect(app.client.forceFlush()).rejects.toThrow('not acknowledged');
  expect(performance.now() - startedAt).toBeLessThan(DEFAULT_DEADLINE_MILLIS / 2);
  await app.client.shutdown();
  app.expectAccounted();
});

test('logs that are exported after a flush arrive with the next one, several times', async () => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    for (let round = 1; round <= 3; round++) {
      app.start('call').end();
      await app.flush();
      expect(app.stats.logged).toBe(round);
    }
    app.expectDelivered();
  }
});
