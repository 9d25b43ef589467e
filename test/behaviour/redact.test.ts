/** What the app's `redact` may do to a log, and that nothing is sent raw when it fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { type HumanloopOptions, HumanloopSpanProcessor, type LogRequest, type Redact } from '../../src/index.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

const SECRET = 'secret';
const chat = { ...CHAT, ...outputOf(`the ${SECRET}`) };

/** Redacts the whole datapoint: a model's answer is in `output` and in `output_message`. */
function masked(log: LogRequest): LogRequest {
  return JSON.parse(JSON.stringify(log).replaceAll(SECRET, 'mask'));
}

async function start(options: HumanloopOptions) {
  const server = await startMisbehavingV4();
  return { server, app: appWithProcessor(server, options) };
}

test.each<[string, Redact]>([
  ['sync', masked],
  ['async', async (log) => sleep(20, masked(log))],
])('redact (%s) changes what is sent, in late updates too', async (_, redact) => {
  const { server, app } = await start({ redact });
  const span = app.start('chat', { attributes: chat });
  span.end();
  await app.client.forceFlush();
  expect(app.log(span)?.output).toBe('the mask');
  app.client.update(span, { output: SECRET, duration: 1 });
  await app.client.forceFlush();
  expect(app.log(span)).toMatchObject({ output: 'mask', duration: 1 });
  expect(JSON.stringify(server.requests)).not.toContain(SECRET);
});

const fail = () => {
  throw new Error('hook');
};
const wrong = (answer: unknown) => answer as ReturnType<Redact>;

test.each<[string, Redact]>([
  ['throws', fail],
  ['rejects', async () => fail()],
  ['gives a number', () => wrong(1)],
  ['gives nothing', () => wrong(undefined)],
  ['resolves to a list', async () => wrong([]) as never],
])('where redact %s the log is sent without its content', async (_, redact) => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server, { redact }), appWithExporter(server, { redact })]) {
    const span = app.start('chat', { attributes: chat });
    if (app.client instanceof HumanloopSpanProcessor) app.client.update(span, { output: SECRET });
    span.end();
    await app.flush();
    expect(app.log(span)).toMatchObject({ metadata: { redaction: 'failed' }, config: { model: 'gpt-4o' } });
    app.expectDelivered();
  }
  expect(JSON.stringify(server.requests)).not.toContain(SECRET);
});

test('a redact that never answers for one log delays no other; that log is sent without content after five seconds', async () => {
  const server = await startMisbehavingV4();
  fakeClock();
  const app = appWithProcessor(server, {
    redact: (log) => (log.output?.includes(SECRET) ? new Promise<never>(() => undefined) : log),
    flushTimeoutMillis: 20_000,
  });
  const slow = app.start('slow', { attributes: chat });
  const child = app.start('child', { parent: slow, attributes: { ...CHAT, ...outputOf('fast') } });
  const other = app.start('other', { attributes: { ...CHAT, ...outputOf('fast') } });
  for (const span of [child, slow, other]) span.end();
  const flushed = app.client.forceFlush();
  await expect.poll(() => app.log(other)).toBeDefined();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(server.logs.size).toBe(1);
  await vi.advanceTimersByTimeAsync(1_500);
  await flushed;
  app.expectDelivered();
  expect(app.log(slow)?.output).toBeUndefined();
  expect(app.log(slow)?.metadata).toMatchObject({ redaction: 'failed' });
  expect(JSON.stringify(server.requests)).not.toContain(SECRET);
  expect(app.log(child)).toMatchObject({ output: 'fast', parent_reference_id: referenceOf(slow) });
});

test('a redact that returns null withholds the log; its children move up, and the drop is counted', async () => {
  const { app } = await start({ redact: (log) => (log.config?.type === 'tool' ? null : log) });
  const agent = app.start('agent', { attributes: AGENT });
  const tool = app.start('tool', {
    parent: agent,
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
  });
  const below = app.start('chat', { parent: tool, attributes: chat });
  for (const span of [below, tool, agent]) span.end();
  await app.client.forceFlush();
  expect(app.log(tool)).toBeUndefined();
  expect(app.log(below)?.parent_reference_id).toBe(referenceOf(agent));
  await sleep(0);
  expect(app.stats.dropped).toEqual({ redacted: 1 });
  expect(app.dropped.get('redacted')).toEqual([referenceOf(tool)]);
  app.expectAccounted();
});

test('redact cannot change the identity of the log, or the span that other exporters see', async () => {
  const { app } = await start({
    redact: (log) => {
      for (const message of log.messages ?? []) message.content = 'changed in place';
      return { ...log, reference_id: 'other', parent_reference_id: 'other' };
    },
  });
  const input = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }]);
  const span = app.start('chat', { attributes: { ...chat, 'gen_ai.input.messages': input } });
  span.end();
  await app.client.forceFlush();
  expect(app.log(span)?.messages).toEqual([expect.objectContaining({ content: 'changed in place' })]);
  expect(span).toMatchObject({ attributes: { 'gen_ai.input.messages': input } });
  app.expectDelivered();
});
