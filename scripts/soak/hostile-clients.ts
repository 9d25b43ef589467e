/** Clients that are faulty or hostile, one kind of request after the other, beside the ordinary ones. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, call, get, post } from './call.ts';
import type { Soak } from './client.ts';
import { HOSTILE_KINDS } from './hostile-requests.ts';
import { CONFIG, type LargeData } from './large-data.ts';

const LOG = { project: 'hostile', config: CONFIG };

/** Values that have broken servers, and how each has to be answered. */
const WRONG_VALUES: readonly (readonly [name: string, request: Call, status: number])[] = [
  ['tokens of 2^53', post('/v4/logs', { ...LOG, prompt_tokens: 2 ** 53 }), 422],
  [
    'a number beyond 2^53',
    {
      method: 'POST',
      path: '/v4/logs',
      body: `{"project":"hostile","config":{"model":"m"},"inputs":{"n":${'9'.repeat(40)}}}`,
    },
    200,
  ],
  [
    'a cost that is infinite',
    { method: 'POST', path: '/v4/logs', body: '{"project":"hostile","config":{"model":"m"},"prompt_cost":1e400}' },
    422,
  ],
  ['a date after the last one', post('/v4/logs', { ...LOG, created_at: '9999-12-31T23:59:59-14:00' }), 422],
  ['a date before the first one', post('/v4/logs', { ...LOG, created_at: '0000-01-01T00:00:00+14:00' }), 422],
  ['the last date', post('/v4/logs', { ...LOG, created_at: '9999-12-31T23:59:59Z' }), 200],
  [
    'NUL in a log',
    post('/v4/logs', { ...LOG, output: 'a\0b', session_reference_id: 'a\0b', reference_id: 'a\0b' }),
    200,
  ],
  ['half a surrogate pair', post('/v4/logs', { ...LOG, output: 'a\ud800b', reference_id: '\ud800' }), 200],
  ['NUL in a search', get('/viewer/api/sessions?q=a%00b'), 200],
  ['a wrong encoding in a path', get('/v4/logs/%ff'), 400],
  [
    'protobuf that ends early',
    {
      method: 'POST',
      path: '/v1/traces',
      body: Buffer.from([0x0a, 0xff, 0x01, 0x0a]),
      headers: { 'content-type': 'application/x-protobuf' },
    },
    400,
  ],
  [
    'gzip that is none',
    { method: 'POST', path: '/v4/logs', body: 'abc', headers: { 'content-encoding': 'gzip' } },
    400,
  ],
];

export function startHostileClients(soak: Soak, pauseMillis: number, data: () => LargeData): Promise<void>[] {
  let turn = 0;

  const sendKinds = async (): Promise<void> => {
    while (!soak.isOver()) {
      const kind = HOSTILE_KINDS[turn % HOSTILE_KINDS.length]!;
      turn += 1;
      await send(soak, kind.name, kind.make(data()));
      // What they have stored would fill the disk.
      if (turn % HOSTILE_KINDS.length === 0) await forget(soak);
      await delay(pauseMillis);
    }
  };

  const sendWrongValues = async (): Promise<void> => {
    for (let at = 0; !soak.isOver(); at += 1) {
      const [name, request, expected] = WRONG_VALUES[at % WRONG_VALUES.length]!;
      const status = await send(soak, name, request);
      if (![0, 503, expected].includes(status)) soak.record.faults.push(`${name}: ${status}, expected ${expected}`);
      await delay(100);
    }
  };

  const stop = async (): Promise<void> => {
    while (!soak.isOver()) {
      await stopInTheMiddle(soak);
      await delay(pauseMillis * 5);
    }
  };

  return [sendKinds(), sendKinds(), sendWrongValues(), stop()];
}

async function send({ server, record }: Soak, name: string, request: Call): Promise<number> {
  const { isRestarting, starts } = server;
  const reply = await call(server.url, request);
  if (reply.status === 0 && !isRestarting && starts === server.starts && !server.isRestarting) {
    record.faults.push(`${name}: the connection broke`);
  }
  if (reply.status === 503 && reply.retryAfter === undefined) record.faults.push(`${name}: 503 without Retry-After`);
  if (reply.status >= 500 && reply.status !== 503)
    record.faults.push(`${name}: ${reply.status}: ${reply.text.slice(0, 200)}`);
  record.add('hostile requests', reply.millis);
  return reply.status;
}

async function forget(soak: Soak): Promise<void> {
  const reply = await call(soak.server.url, get('/v4/projects?size=1000'));
  if (reply.status !== 200) return;
  for (const { id, name } of JSON.parse(reply.text).records as { id: string; name: string }[]) {
    // Spans that name no service are in this project.
    if (name === 'hostile' || name === 'default')
      await send(soak, 'DELETE of a project', { method: 'DELETE', path: `/v4/projects/${id}` });
  }
}

/** Seventeen connections send all but the last byte of a large body, and stop. */
async function stopInTheMiddle({ server, isOver }: Soak): Promise<void> {
  const port = Number(new URL(server.url).port);
  const part = Buffer.alloc(16 * 1024 * 1024 - 1, ' ');
  const sockets = Array.from({ length: 17 }, () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /v4/logs HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${part.length + 1}\r\n\r\n`);
    socket.write(part);
    return socket;
  });
  for (let seconds = 0; seconds < 12 && !isOver(); seconds += 1) await delay(1_000);
  for (const socket of sockets) socket.destroy();
}
