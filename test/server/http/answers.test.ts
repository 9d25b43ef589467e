/** What each kind of answer is on the wire. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { type Answer, empty, json, type StreamAnswer, type StreamClient } from '../../../src/server/http/answer.ts';
import { HttpError } from '../../../src/server/http/http-error.ts';
import type { Routes } from '../../../src/server/http/route.ts';
import { callRaw, openRaw, serveRoutes } from './serve-routes.ts';

const routeTo = (answer: () => Answer | Promise<Answer>): Routes => ({
  '/': { GET: { needs: 'nothing', run: async () => answer() } },
});

const text = 'a text that is long enough to be worth the packing '.repeat(20);

const file: Answer = {
  kind: 'file',
  type: 'text/css; charset=utf-8',
  bytes: Buffer.from(text),
  gzip: () => gzipSync(text),
  headers: { 'Cache-Control': 'no-store' },
};

/** A stream that the test drives: its clients, and a spy for those that are gone. */
function createStream(options: Partial<StreamAnswer> = {}) {
  const stop = vi.fn();
  const clients: StreamClient[] = [];
  const answer: StreamAnswer = {
    kind: 'stream',
    type: 'text/event-stream',
    heartbeat: { text: ':\n\n', everyMillis: 60_000 },
    maxUnreadBytes: 1_000_000,
    subscribe: (client) => {
      clients.push(client);
      return { first: 'first\n', stop };
    },
    ...options,
  };
  return { answer, clients, stop };
}

test.each<[string, Answer]>([
  ['json', json(200, { a: 1 })],
  ['empty', empty()],
  ['file', file],
  ['stream', createStream().answer],
])('%s: HEAD has the status and the headers of GET, and no body', async (_, answer) => {
  const { port } = await serveRoutes(routeTo(() => answer));
  for (const encoding of ['identity', 'gzip']) {
    const head = await callRaw(port, 'HEAD', '/', { 'accept-encoding': encoding });
    const get = await openRaw(port, 'GET', '/', { 'accept-encoding': encoding });
    get.destroy();
    // Node sets this header only where a body follows.
    const { date: _date, 'transfer-encoding': _cut, ...headers } = get.headers;
    expect(head).toMatchObject({ status: get.statusCode, headers });
    expect(head.body).toHaveLength(0);
  }
});

test('json: the text as it is, with its length, never gzipped', async () => {
  const { port } = await serveRoutes(routeTo(() => json(201, { text: 'ä' }, { 'Cache-Control': 'no-store' })));
  const { status, headers, body } = await callRaw(port, 'GET', '/', { 'accept-encoding': 'gzip' });
  expect(status).toBe(201);
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '13' });
  expect(headers).toMatchObject({ 'cache-control': 'no-store' });
  expect(headers).not.toHaveProperty('content-encoding');
  expect(body.toString()).toBe('{"text":"ä"}');
});

test('empty: a 204 of headers alone', async () => {
  const { port } = await serveRoutes(routeTo(() => empty({ 'Set-Cookie': 'a=b' })));
  const { status, headers, body } = await callRaw(port, 'GET', '/');
  expect(status).toBe(204);
  expect(headers).toMatchObject({ 'set-cookie': ['a=b'] });
  expect(headers).not.toHaveProperty('content-type');
  expect(body).toHaveLength(0);
});

describe('file', () => {
  test('comes gzipped to a client that takes it, and says that this depends on the client', async () => {
    const { port } = await serveRoutes(routeTo(() => file));
    const common = {
      vary: 'Accept-Encoding',
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    };
    const packed = await callRaw(port, 'GET', '/', { 'accept-encoding': 'br, gzip' });
    expect(packed.headers).toMatchObject({ ...common, 'content-encoding': 'gzip' });
    expect(packed.headers['content-length']).toBe(String(packed.body.length));
    expect(gunzipSync(packed.body).toString()).toBe(text);
    const plain = await callRaw(port, 'GET', '/', { 'accept-encoding': 'gzip;q=0' });
    expect(plain.headers).toMatchObject({ ...common, 'content-length': String(text.length) });
    expect(plain.headers).not.toHaveProperty('content-encoding');
    expect(plain.body.toString()).toBe(text);
  });

  test('is not packed for those who do not take it', async () => {
    const gzip = vi.fn(() => gzipSync(text));
    const { port } = await serveRoutes(routeTo(() => ({ ...file, gzip })));
    await callRaw(port, 'GET', '/');
    expect(gzip).not.toHaveBeenCalled();
  });
});

describe('stream', () => {
  test('begins at once, goes on as it is fed, and ends', async () => {
    const { answer, clients, stop } = createStream();
    const { port } = await serveRoutes(routeTo(() => answer));
    const response = await openRaw(port, 'GET', '/', { 'accept-encoding': 'gzip' });
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-accel-buffering': 'no',
    });
    expect(response.headers).not.toHaveProperty('content-encoding');
    expect(String((await once(response, 'data'))[0])).toBe('first\n');
    clients[0]!.send('second\n');
    expect(String((await once(response, 'data'))[0])).toBe('second\n');
    clients[0]!.end();
    response.resume();
    await once(response, 'end');
    await expect.poll(() => stop.mock.calls.length).toBe(1);
    expect(clients).toHaveLength(1);
  });

  test('beats while nothing else is to be said', async () => {
    const { answer, clients } = createStream({ heartbeat: { text: 'beat\n', everyMillis: 10 } });
    const { port } = await serveRoutes(routeTo(() => answer));
    let received = '';
    for await (const chunk of await openRaw(port, 'GET', '/')) {
      received += chunk;
      if (received.includes('beat\nbeat\n')) break;
    }
    expect(received).toMatch(/^first\n(beat\n)+$/);
    expect(clients).toHaveLength(1);
  });

  test('takes nothing after its end, though the client has not read all before it', async () => {
    const { answer, clients } = createStream({ maxUnreadBytes: 100_000_000 });
    const { port } = await serveRoutes(routeTo(() => answer));
    const response = await openRaw(port, 'GET', '/');
    clients[0]!.send('x'.repeat(20_000_000));
    clients[0]!.end();
    clients[0]!.send('after the end');
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe('first\n'.length + 20_000_000);
  });

  test('is stopped when the client goes away, and after HEAD', async () => {
    const { answer, stop } = createStream();
    const { port } = await serveRoutes(routeTo(() => answer));
    const response = await openRaw(port, 'GET', '/');
    expect(stop).not.toHaveBeenCalled();
    response.destroy();
    await expect.poll(() => stop.mock.calls.length).toBe(1);
    await callRaw(port, 'HEAD', '/');
    await expect.poll(() => stop.mock.calls.length).toBe(2);
  });

  test('never begins for a client that went away while the answer was made', async () => {
    const { answer, clients } = createStream();
    let isAsked = false;
    let makeAnswer = () => {};
    const made = new Promise<void>((resolve) => {
      makeAnswer = resolve;
    });
    const { port } = await serveRoutes(
      routeTo(async () => {
        isAsked = true;
        await made;
        return answer;
      }),
    );
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => isAsked).toBe(true);
    socket.destroy();
    await once(socket, 'close');
    await sleep(200);
    makeAnswer();
    await sleep(50);
    expect(clients).toHaveLength(0);
  });

  test('cuts off a client that does not read', async () => {
    const { answer, clients, stop } = createStream();
    const { port } = await serveRoutes(routeTo(() => answer));
    const response = await openRaw(port, 'GET', '/');
    response.pause();
    const chunk = 'x'.repeat(100_000);
    let sent = 0;
    while (stop.mock.calls.length === 0 && sent < 1_000) {
      clients[0]!.send(chunk);
      sent += 1;
      await sleep(1);
    }
    expect(stop).toHaveBeenCalledOnce();
    // The buffers of the system take a few megabytes first.
    expect(sent).toBeGreaterThan(10);
    response.resume();
    await expect(once(response, 'end')).rejects.toThrow('aborted');
  });

  test('that cannot begin is an answer like any other', async () => {
    const { answer } = createStream({
      subscribe: () => {
        throw new HttpError(503, 'too many', { 'Retry-After': '10' });
      },
    });
    const { port } = await serveRoutes(
      routeTo(() => answer),
      { onError: () => {} },
    );
    for (const method of ['GET', 'HEAD']) {
      const { status, headers } = await callRaw(port, method, '/');
      expect(status).toBe(503);
      expect(headers).toMatchObject({ 'retry-after': '10', 'content-type': 'application/json' });
      expect(headers).not.toHaveProperty('x-accel-buffering');
    }
  });
});
