/** What the span processor guarantees in its public methods, over real HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import { INVALID_SPAN_CONTEXT, SpanStatusCode } from '@opentelemetry/api';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HumanloopError, type HumanloopOptions } from '../../src/index.ts';
import { type MisbehavingV4Options, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

async function start(options: HumanloopOptions = {}, server: MisbehavingV4Options = {}) {
  const v4 = await startMisbehavingV4(server);
  const app = appWithProcessor(v4, options);
  return { v4, app, processor: app.client };
}

/** Far below the deadlines that would be waited for if the one of the option were not: half a minute, and a minute. */
const OTHER_DEADLINES_MILLIS = 15_000;

const SLOW: MisbehavingV4Options = { fault: () => ({ stores: true, delayMillis: 300 }) };
const BROKEN: MisbehavingV4Options = { fault: () => ({ answer: { status: 503 } }) };

test('forceFlush resolves when the logs of all ended spans are acknowledged, however slow the server is', async () => {
  const { v4, app, processor } = await start({}, SLOW);
  const agent = app.start('agent', { attributes: AGENT });
  app.start('chat', { parent: agent }).end();
  agent.end();
  const startedAtMillis = performance.now();
  await processor.forceFlush();
  expect(performance.now() - startedAtMillis).toBeGreaterThanOrEqual(598);
  expect(v4.requests.map(({ status }) => status)).toEqual([200, 200]);
  app.expectDelivered();
});

test('forceFlush does not wait for spans that end after the call', async () => {
  const { v4, app, processor } = await start({}, SLOW);
  app.start('first').end();
  const flushed = processor.forceFlush();
  await sleep(150);
  const later = app.start('later');
  later.end();
  await flushed;
  expect(v4.requests.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(app.stats.logged).toBe(1);
  await processor.forceFlush();
  app.expectDelivered();
});

test('forceFlush with nothing to do resolves at once and sends nothing', async () => {
  const { v4, processor } = await start();
  // The timers of a flush stand still: it would not end if it waited for one.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  await processor.forceFlush();
  await processor.forceFlush();
  expect(v4.requests).toEqual([]);
});

test('forceFlush rejects at its deadline, and sending continues', async () => {
  const { v4, app, processor } = await start({ flushTimeoutMillis: 150 }, BROKEN);
  app.start('chat').end();
  const startedAtMillis = performance.now();
  const error = await processor.forceFlush().catch((reason: unknown) => reason);
  expect(performance.now() - startedAtMillis).toBeLessThan(OTHER_DEADLINES_MILLIS);
  expect(error).toBeInstanceOf(HumanloopError);
  expect((error as Error).message).toMatch(/^1 logs? w.* not acknowledged within \d+ ms$/);
  v4.fault = undefined;
  await vi.waitFor(() => app.expectDelivered(), { timeout: 30_000 });
});

test('shutdown delivers, closes open spans, and does so only once', async () => {
  const { v4, app, processor } = await start();
  const agent = app.start('agent', { attributes: AGENT });
  app.start('chat', { parent: agent }).end();
  await sleep(20);
  const [first, second] = [processor.shutdown(), processor.shutdown()];
  await Promise.all([first, second, processor.shutdown()]);
  const log = app.log(agent);
  expect(log?.error).toBe('span did not end before shutdown');
  expect(log?.duration).toBeGreaterThanOrEqual(0.015);
  expect(v4.ofMethod('POST')).toHaveLength(2);
  const requests = v4.requests.length;
  agent.end();
  app.start('late').end();
  processor.update(agent, { output: 'late' });
  await processor.forceFlush();
  expect(v4.requests).toHaveLength(requests);
});

test('shutdown has a deadline: the remaining logs are dropped, counted and named', async () => {
  const { app, processor } = await start(
    { flushTimeoutMillis: 200, timeoutMillis: 60_000 },
    { fault: () => ({ stores: false, answer: 'hang' }) },
  );
  const span = app.start('chat');
  span.end();
  const startedAtMillis = performance.now();
  await processor.shutdown();
  expect(performance.now() - startedAtMillis).toBeLessThan(OTHER_DEADLINES_MILLIS);
  await sleep(0);
  expect(processor.stats().dropped).toEqual({ shutdown: 1 });
  expect(app.dropped).toEqual(new Map([['shutdown', [referenceOf(span)]]]));
});

test.each([
  ['the span', (span: Parameters<typeof referenceOf>[0]) => span],
  ['its context', (span: Parameters<typeof referenceOf>[0]) => span.spanContext()],
  ['its reference id', referenceOf],
])('update by %s needs no request before the log is sent, and one afterwards', async (_, reference) => {
  const { v4, app, processor } = await start();
  const span = app.start('chat', { attributes: { ...CHAT, ...outputOf('as the span says') } });
  processor.update(reference(span), { output: 'early' });
  span.end();
  await processor.forceFlush();
  expect(app.log(span)?.output).toBe('early');
  expect(v4.ofMethod('PATCH')).toHaveLength(0);
  processor.update(reference(span), { output: 'late', error: 'cut off', duration: 7 });
  await processor.forceFlush();
  expect(app.log(span)).toMatchObject({ output: 'late', error: 'cut off', duration: 7 });
  expect(v4.ofMethod('PATCH')).toHaveLength(1);
  expect(app.stats).toMatchObject({ logged: 1, updated: 1, dropped: {} });
});

test('update of a log that another process has sent goes out as an update', async () => {
  const { v4, app, processor } = await start();
  const span = app.start('chat');
  span.end();
  await processor.forceFlush();
  const other = appWithProcessor(v4);
  other.client.update(referenceOf(span), { output: 'from elsewhere' });
  await other.client.forceFlush();
  expect(app.log(span)?.output).toBe('from elsewhere');
});

test.each([
  ['open when it is updated', 'before'],
  ['ended and not worked off', 'between'],
  ['worked off', 'after'],
])('update of a span that turns out not to be a log is dropped with a reason: %s', async (_, moment) => {
  const { app, processor } = await start();
  const root = app.start('agent', { attributes: AGENT });
  const span = app.startOther('GET /', { parent: root });
  if (moment === 'before') processor.update(span, { output: 'lost' });
  span.end();
  if (moment === 'between') processor.update(span, { output: 'lost' });
  await processor.forceFlush();
  if (moment === 'after') processor.update(span, { output: 'lost' });
  root.end();
  await processor.forceFlush();
  await sleep(0);
  expect(processor.stats().dropped).toEqual({ update_not_a_log: 1 });
  expect(app.dropped.get('update_not_a_log')).toEqual([referenceOf(span)]);
  app.expectAccounted();
});

test('update of a span that is open at shutdown and not a log is dropped with a reason', async () => {
  const { app, processor } = await start();
  const span = app.startOther('GET /');
  processor.update(span, { output: 'lost' });
  await processor.shutdown();
  await sleep(0);
  expect(app.dropped.get('update_not_a_log')).toEqual([referenceOf(span)]);
});

test('update of a log that nobody knows is dropped with a reason', async () => {
  const { app, processor } = await start();
  const reference = `${'a'.repeat(32)}-${'b'.repeat(16)}`;
  processor.update(reference, { output: 'lost' });
  await processor.forceFlush();
  await sleep(0);
  expect(processor.stats().dropped).toEqual({ update_unknown_reference: 1 });
  expect(app.dropped.get('update_unknown_reference')).toEqual([reference]);
});

test.each([
  ['nothing', undefined],
  ['a word', 'span'],
  ['ids of a wrong form', 'abc-def'],
  ['a span of tracing that is off', INVALID_SPAN_CONTEXT],
  ['an object', {}],
  ['an object that throws', { spanContext: () => void JSON.parse('no') }],
])('update by %s is ignored', async (_, reference) => {
  const { v4, processor } = await start();
  processor.update(reference as never, { output: 'lost' });
  await processor.forceFlush();
  expect(v4.requests).toEqual([]);
});

test.each([
  ['before it is sent', false],
  ['afterwards', true],
])('fields of a wrong type in an update %s do not lose the log', async (_, isSent) => {
  const { app, processor } = await start();
  const span = app.start('chat');
  if (isSent) span.end();
  if (isSent) await processor.forceFlush();
  processor.update(span, undefined as never);
  processor.update(span, { output: { text: 'x' }, error: 5, duration: Number.NaN } as never);
  processor.update(span, { output: null, error: undefined, duration: -1 } as never);
  processor.update(span, { output: 'good' });
  span.end();
  await processor.forceFlush();
  expect(app.log(span)?.output).toBe('good');
  expect(app.log(span)).not.toHaveProperty('error');
  app.expectDelivered();
});

test('stats show where every log is', async () => {
  const { app, processor } = await start({ holdMillis: 60_000 }, SLOW);
  const agent = app.start('agent', { attributes: AGENT });
  app.start('chat', { parent: agent }).end();
  const nothing = { queued: 0, inFlight: 0, logged: 0, updated: 0, retried: 0, spooled: 0, dropped: {} };
  expect(processor.stats()).toEqual({ ...nothing, held: 1 });
  const flushed = processor.forceFlush();
  await expect.poll(() => processor.stats()).toEqual({ ...nothing, held: 0, queued: 2, inFlight: 1 });
  await flushed;
  expect(processor.stats()).toEqual({ ...nothing, held: 0, logged: 2 });
  agent.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' }).end();
  await processor.forceFlush();
  expect(processor.stats()).toEqual({ ...nothing, held: 0, logged: 2, updated: 1 });
});

test('a second end of a span sends nothing new', async () => {
  const { v4, app, processor } = await start();
  const span = app.start('chat');
  span.end();
  span.end();
  await processor.forceFlush();
  processor.onEnd(span as never);
  await processor.forceFlush();
  expect(v4.ofMethod('POST')).toHaveLength(1);
  app.expectDelivered();
});

test('the span is read and never written', async () => {
  const { app, processor } = await start({ redact: (log) => ({ ...log, messages: [] }) });
  const span = app.start('chat', { attributes: { ...CHAT, ...outputOf('Hello.') } });
  Object.freeze((span as unknown as { attributes: object }).attributes);
  const before = JSON.stringify((span as unknown as { attributes: object }).attributes);
  span.end();
  Object.freeze(span);
  await processor.forceFlush();
  expect(JSON.stringify((span as unknown as { attributes: object }).attributes)).toBe(before);
  app.expectDelivered();
});
