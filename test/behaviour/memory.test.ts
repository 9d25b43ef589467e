/** More than fits in memory: countless spans that never end, and bursts that no server could handle. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Span } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, outputOf } from '../support/traced-app.ts';

test('spans that never end take bounded memory, and the forgotten ones are counted', async () => {
  const server = await startMisbehavingV4();
  const maxItems = 2_000;
  const app = appWithProcessor(server, { queue: { maxItems } });
  const references: WeakRef<Span>[] = [];
  for (let count = 0; count < 100_000; count++) {
    references.push(
      new WeakRef(app.provider.getTracer('app').startSpan(`endless ${count}`, { attributes: AGENT, root: true })),
    );
    if (count % 10_000 === 0) await new Promise(setImmediate);
  }
  await new Promise(setImmediate);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const alive = references.filter((reference) => reference.deref() !== undefined).length;
  expect(alive).toBeLessThanOrEqual(maxItems + 1_000);
  app.start('the others').end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats.logged).toBe(1);
  const forgotten = app.stats.dropped['span_forgotten'] ?? 0;
  expect(forgotten).toBeGreaterThanOrEqual(100_000 - maxItems);
  expect(forgotten).toBeLessThanOrEqual(100_000);
});

test.each([
  ['say at once what they are', AGENT, {}],
  ['say it at their end', {}, AGENT],
])('spans that were given up and end after all are logged as ever, where they %s', async (_, first, last) => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { queue: { maxItems: 10 }, holdMillis: 5 });
  const root = app.start('root', { attributes: { ...first, 'session.id': 's' } });
  app.start('first child', { parent: root }).end();
  if (first === AGENT) await expect.poll(() => app.stats.logged).toBe(2);
  const open = Array.from({ length: 30 }, () => app.start('open', { parent: root, attributes: first }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const span of [...open, root]) {
    span.setAttributes({ ...last, ...outputOf('the end') });
    span.end();
    await app.client.forceFlush();
  }
  expect(server.breaches).toEqual([]);
  expect(app.ended.filter((reference) => !server.logs.has(reference))).toEqual([]);
  for (const span of open) expect(app.log(span)).toMatchObject({ output: 'the end', session_reference_id: 's' });
  expect(app.log(root)).toMatchObject({ output: 'the end' });
});

test('every log of a burst ten times what fits is counted: as delivered, or as dropped with its whole trace', async () => {
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
  // Logs that were in flight when their trace was dropped are the exception.
  expect([...sizes.values()].filter((size) => size < 4).length).toBeLessThanOrEqual(100);
});
