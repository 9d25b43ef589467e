/** Clients that do not read their answers do not keep others from theirs. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { bytes } from '../../../src/server/http/answer.ts';
import { callRaw, openRaw, serveRoutes } from './serve-routes.ts';

const LARGE = Buffer.alloc(20_000_000, 'x');

async function openUnread(port: number): Promise<IncomingMessage> {
  const response = await openRaw(port, 'GET', '/');
  response.pause();
  onTestFinished(() => void response.destroy());
  return response;
}

const serveLarge = (maxUnreadBytes: number) =>
  serveRoutes(
    { '/': { GET: { needs: 'nothing', run: async () => bytes(200, 'text/plain', LARGE) } } },
    { limits: { maxBodyBytes: 1_000, maxPendingBytes: 10_000, maxUnreadBytes }, onError: () => {} },
  );

test('an answer that is read slowest gives way where the unread ones are too many', async () => {
  const { port } = await serveLarge(50_000_000);
  const unread = [await openUnread(port), await openUnread(port)];
  // So young, both might still be read.
  expect((await callRaw(port, 'GET', '/')).status).toBe(503);
  await sleep(2_100);
  const { status, body } = await callRaw(port, 'GET', '/');
  expect([status, body.length]).toEqual([200, LARGE.length]);
  const ends = unread.map(async (response) => {
    let read = 0;
    for await (const data of response) read += (data as Buffer).length;
    return read;
  });
  const settled = await Promise.allSettled(ends);
  expect(settled.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(settled).toContainEqual({ status: 'fulfilled', value: LARGE.length });
});

test('a large answer comes whole to a client that stops now and then', async () => {
  const { port } = await serveLarge(50_000_000);
  const response = await openRaw(port, 'GET', '/');
  let read = 0;
  for await (const data of response) {
    read += (data as Buffer).length;
    if (read % 7 === 0) await sleep(5);
  }
  expect(read).toBe(LARGE.length);
  expect((await callRaw(port, 'HEAD', '/')).headers['content-length']).toBe(String(LARGE.length));
});
