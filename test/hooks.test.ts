/** The functions that an app may give: what they decide, and that their failures cost at most what they guard. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { HumanloopOptions, LogRequest, Redact } from '../src/index.ts';
import { startMisbehavingV4 } from './support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf } from './support/traced-app.ts';

const SECRET = 'secret';
const chat = { ...CHAT, ...outputOf(`the ${SECRET}`) };

/** The whole datapoint: what a model said is in `output` and in `output_message`. */
function masked(log: LogRequest): LogRequest {
  return JSON.parse(JSON.stringify(log).replaceAll(SECRET, 'mask'));
}

async function start(options: HumanloopOptions) {
  const v4 = await startMisbehavingV4();
  return { v4, app: appWithProcessor(v4, options) };
}

test.each<[string, Redact]>([
  ['sync', masked],
  ['async', async (log) => sleep(20, masked(log))],
])('redact (%s) changes what is sent, in late updates too', async (_, redact) => {
  const { v4, app } = await start({ redact });
  const span = app.start('chat', { attributes: chat });
  span.end();
  await app.client.forceFlush();
  expect(app.log(span)?.output).toBe('the mask');
  app.client.update(span, { output: SECRET, duration: 1 });
  await app.client.forceFlush();
  expect(app.log(span)).toMatchObject({ output: 'mask', duration: 1 });
  expect(JSON.stringify(v4.requests)).not.toContain(SECRET);
});

const wrong = (answer: unknown) => answer as ReturnType<Redact>;

test.each<[string, Redact]>([
  [
    'throws',
    () => {
      throw new Error('hook');
    },
  ],
  ['rejects', () => Promise.reject(new Error('hook'))],
  ['gives a number', () => wrong(1)],
  ['gives nothing', () => wrong(undefined)],
  ['resolves to a list', async () => wrong([]) as never],
])('redact that %s: the log is sent without its content', async (_, redact) => {
  const { v4, app } = await start({ redact });
  const span = app.start('chat', { attributes: chat });
  app.client.update(span, { output: SECRET });
  span.end();
  await app.client.forceFlush();
  expect(app.log(span)).toMatchObject({ metadata: { redaction: 'failed' }, config: { model: 'gpt-4o' } });
  expect(JSON.stringify(v4.requests)).not.toContain(SECRET);
  app.expectDelivered();
});

test('redact that never answers: the log is sent without its content after five seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { v4, app } = await start({ redact: () => new Promise(() => undefined) });
  app.start('chat', { attributes: chat }).end();
  const flushed = app.client.forceFlush();
  for (let i = 0; i < 60; i++) {
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await flushed;
  expect(JSON.stringify(v4.requests)).toContain('"redaction\\":\\"failed');
  expect(JSON.stringify(v4.requests)).not.toContain(SECRET);
});

test('redact that gives null withholds the log; its children move up, and the drop is counted', async () => {
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

test('redact cannot change which log it is, nor the span that other exporters see', async () => {
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

test('include decides which spans are logs', async () => {
  const { v4, app } = await start({
    include: (span, isLog) => (isLog ? span.name !== 'hidden' : span.name.startsWith('my ')),
  });
  const agent = app.start('agent', { attributes: AGENT });
  const mine = app.startOther('my step', { parent: agent });
  const hidden = app.startOther('hidden', { parent: mine, attributes: CHAT });
  const below = app.start('chat', { parent: hidden });
  const other = app.startOther('other', { parent: agent });
  for (const span of [other, below, hidden, mine, agent]) span.end();
  await app.client.forceFlush();
  expect([...v4.logs.keys()].sort()).toEqual([agent, mine, below].map(referenceOf).sort());
  expect(app.log(below)?.parent_reference_id).toBe(referenceOf(mine));
  expect(app.log(mine)?.config?.type).toBe('generic');
});

test('project and session are asked of the span', async () => {
  const { app } = await start({
    project: (span) => `project of ${span.name}`,
    session: (span) => span.attributes['my.session'] as string | undefined,
  });
  const agent = app.start('agent', { attributes: { ...AGENT, 'my.session': 'mine', 'session.id': 'not mine' } });
  const span = app.start('chat', { parent: agent });
  const other = app.start('other');
  for (const ending of [span, agent, other]) ending.end();
  await app.client.forceFlush();
  expect(app.log(agent)).toMatchObject({ project: 'project of agent', session_reference_id: 'mine' });
  expect(app.log(span)).toMatchObject({ project: 'project of chat', session_reference_id: 'mine' });
  expect(app.log(other)?.session_reference_id).toBe(other.spanContext().traceId);
});

const throwing = () => {
  throw new Error('hook');
};

test.each<[string, HumanloopOptions]>([
  ['include', { include: throwing }],
  ['project', { project: throwing }],
  ['session', { session: throwing }],
  ['project, with a wrong answer', { project: (() => 42) as never }],
  ['session, with a wrong answer', { session: (() => ({})) as never }],
  ['a convention', { conventions: [{ name: 'broken', classify: throwing, read: throwing }] }],
])('a failure of %s costs no log', async (_, options) => {
  const { app } = await start({ ...options });
  const span = app.start('chat', { attributes: chat });
  span.end();
  await app.client.forceFlush();
  if (!options.conventions) expect(app.log(span)?.output).toBe(`the ${SECRET}`);
  expect(app.server.breaches).toEqual([]);
  expect(app.stats).toMatchObject({ held: 0, queued: 0 });
});

test.each<[string, HumanloopOptions['onDrop']]>([
  ['throws', throwing],
  ['rejects', (async () => throwing()) as never],
])('onDrop that %s stops nothing', async (_, onDrop) => {
  const { app } = await start({ onDrop, redact: (log) => (log.config?.name === 'no' ? null : log) });
  app.start('no').end();
  app.start('chat').end();
  await app.client.forceFlush();
  app.start('chat').end();
  await app.client.forceFlush();
  expect(app.stats.logged).toBeGreaterThanOrEqual(2);
});
