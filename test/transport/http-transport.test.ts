import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { createHttpTransport, type HttpTransportOptions } from '../../src/transport/http-transport.ts';
import { startMisbehavingServer } from './misbehaving-server.ts';

function transportTo(baseUrl: string, options: Partial<HttpTransportOptions> = {}) {
  const transport = createHttpTransport({ baseUrl, timeoutMillis: 2_000, connections: 2, ...options });
  onTestFinished(() => transport.close());
  return transport;
}

const POST = { method: 'POST', path: '/logs', body: Buffer.from('{"a":"é"}') } as const;

test('sends the bytes unchanged, with key, length and type', async () => {
  const server = await startMisbehavingServer((_request, response) => response.end('{}'));
  const transport = transportTo(`${server.baseUrl}/`, { apiKey: 'sk-123456789\n', userAgent: 'test/1' });
  const outcome = await transport.send(POST);
  expect(outcome).toMatchObject({ kind: 'answered', status: 200, reason: 'OK', text: '{}', truncated: false });
  expect(outcome.roundTripTime).toBeGreaterThan(0);
  expect(server.received).toEqual([
    {
      method: 'POST',
      url: '/v4/logs',
      body: '{"a":"é"}',
      headers: expect.objectContaining({
        'x-api-key': 'sk-123456789',
        'content-type': 'application/json',
        'content-length': '10',
        'user-agent': 'test/1',
      }),
    },
  ]);
});

test('reuses its connections and opens no more than allowed', async () => {
  const server = await startMisbehavingServer((_request, response) => response.end('{}'));
  const transport = transportTo(server.baseUrl);
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => transport.send(POST)));
    expect(outcomes.every(({ kind }) => kind === 'answered')).toBe(true);
  }
  expect(server.state.connections).toBeLessThanOrEqual(2);
});

test('a plain Uint8Array is a body, and a request without a body has no content type', async () => {
  const server = await startMisbehavingServer((_request, response) => response.end('{}'));
  const transport = transportTo(server.baseUrl);
  await transport.send({ ...POST, body: new Uint8Array([0x7b, 0x7d]) });
  await transport.send({ method: 'GET', path: '/logs?page=0' });
  expect(server.received[0]?.body).toBe('{}');
  expect(server.received[1]).toMatchObject({ method: 'GET', url: '/v4/logs?page=0', body: '' });
  expect(server.received[1]?.headers).not.toHaveProperty('content-type');
});

test('a refused connection and an unknown host are unsent', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const refused = await transportTo(`http://127.0.0.1:${port}`).send(POST);
  expect(refused).toMatchObject({ kind: 'unsent', cause: { code: 'ECONNREFUSED' } });
  const unknown = await transportTo('http://no-such-host.invalid').send(POST);
  expect(unknown).toMatchObject({ kind: 'unsent', cause: { code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } });
});

test('a failed TLS handshake is unsent', async () => {
  const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end('no TLS')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const outcome = await transportTo(`https://127.0.0.1:${port}`).send(POST);
  expect(outcome).toMatchObject({ kind: 'unsent', cause: { code: expect.stringContaining('SSL') } });
});

test('a request is unsent if no connection is made by the deadline', async () => {
  // Accepts TCP and then stays silent, so that the TLS handshake never ends.
  const server = createTcpServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const outcome = await transportTo(`https://127.0.0.1:${port}`, { timeoutMillis: 150 }).send(POST);
  expect(outcome.kind).toBe('unsent');
  expect(outcome.roundTripTime).toBeLessThan(20_000);
});

test('a reset after the request was read is lost', async () => {
  const server = await startMisbehavingServer((request) => request.socket.resetAndDestroy());
  expect(await transportTo(server.baseUrl).send(POST)).toMatchObject({ kind: 'lost', cause: { code: 'ECONNRESET' } });
  expect(server.received).toHaveLength(1);
});

test('a keep-alive connection closed under the request is lost, and the next request gets a new one', async () => {
  let answered = 0;
  const server = await startMisbehavingServer((request, response) => {
    answered += 1;
    if (answered === 2) request.socket.destroy();
    else response.end('{}');
  });
  const transport = transportTo(server.baseUrl, { connections: 1 });
  const kinds: string[] = [];
  for (let round = 0; round < 3; round += 1) kinds.push((await transport.send(POST)).kind);
  expect(kinds).toEqual(['answered', 'lost', 'answered']);
  expect(server.received).toHaveLength(3);
});

test.each([
  ['never answers', 'no answer', () => {}],
  ['stops after the headers', 'no end of the answer', (response) => void response.writeHead(200).flushHeaders()],
  [
    'drips its body',
    'no end of the answer',
    (response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
  ],
] satisfies [string, string, (response: import('node:http').ServerResponse) => void][])(
  'a server that %s is given up at the deadline, and its connection closed',
  async (_name, stage, misbehave) => {
    const server = await startMisbehavingServer((_request, response) => misbehave(response));
    const outcome = await transportTo(server.baseUrl, { timeoutMillis: 200 }).send(POST);
    expect(outcome).toMatchObject({ kind: 'lost', cause: { message: `${stage} within 200 ms` } });
    expect(outcome.roundTripTime).toBeGreaterThanOrEqual(190);
    // The client's own limits are minutes.
    expect(outcome.roundTripTime).toBeLessThan(20_000);
    await expect.poll(() => server.state.closed).toBe(1);
  },
);

test('no update on a shared connection is sent twice because of a reset', async () => {
  let received = '';
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      received += data.toString('latin1');
      socket.resetAndDestroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const transport = transportTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v4`, {
    connections: 1,
    pipelining: 16,
  });
  const updates = Array.from({ length: 16 }, (_, index) =>
    transport.send({ method: 'PATCH', path: `/logs?reference_id=r${index}.`, body: Buffer.from('{}') }),
  );
  expect(new Set((await Promise.all(updates)).map(({ kind }) => kind))).toEqual(new Set(['lost']));
  await sleep(100);
  const sent = [...received.matchAll(/reference_id=(r\d+)\./g)].map(([, reference]) => reference);
  expect(sent.length).toBe(new Set(sent).size);
});

test('a request that waits for a connection past its deadline is unsent and never sent later', async () => {
  // The first request is answered; then the others wait for each other.
  const answers: (() => void)[] = [];
  const server = await startMisbehavingServer((_request, response) => void answers.push(() => response.end('{}')));
  const transport = transportTo(server.baseUrl, { connections: 1, timeoutMillis: 2_000 });
  const first = transport.send(POST);
  await expect.poll(() => answers.length).toBe(1);
  const others = [transport.send(POST), transport.send(POST)];
  answers[0]!();
  expect((await Promise.all([...others, first])).map(({ kind }) => kind)).toEqual(['lost', 'unsent', 'answered']);
  await sleep(200);
  expect(server.received).toHaveLength(2);
});

test('redirects are answers', async () => {
  const server = await startMisbehavingServer((_request, response) => {
    response.writeHead(307, { location: '/v4/elsewhere' }).end();
  });
  expect(await transportTo(server.baseUrl).send(POST)).toMatchObject({ kind: 'answered', status: 307 });
  expect(server.received).toHaveLength(1);
});

test('an answer over the limit is cut and its connection closed', async () => {
  const server = await startMisbehavingServer((_request, response) => {
    const push = () => {
      while (response.write(Buffer.alloc(65_536, 'a')));
    };
    response.on('drain', push).on('error', () => {});
    push();
  });
  const outcome = await transportTo(server.baseUrl, { maxResponseBytes: 100_000 }).send(POST);
  expect(outcome).toMatchObject({ kind: 'answered', status: 200, truncated: true, text: 'a'.repeat(100_000) });
  await expect.poll(() => server.state.closed).toBe(1);
});

test('an answer exactly at the limit is whole', async () => {
  const server = await startMisbehavingServer((_request, response) => response.end('a'.repeat(1_000)));
  const outcome = await transportTo(server.baseUrl, { maxResponseBytes: 1_000 }).send(POST);
  expect(outcome).toMatchObject({ truncated: false, text: 'a'.repeat(1_000) });
});

test('after close, requests in flight are lost and later ones unsent', async () => {
  const server = await startMisbehavingServer(() => {});
  const transport = transportTo(server.baseUrl);
  const hanging = transport.send(POST);
  await expect.poll(() => server.received).toHaveLength(1);
  await Promise.all([transport.close(), transport.close()]);
  expect((await hanging).kind).toBe('lost');
  expect((await transport.send(POST)).kind).toBe('unsent');
  await expect.poll(() => server.state.closed).toBe(server.state.connections);
});

test('an API key that is not a valid header value is refused without being shown', () => {
  const make = () => createHttpTransport({ baseUrl: 'http://127.0.0.1', timeoutMillis: 1, apiKey: 'sécret\nkey' });
  expect(make).toThrow('apiKey: expected printable ASCII characters');
  expect(make).not.toThrow('sécret');
});

test('an idle connection does not keep the process alive', async () => {
  const server = await startMisbehavingServer((_request, response) => {
    response.writeHead(200, { 'keep-alive': 'timeout=60' }).end('{}');
  });
  // Inside node_modules, so that the bundle finds the packages.
  const directory = await mkdtemp(join('node_modules', '.idle-connection-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  // Node 20 does not run TypeScript, and only a child process can show whether it stays alive.
  const outfile = join(directory, 'idle.mjs');
  await build({
    stdin: {
      contents: `
        import { createHttpTransport } from './src/transport/http-transport.ts';
        const transport = createHttpTransport({ baseUrl: '${server.baseUrl}', timeoutMillis: 20_000 });
        for (let round = 0; round < 3; round += 1) {
          const { kind } = await transport.send({ method: 'POST', path: '/logs', body: Buffer.from('{}') });
          console.log(kind);
        }
        console.log('idle at ' + Date.now());`,
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
  const exitedAt = Date.now();
  expect(stdout).toMatch(/^(answered\n){3}idle at \d+\n$/);
  // The server keeps connections for a minute.
  expect(exitedAt - Number(/\d+/.exec(stdout)?.[0])).toBeLessThan(30_000);
});
