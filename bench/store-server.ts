/** A log server in a process of its own, and requests to it over a few kept connections. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServerState } from './server-process.ts';

const POLL_MILLIS = 250;
/** A busy machine can keep a server from its database for a moment: senders then repeat, and the times count that. */
const MAX_BUSY = 30;
const BUSY_MILLIS = 1_000;
/** Sooner than the server, which may close a connection at the moment in which a request is sent on it. */
const IDLE_MILLIS = 60_000;

export interface StoreServer {
  /** Resolves to the body of the answer, once all of it is there. @throws unless the status is 200. */
  send(method: string, path: string, body?: Buffer): Promise<Buffer>;
  readState(): Promise<ServerState>;
  /** Resolves when a search finds all that was stored. */
  untilIndexed(): Promise<ServerState>;
}

/** `place` is a file or the address of a database. Prints how many requests had to be repeated, if any. */
export async function withStoreServer<Result>(
  { kind, place, connections }: { kind: string; place: string; connections: number },
  measure: (server: StoreServer) => Promise<Result>,
): Promise<Result> {
  const child = fork(fileURLToPath(new URL('server-process.js', import.meta.url)), [kind, place]);
  const agent = new Agent({ keepAlive: true, maxSockets: connections, timeout: IDLE_MILLIS });
  let repeats = 0;
  const onRepeat = () => {
    repeats += 1;
  };
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const readState = () => ask<ServerState>(child);
    const untilIndexed = async (): Promise<ServerState> => {
      for (;;) {
        const state = await readState();
        if (state.unindexed === 0) return state;
        await sleep(POLL_MILLIS);
      }
    };
    return await measure({ send: (...sent) => send({ agent, port, onRepeat }, ...sent), readState, untilIndexed });
  } finally {
    if (repeats > 0) {
      process.stderr.write(
        `\n${kind}: ${repeats} repeats after a 503, with ${BUSY_MILLIS} ms before each, are in the times\n`,
      );
    }
    agent.destroy();
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  }
}

interface Sender {
  readonly agent: Agent;
  readonly port: number;
  readonly onRepeat: () => void;
}

async function send(sender: Sender, method: string, path: string, body?: Buffer): Promise<Buffer> {
  for (let busy = 1; ; busy += 1) {
    const { status, answer } = await sendOnce(sender, method, path, body);
    if (status === 200) return answer;
    if (status !== 503 || busy === MAX_BUSY) throw new Error(`${method} ${path}: ${status}: ${answer.toString()}`);
    sender.onRepeat();
    await sleep(BUSY_MILLIS);
  }
}

async function sendOnce({ agent, port }: Sender, method: string, path: string, body?: Buffer) {
  const headers = body ? { 'content-type': 'application/json', 'content-length': body.length } : {};
  const sent = request({ agent, port, host: '127.0.0.1', path, method, headers });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode as number, answer: Buffer.concat(chunks) };
}

/**
 * Posts as fast as the server answers, of each group the agents first. Resolves to the milliseconds that each request
 * took.
 */
export async function postAll(
  send: StoreServer['send'],
  connections: number,
  groups: readonly Buffer[][],
): Promise<number[]> {
  const bodies = [...groups.map(([agents]) => agents as Buffer), ...groups.flatMap(([, ...others]) => others)];
  const times: number[] = [];
  let next = 0;
  const connection = async () => {
    for (let body = bodies[next++]; body; body = bodies[next++]) times.push(await postLogs(send, body));
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return times;
}

/** Resolves to the milliseconds that it took. */
export async function postLogs(send: StoreServer['send'], body: Buffer): Promise<number> {
  const startedAtMillis = performance.now();
  await send('POST', '/v4/logs', body);
  return performance.now() - startedAtMillis;
}

/** Resolves to the next message of a process that answers each message with one. */
export async function ask<Answer>(child: ChildProcess): Promise<Answer> {
  const answer = once(child, 'message') as Promise<[Answer]>;
  child.send({});
  return (await answer)[0];
}
