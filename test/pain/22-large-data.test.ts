/** Too many attributes, and values that are too large. */
import { expect, test } from 'vitest';
import { collectDiag } from '../support/collect-diag.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf } from '../support/traced-app.ts';

const MEGABYTE = 1_000_000;

test('22: a call with more attributes than the SDK keeps is logged in part, flagged, with one warning that helps', async () => {
  const diagnostics = collectDiag();
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  for (let call = 0; call < 3; call++) {
    const span = app.start('chat', { attributes: { 'gen_ai.system': 'OpenAI', 'gen_ai.request.model': 'gpt-4o' } });
    span.setAttribute('llm.request.type', 'chat');
    for (let index = 0; index < 100; index++) {
      span.setAttribute(`gen_ai.prompt.${index}.role`, index % 2 ? 'assistant' : 'user');
      span.setAttribute(`gen_ai.prompt.${index}.content`, `message ${index}`);
    }
    span.setAttribute('gen_ai.completion.0.role', 'assistant');
    span.setAttribute('gen_ai.completion.0.content', 'the answer');
    span.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  for (const log of server.logs.values()) {
    expect(log.metadata).toMatchObject({ dropped_attributes: 77 });
    expect(log.messages?.length).toBeGreaterThan(50);
  }
  expect(diagnostics.lines).toEqual([expect.stringContaining('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT')]);
});

function imageOf(bytes: number): Record<string, string> {
  const parts = [
    { type: 'text', content: 'What is in this picture?' },
    { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'iVBORw0KGgo'.padEnd(bytes, 'A') },
  ];
  return { ...CHAT, 'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts }]), ...outputOf('a cat') };
}

test.each([
  ['processor', appWithProcessor],
  ['exporter', appWithExporter],
] as const)(
  '23: of ten logs, one with an image of 20 MB, nine arrive whole and one cut with a marker (%s)',
  async (_, create) => {
    const server = await startMisbehavingV4({ maxBytes: 10 * MEGABYTE });
    const app = create(server);
    const root = app.start('agent', { attributes: AGENT });
    const large = app.start('large', { parent: root, attributes: imageOf(20 * MEGABYTE) });
    const small = Array.from({ length: 8 }, (_, index) =>
      app.start('small', { parent: root, attributes: { ...CHAT, ...outputOf(`small ${index}`) } }),
    );
    for (const span of [large, ...small, root]) span.end();
    await app.provider.forceFlush();
    await app.client.forceFlush();
    app.expectDelivered();
    for (const [index, span] of small.entries()) expect(app.log(span)?.output).toBe(`small ${index}`);
    expect(app.log(large)?.output).toBe('a cat');
    const text = JSON.stringify(app.log(large));
    expect(text.length).toBeLessThan(10 * MEGABYTE);
    expect(text).toMatch(/What is in this picture/);
    expect(text).toMatch(/image\/png, 15000000 bytes, sha256:/);
  },
);

test('24: a log of 11 MB at the head of the queue does not hold up the others', async () => {
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

test('24: one that no server takes is dropped with a reason, and the others arrive', async () => {
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
