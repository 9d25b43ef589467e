/** Clocks that jump. */
import { context } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { appWithProcessor, CHAT, referenceOf } from '../support/traced-app.ts';

test('durations are not negative and dates are valid if the clock jumps during a span', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const start = (name: string, startTime: number) => {
    const tracer = app.provider.getTracer('app');
    return tracer.startSpan(name, { attributes: CHAT, startTime }, context.active());
  };
  const now = Date.now();
  const backwards = start('backwards', now);
  backwards.end(now - 3_600_000);
  const future = start('future', now + 365 * 86_400_000);
  future.end(now + 365 * 86_400_000 + 1_000);
  const zero = start('end at 0', now);
  zero.end(0);
  const none = start('no number', Number.NaN);
  none.end(Number.NaN);
  for (const damage of [
    [0, 0],
    [Number.NaN, 0],
    [-5, 0],
    [1e15, 0],
  ] as const) {
    const clocks = { startTime: { value: damage }, endTime: { value: damage }, duration: { value: [-3, 0] } };
    app.client.onEnd(Object.create(start('damaged', now), { ...clocks, ended: { value: true } }));
  }
  await app.client.forceFlush();
  expect(server.breaches).toEqual([]);
  expect(server.logs.size).toBe(8);
  for (const { duration, created_at } of server.logs.values()) {
    if (duration !== undefined) expect(duration).toBeGreaterThanOrEqual(0);
    expect(new Date(String(created_at)).toISOString()).toBe(created_at);
  }
  expect(server.logs.get(referenceOf(future))?.duration).toBeCloseTo(1);
});

test('a jump of the wall clock does not change pauses and deadlines', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index < 3 ? { answer: { status: 503 } } : undefined),
  });
  const app = appWithProcessor(server);
  const { now } = Date;
  try {
    app.start('before').end();
    Date.now = () => now() - 3_600_000;
    app.start('an hour back').end();
    Date.now = () => now() + 365 * 24 * 3_600_000;
    app.start('a year ahead').end();
    await app.client.forceFlush();
  } finally {
    Date.now = now;
  }
  app.expectDelivered();
  for (const { duration } of server.logs.values()) expect(duration).toBeGreaterThanOrEqual(0);
});
