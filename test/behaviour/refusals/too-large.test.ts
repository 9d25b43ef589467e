/** Requests that are too large for the server, and single logs that are too large. */
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf } from '../../support/traced-app.ts';

const MEGABYTE = 1_000_000;

test.each([256, 64, 8])('a limit of %i kB is found by halving, remembered, and loses no log', async (kilobytes) => {
  const server = await startMisbehavingV4({ maxBytes: kilobytes * 1_000 });
  const app = appWithProcessor(server, { concurrency: 1 });
  for (let round = 0; round < 2; round++) {
    await app.endTogether(() => {
      for (let call = 0; call < 100; call++)
        app.start('call', { attributes: { ...CHAT, ...outputOf('x'.repeat(1_500)) } }).end();
    });
    await app.client.forceFlush();
    const refused = server.requests.filter(({ status }) => status === 413).length;
    // The limit is remembered: no request of the second hundred is refused.
    if (round === 0) expect(refused).toBeGreaterThan(0);
    else expect(refused).toBe(0);
    server.requests.length = 0;
  }
  app.expectDelivered();
});

test('a single log that is too large is cut and marked, and the others are not', async () => {
  const server = await startMisbehavingV4({ maxBytes: 8_000 });
  const app = appWithProcessor(server);
  const start = (length: number) => app.start('call', { attributes: { ...CHAT, ...outputOf('x'.repeat(length)) } });
  const before = Array.from({ length: 7 }, () => start(1_000));
  const large = start(30_000);
  const small = [...before, ...Array.from({ length: 12 }, () => start(1_000))];
  for (const span of [...before, large, ...small.slice(before.length)]) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  for (const span of small) expect(app.log(span)?.output).toBe('x'.repeat(1_000));
  expect(app.log(large)?.output).toMatch(/^x+… \[\d+ characters cut by humanloop-otel\]$/);
});

test.each([
  ['processor', appWithProcessor],
  ['exporter', appWithExporter],
] as const)(
  'a log with an image of 20 MB is cut and marked, and the nine others arrive complete (%s)',
  async (_, create) => {
    const server = await startMisbehavingV4({ maxBytes: 10 * MEGABYTE });
    const app = create(server);
    const root = app.start('agent', { attributes: AGENT });
    const large = app.start('large', { parent: root, attributes: imageOf(20 * MEGABYTE) });
    const small = Array.from({ length: 8 }, (_, index) =>
      app.start('small', { parent: root, attributes: { ...CHAT, ...outputOf(`small ${index}`) } }),
    );
    for (const span of [large, ...small, root]) span.end();
    await app.flush();
    app.expectDelivered();
    for (const [index, span] of small.entries()) expect(app.log(span)?.output).toBe(`small ${index}`);
    expect(app.log(large)?.output).toBe('a cat');
    const text = JSON.stringify(app.log(large));
    expect(text.length).toBeLessThan(10 * MEGABYTE);
    expect(text).toMatch(/What is in this picture/);
    expect(text).toMatch(/image\/png, 15000000 bytes, sha256:/);
  },
);

function imageOf(bytes: number): Record<string, string> {
  const parts = [
    { type: 'text', content: 'What is in this picture?' },
    { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'iVBORw0KGgo'.padEnd(bytes, 'A') },
  ];
  return { ...CHAT, 'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts }]), ...outputOf('a cat') };
}

test('a log of 11 MB at the head of the queue does not block the others', async () => {
  const server = await startMisbehavingV4({ maxBytes: 10 * MEGABYTE });
  const app = appWithProcessor(server);
  const head = app.start('head', { attributes: { ...CHAT, ...outputOf('x'.repeat(11 * MEGABYTE)) } });
  head.end();
  await expect.poll(() => server.requests.length).toBeGreaterThan(0);
  for (let index = 0; index < 20; index++) app.start('small', { attributes: { ...CHAT, ...outputOf('ok') } }).end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(head)?.output).toMatch(/^x+… \[\d+ characters cut by humanloop-otel\]$/);
  expect([...server.logs.values()].filter(({ output }) => output === 'ok')).toHaveLength(20);
});

test('a log that cannot be cut enough is dropped with a reason, and the others arrive', async () => {
  const server = await startMisbehavingV4({ maxBytes: 2_000 });
  const app = appWithProcessor(server);
  const many = Array.from({ length: 400 }, (_, index) => ({
    role: 'user',
    parts: [{ type: 'text', content: `${index}` }],
  }));
  app.start('many', { attributes: { ...CHAT, 'gen_ai.input.messages': JSON.stringify(many) } }).end();
  for (let index = 0; index < 5; index++) app.start('small').end();
  await app.client.forceFlush();
  app.expectAccounted();
  expect(app.stats).toMatchObject({ logged: 5, dropped: { too_large: 1 } });
});
