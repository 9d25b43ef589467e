/** Functions that an app can pass as options: what they decide, and that their failures lose no more than that. */
import { expect, test } from 'vitest';
import type { Convention } from '../../src/conventions/convention.ts';
import { CONVENTIONS } from '../../src/conventions/index.ts';
import type { HumanloopOptions } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

test('include decides which spans are logs', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, {
    include: (span, isLog) => (isLog ? span.name !== 'hidden' : span.name.startsWith('my ')),
  });
  const agent = app.start('agent', { attributes: AGENT });
  const mine = app.startOther('my step', { parent: agent });
  const hidden = app.startOther('hidden', { parent: mine, attributes: CHAT });
  const below = app.start('chat', { parent: hidden });
  const other = app.startOther('other', { parent: agent });
  for (const span of [other, below, hidden, mine, agent]) span.end();
  await app.client.forceFlush();
  expect([...server.logs.keys()].sort()).toEqual([agent, mine, below].map(referenceOf).sort());
  expect(app.log(below)?.parent_reference_id).toBe(referenceOf(mine));
  expect(app.log(mine)?.config?.type).toBe('generic');
});

test('project and session get the span', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, {
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

const fail = () => {
  throw new Error('a hook of the user');
};
const reject = async () => fail();
const BROKEN: Convention = { name: 'broken', classify: fail, read: fail };
/** Recognises every span as its own, and cannot read any. */
const UNREADING: Convention = { name: 'unreading', classify: () => 'model', read: fail };

test.each<[string, HumanloopOptions]>([
  ['include throws', { include: fail }],
  ['include rejects', { include: reject as never }],
  ['session throws', { session: fail }],
  ['session rejects', { session: reject as never }],
  ['session gives no text', { session: (() => ({})) as never }],
  ['project throws', { project: fail }],
  ['project rejects', { project: reject as never }],
  ['project gives no text', { project: () => 7 as never }],
  ['a convention throws', { conventions: [BROKEN, ...CONVENTIONS] }],
])('where %s, all logs arrive as if it were not given', async (_, options) => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server, options), appWithExporter(server, options)]) {
    const root = app.start('root', { attributes: AGENT });
    const call = app.start('call', { parent: root, attributes: { ...CHAT, ...outputOf('said') } });
    call.end();
    root.end();
    await app.flush();
    app.expectDelivered();
    expect(app.log(call)).toMatchObject({
      parent_reference_id: referenceOf(root),
      session_reference_id: root.spanContext().traceId,
      // The name in package.json.
      project: 'humanloop-otel',
      config: { type: 'model', model: 'gpt-4o' },
      output: 'said',
    });
  }
});

test('if a convention cannot read a span that it recognises, the log arrives without its fields', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { conventions: [UNREADING, ...CONVENTIONS] });
  const span = app.start('call', { attributes: { ...CHAT, ...outputOf('said') } });
  span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(span)).toMatchObject({ metadata: { span_name: 'call' } });
});

test.each<[string, HumanloopOptions['onDrop']]>([
  ['throws', fail],
  ['rejects', reject],
])('onDrop that %s stops nothing', async (_, onDrop) => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, {
    onDrop,
    redact: (log) => (log.metadata?.['span_name'] === 'no' ? null : log),
  });
  const withheld = app.start('no');
  withheld.end();
  app.start('chat').end();
  await app.client.forceFlush();
  expect(app.dropped).toEqual(new Map([['redacted', [referenceOf(withheld)]]]));
  app.start('chat').end();
  await app.client.forceFlush();
  expect(app.stats).toMatchObject({ logged: 2, dropped: { redacted: 1 } });
  app.expectAccounted();
});
