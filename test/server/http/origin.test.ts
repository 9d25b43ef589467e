/** From where requests may come: names of the server, forms of the request, and pages of other sites. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { isLoopback } from '../../../src/server/http/origin.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { callRaw, openRaw } from './serve-routes.ts';

const log = { project: 'p', config: { model: 'gpt-4' } };

/** Sends the text as it is. Resolves to the status and the whole answer. */
async function sendText(port: number, text: string, host = '127.0.0.1') {
  const socket = connect(port, host);
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'close');
  return { status: Number(answer.split(' ')[1]), answer };
}

describe('loopback', () => {
  test.each(['127.0.0.1', '127.0.0.2', '127.1.2.3', 'localhost', 'LOCALHOST'])(
    '--host %s serves itself',
    async (host) => {
      const { url, port } = await startTestServer({ host });
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/v4/logs`, { method: 'POST', body: JSON.stringify(log) })).status).toBe(200);
      const foreign = await sendText(
        port,
        'GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n',
        host,
      );
      expect(foreign.status).toBe(403);
    },
  );

  test.each([
    ...['127.0.0.1', '127.0.0.1:1', '127.255.255.254', 'localhost', 'LocalHost:80', '[::1]', '[::1]:1', '127.0.0.2:'],
  ])('the host %s has no other site', async (host) => {
    const { port } = await startTestServer();
    expect((await callRaw(port, 'GET', '/healthz', { host })).status).toBe(200);
  });

  test.each([
    ...['a.example', '127.0.0.1.a.example', 'localhost.a.example', '128.0.0.1', '127.0.0.256', '127.0.0.1@a.example'],
    ...['[::2]', '0.0.0.0', '127.0.0.1:80:80', 'localhost:x', 'xlocalhost', '', '127.1', '2130706433'],
  ])('the host %j may have one', async (host) => {
    const { port } = await startTestServer();
    const { status } = await sendText(port, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(status).toBe(403);
  });

  test('is what cannot be reached from elsewhere', () => {
    expect(
      ['127.0.0.0', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost', '::ffff:127.0.0.1'].every(isLoopback),
    ).toBe(true);
    expect(['0.0.0.0', '::', '126.0.0.1', '::2', 'local', '127.0.0.256', '127.0.0'].some(isLoopback)).toBe(false);
  });
});

describe('forms of a request', () => {
  const close = 'Connection: close\r\n';

  test('may have the whole address, whose host counts', async () => {
    const { port } = await startTestServer();
    const statusOf = async (target: string, host: string) =>
      (await sendText(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${close}\r\n`)).status;
    expect(await statusOf(`http://127.0.0.1:${port}/v4/projects`, `127.0.0.1:${port}`)).toBe(200);
    expect(await statusOf(`http://localhost/v4/projects?page=0`, 'a.example')).toBe(200);
    expect(await statusOf(`HTTP://LOCALHOST:1//v4/projects/`, 'localhost')).toBe(200);
    expect(await statusOf(`https://localhost`, 'localhost')).not.toBe(403);
    expect(await statusOf(`http://localhost?page=0`, 'localhost')).not.toBe(403);
    expect(await statusOf(`http://a.example/v4/projects`, `127.0.0.1:${port}`)).toBe(403);
    expect(await statusOf(`http://localhost@a.example/v4/projects`, `127.0.0.1`)).toBe(403);
    expect(await statusOf(`http://localhost/v4/nothing`, 'localhost')).toBe(404);
  });

  test('of HTTP/1.0 may have no host', async () => {
    const { port } = await startTestServer();
    expect((await sendText(port, 'GET /healthz HTTP/1.0\r\n\r\n')).status).toBe(200);
    const body = JSON.stringify(log);
    const post = `POST /v4/logs HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect((await sendText(port, post)).status).toBe(200);
    expect((await sendText(port, 'GET /healthz HTTP/1.0\r\nHost: a.example\r\n\r\n')).status).toBe(403);
    expect((await sendText(port, 'GET /healthz HTTP/1.0\r\nOrigin: http://a.example\r\n\r\n')).status).toBe(403);
    expect((await sendText(port, `GET /healthz HTTP/1.1\r\n${close}\r\n`)).status).toBe(400);
  });

  test('name a content encoding in upper case, by its second name, or with others that change nothing', async () => {
    const { url } = await startTestServer();
    const post = async (encoding: string, body: Buffer) => {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      return fetch(`${url}/v4/logs`, { method: 'POST', headers, body: new Uint8Array(body) });
    };
    const plain = Buffer.from(JSON.stringify(log));
    for (const encoding of ['gzip', 'GZIP', 'Gzip', 'x-gzip', 'X-GZip', 'gzip, identity', 'gzip,']) {
      expect((await post(encoding, gzipSync(plain))).status, encoding).toBe(200);
    }
    for (const encoding of ['', 'identity', 'Identity', 'identity, identity']) {
      expect((await post(encoding, plain)).status, encoding).toBe(200);
    }
    for (const encoding of ['br', 'gzip, gzip', 'gzip br', 'zstd', 'gzipx']) {
      const answer = await post(encoding, gzipSync(plain));
      expect(answer.status, encoding).toBe(415);
      expect(answer.headers.get('accept-encoding')).toBe('gzip, x-gzip, deflate, identity');
    }
  });
});

describe('pages of other sites', () => {
  const PATHS = [
    '/',
    '/v4/projects',
    '/v4/logs?search=a',
    '/viewer/api/events',
    '/viewer/api/sessions?q=a',
    '/healthz',
    '/x',
  ];
  const fetchedBy = (site: string, mode: string, dest: string) => ({
    ...{ 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
  });

  test.each(['cross-site', 'same-site', 'nonsense'])('%s: load nothing', async (site) => {
    const { port } = await startTestServer({ apiKey: 'right' });
    for (const path of PATHS) {
      for (const [mode, dest] of [
        ...[
          ['no-cors', 'image'],
          ['no-cors', 'script'],
          ['cors', 'empty'],
          ['navigate', 'iframe'],
          ['navigate', 'embed'],
        ],
        ...[
          ['websocket', 'empty'],
          ['no-cors', 'document'],
        ],
      ] as const) {
        const headers = { ...fetchedBy(site, mode, dest), 'x-api-key': 'right' };
        expect((await callRaw(port, 'GET', path, headers)).status, `${path} ${mode} ${dest}`).toBe(403);
      }
    }
  });

  test('lead here by a link, and the page loads its own', async () => {
    const { port } = await startTestServer();
    expect((await callRaw(port, 'GET', '/v4/projects', fetchedBy('cross-site', 'navigate', 'document'))).status).toBe(
      200,
    );
    expect((await callRaw(port, 'GET', '/v4/projects', fetchedBy('none', 'navigate', 'document'))).status).toBe(200);
    expect((await callRaw(port, 'GET', '/v4/projects', fetchedBy('same-origin', 'cors', 'empty'))).status).toBe(200);
    // A client that is no browser says only this.
    expect((await callRaw(port, 'GET', '/v4/projects', { 'sec-fetch-mode': 'cors' })).status).toBe(200);
    const stream = await openRaw(port, 'GET', '/viewer/api/events', fetchedBy('same-origin', 'cors', 'empty'));
    expect(stream.statusCode).toBe(200);
    stream.destroy();
  });

  test('cannot use any answer, and no cache keeps one', async () => {
    const server = await startTestServer();
    const { body } = await server.call('POST', '/v4/logs', log);
    const requests = [
      ...[
        'GET /v4/projects',
        `GET /v4/logs?project_id=${body.project_id}`,
        `GET /v4/logs/${body.id}`,
        'GET /v4/nothing',
      ],
      ...[
        'POST /v4/sessions',
        'POST /v4/logs',
        'DELETE /v4/logs?id=x',
        'PUT /v4/logs',
        'GET /healthz',
        'HEAD /v4/projects',
      ],
      ...['GET /viewer/api/sessions', 'GET /viewer/api/filters', 'POST /viewer/api/logout', 'GET /%E0%A4%A', 'GET /'],
    ];
    for (const request of requests) {
      const [method = '', path = ''] = request.split(' ');
      const { headers } = await callRaw(server.port, method, path);
      expect(headers, request).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
    }
    const stream = await openRaw(server.port, 'GET', '/viewer/api/events');
    stream.destroy();
    expect(stream.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
  });
});
