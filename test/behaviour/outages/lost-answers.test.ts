/** Answers that are lost, never end, or are unclear: each log is stored once, with its final values. */
import { expect, test } from 'vitest';
import { type Misbehaviour, startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { Random } from '../../support/random.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../../support/traced-app.ts';

const LOST: [string, Misbehaviour][] = [
  ['the connection is cut after the store', { answer: 'reset', stores: true }],
  ['the connection is cut before it', { answer: 'reset' }],
  ['the answer never comes after the store', { answer: 'hang', stores: true }],
  ['no answer comes and nothing is stored', { answer: 'hang' }],
  ['the answer breaks off', { answer: 'cut', stores: true }],
  ['the answer never ends', { answer: 'drip', stores: true }],
  ['the answer is a page', { answer: 'html', stores: true }],
  ['the answer is a page and nothing is stored', { answer: 'html' }],
  ['the answer is 500 after the store', { answer: { status: 500 }, stores: true }],
  ['the answer is 500 before it', { answer: { status: 500 } }],
  ['the answer is 502 after the store', { answer: { status: 502 }, stores: true }],
  ['the answer is 503 after the store', { answer: { status: 503 }, stores: true }],
  ['the answer is 503 before it', { answer: { status: 503 } }],
  ['the answer is 408 before it', { answer: { status: 408 } }],
  ['the answer is 504 after the store', { answer: { status: 504 }, stores: true }],
];

for (const method of ['POST', 'PATCH'] as const) {
  test.each(LOST)(`each log is stored once, with its final output, if to a ${method} %s`, async (_, fault) => {
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
      // The root ends only now, so that it was posted open and needs an update.
      await expect.poll(() => server.logs.size).toBeGreaterThan(0);
      root.setAttributes(outputOf('done')).end();
      await app.flush();
      app.expectDelivered();
      expect(app.log(root)?.output).toBe('done');
      for (const call of calls)
        expect(app.log(call)).toMatchObject({ output: 'said', parent_reference_id: referenceOf(root) });
      expect(server.logs.size).toBe(4);
    }
  });
}

test('if three of ten answers are lost, every log is stored once', async () => {
  const random = new Random(1);
  const lost: Misbehaviour[] = [
    { stores: true, answer: 'reset' },
    { stores: true, answer: 'cut' },
    { stores: false, answer: 'reset' },
    { stores: true, answer: { status: 502 } },
  ];
  const server = await startMisbehavingV4({
    fault: () => (random.chance(0.3) ? random.pick(lost) : undefined),
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

test('a log whose answer never comes is probed, and not sent twice', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index < 2 ? { stores: true, answer: 'hang' } : undefined),
  });
  const app = appWithProcessor(server, { timeoutMillis: 150 });
  app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.ofMethod('POST')).toHaveLength(1);
});

test('a log that is sent again is the same, byte for byte', async () => {
  const server = await startMisbehavingV4({ fault: (_, index) => (index === 0 ? { answer: 'reset' } : undefined) });
  const app = appWithProcessor(server);
  for (let left = 10; left > 0; left--) app.start('call', { attributes: CHAT }).end();
  await app.client.forceFlush();
  app.expectDelivered();
  const [first, second] = server.ofMethod('POST');
  expect(second?.body).toBe(first?.body);
});

test.each(['hang', 'drip'] as const)(
  'an answer that never ends (%s) takes timeoutMillis in total, not per byte',
  async (answer) => {
    const server = await startMisbehavingV4({
      fault: (_, index) => (index < 2 ? { answer } : undefined),
    });
    // The flush fails if one of these answers is waited for.
    const app = appWithProcessor(server, { timeoutMillis: 100, flushTimeoutMillis: 30_000 });
    app.start('call', { attributes: CHAT }).end();
    await app.client.forceFlush();
    app.expectDelivered();
  },
);

test.each([
  ['an id too few', { status: 200, body: [] }],
  ['a page', 'html'],
  ['JSON that is cut', 'cut'],
  ['an object', { status: 200, body: {} }],
] as const)('%s is no receipt, though all was stored, and nothing is stored twice', async (_, answer) => {
  const server = await startMisbehavingV4({
    fault: (__, index) => (index === 0 ? { stores: true, answer } : undefined),
  });
  const app = appWithProcessor(server);
  for (let call = 0; call < 3; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.ofMethod('POST')).toHaveLength(1);
});

test('an answer of 64 MB is not read to its end', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) =>
      index === 0 ? { stores: true, answer: { status: 200, body: 'x'.repeat(64_000_000) } } : undefined,
  });
  const app = appWithProcessor(server);
  app.start('call').end();
  const before = process.memoryUsage.rss();
  await app.client.forceFlush();
  app.expectDelivered();
  // The server of the test has it once, as text and as bytes; a reader that kept it would double that.
  expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
});

test('HTTP 409 means that the log is there', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) => (index === 0 ? { answer: { status: 409 }, stores: true } : undefined),
  });
  const app = appWithProcessor(server);
  app.start('one').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.requests).toHaveLength(1);
});
