/** Servers that ask to wait, refuse, or store and do not say so. */
import { expect, test } from 'vitest';
import { fakeClock, passTime } from '../support/fake-clock.ts';
import { type Misbehaviour, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

test('29: 429 with a Retry-After beyond all time-outs: nothing is sent before, and nothing is lost', async () => {
  const server = await startMisbehavingV4({
    fault: () => ({ answer: { status: 429, headers: { 'retry-after': '60' } } }),
  });
  fakeClock();
  const app = appWithProcessor(server, { holdMillis: 0 });
  app.start('first').end();
  await passTime(1_000, app, 100);
  for (let second = 0; second < 57; second++) {
    app.start('meanwhile').end();
    await passTime(1_000, app);
  }
  expect(server.requests).toHaveLength(1);
  expect(app.stats.queued).toBe(58);
  server.fault = undefined;
  await passTime(3_000, app);
  app.expectDelivered();
});

test('29: a storm of 429 is asked one request at a time', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 429 }, delayMillis: 5 }) });
  const app = appWithProcessor(server, { holdMillis: 0, batch: { maxItems: 1 }, concurrency: 4 });
  for (let count = 0; count < 50; count++) app.start('call').end();
  await expect.poll(() => server.requests.length).toBeGreaterThan(20);
  // The first ones left together; after that one goes alone to see.
  const [, , , , ...others] = server.requests;
  for (const [index, request] of others.entries()) {
    const next = others[index + 1];
    if (next) expect(next.startedAtMillis - request.startedAtMillis).toBeGreaterThan(4);
  }
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
});

test.each([401, 403, 404])(
  '29: %i is a matter of set-up: asked about seldom for ten minutes, then all of it is sent',
  async (status) => {
    const server = await startMisbehavingV4({ fault: () => ({ answer: { status } }) });
    fakeClock();
    const app = appWithProcessor(server, {
      retry: { minDelayMillis: 500, maxDelayMillis: 30_000, maxElapsedMillis: 900_000 },
    });
    for (let count = 0; count < 10; count++) app.start('call').end();
    const cpu = process.cpuUsage();
    await passTime(600_000, app);
    const { user, system } = process.cpuUsage(cpu);
    // Pauses grow to a minute.
    expect(server.requests.length).toBeGreaterThan(5);
    expect(server.requests.length).toBeLessThanOrEqual(20);
    expect((user + system) / 1_000).toBeLessThan(3_000);
    server.fault = undefined;
    await passTime(61_000, app);
    app.expectDelivered();
  },
);

test('29: what is refused for longer than maxElapsedMillis is dropped with a reason', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ answer: { status: 429 } }) });
  const app = appWithProcessor(server, { retry: { minDelayMillis: 1, maxDelayMillis: 5, maxElapsedMillis: 100 } });
  const root = app.start('root', { attributes: AGENT });
  app.start('child', { parent: root }).end();
  root.end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats).toMatchObject({ logged: 0, queued: 0 });
  expect(app.dropped.get('retry_expired')).toContain(referenceOf(root));
});

const LOST: [string, Misbehaviour][] = [
  ['the connection is cut after the store', { answer: 'reset', stores: true }],
  ['the connection is cut before it', { answer: 'reset' }],
  ['the answer never comes after the store', { answer: 'hang', stores: true }],
  ['the request is never looked at', { answer: 'hang' }],
  ['the answer breaks off', { answer: 'cut', stores: true }],
  ['the answer never ends', { answer: 'drip', stores: true }],
  ['the answer is a page', { answer: 'html', stores: true }],
  ['a page is all there is', { answer: 'html' }],
  ['500 after the store', { answer: { status: 500 }, stores: true }],
  ['500 before it', { answer: { status: 500 } }],
  ['502 after the store', { answer: { status: 502 }, stores: true }],
  ['503 after the store', { answer: { status: 503 }, stores: true }],
  ['503 before it', { answer: { status: 503 } }],
  ['408 before it', { answer: { status: 408 } }],
  ['504 after the store', { answer: { status: 504 }, stores: true }],
];

for (const method of ['POST', 'PATCH'] as const) {
  test.each(LOST)(`30: %s, on ${method}: one log, with its final output`, async (_, fault) => {
    for (const create of [appWithProcessor, appWithExporter] as const) {
      let left = 2;
      const server = await startMisbehavingV4({
        fault: (request) => (request.method === method && left-- > 0 ? fault : undefined),
      });
      const app = create(server, { timeoutMillis: 80, holdMillis: 0 });
      const root = app.start('root', { attributes: AGENT });
      const calls = ['a', 'b', 'c'].map((name) => app.start(name, { parent: root }));
      for (const call of calls) call.setAttributes(outputOf('said')).end();
      await app.provider.forceFlush();
      // Only now, so that the root was posted open and needs an update.
      await expect.poll(() => server.logs.size).toBeGreaterThan(0);
      root.setAttributes(outputOf('done')).end();
      await app.provider.forceFlush();
      await app.client.forceFlush();
      app.expectDelivered();
      expect(app.log(root)?.output).toBe('done');
      for (const call of calls)
        expect(app.log(call)).toMatchObject({ output: 'said', parent_reference_id: referenceOf(root) });
      expect(server.logs.size).toBe(4);
    }
  });
}

test('30: 409 says that the log is there', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 409 }, stores: true } : undefined),
  });
  const app = appWithProcessor(server);
  app.start('one').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.requests).toHaveLength(1);
});

test('30: a second update is sent with the newest values only, and never beside another of the same log', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 30 }) });
  const app = appWithProcessor(server);
  const call = app.start('call', { attributes: { ...CHAT, ...outputOf('first') } });
  call.end();
  await app.client.forceFlush();
  for (let version = 1; version <= 20; version++) {
    app.client.update(call, { output: `version ${version}` });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(call)?.output).toBe('version 20');
  expect(server.ofMethod('PATCH').length).toBeLessThan(10);
});

test.each([
  ['422 that names it', { refuses: true, status: 422 }],
  ['400 without a word', { refuses: false, status: 400 }],
])(
  '31: a parent that the server refuses with %s: its children move up, and no update is sent',
  async (_, { refuses, status }) => {
    const isBad = (name: unknown) => name === 'bad';
    const server = await startMisbehavingV4({
      ...(refuses && { refuses: ({ metadata }) => isBad((metadata as { span_name: string }).span_name) }),
      ...(!refuses && {
        fault: ({ body }) => (body.includes('"span_name":"bad"') ? { answer: { status } } : undefined),
      }),
    });
    for (const app of [appWithProcessor(server), appWithExporter(server, { holdMillis: 5_000 })]) {
      const root = app.start('root', { attributes: AGENT });
      const bad = app.start('bad', { parent: root, attributes: AGENT });
      const child = app.start('child', { parent: bad });
      const grandchild = app.start('grandchild', { parent: child });
      for (const span of [grandchild, child, bad, root]) span.end();
      await app.provider.forceFlush();
      await app.client.forceFlush();
      app.expectAccounted();
      expect(app.dropped).toEqual(new Map([['rejected', [referenceOf(bad)]]]));
      expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
      expect(app.log(grandchild)?.parent_reference_id).toBe(referenceOf(child));
    }
    expect(server.ofMethod('PATCH')).toEqual([]);
  },
);

test('31: updates of a log that was refused are not sent', async () => {
  const server = await startMisbehavingV4({ refuses: () => true });
  const app = appWithProcessor(server);
  const call = app.start('call');
  call.end();
  await app.client.forceFlush();
  app.client.update(call, { output: 'late' });
  await app.client.forceFlush();
  app.expectAccounted();
  expect(server.ofMethod('PATCH')).toEqual([]);
  expect(app.stats).toMatchObject({ logged: 0, dropped: { rejected: 1 } });
});
