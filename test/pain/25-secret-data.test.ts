/** Values that nobody may see, wherever an instrumentation puts them. */
import { expect, test } from 'vitest';
import { HumanloopLogRecordProcessor, type HumanloopOptions } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { appWithProcessor, CHAT } from '../support/traced-app.ts';

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
