/**
 * Sends requests with `fetch`, where undici's `Pool` does not work: Bun has a stub in its place, and a bundle may have
 * been deployed without it.
 *
 * `fetch` does not tell when it writes the first byte. A failure therefore counts as `unsent` only if its code says that
 * no connection was made, and as `lost` otherwise, so that delivery asks whether the server has the logs.
 */
import { Fifo } from '../scheduling/fifo.ts';
import { unref } from '../scheduling/unref.ts';
import type { TransportOutcome } from './transport.ts';

/** A request with all of its headers. */
export interface FetchRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
}

export interface FetchClientOptions {
  /** Deadline of one request, from the call to the last byte of the answer. */
  readonly timeoutMillis: number;
  /** Maximum number of requests under way. Further requests wait, within their deadline. */
  readonly connections: number;
  /** Longer answers are cut. */
  readonly maxResponseBytes: number;
}

/** Codes of errors without a connection: refused, unknown host, no route. Others may come after the first byte. */
const NO_CONNECTION = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

/** Requests that began together end together: when the first does, a next one would only be lost. */
const MIN_LEFT_MILLIS = 10;

export class FetchClient {
  readonly #options: FetchClientOptions;
  readonly #running = new Set<AbortController>();
  /** Each is called when a connection becomes free, and returns false if its request no longer needs one. */
  readonly #waiting = new Fifo<() => boolean>();
  #free: number;
  #closed: Error | undefined;

  constructor(options: FetchClientOptions) {
    this.#options = options;
    this.#free = options.connections;
  }

  /** Never rejects. */
  async send(request: FetchRequest): Promise<TransportOutcome> {
    const startedAt = performance.now();
    let controller: AbortController;
    try {
      controller = new AbortController();
    } catch (error) {
      // Node defines its globals when they are first used, which an app that has frozen the global object forbids.
      return { kind: 'unsent', cause: error as Error, roundTripTime: 0 };
    }
    const { timeoutMillis } = this.#options;
    const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMillis} ms`)), timeoutMillis);
    unref(timer);
    this.#running.add(controller);
    let isConnected = false;
    try {
      if (this.#closed) throw this.#closed;
      isConnected = await this.#connect(controller.signal, startedAt + timeoutMillis);
      controller.signal.throwIfAborted();
      if (!isConnected) throw new Error(`no connection within ${timeoutMillis} ms`);
      const answer = await this.#exchange(request, controller.signal);
      return { kind: 'answered', ...answer, roundTripTime: performance.now() - startedAt };
    } catch (error) {
      const cause = socketErrorOf(error);
      const kind = isConnected && !NO_CONNECTION.test(String(cause.code)) ? 'lost' : 'unsent';
      return { kind, cause, roundTripTime: performance.now() - startedAt };
    } finally {
      clearTimeout(timer);
      this.#running.delete(controller);
      if (isConnected) this.#disconnect();
    }
  }

  /** Requests under way are `lost`, and those that wait are `unsent`. */
  destroy(reason: Error): void {
    this.#closed = reason;
    for (const controller of this.#running) controller.abort(reason);
  }

  /** Resolves to true when the request may use a connection, and to false if it is given up before. */
  #connect(signal: AbortSignal, endsAtMillis: number): Promise<boolean> | boolean {
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(false), { once: true });
      this.#waiting.push(() => {
        const isWanted = !signal.aborted && endsAtMillis - performance.now() > MIN_LEFT_MILLIS;
        resolve(isWanted);
        return isWanted;
      });
    });
  }

  #disconnect(): void {
    let next = this.#waiting.shift();
    while (next && !next()) next = this.#waiting.shift();
    if (!next) this.#free += 1;
  }

  async #exchange({ url, body, ...request }: FetchRequest, signal: AbortSignal) {
    const init = { ...request, signal, redirect: 'manual', ...(body && { body }) } as RequestInit;
    const response = await fetch(url, init);
    const { status, statusText: reason, headers } = response;
    const read = await this.#read(response, signal);
    return { status, reason, headers: Object.fromEntries(headers), ...read };
  }

  async #read(response: Response, signal: AbortSignal): Promise<{ text: string; truncated: boolean }> {
    const chunks: Uint8Array[] = [];
    let room = this.#options.maxResponseBytes;
    let truncated = false;
    const reader = response.body?.getReader();
    while (reader && !truncated) {
      const { value, done } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      truncated = value.length > room;
      chunks.push(truncated ? value.subarray(0, room) : value);
      room -= value.length;
    }
    if (truncated) reader?.cancel().catch(() => undefined);
    return { text: new TextDecoder().decode(Buffer.concat(chunks)), truncated };
  }
}

/** Node wraps the error of the socket in a `TypeError: fetch failed`; Bun does not. */
function socketErrorOf(error: unknown): NodeJS.ErrnoException {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? error.cause : error;
}
