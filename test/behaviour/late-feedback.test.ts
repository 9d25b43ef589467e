/** Feedback that comes after its log was posted, over a server that fails. */
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import type { HumanloopSpanProcessor } from '../../src/index.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, QUICK, referenceOf, type TracedApp } from '../support/traced-app.ts';
import { spoolDirectory } from './spool/spooled-app.ts';

type App = TracedApp<HumanloopSpanProcessor>;

function judge({ client }: App, span: Span, name: string, label: string): void {
  client.addEvent(span, {
    name: 'gen_ai.evaluation.result',
    attributes: { 'gen_ai.evaluation.name': name, 'gen_ai.evaluation.score.label': label },
    time: [1_700_000_000, 5_000_000],
  });
}

/** An app whose log of one call is stored. */
async function withCall(server: MisbehavingV4, options = {}): Promise<{ app: App; call: Span }> {
  const app = appWithProcessor(server, options);
  const call = app.start('call');
  call.end();
  await app.client.forceFlush();
  return { app, call };
}

const feedbackOf = (server: MisbehavingV4, span: Span) =>
  server.feedback.get(referenceOf(span))?.map(({ type, value }) => `${type}: ${value}`);
const sent = (server: MisbehavingV4) => server.requests.filter(({ url }) => url.endsWith('/feedback'));

test('it is sent only when the slow POST of its log is acknowledged', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'POST' ? { delayMillis: 100 } : undefined),
  });
  const app = appWithProcessor(server);
  const call = app.start('call');
  call.end();
  await expect.poll(() => server.requests.length).toBe(1);
  judge(app, call, 'Relevance', 'good');
  await app.client.forceFlush();
  app.expectDelivered();
  expect(feedbackOf(server, call)).toEqual(['Relevance: good']);
  expect(server.requests.map(({ method, url }) => `${method} ${url.replace(/\?.*/, '')}`)).toEqual([
    'POST /v4/logs',
    'PATCH /v4/logs',
    'POST /v4/feedback',
  ]);
});

test.each(['reset', 'halfJson', 'html', 'cut'] as const)(
  'if the answer is %s after the server has stored it, it is not sent again',
  async (answer) => {
    const server = await startMisbehavingV4();
    const { app, call } = await withCall(server);
    server.fault = ({ url }) => (url.endsWith('/feedback') ? { stores: true, answer } : undefined);
    judge(app, call, 'Relevance', 'good');
    await app.client.forceFlush();
    app.expectDelivered();
    expect(feedbackOf(server, call)).toEqual(['Relevance: good']);
    expect(sent(server)).toHaveLength(1);
  },
);

test('it is sent again until the server has it, and what comes meanwhile goes with it', async () => {
  const server = await startMisbehavingV4();
  const { app, call } = await withCall(server);
  let left = 6;
  server.fault = () => (left-- > 0 ? { answer: left % 2 ? 'reset' : { status: 503 } } : undefined);
  judge(app, call, 'Relevance', 'good');
  await expect.poll(() => left).toBeLessThan(5);
  judge(app, call, 'Tone', 'kind');
  await app.client.forceFlush();
  app.expectDelivered();
  expect(feedbackOf(server, call)).toEqual(['Relevance: good', 'Tone: kind']);
  expect(app.stats.retried).toBeGreaterThan(3);
});

test('after a 429 the same request is sent again, without another look-up', async () => {
  const server = await startMisbehavingV4();
  const { app, call } = await withCall(server);
  let left = 1;
  server.fault = ({ url }) => (url.endsWith('/feedback') && left-- > 0 ? { answer: { status: 429 } } : undefined);
  judge(app, call, 'Relevance', 'good');
  await app.client.forceFlush();
  app.expectDelivered();
  expect(feedbackOf(server, call)).toEqual(['Relevance: good']);
  expect(server.ofMethod('PATCH')).toHaveLength(1);
});

test('one that the server refuses is dropped, and the others arrive', async () => {
  const server = await startMisbehavingV4();
  const { app, call } = await withCall(server);
  for (const label of ['good', 'refused', 'fair']) judge(app, call, 'Relevance', label);
  await app.client.forceFlush();
  expect(feedbackOf(server, call)?.sort()).toEqual(['Relevance: fair', 'Relevance: good']);
  expect(app.stats).toMatchObject({ queued: 0, dropped: { feedback_rejected: 1 } });
  expect(app.dropped.get('feedback_rejected')).toEqual([referenceOf(call)]);
});

test('what cannot be sent for too long is dropped, as is what is left at shutdown', async () => {
  const server = await startMisbehavingV4();
  const retry = { ...QUICK.retry, maxElapsedMillis: 50 };
  const { app, call } = await withCall(server, { retry, flushTimeoutMillis: 1_000 });
  server.fault = () => ({ answer: { status: 503 } });
  judge(app, call, 'Relevance', 'good');
  await app.client.forceFlush();
  expect(app.stats).toMatchObject({ queued: 0, dropped: { retry_expired: 1 } });
  server.fault = () => ({ answer: 'hang' });
  judge(app, call, 'Relevance', 'bad');
  await app.client.shutdown();
  expect(app.stats.dropped).toEqual({ retry_expired: 1, shutdown: 1 });
});

test('one for a log that was dropped is dropped too', async () => {
  const server = await startMisbehavingV4({ refuses: () => true });
  const { app, call } = await withCall(server);
  judge(app, call, 'Relevance', 'good');
  await app.client.forceFlush();
  expect(app.stats).toMatchObject({ queued: 0, dropped: { rejected: 1, feedback_no_log: 1 } });
});

test('if the server has lost the log, it is posted again, and the feedback follows it', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 1 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  server.logs.clear();
  judge(app, agent, 'Relevance', 'good');
  await app.client.forceFlush();
  expect(app.log(agent)).toBeDefined();
  expect(feedbackOf(server, agent)).toEqual(['Relevance: good']);
  expect(app.stats.dropped).toEqual({});
});

test('an update and feedback for the same log both arrive', async () => {
  const server = await startMisbehavingV4();
  const { app, call } = await withCall(server);
  judge(app, call, 'Relevance', 'good');
  app.client.update(call, { output: 'late' });
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(call)?.output).toBe('late');
  expect(feedbackOf(server, call)).toEqual(['Relevance: good']);
});

test('with a spool, the next process sends it', async () => {
  const server = await startMisbehavingV4();
  const spool = { directory: spoolDirectory(), fsyncMillis: 1 };
  const { app, call } = await withCall(server, { spool, flushTimeoutMillis: 300 });
  server.fault = () => ({ answer: { status: 503 } });
  judge(app, call, 'Relevance', 'good');
  await app.client.shutdown();
  expect(app.stats).toMatchObject({ spooled: 1, dropped: {} });
  server.fault = undefined;
  const next = appWithProcessor(server, { spool });
  await next.client.forceFlush();
  expect(feedbackOf(server, call)).toEqual(['Relevance: good']);
  expect(next.stats).toMatchObject({ updated: 1, dropped: {} });
});

test('with a spool, the next process sends all that came for one log that is unknown here', async () => {
  const server = await startMisbehavingV4();
  const { call } = await withCall(server, {});
  const spool = { directory: spoolDirectory(), fsyncMillis: 1 };
  const app = appWithProcessor(server, { spool, flushTimeoutMillis: 300 });
  server.fault = () => ({ answer: { status: 503 } });
  judge(app, call, 'Relevance', 'good');
  judge(app, call, 'Safety', 'fine');
  await app.client.shutdown();
  server.fault = undefined;
  const next = appWithProcessor(server, { spool });
  await next.client.forceFlush();
  expect(feedbackOf(server, call)?.sort()).toEqual(['Relevance: good', 'Safety: fine']);
});

test('what judges a second span of a call is feedback of the log that has the call', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const answer = { 'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Hello."}]}]' };
  const call = app.start('call', { attributes: { ...CHAT, ...answer } });
  const inside = trace.setSpan(ROOT_CONTEXT, call);
  const again = app.provider.getTracer('another').startSpan('again', { attributes: CHAT }, inside);
  again.addEvent('gen_ai.evaluation.result', {
    'gen_ai.evaluation.name': 'Relevance',
    'gen_ai.evaluation.score.label': 'good',
  });
  again.end();
  call.end();
  await app.client.forceFlush();
  judge(app, again, 'Tone', 'kind');
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.get(referenceOf(call))).toMatchObject({ feedback: [{ type: 'Relevance', value: 'good' }] });
  expect(feedbackOf(server, call)).toEqual(['Tone: kind']);
});
