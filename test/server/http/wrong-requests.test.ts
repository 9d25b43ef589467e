/** What is not HTTP, not in the usual encoding, or too long to be repeated: the answer says what is wrong. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';

const LOG = { project: 'p', config: { model: 'm' }, output: 'o' };
const HOST = 'Host: localhost\r\n';

/** Resolves to all that the server sends until it closes the connection. */
async function send(port: number, ...parts: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let received = '';
  socket.on('data', (text: string) => {
    received += text;
  });
  socket.write(parts.join(''));
  await once(socket, 'close');
  return received;
}

function post(body: string): string {
  return `POST /v4/logs HTTP/1.1\r\n${HOST}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

test.each([
  [
    'a long address',
    `GET /v4/logs?search=${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`,
    431,
    'the address and the headers are larger',
  ],
  ['no HTTP', 'HELLO\r\n\r\n', 400, 'the request is not valid HTTP: '],
  [
    'two lengths',
    `POST /v4/logs HTTP/1.1\r\n${HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
    400,
    'not valid HTTP: ',
  ],
  [
    'a wrong chunk',
    `POST /v4/logs HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    400,
    'not valid HTTP: ',
  ],
  [
    'a long extension',
    `POST /v4/logs HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(20_000)}`,
    413,
    'the extensions',
  ],
])('%s: the status and what is wrong', async (_, request, status, detail) => {
  const { port } = await startTestServer();
  const [head = '', body = ''] = (await send(port, request)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(JSON.parse(body)).toEqual({ detail: expect.stringContaining(detail) });
});

const CHUNKED = `${HOST}Transfer-Encoding: chunked\r\n\r\n`;

test.each([
  ['is no HTTP', 'HELLO\r\n\r\n'],
  ['has a wrong body', `POST /v4/logs HTTP/1.1\r\n${CHUNKED}zz\r\n`],
])('requests before one that %s are answered first', async (_, wrong) => {
  const { port } = await startTestServer();
  const received = await send(port, post(JSON.stringify(LOG)), post(JSON.stringify(LOG)), wrong);
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400']);
});

test('a body that goes wrong after the answer gets no second one', async () => {
  const { port } = await startTestServer();
  const received = await send(port, `POST /v4/nothing HTTP/1.1\r\n${CHUNKED}`, 'zz\r\n');
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404']);
});

test('what is wrong is noted once, in however many pieces it comes while a stream is open', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): number => warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const { port } = await startTestServer();
  const socket = connect(port, '127.0.0.1').setNoDelay();
  onTestFinished(() => void socket.destroy());
  socket.write(`GET /viewer/api/events HTTP/1.1\r\n${HOST}\r\n`);
  await once(socket, 'data');
  for (let piece = 0; piece < 20; piece += 1) {
    socket.write('HELLO\r\n\r\n');
    await delay(5);
  }
  expect(warnings).toEqual([]);
});

test('JSON may begin with a byte order mark', async () => {
  const server = await startTestServer();
  for (const [path, body] of [
    ['/v4/logs', LOG],
    ['/v1/traces', { resourceSpans: [] }],
  ] as const)
    expect((await server.call('POST', path, `\ufeff${JSON.stringify(body)}`)).status).toBe(200);
});

test('a byte order mark may come in several chunks', async () => {
  const { port } = await startTestServer();
  const socket = connect(port, '127.0.0.1').setNoDelay();
  onTestFinished(() => void socket.destroy());
  const [first = 0, ...others] = Buffer.from(`\ufeff${JSON.stringify(LOG)}`);
  socket.write(`POST /v4/logs HTTP/1.1\r\n${CHUNKED}1\r\n`);
  socket.write(Buffer.from([first]));
  socket.write(`\r\n${others.length.toString(16)}\r\n`);
  socket.write(Buffer.from(others));
  socket.write('\r\n0\r\n\r\n');
  const [received] = (await once(socket, 'data')) as [Buffer];
  expect(received.toString()).toMatch(/^HTTP\/1\.1 200 /);
});

test.each([
  ['a long key', { ...LOG, config: { ['k'.repeat(100_000)]: 1 } }, {}, 1_000],
  ['many long keys', { ...LOG, config: keys(500) }, {}, 40_000],
  ['a long encoding', LOG, { 'content-encoding': 'gzip,'.repeat(2_000) }, 2_000],
])('%s is not repeated in the answer', async (_, body, headers, most) => {
  const server = await startTestServer();
  const { status, body: answer } = await server.call('POST', '/v4/logs', body, headers);
  expect(status).toBeGreaterThanOrEqual(415);
  expect(JSON.stringify(answer).length).toBeLessThan(most);
});

function keys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`${'k'.repeat(10_000)}${at}`, at]));
}
