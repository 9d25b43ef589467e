/** Logs that the server refuses as invalid. Other logs of their requests are not lost. */
import { expect, test } from 'vitest';
import { type MisbehavingV4Options, startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../../support/traced-app.ts';

test.each([
  [1, true],
  [3, true],
  [100, true],
  [1, false],
  [3, false],
  [100, false],
])(
  '%i bad logs of a hundred are dropped and the others arrive; the answer names the bad ones: %s',
  async (bad, isNamed) => {
    const server = await startMisbehavingV4({
      refuses: ({ metadata }) => String(metadata?.['span_name']).startsWith('bad'),
      namesRefused: isNamed,
    });
    const app = appWithProcessor(server, { concurrency: 1 });
    const distance = Math.floor(100 / bad);
    const isBad = (index: number) => index % distance === 0 && index / distance < bad;
    const spans = Array.from({ length: 100 }, (_, index) => app.start(isBad(index) ? 'bad' : 'good'));
    for (const span of spans) span.end();
    await app.client.forceFlush();
    app.expectAccounted();
    expect(app.stats).toMatchObject({ logged: 100 - bad, dropped: { rejected: bad } });
    const dropped = spans.filter((_, index) => isBad(index)).map(referenceOf);
    expect(app.dropped.get('rejected')?.sort()).toEqual(dropped.sort());
    const posts = server.ofMethod('POST').length;
    expect(posts).toBeLessThanOrEqual(isNamed ? bad + 1 : Math.ceil(2 * bad * Math.log2(100)) + 2);
  },
);

test('a log that is refused is reported once, by its reference and without its content', async () => {
  const server = await startMisbehavingV4({ refuses: () => true });
  const reports: unknown[] = [];
  const app = appWithProcessor(server, { onDrop: (report) => reports.push(report) });
  app.start('call', { attributes: { ...CHAT, ...outputOf('a secret') } }).end();
  await app.client.forceFlush();
  expect(reports).toEqual([{ reason: 'rejected', count: 1, referenceIds: app.ended }]);
});

test.each<[string, MisbehavingV4Options]>([
  ['422 that names it', { refuses: ({ metadata }) => metadata?.['span_name'] === 'bad' }],
  [
    '400 without a word',
    { fault: ({ body }) => (body.includes('"span_name":"bad"') ? { answer: { status: 400 } } : undefined) },
  ],
])('the children of a parent that the server refuses with %s move up, and no update is sent', async (_, refusing) => {
  const server = await startMisbehavingV4(refusing);
  for (const app of [appWithProcessor(server), appWithExporter(server, { holdMillis: 5_000 })]) {
    const root = app.start('root', { attributes: AGENT });
    const bad = app.start('bad', { parent: root, attributes: AGENT });
    const child = app.start('child', { parent: bad });
    const grandchild = app.start('grandchild', { parent: child });
    for (const span of [grandchild, child, bad, root]) span.end();
    await app.flush();
    app.expectAccounted();
    expect(app.dropped).toEqual(new Map([['rejected', [referenceOf(bad)]]]));
    expect(app.log(child)?.parent_reference_id).toBe(referenceOf(root));
    expect(app.log(grandchild)?.parent_reference_id).toBe(referenceOf(child));
  }
  expect(server.ofMethod('PATCH')).toEqual([]);
});

test('updates of a log that was refused are not sent', async () => {
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
