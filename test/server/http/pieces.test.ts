/** Bodies that come byte by byte. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Pieces } from '../../../src/server/http/bytes/pieces.ts';
import { startTestServer } from '../../support/start-test-server.ts';

test.each([1, 7, 1_000, 65_536, 100_000])('of pieces of %i bytes, few are kept, with all of their bytes', (length) => {
  const pieces = new Pieces();
  const all = Buffer.from(Array.from({ length: 700_000 }, (_, at) => at % 251));
  for (let at = 0; at < all.length; at += length) pieces.add(all.subarray(at, at + length));
  const taken = pieces.take();
  expect(Buffer.concat(taken).equals(all)).toBe(true);
  expect(taken.length).toBeLessThan(64 + all.length / 65_536 + 1);
  expect(pieces.take()).toEqual([]);
});

test('a body in chunks of one byte is read like any other', async () => {
  const server = await startTestServer();
  const text = JSON.stringify({ project: 'p', config: { model: 'm' }, output: 'é"x'.repeat(2_000) });
  const chunks = Array.from(Buffer.from(`\ufeff${text}`), (byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  socket.write('POST /v4/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
  socket.write('Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n');
  socket.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
  await new Promise((closed) => socket.on('close', closed));
  expect(answer).toMatch(/^HTTP\/1.1 200 /);
  const { id } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as { id: string };
  expect((await server.call('GET', `/v4/logs/${id}`)).body.output).toBe('é"x'.repeat(2_000));
});

test('what everybody may ask for, without a key too, takes no large body', async () => {
  const server = await startTestServer({ apiKey: 'key' });
  const logIn = (more: object) => server.call('POST', '/viewer/api/login', { api_key: 'key', ...more });
  expect((await logIn({ other: 'x'.repeat(20_000) })).status).toBe(413);
  expect((await server.call('POST', '/viewer/api/logout', { other: 'x'.repeat(20_000) })).status).toBe(413);
  expect((await logIn({})).status).toBe(204);
});
