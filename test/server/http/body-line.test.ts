/** Large bodies are worked on one after the other: how long one waits for those before it, and what is kept of it. */
import { request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import { empty } from '../../../src/server/http/answer.ts';
import { createErrorPrinter } from '../../../src/server/http/print-errors.ts';
import { serveRoutes } from './serve-routes.ts';

const MEBIBYTE = 1024 * 1024;
const LARGE = Buffer.from(JSON.stringify('x'.repeat(2 * MEBIBYTE)));

/** The work on a body takes until it is let go, as that of a store whose database does not answer. */
async function serveHeld(lineMillis?: number, onError: (error: unknown) => void = () => {}) {
  const begun: (() => void)[] = [];
  const { port, countConnections } = await serveRoutes(
    {
      '/work': {
        POST: {
          needs: 'write',
          run: async () => {
            await new Promise<void>((resolve) => begun.push(resolve));
            return empty();
          },
        },
      },
    },
    {
      limits: { maxBodyBytes: 4 * MEBIBYTE, maxPendingBytes: 256 * MEBIBYTE, ...(lineMillis && { lineMillis }) },
      onError,
    },
  );
  onTestFinished(() => {
    for (const letGo of begun) letGo();
  });
  const post = () =>
    fetch(`http://127.0.0.1:${port}/work`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: LARGE,
    });
  return { port, countConnections, begun, post };
}

test('a large body that waits for long is a 503 with Retry-After, however long those before it take', async () => {
  const lines: string[] = [];
  const { begun, post } = await serveHeld(
    200,
    createErrorPrinter((line) => lines.push(line)),
  );
  const first = post();
  await expect.poll(() => begun.length).toBe(1);
  for (const answer of await Promise.all([post(), post(), post()])) {
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  // For all of them, as where the store is away.
  expect(lines).toEqual([expect.stringContaining('has waited for 0.2 s for those before it')]);
  begun[0]!();
  expect((await first).status).toBe(204);
  const next = post();
  await expect.poll(() => begun.length).toBe(2);
  begun[1]!();
  expect((await next).status).toBe(204);
});

test('nothing is kept of large bodies whose clients have gone while they waited', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { port, countConnections, begun, post } = await serveHeld();
  const first = post();
  await expect.poll(() => begun.length).toBe(1);
  const kept = () => {
    collect();
    return process.memoryUsage().external;
  };
  const before = kept();
  const sent = Array.from({ length: 40 }, () =>
    request({ port, method: 'POST', path: '/work', headers: { 'content-length': LARGE.length } })
      .on('error', () => {})
      .end(LARGE),
  );
  await expect.poll(kept).toBeGreaterThan(before + 40 * MEBIBYTE);
  for (const each of sent) each.destroy();
  // The first one's.
  await expect.poll(countConnections).toBe(1);
  await expect.poll(kept).toBeLessThan(before + 20 * MEBIBYTE);
  begun[0]!();
  expect((await first).status).toBe(204);
  // Those that nobody waits for are not worked on.
  const last = post();
  await expect.poll(() => begun.length).toBe(2);
  begun[1]!();
  expect((await last).status).toBe(204);
  expect(begun).toHaveLength(2);
});
