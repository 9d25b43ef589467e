/** Bodies that are small on the wire and large in memory, and bodies that stop in the middle. */
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { empty, json } from '../../../src/server/http/answer.ts';
import { createBodyMemory } from '../../../src/server/http/body-memory.ts';
import { decodeUtf8 } from '../../../src/server/http/bytes/decode-utf8.ts';
import { JsonStructure } from '../../../src/server/http/bytes/json-structure.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { expectCheap } from './expect-cheap.ts';
import { callRaw, serveRoutes } from './serve-routes.ts';

const CHEAP_BOMBS: [name: string, text: string, status: number][] = [
  ['empty objects', `{"inputs":{"v":[${'{},'.repeat(5_000_000)}{}]}}`, 413],
  ['lists in lists', '['.repeat(8_000_000), 422],
  ['objects in objects', '{"a":'.repeat(3_000_000), 422],
  ['numbers', `[${'1,'.repeat(8_000_000)}1]`, 413],
  ['empty texts', `[${'"",'.repeat(5_000_000)}1]`, 413],
  ['keys', `{${Array.from({ length: 500_000 }, (_, index) => `"k${index}":1`).join(',')}}`, 413],
  ['wrong items', `[${'{},'.repeat(900)}{}]`, 422],
  ['wrong messages', `{"messages":[${'{},'.repeat(80_000)}{}]}`, 422],
  ['wrong parts of messages', `{"messages":[{"role":"user","content":[${'{},'.repeat(80_000)}{}]}]}`, 422],
  ['wrong tools', `{"config":{"model":"m","tools":[${'{},'.repeat(80_000)}{}]}}`, 422],
];

test.each(CHEAP_BOMBS)('a bomb of %s is refused quickly, and others hardly wait', async (_, text, status) => {
  const { url, call } = await startTestServer();
  await call('GET', '/healthz');
  const body = new Uint8Array(gzipSync(text));
  expect((await expectCheap(`${url}/v4/logs`, body, 'application/json')).status).toBe(status);
});

test.each([
  ['lists in items', '[[', '[],'],
  ['items', '[', '[],'],
  ['fields', '{', '"":[],'],
])('of a body of %s that stops in the middle, little more is kept than its bytes', async (_, start, part) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { url } = await startTestServer();
  const heapBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const body = start + part.repeat(200_000 / part.length);
  const head = `POST /v4/logs HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: application/json\r\n`;
  const before = heapBytes();
  for (let index = 0; index < 20; index += 1) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await new Promise<void>((sent) => {
      socket.write(`${head}Content-Length: ${body.length + 1}\r\n\r\n${body}`, () => sent());
    });
  }
  // All of them have been read when another one is answered.
  await fetch(`${url}/v4/logs`, { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } });
  expect(heapBytes() - before).toBeLessThan(20 * 4 * body.length);
});

test('texts do not count, whatever is in them and wherever they are cut', () => {
  const json = JSON.stringify({ '[{,': ['\\"[[[', '"{{{', '\\\\', ',,,', '\\'], b: [{}, 1, 2] });
  for (const size of [1, 2, 3, 7, 1_000]) {
    const structure = new JsonStructure();
    const bytes = Buffer.from(json);
    for (let at = 0; at < bytes.length; at += size) structure.read(bytes.subarray(at, at + size));
    // Two keys, four objects and lists, and eight commas between values.
    expect(structure.weight).toBe(6 * 5 + 7);
  }
  const long = JSON.stringify([
    `${'x'.repeat(200)}"[${'\\'.repeat(301)}"{,${'y'.repeat(200)}\\`,
    'z'.repeat(1_000),
    `${'['.repeat(100)}`,
  ]);
  for (const size of [1, 31, 32, 33, 34, 63, 64, 65, 66, 100, 127, 128, 129, 130, 200, 10_000]) {
    const structure = new JsonStructure();
    const bytes = Buffer.from(long);
    for (let at = 0; at < bytes.length; at += size) structure.read(bytes.subarray(at, at + size));
    expect(structure.weight).toBe(5 + 2);
  }
});

/** Weighs a whole text byte by byte. */
function weigh(json: string): number {
  let weight = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at++) {
    if (isInText && json[at] === '\\') at++;
    else if (json[at] === '"') isInText = !isInText;
    else if (!isInText) weight += json[at] === ',' ? 1 : '[{:'.includes(json[at]!) ? 5 : 0;
  }
  return weight;
}

test('a body weighs the same wherever it is cut', () => {
  for (let length = 120; length < 140; length++) {
    const bytes = Buffer.from(JSON.stringify([`${'x'.repeat(length)}"[`]));
    for (let cut = 0; cut <= bytes.length; cut++) {
      const structure = new JsonStructure();
      structure.read(bytes.subarray(0, cut));
      structure.read(bytes.subarray(cut));
      expect(structure.weight, `${length} cut at ${cut}`).toBe(5);
    }
  }
  const piece = fc.constantFrom(
    '\\',
    '"',
    '[',
    '{,:',
    'x',
    'y'.repeat(127),
    'z'.repeat(300),
    'é',
    '¢¢¢¢',
    '!!!!',
    '#]\u007f',
  );
  const text = fc.array(piece).map((pieces) => pieces.join(''));
  const value = fc.jsonValue({ stringUnit: fc.constantFrom('"', '\\', ',', '{', 'a') });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(text, value)),
      fc.array(fc.integer({ min: 0, max: 400 })),
      fc.nat(7),
      (items, cuts, start) => {
        const json = JSON.stringify(items);
        // Anywhere in memory, and what is around it does not count.
        const memory = Buffer.alloc(json.length * 3 + 16, '"\\');
        const bytes = memory.subarray(start, start + memory.write(json, start));
        const structure = new JsonStructure();
        let from = 0;
        for (const size of cuts) {
          structure.read(bytes.subarray(from, from + size));
          from += size;
        }
        structure.read(bytes.subarray(from));
        expect(structure.weight).toBe(weigh(json));
      },
    ),
  );
});

test('texts are decoded as Node decodes them, also those that are not UTF-8', () => {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1_100, maxLength: 1_300 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ minLength: 0, maxLength: 1_200, size: 'max' }).map((array) => Buffer.from(array)),
    fc.constantFrom('\ufeff', 'é', '’', '😀').map((sign) => Buffer.from(`${sign}${'x'.repeat(2_000)}`)),
  );
  fc.assert(
    fc.property(bytes, (some) => {
      expect(decodeUtf8(some)).toBe(some.toString('utf8'));
    }),
    // Of a thousand bytes, the smallest that fail take minutes to find.
    { endOnFailure: true },
  );
});

test('the deepest body that is taken can be read again', async () => {
  const { call } = await startTestServer();
  const post = (levels: number) =>
    call(
      'POST',
      '/v4/logs',
      `{"project":"p","config":{"model":"m","other":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}}`,
    );
  expect((await post(1_999)).body.detail[0].msg).toContain('nested more than 2000 levels');
  const { status, body } = await post(1_998);
  expect(status).toBe(200);
  expect((await call('GET', `/v4/logs/${body.id}`)).status).toBe(200);
  expect((await call('GET', `/v4/logs?project_id=${body.project_id}`)).status).toBe(200);
  expect((await call('GET', `/viewer/api/logs/${body.id}`)).status).toBe(200);
});

function sendPart(port: number, length: number, part: Buffer): Socket {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write(`POST /v4/logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`);
  socket.write(part);
  return socket;
}

test('bodies that stop in the middle keep out neither small ones nor large ones that flow', async () => {
  const { call, port } = await startTestServer({ onError: () => {} });
  const almost = Buffer.alloc(16 * 1024 * 1024 - 1, '[""');
  const stopped = Array.from({ length: 20 }, () => sendPart(port, almost.length + 1, almost.fill(' ')));
  const answers: string[] = [];
  for (const socket of stopped) socket.on('data', (data) => answers.push(data.toString().split('\r\n')[0]!));
  await expect.poll(() => answers.some((line) => line.includes('503')), { timeout: 60_000 }).toBe(true);
  const log = { project: 'p', config: { model: 'm' } };
  expect((await call('POST', '/v4/logs', log)).status).toBe(200);
  // Those that have stopped give way to it.
  const large = { ...log, output: 'x'.repeat(15 * 1024 * 1024) };
  await expect.poll(async () => (await call('POST', '/v4/logs', large)).status).toBe(200);
  // At the latest when they have stopped for the time that any body may stop.
  await expect.poll(() => answers.some((line) => line.includes('408'))).toBe(true);
});

test('a body that stops is answered with 408, and its connection is closed', async () => {
  const { port } = await serveRoutes(
    { '/v4/logs': { POST: { needs: 'write', run: async () => empty() } } },
    { limits: { maxBodyBytes: 1_000, maxPendingBytes: 10_000, bodyIdleMillis: 50 }, onError: () => {} },
  );
  const socket = sendPart(port, 100, Buffer.from('{'));
  let answer = '';
  socket.on('data', (data) => {
    answer += data;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('stopped in the middle');
});

test('memory: large bodies leave a share to small ones, and the one that stopped first gives way first', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const gone: string[] = [];
  const newSpace = createBodyMemory(1_000, 100);
  const open = (name: string) => newSpace(() => gone.push(name));
  const [a, b, c] = [open('a'), open('b'), open('c')];
  expect(a.grow(400)).toBe(true);
  vi.advanceTimersByTime(500);
  expect(b.grow(350)).toBe(true);
  expect(c.grow(101)).toBe(false);
  expect(c.grow(100)).toBe(true);
  expect(c.grow(1)).toBe(false);
  vi.advanceTimersByTime(2_001);
  expect(c.grow(300)).toBe(true);
  expect(gone).toEqual(['a']);
  b.complete();
  expect(open('d').grow(600)).toBe(false);
  expect(gone).toEqual(['a', 'c']);
  a.free();
  b.free();
  c.free();
  expect(open('e').grow(1_000)).toBe(true);
});

test('answers that nobody reads are cut off after a while, and small ones come meanwhile', async () => {
  // More than the system itself keeps of an answer for its reader, which can be megabytes.
  const big = 'x'.repeat(32_000_000);
  const { port, countConnections } = await serveRoutes(
    {
      '/big': { GET: { needs: 'nothing', run: async () => json(200, big) } },
      '/small': { GET: { needs: 'nothing', run: async () => json(200, 's') } },
    },
    {
      limits: { maxBodyBytes: 1_000, maxPendingBytes: 10_000, maxUnreadBytes: 72_000_000, unreadMillis: 3_000 },
      onError: () => {},
    },
  );
  const ask = (path: string) => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return socket.pause();
  };
  ask('/big');
  ask('/big');
  await expect.poll(countConnections).toBe(2);
  expect((await callRaw(port, 'GET', '/small')).status).toBe(200);
  await expect.poll(countConnections, { timeout: 30_000 }).toBe(0);
  expect((await callRaw(port, 'GET', '/big')).status).toBe(200);
});
