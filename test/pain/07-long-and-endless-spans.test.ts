/** Roots that live for hours, roots that never end, spans without number that never end. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { context, type Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { streamText } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { expect, onTestFinished, test, vi } from 'vitest';
import { fakeClock } from '../support/fake-clock.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, outputOf, referenceOf } from '../support/traced-app.ts';

const HOUR = 3_600_000;
const NOT_ENDED = 'span did not end before shutdown';

test('7: the children of a root that lives for two hours arrive while it runs, and it is completed by update', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithProcessor(server, { holdMillis: 10_000 });
  const root = app.start('agent', { attributes: AGENT });
  for (let minute = 0; minute < 120; minute += 20) {
    app.start('call', { parent: root, attributes: AGENT }).end();
    // Only the first one waits for the root. More time at once would be longer than a request may take.
    await vi.advanceTimersByTimeAsync(minute === 0 ? 10_300 : 300);
    await vi.waitUntil(() => app.ended.every((reference) => server.logs.has(reference)));
    await vi.waitUntil(() => app.stats.queued === 0);
    await vi.advanceTimersByTimeAsync(HOUR / 3);
  }
  expect(app.log(root)?.duration).toBeUndefined();
  root.setAttributes(outputOf('done'));
  root.end(Date.now());
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(7);
  expect(app.log(root)).toMatchObject({ output: 'done', duration: expect.closeTo(7_200, -2) });
  expect(server.ofMethod('PATCH')).toHaveLength(1);
});

test('7: with the exporter they wait for it no longer than holdMillis, under a stub that it completes', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithExporter(server, { holdMillis: 10_000 }, { scheduledDelayMillis: 100 });
  const root = app.start('agent', { attributes: AGENT });
  const children: Span[] = [];
  for (let minute = 0; minute < 120; minute += 40) {
    children.push(app.start('call', { parent: root }));
    children.at(-1)?.end();
    await vi.advanceTimersByTimeAsync(minute === 0 ? 10_500 : 500);
    await vi.waitUntil(() => app.ended.every((reference) => server.logs.has(reference)));
    await vi.waitUntil(() => app.stats.queued === 0);
    await vi.advanceTimersByTimeAsync((2 * HOUR) / 3);
  }
  expect(app.log(root)?.config).toMatchObject({ type: 'generic' });
  root.setAttributes(outputOf('done'));
  root.end(Date.now());
  await app.flush();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(root)).toMatchObject({ output: 'done', duration: expect.closeTo(7_200, -2) });
  for (const child of children) expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
});

test('8: children of a root that never ends arrive under it; shutdown closes it with an error', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 20 });
  const root = app.start('agent', { attributes: AGENT });
  const child = app.start('call', { parent: root });
  child.end();
  await expect.poll(() => app.stats.logged).toBe(2);
  expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
  expect(app.log(root)?.error).toBeUndefined();
  await app.client.shutdown();
  app.expectDelivered();
  expect(app.log(root)).toMatchObject({ error: NOT_ENDED, duration: expect.any(Number) });
});

test('8: so it is with the exporter, which never sees that root', async () => {
  const server = await startMisbehavingV4();
  const app = appWithExporter(server, { holdMillis: 20 }, { scheduledDelayMillis: 10 });
  const root = app.start('agent', { attributes: AGENT });
  const child = app.start('call', { parent: root });
  child.end();
  await expect.poll(() => app.stats.logged).toBe(2);
  expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
  await app.client.shutdown();
  app.expectDelivered();
  expect(app.log(root)?.error).toBe(NOT_ENDED);
});

test('8: an aborted stream of the AI SDK, whose spans do not all end', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
  const abort = new AbortController();
  const result = streamText({
    model: new MockLanguageModelV3({ doStream: async () => ({ stream: endlessStream(abort.signal) }) }),
    prompt: 'Count to a million.',
    abortSignal: abort.signal,
    experimental_telemetry: { isEnabled: true, tracer: app.provider.getTracer('ai') },
    onError: () => undefined,
  });
  let text = '';
  for await (const part of result.textStream) {
    text += part;
    if (text.length > 20) abort.abort();
  }
  await app.client.shutdown();
  const logs = [...server.logs.values()];
  expect(server.breaches).toEqual([]);
  expect(logs.map(({ config }) => config?.type)).toContain('model');
  expect(logs.every(({ duration }) => typeof duration === 'number')).toBe(true);
  const call = logs.find(({ config }) => config?.type === 'model');
  expect(call?.error).toBe(NOT_ENDED);
  const roots = logs.filter(({ parent_reference_id }) => parent_reference_id === undefined);
  expect(roots).toHaveLength(1);
});

test('9: spans that never end cost a bounded memory, and what is given up is counted', async () => {
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
])('9: spans that end after all, when they were given up, are logged as ever where they %s', async (_, first, last) => {
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

type ModelStream = Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'];

function endlessStream(signal: AbortSignal): ModelStream {
  return new ReadableStream({
    async start(controller) {
      controller.enqueue({ type: 'stream-start', warnings: [] });
      controller.enqueue({ type: 'text-start', id: '1' });
      signal.addEventListener('abort', () => controller.error(signal.reason));
    },
    async pull(controller) {
      controller.enqueue({ type: 'text-delta', id: '1', delta: '1, 2, ' });
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  });
}
