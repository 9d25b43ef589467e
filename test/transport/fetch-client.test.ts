import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FetchClient, type FetchClientOptions } from '../../src/transport/fetch-client.ts';
import { startMisbehavingServer } from './misbehaving-server.ts';

function clientWith(options: Partial<FetchClientOptions> = {}): FetchClient {
  const client = new FetchClient({ timeoutMillis: 2_000, connections: 2, maxResponseBytes: 100_000, ...options });
  onTestFinished(() => client.destroy(new Error('the test is over')));
  return client;
}

const postTo = (baseUrl: string) => ({
  url: `${baseUrl}/logs`,
  method: 'POST',
  headers: { 'x-api-key': 'sk-123456789', 'content-type': 'application/json', 'user-agent': 'test/1' },
  body: Buffer.from('{"a":"é"}'),
});

test('sends the bytes unchanged, with its headers', async () => {
  const server = await startMisbehavingServer((_request, response) => response.setHeader('X-A', 'b').end('{}'));
  const outcome = await clientWith().send(postTo(server.baseUrl));
  expect(outcome).toMatchObject({ kind: 'answered', status: 200, reason: 'OK', text: '{}', truncated: false });
  expect(outcome).toMatchObject({ headers: { 'x-a': 'b' } });
  const headers = { 'x-api-key': 'sk-123456789', 'content-length': '10', 'user-agent': 'test/1' };
  expect(server.received).toEqual([
    { method: 'POST', url: '/v4/logs', body: '{"a":"é"}', headers: expect.objectContaining(headers) },
  ]);
});

test('has no more requests under way than allowed', async () => {
  let underWay = 0;
  let most = 0;
  const server = await startMisbehavingServer((_request, response) => {
    underWay += 1;
    most = Math.max(most, underWay);
    setTimeout(() => {
      underWay -= 1;
      response.end('{}');
    }, 5);
  });
  const client = clientWith();
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => client.send(postTo(server.baseUrl))));
    expect(outcomes.every(({ kind }) => kind === 'answered')).toBe(true);
  }
  expect([most, server.received.length]).toEqual([2, 30]);
});

test('a refused connection and an unknown host are unsent', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const refused = await clientWith().send(postTo(`http://127.0.0.1:${port}`));
  expect(refused).toMatchObject({ kind: 'unsent', cause: { code: 'ECONNREFUSED' } });
  const unknown = await clientWith().send(postTo('http://no-such-host.invalid'));
  expect(unknown).toMatchObject({ kind: 'unsent', cause: { code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } });
});

test('a connection that breaks is lost, and the next request gets a new one', async () => {
  let answered = 0;
  const server = await startMisbehavingServer((request, response) => {
    answered += 1;
    if (answered === 2) request.socket.resetAndDestroy();
    else response.end('{}');
  });
  const client = clientWith({ connections: 1 });
  const kinds: string[] = [];
  for (let round = 0; round < 3; round += 1) kinds.push((await client.send(postTo(server.baseUrl))).kind);
  expect(kinds).toEqual(['answered', 'lost', 'answered']);
  expect(server.received).toHaveLength(3);
});

test.each([
  ['never answers', () => {}],
  ['stops after the headers', (response) => void response.writeHead(200).flushHeaders()],
  [
    'drips its body',
    (response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
  ],
] satisfies [string, (response: ServerResponse) => void][])(
  'a server that %s is given up at the deadline, and its connection closed',
  async (_name, misbehave) => {
    const server = await startMisbehavingServer((_request, response) => misbehave(response));
    const outcome = await clientWith({ timeoutMillis: 200 }).send(postTo(server.baseUrl));
    expect(outcome).toMatchObject({ kind: 'lost', cause: { message: 'no answer within 200 ms' } });
    // The client's own limits are minutes.
    expect(outcome.roundTripTime).toBeLessThan(20_000);
    await expect.poll(() => server.state.closed).toBe(1);
  },
);

test('a request that waits for a connection past its deadline is unsent and never sent later', async () => {
  // The first request and the last one are answered; in between, the others wait for each other.
  const answers: (() => void)[] = [];
  const server = await startMisbehavingServer((_request, response) => {
    if (answers.push(() => response.end('{}')) > 2) response.end('{}');
  });
  const client = clientWith({ connections: 1, timeoutMillis: 2_000 });
  const first = client.send(postTo(server.baseUrl));
  await expect.poll(() => answers.length).toBe(1);
  const others = [client.send(postTo(server.baseUrl)), client.send(postTo(server.baseUrl))];
  answers[0]!();
  expect((await Promise.all([...others, first])).map(({ kind }) => kind)).toEqual(['lost', 'unsent', 'answered']);
  await sleep(200);
  expect(server.received).toHaveLength(2);
  expect((await client.send(postTo(server.baseUrl))).kind).toBe('answered');
});

test('redirects are answers', async () => {
  const server = await startMisbehavingServer((_request, response) => {
    response.writeHead(307, { location: '/v4/elsewhere' }).end();
  });
  expect(await clientWith().send(postTo(server.baseUrl))).toMatchObject({ kind: 'answered', status: 307 });
  expect(server.received).toHaveLength(1);
});

test('an answer over the limit is cut and its connection closed; one at the limit is whole', async () => {
  const server = await startMisbehavingServer((request, response) => {
    if (request.method === 'GET') return response.end('a'.repeat(100_000));
    const push = () => {
      while (response.write(Buffer.alloc(65_536, 'a')));
    };
    response.on('drain', push).on('error', () => {});
    push();
  });
  const client = clientWith();
  const text = 'a'.repeat(100_000);
  expect(await client.send(postTo(server.baseUrl))).toMatchObject({ status: 200, truncated: true, text });
  await expect.poll(() => server.state.closed).toBe(1);
  const whole = await client.send({ ...postTo(server.baseUrl), method: 'GET', body: undefined });
  expect(whole).toMatchObject({ truncated: false, text });
});

test('when it is destroyed, requests in flight are lost, and those that wait or come later unsent', async () => {
  const server = await startMisbehavingServer(() => {});
  const client = clientWith({ connections: 1 });
  const hanging = client.send(postTo(server.baseUrl));
  await expect.poll(() => server.received).toHaveLength(1);
  const waiting = client.send(postTo(server.baseUrl));
  client.destroy(new Error('the client was closed'));
  expect(await hanging).toMatchObject({ kind: 'lost', cause: { message: 'the client was closed' } });
  expect((await waiting).kind).toBe('unsent');
  expect((await client.send(postTo(server.baseUrl))).kind).toBe('unsent');
  await expect.poll(() => server.state.closed).toBe(server.state.connections);
});

test('a request is unsent where a frozen global object lets Node define no AbortController', async () => {
  const fault = new TypeError('Cannot redefine property: AbortController');
  vi.spyOn(globalThis, 'AbortController', 'get').mockImplementation(() => {
    throw fault;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  expect(await clientWith().send(postTo('http://127.0.0.1:1'))).toMatchObject({ kind: 'unsent', cause: fault });
});
