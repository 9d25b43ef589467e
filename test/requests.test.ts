/** How many requests a trace costs, and when they go out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Span } from '@opentelemetry/api';
import { expect, test, vi } from 'vitest';
import { startMisbehavingV4 } from './support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf } from './support/traced-app.ts';

test('short traces cost one POST for each level and no update, however many there are', async () => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4, { holdMillis: 10_000 });
  for (let i = 0; i < 30; i++) {
    const agent = app.start('agent', { attributes: AGENT });
    const step = app.start('step', { parent: agent, attributes: AGENT });
    app.start('chat', { parent: step }).end();
    step.end();
    agent.end();
  }
  await app.client.forceFlush();
  app.expectDelivered();
  expect(v4.ofMethod('POST').map(({ references }) => references.length)).toEqual([30, 30, 30]);
  expect(v4.ofMethod('PATCH')).toEqual([]);
});

test.each([1, 2, 4, 8])('a trace %i levels deep costs as many requests', async (depth) => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4, { holdMillis: 10_000 });
  const spans: Span[] = [];
  for (let level = 0; level < depth; level++) {
    const parent = spans.at(-1);
    spans.push(app.start('step', { ...(parent && { parent }), attributes: AGENT }));
    for (let i = 0; i < 5; i++) app.start('chat', { ...(parent && { parent }) }).end();
  }
  for (const span of spans.reverse()) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  // All five chats of the first level have no parent: each is a trace of its own and shares the first request.
  expect(v4.requests).toHaveLength(depth);
});

test('requests are cut at batch.maxItems', async () => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4, { batch: { maxItems: 10 }, concurrency: 1 });
  for (let i = 0; i < 25; i++) app.start('chat').end();
  await app.client.forceFlush();
  expect(v4.requests.map(({ references }) => references.length)).toEqual([10, 10, 5]);
  app.expectDelivered();
});

test('an agent that is open longer than holdMillis is posted open and completed by reference', async () => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4, { holdMillis: 50 });
  const agent = app.start('agent', { attributes: AGENT });
  const chat = app.start('chat', { parent: agent });
  chat.end();
  await vi.waitFor(() => expect(app.log(chat)).toBeDefined());
  expect(app.log(chat)?.parent_reference_id).toBe(referenceOf(agent));
  expect(app.log(agent)).not.toHaveProperty('duration');
  const [, ...posts] = v4.requests;
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  expect(app.log(agent)).toMatchObject({ output: 'done', duration: expect.any(Number) });
  expect(posts).toHaveLength(1);
  const [patch] = v4.ofMethod('PATCH');
  expect(v4.ofMethod('PATCH')).toHaveLength(1);
  expect(patch?.url).toBe(`/v4/logs?reference_id=${referenceOf(agent)}`);
  expect(Object.keys(JSON.parse(patch?.body ?? '')).sort()).toEqual(['duration', 'output']);
  app.expectDelivered();
});

test('a child that ends after its parent was sent, or starts then, hangs under it and in its session', async () => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4);
  const agent = app.start('agent', { attributes: { ...AGENT, 'session.id': 'conversation' } });
  const straggler = app.start('chat', { parent: agent });
  agent.end();
  await app.client.forceFlush();
  await vi.waitFor(() => expect(app.log(agent)).toBeDefined());
  straggler.end();
  const follower = app.start('chat', { parent: agent });
  follower.end();
  await app.client.forceFlush();
  for (const span of [straggler, follower]) {
    expect(app.log(span)).toMatchObject({
      parent_reference_id: referenceOf(agent),
      session_reference_id: 'conversation',
    });
  }
  app.expectDelivered();
});

test('spans between two logs are skipped, and a remote parent that is no log here makes a top-level log', async () => {
  const v4 = await startMisbehavingV4();
  const app = appWithProcessor(v4);
  const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };
  const agent = app.start('agent', { parent: remote, attributes: AGENT });
  const http = app.startOther('POST', { parent: agent });
  const database = app.startOther('SELECT', { parent: http });
  const chat = app.start('chat', { parent: database, attributes: CHAT });
  for (const span of [chat, database, http, agent]) span.end();
  await app.client.forceFlush();
  expect(app.log(agent)).not.toHaveProperty('parent_reference_id');
  expect(app.log(agent)?.session_reference_id).toBe(remote.traceId);
  expect(app.log(chat)?.parent_reference_id).toBe(referenceOf(agent));
  expect(v4.logs.size).toBe(2);
  await sleep(0);
  app.expectDelivered();
});
