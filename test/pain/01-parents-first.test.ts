/** Batches come with children first, several at a time; the server gets parents first. */
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import type { HumanloopOptions } from '../../src/index.ts';
import { HumanloopSpanExporter } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, outputOf, referenceOf, TracedApp } from '../support/traced-app.ts';

test('1: children that are exported in an earlier batch than their parent come after it', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { holdMillis: 5_000 });
  const root = app.start('root', { attributes: AGENT });
  for (const name of ['a', 'b', 'c']) app.start(name, { parent: root }).end();
  root.end();
  await app.flush();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.ofMethod('POST').map(({ references }) => references.length)).toEqual([1, 3]);
  expect(server.requests[0]?.references).toEqual([referenceOf(root)]);
  expect(server.ofMethod('PATCH')).toEqual([]);
});

test('2: several exports at once keep the order and make no second log of a parent', async () => {
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

test('3: a flush ends when the answers are there, not when the requests are out', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 300 }) });
  for (const app of [appWithProcessor(server), appWithExporter(server)]) {
    const root = app.start('root', { attributes: AGENT });
    app.start('child', { parent: root }).end();
    root.end();
    await app.provider.forceFlush();
    // The exporter's batch processor hands over and flushes what it holds; ours has its own barrier.
    await app.client.forceFlush();
    expect(server.unanswered).toBe(0);
    app.expectDelivered();
  }
});

test('3: a flush waits for what is in flight already', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 300 }) });
  const app = appWithProcessor(server, { holdMillis: 0 });
  app.start('one').end();
  await expect.poll(() => app.stats.inFlight).toBe(1);
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.stats.logged).toBe(1);
});

test('3: a flush that cannot be done rejects at its deadline, and sending goes on', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 429 } }) });
  const app = appWithProcessor(server, { flushTimeoutMillis: 100 });
  app.start('one').end();
  await expect(app.client.forceFlush()).rejects.toThrow(/^1 logs were not acknowledged within -?\d+ ms$/);
  server.fault = undefined;
  await expect.poll(() => app.stats.queued).toBe(0);
  app.expectDelivered();
});

test('4: a trace that comes in many batches is one tree in one session', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { batch: { maxItems: 3 }, holdMillis: 5_000 });
  const root = app.start('root', { attributes: { ...AGENT, 'session.id': 'the session' } });
  for (let turn = 0; turn < 10; turn++) {
    const step = app.start('step', { parent: root, attributes: AGENT });
    app.start('call', { parent: step, attributes: { ...AGENT, ...outputOf(`turn ${turn}`) } }).end();
    step.end();
  }
  root.end();
  await app.provider.forceFlush();
  await app.client.forceFlush();
  app.expectDelivered();
  const logs = [...server.logs.values()];
  expect(logs).toHaveLength(21);
  expect(new Set(logs.map((log) => log.session_reference_id))).toEqual(new Set(['the session']));
  expect(logs.filter((log) => log.parent_reference_id === undefined)).toEqual([app.log(root)]);
});

test('1 and 2: a short trace is one request per level and no update', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  for (let count = 0; count < 20; count++) {
    const root = app.start('root', { attributes: AGENT });
    const middle = app.start('middle', { parent: root, attributes: AGENT });
    app.start('leaf', { parent: middle }).end();
    middle.end();
    root.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.requests.map(({ method, references }) => `${method} ${references.length}`)).toEqual([
    'POST 20',
    'POST 20',
    'POST 20',
  ]);
});
