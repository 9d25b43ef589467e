/** Rows 1 to 3: lost answers, children and parents over several connections, updates of what is still being posted. */
import type { Span } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf } from '../support/traced-app.ts';

/** The same numbers in each run. */
function createDice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('1: with three answers of ten lost, every log is stored once', async () => {
  const dice = createDice(1);
  const lost: Misbehaviour[] = [
    { stores: true, answer: 'reset' },
    { stores: true, answer: 'cut' },
    { stores: false, answer: 'reset' },
    { stores: true, answer: { status: 502 } },
  ];
  const server = await startMisbehavingV4({
    fault: () => (dice() < 0.3 ? lost[Math.floor(dice() * lost.length)] : undefined),
  });
  const app = appWithProcessor(server, { batch: { maxItems: 10 }, concurrency: 2 });
  for (let trace = 0; trace < 40; trace++) {
    const root = app.start('agent', { attributes: AGENT });
    for (let call = 0; call < 4; call++)
      app.start('call', { parent: root, attributes: { ...CHAT, ...outputOf('hi') } }).end();
    root.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(200);
});

test('1: an answer that never comes is asked about, and the log is not sent twice', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index < 2 ? { stores: true, answer: 'hang' } : undefined),
  });
  const app = appWithProcessor(server, { timeoutMillis: 150 });
  app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.ofMethod('POST')).toHaveLength(1);
});

test('2: traces six deep, ends in any order, eight connections, one 503 of ten, up to 100 ms of jitter', async () => {
  const dice = createDice(2);
  const server = await startMisbehavingV4({
    fault: () => ({
      delayMillis: Math.floor(dice() * 100),
      ...(dice() < 0.1 && { stores: false, answer: { status: 503 } }),
    }),
  });
  const app = appWithProcessor(server, { batch: { maxItems: 8 }, concurrency: 8 });
  for (let trace = 0; trace < 15; trace++) {
    const spans: Span[] = [];
    for (let depth = 0; depth < 6; depth++) {
      const parent = spans[Math.floor(dice() * spans.length)];
      spans.push(app.start(`depth ${depth}`, { ...(parent && { parent }), attributes: AGENT }));
    }
    for (const span of spans.sort(() => dice() - 0.5)) span.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.logs.size).toBe(90);
});

test('3: an update leaves only when the slow POST of its log is acknowledged', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'POST' ? { delayMillis: 300 } : undefined),
  });
  const app = appWithProcessor(server, { holdMillis: 5 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => server.ofMethod('POST').length).toBeGreaterThan(0);
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(agent)?.output).toBe('done');
  const posted = server.ofMethod('POST')[0]!;
  for (const patch of server.ofMethod('PATCH'))
    expect(patch.startedAtMillis).toBeGreaterThan(posted.startedAtMillis + 290);
});

test('3: what is said before the POST goes into it', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  const call = app.start('call');
  app.client.update(call, { output: 'early' });
  call.end();
  await app.client.forceFlush();
  expect([app.log(call)?.output, server.ofMethod('PATCH').length]).toEqual(['early', 0]);
});

test('3: a log that the server has lost is posted once more, and not twice', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 1 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  server.logs.clear();
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  expect(app.log(agent)?.output).toBe('done');
  expect(
    server
      .ofMethod('POST')
      .filter(({ references }) => references.includes(`${agent.spanContext().traceId}-${agent.spanContext().spanId}`)),
  ).toHaveLength(2);
});
