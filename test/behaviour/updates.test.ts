/** What is known of a log only after it was sent. */
import type { Span } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, outputOf, referenceOf } from '../support/traced-app.ts';

test('an update is sent only when the slow POST of its log is acknowledged', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'POST' ? { delayMillis: 200 } : undefined),
  });
  const app = appWithProcessor(server, { holdMillis: 5 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => server.ofMethod('POST').length).toBeGreaterThan(0);
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(agent)?.output).toBe('done');
  const [posted] = server.ofMethod('POST');
  const [patch, ...others] = server.ofMethod('PATCH');
  expect(posted?.references).toEqual(patch?.references);
  expect(patch?.startedAtMillis).toBeGreaterThan(Number(posted?.startedAtMillis) + 190);
  expect(others).toEqual([]);
});

test('a second update has only the newest values, and is never in flight together with the first', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 30 }) });
  const app = appWithProcessor(server);
  const call = app.start('call', { attributes: { ...CHAT, ...outputOf('first') } });
  call.end();
  await app.client.forceFlush();
  const beganMillis = performance.now();
  for (let version = 1; version <= 20; version++) {
    app.client.update(call, { output: `version ${version}` });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const tookMillis = performance.now() - beganMillis;
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.log(call)?.output).toBe('version 20');
  const starts = server.ofMethod('PATCH').map(({ startedAtMillis }) => startedAtMillis);
  // Each is answered after 30 ms. One more may follow the last update.
  expect(starts.length).toBeLessThanOrEqual(tookMillis / 25 + 2);
  for (const [index, start] of starts.slice(1).entries()) expect(start).toBeGreaterThan(Number(starts[index]) + 25);
});

test('a log that the server has lost is posted again, with its last values', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 1 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  server.logs.clear();
  agent.setAttributes(outputOf('done'));
  agent.end();
  await app.client.forceFlush();
  expect(app.log(agent)?.output).toBe('done');
  expect(postsOf(server, agent)).toHaveLength(2);
});

test('a log that the server loses again is not posted a third time', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 1 });
  const agent = app.start('agent', { attributes: AGENT });
  app.start('call', { parent: agent }).end();
  await expect.poll(() => app.stats.logged).toBe(2);
  for (const output of ['first', 'second']) {
    server.logs.clear();
    app.client.update(agent, { output });
    await app.client.forceFlush();
  }
  expect(postsOf(server, agent)).toHaveLength(2);
  expect(app.dropped).toEqual(new Map([['update_unknown_reference', [referenceOf(agent)]]]));
});

function postsOf(server: MisbehavingV4, span: Span) {
  return server.ofMethod('POST').filter(({ references }) => references.includes(referenceOf(span)));
}
