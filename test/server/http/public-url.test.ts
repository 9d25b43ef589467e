/** The server behind a proxy: its public address in checks, cookies and paths. */
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { HumanloopLogs } from '../../../src/index.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { type ProxyRules, startProxy } from './proxy.ts';
import { callRaw } from './serve-routes.ts';

const log = { project: 'p', config: { type: 'model', model: 'gpt-4' } } as const;
const publicUrl = 'https://logs.example.com/base';

const PROXIES: [name: string, rules: ProxyRules][] = [
  ['leaves path and host', { basePath: '/base', takesAway: false, keepsHost: true }],
  ['takes the path away, and the host', { basePath: '/base', takesAway: true, keepsHost: false }],
  ['takes the path away', { basePath: '/base', takesAway: true, keepsHost: true }],
  ['has no path', { basePath: '', takesAway: false, keepsHost: false }],
  ['has a path that is also one of the API', { basePath: '/v4', takesAway: true, keepsHost: true }],
  ['has a path that is also one of the viewer', { basePath: '/sessions', takesAway: false, keepsHost: true }],
  ['has a path with a space', { basePath: '/my%20logs/a', takesAway: false, keepsHost: false }],
];

/** Unlike `fetch`, resolves names below localhost to this machine. */
function call(origin: string, method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const { hostname, port, host } = new URL(origin);
    expect(hostname).toMatch(/localhost$/);
    const options = { host: '127.0.0.1', port, method, path, headers: { host, ...headers } };
    const sent = request(options, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
  });
}

describe.each(PROXIES)('a proxy that %s', (_, rules) => {
  test('serves the API, the viewer and its login', async () => {
    const { basePath } = rules;
    const origin = await startProxy(rules, async (address) => {
      const server = await startTestServer({ apiKey: 'right', publicUrl: address + basePath });
      expect(server.publicUrl).toBe(address + basePath);
      return server.port;
    });
    const key = { 'x-api-key': 'right' };
    const created = await call(origin, 'POST', `${basePath}/v4/logs`, log, key);
    expect(created.status).toBe(200);
    const { id } = JSON.parse(created.text);
    expect((await call(origin, 'GET', `${basePath}/v4/logs/${id}`, undefined, key)).status).toBe(200);
    expect((await call(origin, 'GET', `${basePath}/v4/nothing`, undefined, key)).status).toBe(404);
    expect((await call(origin, 'GET', `${basePath}/v4/projects`)).status).toBe(401);
    expect((await call(origin, 'GET', `${basePath}/healthz`)).status).toBe(200);

    const page = { origin, 'sec-fetch-site': 'same-origin' };
    const login = await call(origin, 'POST', `${basePath}/viewer/api/login`, { api_key: 'right' }, page);
    expect(login.status).toBe(204);
    const header = String(login.headers['set-cookie']);
    expect(header).toContain(`; Path=${basePath || '/'};`);
    const cookie = header.split(';')[0]!;
    expect((await call(origin, 'GET', `${basePath}/viewer/api/filters`, undefined, { cookie })).status).toBe(200);
    const feedback = { type: 'rating', value: 'good', data_id: id };
    expect((await call(origin, 'POST', `${basePath}/v4/feedback`, feedback, { ...page, cookie })).status).toBe(200);
    const foreign = { origin: 'http://other.localhost', cookie };
    expect((await call(origin, 'POST', `${basePath}/v4/feedback`, feedback, foreign)).status).toBe(403);
  });
});

test('the public origin is served, whatever host the proxy sends, and no other', async () => {
  const { port } = await startTestServer({ publicUrl, apiKey: 'right' });
  const statusOf = async (headers: Record<string, string>) =>
    (await callRaw(port, 'GET', '/base/v4/projects', { 'x-api-key': 'right', ...headers })).status;
  const origin = 'https://logs.example.com';
  for (const host of ['127.0.0.1:4340', 'localhost', 'logs.example.com', 'LOGS.example.com:443']) {
    expect(await statusOf({ host, origin }), host).toBe(200);
    expect(await statusOf({ host }), host).toBe(200);
    for (const other of [
      'https://a.example',
      'https://logs.example.com.a.example',
      'https://logs.example.com:8443',
      'null',
    ]) {
      expect(await statusOf({ host, origin: other }), other).toBe(403);
    }
  }
  expect(await statusOf({ host: 'a.example', origin })).toBe(403);
  expect(await statusOf({ host: 'a.example', origin: 'https://a.example' })).toBe(403);
});

test('the cookie is for HTTPS and for the public path alone; from here it is not, as it would be lost', async () => {
  const server = await startTestServer({ publicUrl, apiKey: 'right' });
  const cookieOf = async (path: string, headers: Record<string, string>) =>
    (await server.call('POST', path, { api_key: 'right' }, headers)).headers.get('set-cookie');
  const ofPublic = /; HttpOnly; SameSite=Strict; Path=\/base; Max-Age=604800; Secure$/;
  expect(await cookieOf('/base/viewer/api/login', { origin: 'https://logs.example.com' })).toMatch(ofPublic);
  expect(await cookieOf('/viewer/api/login', {})).toMatch(ofPublic);
  const local = await cookieOf('/viewer/api/login', { origin: server.url });
  expect(local).toMatch(/; HttpOnly; SameSite=Strict; Path=\/; Max-Age=604800$/);
});

test.each([
  ['https://logs.example.com', 'https://logs.example.com'],
  ['https://logs.example.com/', 'https://logs.example.com'],
  ['https://logs.example.com/a/b//', 'https://logs.example.com/a/b'],
  ['HTTPS://Logs.Example.com:443/A', 'https://logs.example.com/A'],
  ['http://[::1]:8080/x', 'http://[::1]:8080/x'],
])('publicUrl %s is %s', async (given, expected) => {
  expect(await startTestServer({ publicUrl: given })).toMatchObject({ publicUrl: expected });
});

test.each([
  ...[
    '',
    'logs.example.com',
    'ftp://logs.example.com',
    'https://',
    'https://u:p@a.example',
    'https://a/?b',
    'https://a/#b',
  ],
  ...['/base', 42],
])('publicUrl %j is refused', async (given) => {
  await expect(startTestServer({ publicUrl: given as string })).rejects.toThrow(
    /^option publicUrl: expected an address/,
  );
});

test('without a public address, url is it', async () => {
  const server = await startTestServer();
  expect(server.publicUrl).toBe(server.url);
});

test('the client of this package works below a base path', async () => {
  const { url } = await startTestServer({ publicUrl, apiKey: 'right' });
  const humanloop = new HumanloopLogs({ baseUrl: `${url}/base/v4`, apiKey: 'right' });
  expect((await humanloop.log(log)).status).toBe(200);
  await humanloop.close();
});
