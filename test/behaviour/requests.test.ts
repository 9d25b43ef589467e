/** How many requests a trace needs, and how many are in flight at once. */
import type { Span } from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT } from '../support/traced-app.ts';

test('short traces need one POST per level and no update, however many there are', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 10_000, concurrency: 1 });
  await app.endTogether(() => {
    for (let i = 0; i < 30; i++) {
      const agent = app.start('agent', { attributes: AGENT });
      const step = app.start('step', { parent: agent, attributes: AGENT });
      app.start('chat', { parent: step }).end();
      step.end();
      agent.end();
    }
  });
  await app.client.forceFlush();
  app.expectDelivered();
  const requests = server.requests.map(({ method, references }) => `${method} of ${references.length}`);
  expect(requests).toEqual(['POST of 1', 'POST of 30', 'POST of 30', 'POST of 30']);
});

test.each([1, 2, 4, 8])('a trace %i levels deep needs as many requests', async (depth) => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { holdMillis: 10_000 });
  const spans: Span[] = [];
  for (let level = 0; level < depth; level++) {
    const parent = spans.at(-1);
    spans.push(app.start('step', { ...(parent && { parent }), attributes: AGENT }));
    for (let i = 0; i < 5; i++) app.start('chat', { ...(parent && { parent }) }).end();
  }
  for (const span of spans.reverse()) span.end();
  await app.client.forceFlush();
  app.expectDelivered();
  // The five chats of the first level have no parent: each is its own trace, and all share the first request.
  expect(server.requests).toHaveLength(depth);
});

test('requests are cut at batch.maxItems', async () => {
  const server = await startMisbehavingV4();
  const app = appWithProcessor(server, { batch: { maxItems: 10 }, concurrency: 1 });
  for (let i = 0; i < 25; i++) app.start('chat').end();
  await app.client.forceFlush();
  expect(server.requests.map(({ references }) => references.length)).toEqual([10, 10, 5]);
  app.expectDelivered();
});

test('with answers that take 300 ms the requests are sent in parallel', async () => {
  let alone = 0;
  const server = await startMisbehavingV4({
    fault: () => {
      if (server.unanswered === 1) alone += 1;
      return { delayMillis: 300 };
    },
  });
  const app = appWithProcessor(server, { concurrency: 4, batch: { maxItems: 10 } });
  for (let left = 120; left > 0; left--) app.start('call', { attributes: CHAT }).end();
  await app.client.forceFlush();
  expect(server.maxInFlight).toBe(4);
  expect(server.requests).toHaveLength(12);
  // One after the other, each would be the only one when it comes; the first of each four may be.
  expect(alone).toBeLessThanOrEqual(4);
  app.expectDelivered();
});

test('a burst opens no more connections than allowed', async () => {
  const server = await startMisbehavingV4({ fault: () => ({ delayMillis: 5 }) });
  const app = appWithProcessor(server, { batch: { maxItems: 20 } });
  for (let left = 5_000; left > 0; left--) app.start('call', { attributes: AGENT }).end();
  await app.client.forceFlush();
  app.expectDelivered();
  expect(new Set(server.requests.map(({ headers }) => headers.host)).size).toBe(1);
  expect(server.maxInFlight).toBeLessThanOrEqual(8);
});
