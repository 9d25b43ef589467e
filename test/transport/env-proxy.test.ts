/** A network in which only a proxy reaches the server. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { adviseOn } from '../../src/delivery/advice.ts';
import { createHttpTransport } from '../../src/transport/http-transport.ts';
import { startProxy } from '../support/proxy.ts';
import { startMisbehavingServer } from './misbehaving-server.ts';

const BASE_URL = 'http://logs.invalid/v4';
const POST = { method: 'POST', path: '/logs', body: Buffer.from('{}') } as const;

function setVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function send(baseUrl: string) {
  const transport = createHttpTransport({ baseUrl, timeoutMillis: 2_000 });
  const outcome = await transport.send(POST);
  await transport.close();
  return outcome;
}

test('with NODE_USE_ENV_PROXY requests go through the proxy, but for this machine and NO_PROXY', async () => {
  const server = await startMisbehavingServer((_request, response) => response.end('{}'));
  const proxy = await startProxy(server.baseUrl);
  setVariables({ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url });
  expect(await send(BASE_URL)).toMatchObject({ kind: 'answered', status: 200 });
  expect(server.received).toMatchObject([{ method: 'POST', url: '/v4/logs' }]);
  expect(await send(server.baseUrl)).toMatchObject({ kind: 'answered', status: 200 });
  vi.stubEnv('NO_PROXY', 'logs.invalid');
  expect(await send(BASE_URL)).toMatchObject({
    kind: 'unsent',
    cause: { code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) },
  });
  expect(proxy.asked).toEqual(['logs.invalid:80']);
});

test('without it the proxy is not used, and the advice names the variable', async () => {
  const proxy = await startProxy('http://127.0.0.1:9');
  setVariables({ NODE_USE_ENV_PROXY: '', HTTPS_PROXY: proxy.url });
  const outcome = await send(BASE_URL);
  expect(outcome).toMatchObject({ kind: 'unsent' });
  expect(proxy.asked).toEqual([]);
  expect(adviseOn(outcome, { baseUrl: BASE_URL })?.text).toContain(
    '; HTTPS_PROXY is set, but not used without NODE_USE_ENV_PROXY=1',
  );
  vi.stubEnv('NODE_USE_ENV_PROXY', '1');
  expect(adviseOn(outcome, { baseUrl: BASE_URL })?.text).toContain(
    '; the request goes through the proxy of HTTPS_PROXY',
  );
});

test('a proxy that refuses connections is named', async () => {
  setVariables({ NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:9' });
  const outcome = await send(BASE_URL);
  expect(outcome).toMatchObject({ kind: 'unsent', cause: { code: 'ECONNREFUSED' } });
  expect(adviseOn(outcome, { baseUrl: BASE_URL })?.text).toContain('; the request goes through the proxy of HTTP');
});
