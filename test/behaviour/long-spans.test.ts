/** Roots that are open for hours, and roots that never end. */
import type { Span } from '@opentelemetry/api';
import { streamText } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { expect, test, vi } from 'vitest';
import { useContextManager } from '../support/context-manager.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, outputOf, referenceOf } from '../support/traced-app.ts';

const PATIENT = { timeout: 60_000 };
const HOUR = 3_600_000;
const NOT_ENDED = 'span did not end before shutdown';

test('an agent that is open longer than holdMillis is posted open and completed by reference', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 50 });
  const agent = app.start('agent', { attributes: AGENT });
  const chat = app.start('chat', { parent: agent });
  chat.end();
  await expect.poll(() => app.log(chat)).toBeDefined();
  expect(app.log(chat)?.parent_reference_id).toBe(referenceOf(agent));
  expect(app.log(agent)).not.toHaveProperty('duration');
  expect(server.requests.map(({ method }) => method)).toEqual(['POST', 'POST']);
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  expect(app.log(agent)).toMatchObject({ output: 'done', duration: expect.any(Number) });
  const [patch, ...others] = server.requests.slice(2);
  expect(others).toEqual([]);
  expect(patch?.method).toBe('PATCH');
  expect(patch?.url).toBe(`/v4/logs?reference_id=${referenceOf(agent)}`);
  expect(Object.keys(JSON.parse(patch?.body ?? '')).sort()).toEqual(['duration', 'output']);
  app.expectDelivered();
});

test('the children of a root that is open for two hours arrive meanwhile, and it is completed by an update', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithProcessor(server, { holdMillis: 10_000 });
  const root = app.start('agent', { attributes: AGENT });
  for (let minute = 0; minute < 120; minute += 20) {
    app.start('call', { parent: root, attributes: AGENT }).end();
    // Only the first one waits for the root. A longer step would exceed the time-out of a request.
    await vi.advanceTimersByTimeAsync(minute === 0 ? 10_300 : 300);
    await vi.waitUntil(
      () => app.ended.every((reference) => server.logs.has(reference)) && app.stats.queued === 0,
      PATIENT,
    );
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

test('with the exporter children wait for such a root no longer than holdMillis, and get a stub that it completes', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithExporter(server, { holdMillis: 10_000 }, { scheduledDelayMillis: 100 });
  const root = app.start('agent', { attributes: AGENT });
  const children: Span[] = [];
  for (let minute = 0; minute < 120; minute += 40) {
    children.push(app.start('call', { parent: root }));
    children.at(-1)?.end();
    await vi.advanceTimersByTimeAsync(minute === 0 ? 10_500 : 500);
    await vi.waitUntil(
      () => app.ended.every((reference) => server.logs.has(reference)) && app.stats.queued === 0,
      PATIENT,
    );
    await vi.advanceTimersByTimeAsync((2 * HOUR) / 3);
  }
  expect(app.log(root)?.config).toMatchObject({ type: 'generic' });
  root.setAttributes(outputOf('done'));
  root.end(Date.now());
  await app.flush();
  app.expectDelivered();
  expect(app.log(root)).toMatchObject({ output: 'done', duration: expect.closeTo(7_200, -2) });
  for (const child of children) expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
});

test('children of a root that never ends arrive under it; shutdown closes it with an error', async () => {
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

test('with the exporter, which never sees such a root, children arrive under a stub, which shutdown closes', async () => {
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

test('the call of an aborted stream of the AI SDK, whose spans do not all end, is closed at shutdown', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  useContextManager();
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
