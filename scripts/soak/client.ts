/** The requests of ordinary clients: with retries, and with a record of how long each took and what was wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Call, call, type Reply } from './call.ts';

/** What an ordinary request may take. */
export const MAX_MILLIS = 1_000;

export interface SlowRequest {
  readonly kind: string;
  /** By `Date.now()`. */
  readonly from: number;
  readonly to: number;
}

/** What the clients have seen. */
export class Record {
  /** Milliseconds, by kind of request. */
  readonly millis = new Map<string, number[]>();
  /** Slow answers and wrong ones. */
  readonly faults: string[] = [];
  /** Requests that took longer than they may. */
  readonly slow: SlowRequest[] = [];
  refused = 0;
  lost = 0;

  add(kind: string, value: number): void {
    const all = this.millis.get(kind);
    if (all) all.push(value);
    else this.millis.set(kind, [value]);
  }

  /** To be called when the answer has come. */
  addRequest(kind: string, millis: number): void {
    this.add(kind, millis);
    const to = Date.now();
    if (millis > MAX_MILLIS) this.slow.push({ kind, from: to - millis, to });
  }
}

export interface Server {
  /** Changes with each start. */
  url: string;
  /** While it is killed and started, and for a moment after that, requests may be lost or slow. */
  isRestarting: boolean;
  /** Counts the starts. */
  starts: number;
}

export interface Soak {
  readonly server: Server;
  readonly record: Record;
  readonly isOver: () => boolean;
}

/** An answer may be lost, and the request repeated: `lost` counts how often. */
export interface Answered extends Reply {
  readonly lost: number;
}

const PATIENCE_MILLIS = 60_000;

/** Repeats the request until it is answered with neither 503 nor a broken connection. */
export async function ask(soak: Soak, kind: string, request: Call): Promise<Answered> {
  const { server, record } = soak;
  const end = Date.now() + PATIENCE_MILLIS;
  for (let lost = 0; ; ) {
    const { isRestarting, starts } = server;
    const reply = await call(server.url, request);
    const isCalm = !isRestarting && !server.isRestarting && starts === server.starts;
    if (reply.status === 0) {
      lost += 1;
      record.lost += 1;
      if (isCalm) record.faults.push(`${kind}: the connection broke`);
    } else if (isCalm) record.addRequest(kind, reply.millis);
    if (reply.status === 503) {
      record.refused += 1;
      if (reply.retryAfter === undefined) record.faults.push(`${kind}: 503 without Retry-After: ${reply.text}`);
    } else if (reply.status >= 500) record.faults.push(`${kind}: ${reply.status}: ${reply.text.slice(0, 200)}`);
    if (reply.status !== 0 && reply.status !== 503) return { ...reply, lost };
    if (Date.now() > end) {
      record.faults.push(`${kind}: not answered for ${PATIENCE_MILLIS} ms (${reply.status})`);
      return { ...reply, lost };
    }
    await delay(reply.status === 503 ? 1_000 * Number(reply.retryAfter ?? 1) : 100);
  }
}

export function expectStatus({ record }: Soak, kind: string, reply: Reply, ...expected: readonly number[]): boolean {
  if (expected.includes(reply.status)) return true;
  record.faults.push(`${kind}: ${reply.status}, expected ${expected.join(' or ')}: ${reply.text.slice(0, 200)}`);
  return false;
}

/** Repeats the work, with pauses, until the soak is over. */
export async function keepDoing(soak: Soak, pauseMillis: number, work: () => Promise<void>): Promise<void> {
  while (!soak.isOver()) {
    await work();
    await delay(pauseMillis * (0.5 + Math.random()));
  }
}
