/** Too many attributes, too large values, and values that nobody may see. */
import { expect, test } from 'vitest';
import { HumanloopLogRecordProcessor, type HumanloopOptions } from '../../src/index.ts';
import { startMisbehavingV4 } from '../misbehaving-v4.ts';
import { collectDiag } from './collect-diag.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf } from './traced-app.ts';

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

const SECRET = 'sk-very-secret-4711';

/** The secret in each field of each vocabulary that a log is read from. */
function secretEverywhere(app: ReturnType<typeof appWithProcessor>): void {
  const message = (role: string) => JSON.stringify([{ role, parts: [{ type: 'text', content: SECRET }] }]);
  const each: Record<string, string>[] = [
    { ...CHAT, 'gen_ai.input.messages': message('user'), 'gen_ai.output.messages': message('assistant') },
    { ...CHAT, 'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: SECRET }]) },
    {
      'ai.operationId': 'ai.generateText.doGenerate',
      'ai.prompt.messages': JSON.stringify([{ role: 'user', content: SECRET }]),
      'ai.response.text': SECRET,
      'gen_ai.request.model': 'm',
      'ai.telemetry.metadata.note': SECRET,
    },
    {
      'openinference.span.kind': 'LLM',
      'input.value': SECRET,
      'output.value': SECRET,
      'llm.input_messages.0.message.role': 'user',
      'llm.input_messages.0.message.content': SECRET,
      metadata: JSON.stringify({ note: SECRET }),
    },
    {
      'traceloop.span.kind': 'tool',
      'traceloop.entity.name': 'tool',
      'traceloop.entity.input': SECRET,
      'traceloop.entity.output': SECRET,
    },
    {
      'llm.request.type': 'chat',
      'gen_ai.system': 'OpenAI',
      'gen_ai.request.model': 'm',
      'gen_ai.prompt.0.role': 'user',
      'gen_ai.prompt.0.content': SECRET,
      'gen_ai.completion.0.content': SECRET,
    },
    {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 't',
      'gen_ai.tool.call.arguments': JSON.stringify({ key: SECRET }),
      'gen_ai.tool.call.result': SECRET,
    },
  ];
  for (const attributes of each) {
    const span = app.start('call', { attributes });
    span.addEvent('gen_ai.choice', { message: JSON.stringify({ content: SECRET }) });
    span.addEvent('gen_ai.user.message', { content: SECRET });
    span.recordException(new Error(`failed with ${SECRET}`));
    span.setStatus({ code: 2, message: `failed with ${SECRET}` });
    new HumanloopLogRecordProcessor(app.client).onEmit({
      spanContext: span.spanContext(),
      eventName: 'gen_ai.client.inference.operation.details',
      attributes: { 'gen_ai.output.messages': message('assistant') },
    });
    span.end();
    app.client.update(span, { output: SECRET, error: SECRET });
  }
}

const mask: NonNullable<HumanloopOptions['redact']> = (log) =>
  JSON.parse(JSON.stringify(log).replaceAll(SECRET, '***'));

test.each<[string, HumanloopOptions]>([
  ['redact', { redact: mask }],
  ['an asynchronous redact', { redact: async (log) => mask(log) }],
  [
    'a redact that throws',
    {
      redact: () => {
        throw new Error('no');
      },
    },
  ],
  [
    'a redact that rejects',
    {
      redact: async () => {
        throw new Error('no');
      },
    },
  ],
  ['a redact that gives nothing', { redact: () => undefined as never }],
  ['captureContent: false', { captureContent: false }],
])('25: with %s no byte of a secret leaves the process, whatever the vocabulary', async (_, options) => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, options);
  secretEverywhere(app);
  await app.client.forceFlush();
  // After the logs were sent the same by updates.
  for (const reference of app.ended)
    app.client.update(reference, { output: `late ${SECRET}`, error: `late ${SECRET}` });
  await app.client.forceFlush();
  expect(server.logs.size).toBe(7);
  for (const { url, body, headers } of server.requests)
    expect(url + body + JSON.stringify(headers)).not.toContain(SECRET);
  app.expectAccounted();
});

test('25: without them it does leave, so that the tests above mean something', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server);
  secretEverywhere(app);
  await app.client.forceFlush();
  expect(
    server.requests
      .map(({ body }) => body)
      .join()
      .split(SECRET).length,
  ).toBeGreaterThan(20);
  app.expectDelivered();
});
