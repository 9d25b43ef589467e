/** Rows 10 to 12: too large, one bad among many, answers that are none. */
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { appWithProcessor, CHAT, outputOf } from '../support/traced-app.ts';

test.each([256, 64, 8])('10: a limit of %i kB is found by halving, kept, and costs no log', async (kilobytes) => {
  const server = await startMisbehavingV4({ maxBytes: kilobytes * 1_000 });
  const app = appWithProcessor(server, { concurrency: 1 });
  for (let round = 0; round < 2; round++) {
    for (let call = 0; call < 100; call++)
      app.start('call', { attributes: { ...CHAT, ...outputOf('x'.repeat(1_500)) } }).end();
    await app.client.forceFlush();
    // What was learned holds: the second hundred is not refused once.
    if (round === 0) server.requests.length = 0;
  }
  app.expectDelivered();
  expect(server.requests.filter(({ status }) => status === 413)).toEqual([]);
});

test('10: a single log that is too large is cut with a mark, and the others are not', async () => {
  const server = await startMisbehavingV4({ maxBytes: 50_000 });
  const app = appWithProcessor(server);
  const [small, large] = ['short', 'x'.repeat(200_000)].map((text) =>
    app.start('call', { attributes: { ...CHAT, ...outputOf(text) } }),
  );
  small!.end();
  large!.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(small!)?.output).toBe('short');
  expect(app.log(large!)?.output).toMatch(/^x+… \[\d+ characters cut by humanloop-otel\]$/);
});

test('10: what not even cutting makes small enough is given up and said', async () => {
  const server = await startMisbehavingV4({ maxBytes: 10 });
  const app = appWithProcessor(server);
  app.start('call').end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats.dropped).toEqual({ too_large: 1 });
});

test.each([
  [1, true],
  [3, true],
  [100, true],
  [1, false],
  [3, false],
  [100, false],
])('11: %i of a hundred are bad, the answer names them: %s', async (bad, isNamed) => {
  const server = await startMisbehavingV4({
    refuses: ({ metadata }) => String(metadata?.['span_name']).startsWith('bad'),
    ...(!isNamed && {
      fault: ({ body, method }) =>
        method === 'POST' && body.includes('"span_name":"bad')
          ? { answer: { status: 422, body: { detail: 'no' } } }
          : undefined,
    }),
  });
  const app = appWithProcessor(server, { concurrency: 1 });
  for (let call = 0; call < 100; call++)
    app.start(call % Math.floor(100 / bad) === 0 && call / Math.floor(100 / bad) < bad ? 'bad' : 'good').end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats).toMatchObject({ logged: 100 - bad, dropped: { rejected: bad } });
  const posts = server.ofMethod('POST').length;
  expect(posts).toBeLessThanOrEqual(isNamed ? bad + 1 : Math.ceil(2 * bad * Math.log2(100)) + 2);
});

test('11: a bad one is reported once, by its field and without its content', async () => {
  const server = await startMisbehavingV4({ refuses: () => true });
  const reports: unknown[] = [];
  const app = appWithProcessor(server, { onDrop: (report) => reports.push(report) });
  app.start('call', { attributes: { ...CHAT, ...outputOf('a secret') } }).end();
  await app.client.forceFlush();
  expect(reports).toEqual([{ reason: 'rejected', count: 1, referenceIds: app.ended }]);
});

test.each([
  ['an id too few', { status: 200, body: [] }],
  ['a page', 'html'],
  ['JSON that is cut', 'cut'],
  ['an object', { status: 200, body: {} }],
] as const)('12: %s is no receipt, though all was stored, and nothing is stored twice', async (_, answer) => {
  const server = await startMisbehavingV4({
    fault: (__, index) => (index === 0 ? { stores: true, answer } : undefined),
  });
  const app = appWithProcessor(server);
  for (let call = 0; call < 3; call++) app.start('call').end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(server.ofMethod('POST')).toHaveLength(1);
});

test('12: an answer of 64 MB is not read to its end', async () => {
  const server = await startMisbehavingV4({
    fault: (_, index) =>
      index === 0 ? { stores: true, answer: { status: 200, body: 'x'.repeat(64_000_000) } } : undefined,
  });
  const app = appWithProcessor(server);
  app.start('call').end();
  const before = process.memoryUsage.rss();
  await app.client.forceFlush();
  app.expectDelivered();
  // The server of the test holds it once, as text and as bytes; a reader that keeps it would double that.
  expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
});
