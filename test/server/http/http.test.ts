import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { HumanloopError } from '../../../src/errors.ts';
import { empty, json } from '../../../src/server/http/answer.ts';
import { type ServerOptions, startServer } from '../../../src/server/index.ts';
import { startTestServer, temporaryDirectory } from '../../support/start-test-server.ts';
import { callRaw, serveRoutes } from './serve-routes.ts';

const log = { project: 'p', config: { model: 'gpt-4' } };

async function rawStatus(port: number, headers: Record<string, string>, method = 'GET', path = '/healthz') {
  return (await callRaw(port, method, path, headers)).status;
}

test('unknown paths are 404, wrong methods 405 with what is allowed', async () => {
  const { call } = await startTestServer();
  for (const path of [
    '/v4',
    '/viewer/api/nothing',
    '/viewer/assets/viewer-none.js',
    '/v4/nothing',
    '/v4/logs/a/b',
    '/v5/logs',
  ]) {
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
  }
  const wrong = await call('PUT', '/v4/logs', {});
  expect(wrong).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
  expect(wrong.headers.get('allow')).toBe('GET, POST, PATCH, DELETE');
  expect((await call('GET', '/v4/logs/%E0%A4%A')).status).toBe(400);
  expect(await call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('a base URL that ends in a slash works', async () => {
  const { call } = await startTestServer();
  expect((await call('POST', '/v4//logs', log)).status).toBe(200);
  expect((await call('POST', '/v4/logs/', log)).status).toBe(200);
});

describe('limits', () => {
  test('a body over the limit is a 413, with and without its length given', async () => {
    const { call, url } = await startTestServer({ maxBodyBytes: 1000 });
    const text = JSON.stringify({ ...log, output: 'x'.repeat(2000) });
    expect((await call('POST', '/v4/logs', text)).status).toBe(413);
    const stream = new Blob([text]).stream();
    const chunked = await fetch(`${url}/v4/logs`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit);
    expect(chunked.status).toBe(413);
    expect((await call('POST', '/v4/logs', log)).status).toBe(200);
  });

  test('an array over the limit is a 413', async () => {
    const { call } = await startTestServer({ maxItems: 2 });
    expect((await call('POST', '/v4/logs', [log, log, log])).status).toBe(413);
    expect((await call('POST', '/v4/logs', [log, log])).status).toBe(200);
  });

  test('a body may come gzipped, and in no other encoding', async () => {
    const { url, call } = await startTestServer({ maxBodyBytes: 100_000 });
    const post = async (body: Buffer, encoding: string) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      return (await fetch(`${url}/v4/logs`, { method: 'POST', headers, body: new Uint8Array(body) })).status;
    };
    const json = Buffer.from(JSON.stringify(log));
    const packed = gzipSync(json);
    expect(await post(packed, 'gzip')).toBe(200);
    expect(await post(brotliCompressSync(json), 'br')).toBe(415);
    expect(await post(json, 'gzip')).toBe(400);
    expect(await post(packed.subarray(0, -10), 'gzip')).toBe(400);
    // A hundred megabytes, in a few kilobytes.
    expect(await post(gzipSync(Buffer.alloc(100_000_000)), 'gzip')).toBe(413);
    expect((await call('POST', '/v4/logs', log)).status).toBe(200);
  });
});

describe('access', () => {
  test('with an API key, everything below /v4 requires it', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    expect(await call('POST', '/v4/logs', log)).toMatchObject({ status: 401, body: { detail: expect.any(String) } });
    expect((await call('GET', '/v4/nothing')).status).toBe(401);
    for (const key of ['wrong', 'right2', '']) {
      expect((await call('POST', '/v4/logs', log, { 'x-api-key': key })).status).toBe(401);
    }
    expect((await call('POST', '/v4/logs', log, { 'x-api-key': 'right' })).status).toBe(200);
    expect((await call('GET', '/healthz')).status).toBe(200);
  });

  test('a slash in disguise leads nowhere, and so not past the key', async () => {
    const { call } = await startTestServer({ apiKey: 'right' });
    for (const path of ['/viewer%2Fapi%2Fevents', '/viewer/api%2Fevents', '/v4%2Flogs', '/viewer%2Fapi/sessions']) {
      expect((await call('GET', path)).status).toBe(404);
    }
  });

  test('a loopback server answers only to loopback names', async () => {
    const { port } = await startTestServer();
    const statusOf = (host: string) => rawStatus(port, { host });
    expect(await statusOf(`localhost:${port}`)).toBe(200);
    expect(await statusOf('127.0.0.1')).toBe(200);
    expect(await statusOf('[::1]:80')).toBe(200);
    expect(await statusOf(`rebound.example:${port}`)).toBe(403);
  });

  test('a page of another origin cannot log', async () => {
    const { call, url } = await startTestServer();
    expect((await call('POST', '/v4/logs', log, { origin: 'https://page.example' })).status).toBe(403);
    expect((await call('POST', '/v4/logs', log, { origin: 'null' })).status).toBe(403);
    expect((await call('POST', '/v4/logs', log, { origin: url })).status).toBe(200);
  });

  test('another host requires an API key, and then answers to any name', async () => {
    const file = join(temporaryDirectory(), 'logs.db');
    await expect(startServer({ host: '0.0.0.0', port: 0, file })).rejects.toThrow(
      /^option host: expected .*or an API key.*, got "0.0.0.0"$/,
    );
    const { port } = await startTestServer({ host: '0.0.0.0', apiKey: 'k' });
    expect(await rawStatus(port, { host: 'logs.example', 'x-api-key': 'k' }, 'GET', '/v4/projects')).toBe(200);
  });
});

test.each<[object, string]>([
  [{ port: 70_000 }, 'option port: expected a whole number from 0 to 65535, got 70000'],
  [{ port: '4340' }, 'option port: expected a whole number from 0 to 65535, got "4340"'],
  [{ maxItems: 0 }, 'option maxItems: expected a whole number from 1 to 1000000, got 0'],
  [{ maxBodyBytes: 0.5 }, 'option maxBodyBytes: expected a whole number from 1 to 536870912, got 0.5'],
  [
    { publicUrl: 'logs.example.com' },
    'option publicUrl: expected an address such as https://logs.example.com/base, without credentials, query or fragment, got a string of 16 characters',
  ],
  [{ apiKey: '' }, 'option apiKey: expected a non-empty string, got ""'],
  [
    { apiKey: 'secret\n' },
    'option apiKey: expected a non-empty string, got a string of 7 characters: it begins or ends with white space',
  ],
  [
    { apiKey: ' ' },
    'option apiKey: expected a non-empty string, got a string of 1 characters: it begins or ends with white space',
  ],
  [
    { apiKey: 'a\0b' },
    'option apiKey: expected a non-empty string, got a string of 3 characters: it has characters that no header can have',
  ],
  [
    { apiKey: 'ключ' },
    'option apiKey: expected a non-empty string, got a string of 4 characters: it has characters that no header can have',
  ],
  [{ apiKey: 42 }, 'option apiKey: expected a non-empty string, got 42'],
  [{ host: '' }, 'option host: expected a non-empty string, got ""'],
  [{ file: '' }, 'option file: expected a non-empty string, got ""'],
  [{ onError: 'log' }, 'option onError: expected a function, got "log"'],
  [
    { apikey: 'secret' },
    'unknown option apikey: expected one of port, otlpPort, host, file, database, search, apiKey, publicUrl, captureContent, maxBodyBytes, maxItems, keepMillis, maxSizeBytes, onPrune, onError, got a string of 6 characters',
  ],
])('wrong options %j say which, what was expected and what came', async (options, message) => {
  await expect(startServer(options as ServerOptions)).rejects.toThrow(new HumanloopError(message));
});

test('a port in use leaves no database open', async () => {
  const { port } = await startTestServer();
  const file = join(temporaryDirectory(), 'logs.db');
  await expect(startServer({ port, file })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

describe('close', () => {
  test('answers the request in flight, refuses what comes after, and is idempotent', async () => {
    const { port, close } = await startTestServer();
    const text = JSON.stringify(log);
    const agent = new Agent({ keepAlive: true });
    const call = request({
      ...{ port, agent, method: 'POST', path: '/v4/logs' },
      headers: { 'content-length': text.length, expect: '100-continue' },
    });
    const answer = new Promise<number>((resolve, reject) => {
      call.on('response', (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      call.on('error', reject);
    });
    call.flushHeaders();
    await once(call, 'continue');
    const first = close();
    expect(close()).toBe(first);
    await expect(rawStatus(port, {})).rejects.toThrow('ECONNREFUSED');
    call.end(text);
    expect(await answer).toBe(200);
    const answered = performance.now();
    await first;
    // The kept-alive connection must not hold up the end until its time-out.
    expect(performance.now() - answered).toBeLessThan(8000);
    agent.destroy();
  });

  test('what asks while the server closes is refused, which is no failure to report', async () => {
    const errors: unknown[] = [];
    const server = await startTestServer({ onError: (error) => errors.push(error) });
    const socket = connect(server.port, '127.0.0.1');
    const head = 'GET /viewer/api/events HTTP/1.1\r\nHost: localhost\r\n';
    await new Promise((resolve) => socket.write(head, resolve));
    // An answer to another connection comes after the server has read what this one has sent.
    await server.call('GET', '/healthz');
    await server.call('GET', '/healthz');
    const closed = server.close();
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.write('\r\n');
    await closed;
    await expect.poll(() => answer).toContain('HTTP/1.1 503');
    expect(errors).toEqual([]);
  });

  test('a client that goes away in the middle of its body does no harm', async () => {
    const errors: unknown[] = [];
    const { port, call } = await startTestServer({ onError: (error) => errors.push(error) });
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /v4/logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await call('GET', '/healthz')).status).toBe(200);
    expect(errors).toEqual([]);
  });
});

test('an answer that cannot be written, and an error hook that throws, end the request and not the process', async () => {
  const { port } = await serveRoutes({ '/healthz': { GET: { needs: 'nothing', run: async () => json(200, 1n) } } });
  expect(await rawStatus(port, {})).toBe(500);
});

test('bodies of all pending requests together are bounded', async () => {
  const release: (() => void)[] = [];
  const { port } = await serveRoutes(
    {
      '/v4/logs': {
        POST: { needs: 'write', run: () => new Promise((resolve) => release.push(() => resolve(empty()))) },
      },
    },
    { limits: { maxBodyBytes: 100, maxPendingBytes: 150 }, onError: () => {} },
  );
  const url = `http://127.0.0.1:${port}/v4/logs`;
  const post = () => fetch(url, { method: 'POST', body: JSON.stringify('x'.repeat(90)) });
  const first = post();
  await expect.poll(() => release.length).toBe(1);
  const refused = await post();
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  release[0]!();
  expect((await first).status).toBe(204);
  const third = post();
  await expect.poll(() => release.length).toBe(2);
  release[1]!();
  expect((await third).status).toBe(204);
});
