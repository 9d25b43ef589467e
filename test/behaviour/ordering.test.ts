/** Children end before parents and batches are exported at the same time, but the server gets parents first. */
import type { Span } from '@opentelemetry/api';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { type HumanloopOptions, HumanloopSpanExporter } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { Random } from '../support/random.ts';
import { AGENT, appWithExporter, appWithProcessor, outputOf, referenceOf, TracedApp } from '../support/traced-app.ts';

test('children that are exported in an earlier batch than their parent are sent after it', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { holdMillis: 5_000 });
  const root = app.start('root', { attributes: AGENT });
  for (const name of ['a', 'b', 'c']) app.start(name, { parent: root }).end();
  root.end();
  await app.flush();
  app.expectDelivered();
  expect(server.ofMethod('POST').map(({ references }) => references.length)).toEqual([1, 3]);
  expect(server.requests[0]?.references).toEqual([referenceOf(root)]);
  expect(server.ofMethod('PATCH')).toEqual([]);
});

test('several exports at once keep the order and create no second log of a parent', async () => {
  const server = await startMisbehavingV4({ fault: (_, index) => ({ delayMillis: index % 2 ? 0 : 40 }) });
  const create = (options: HumanloopOptions) => {
    const client = new HumanloopSpanExporter(options);
    return { client, processor: new BatchSpanProcessor(client, { maxExportBatchSize: 2 }) };
  };
  const app = new TracedApp(server, { batch: { maxItems: 2 }, holdMillis: 30 }, create);
  const root = app.start('root', { attributes: AGENT });
  const middle = app.start('middle', { parent: root, attributes: AGENT });
  for (const parent of [root, root, middle, middle, middle]) app.start('leaf', { parent }).end();
  middle.end();
  root.end();
  await Promise.all([app.provider.forceFlush(), app.provider.forceFlush(), app.client.forceFlush()]);
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(7);
});

test('a trace that comes in many batches is one tree in one session', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { batch: { maxItems: 3 }, holdMillis: 5_000 });
  const root = app.start('root', { attributes: { ...AGENT, 'session.id': 'the session' } });
  for (let turn = 0; turn < 10; turn++) {
    const step = app.start('step', { parent: root, attributes: AGENT });
    app.start('call', { parent: step, attributes: { ...AGENT, ...outputOf(`turn ${turn}`) } }).end();
    step.end();
  }
  root.end();
  await app.flush();
  app.expectDelivered();
  const logs = [...server.logs.values()];
  expect(logs).toHaveLength(21);
  expect(new Set(logs.map((log) => log.session_reference_id))).toEqual(new Set(['the session']));
  expect(logs.filter((log) => log.parent_reference_id === undefined)).toEqual([app.log(root)]);
});

test('traces of any shape keep their order over eight connections, with ends in any order, jitter and failures', async () => {
  const random = new Random(2);
  const server = await startMisbehavingV4({
    fault: () => ({
      delayMillis: random.between(0, 99),
      ...(random.chance(0.1) && { stores: false, answer: { status: 503 } }),
    }),
  });
  const app = appWithProcessor(server, { batch: { maxItems: 8 }, concurrency: 8 });
  for (let trace = 0; trace < 15; trace++) {
    const spans: Span[] = [];
    for (let count = 0; count < 6; count++) {
      const parent = random.pick<Span | undefined>(spans);
      spans.push(app.start(`span ${count}`, { ...(parent && { parent }), attributes: AGENT }));
    }
    for (const span of random.shuffle(spans)) span.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(90);
});
