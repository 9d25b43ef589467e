/**
 * The transport over HTTP: one undici Pool, loaded at the first request.
 *
 * What a failed request became is told by one fact: undici calls `onRequestStart` right before it writes the first
 * byte. Before that, nothing can have been stored (`unsent`: refused, unknown host, TLS handshake); after it, the
 * server may have read everything (`lost`), also on a stale keep-alive connection that only looks unused.
 *
 * Requests in flight keep the process alive, for `timeoutMillis` at most; idle connections and timers do not.
 */
import type { Dispatcher, Pool } from 'undici';
import { optionError } from '../errors.ts';
import { withoutTracing } from '../otel/suppress-tracing.ts';
import type { Transport, TransportOutcome, TransportRequest } from './transport.ts';

export interface HttpTransportOptions {
  /** An http(s) address without credentials; the request's path is appended to its path. */
  readonly baseUrl: string;
  /** Sent as `X-API-KEY`. White space around it, such as the newline of a secret file, is not part of it. */
  readonly apiKey?: string | undefined;
  /** Deadline of one request in wall time, from the call to the last byte of the answer. */
  readonly timeoutMillis: number;
  /** Connections kept open. More requests than that wait, within their deadline. Default: 4. */
  readonly connections?: number;
  /** Requests that may share a connection unanswered. Only idempotent ones do, so `POST` never. Default: 1. */
  readonly pipelining?: number;
  /** A longer answer is cut there. Default: 4 MiB. */
  readonly maxResponseBytes?: number;
  readonly userAgent?: string;
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** @throws {HumanloopError} if the API key cannot be sent in a header. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #headers: Record<string, string>;
  readonly #origin: string;
  readonly #basePath: string;
  #pool: Promise<Pool> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HttpTransportOptions) {
    const { origin, pathname } = new URL(options.baseUrl);
    this.#options = options;
    this.#origin = origin;
    this.#basePath = pathname.replace(/\/+$/, '');
    this.#headers = { accept: 'application/json', 'user-agent': options.userAgent ?? 'humanloop-otel' };
    const apiKey = options.apiKey?.trim();
    if (apiKey && !/^[\x20-\x7e]+$/.test(apiKey)) {
      throw optionError('apiKey', 'printable ASCII characters', apiKey);
    }
    if (apiKey) this.#headers['x-api-key'] = apiKey;
  }

  send(request: TransportRequest): Promise<TransportOutcome> {
    return withoutTracing(() => this.#send(request));
  }

  close(): Promise<void> {
    this.#closing ??= withoutTracing(async () => {
      const pool = await this.#pool?.catch(() => undefined);
      await pool?.destroy(new Error('the client was closed'));
    });
    return this.#closing;
  }

  async #send(request: TransportRequest): Promise<TransportOutcome> {
    const exchange = new Exchange(this.#options);
    try {
      if (this.#closing) throw new Error('the client was closed');
      this.#pool ??= this.#open();
      const pool = await this.#pool;
      pool.dispatch(
        {
          method: request.method,
          path: this.#basePath + request.path,
          body: request.body ?? null,
          headers: this.#headersOf(request),
          idempotent: request.method !== 'POST',
          blocking: request.method === 'POST',
        },
        exchange,
      );
    } catch (cause) {
      exchange.fail(cause as Error);
    }
    return exchange.outcome;
  }

  #headersOf({ body, contentEncoding }: TransportRequest): Record<string, string> {
    if (!body) return this.#headers;
    const headers: Record<string, string> = { ...this.#headers, 'content-type': 'application/json' };
    if (contentEncoding) headers['content-encoding'] = contentEncoding;
    return headers;
  }

  async #open(): Promise<Pool> {
    const { Pool } = await import('undici');
    const { connections = 4, pipelining = 1, timeoutMillis } = this.#options;
    // The deadline is ours: undici's own limits are idle times, which an answer of one byte a second never reaches.
    return new Pool(this.#origin, {
      connections,
      pipelining,
      connect: { timeout: timeoutMillis },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
}

/**
 * One request under way. It is `waiting` for a connection, then `started`, then settled: by the whole answer, by the
 * size limit, by an error, or by the deadline. What undici reports after that is ignored.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<TransportOutcome>;
  readonly #maxResponseBytes: number;
  readonly #startedAt = performance.now();
  readonly #deadline: NodeJS.Timeout;
  #resolve!: (outcome: TransportOutcome) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #reason = '';
  #headers: Record<string, string> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor({ timeoutMillis, maxResponseBytes = MAX_RESPONSE_BYTES }: HttpTransportOptions) {
    this.#maxResponseBytes = maxResponseBytes;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadline = setTimeout(() => {
      const stage = this.#status ? 'no end of the answer' : this.#controller ? 'no answer' : 'no connection';
      this.fail(new Error(`${stage} within ${timeoutMillis} ms`));
    }, timeoutMillis);
    this.#deadline.unref();
  }

  /**
   * Without this request's bytes having left, aborting here keeps them from ever leaving. Called once more where undici
   * sends again what shared a connection that was reset; whether and when that is done is decided elsewhere.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#controller) this.fail(new Error('the connection was reset before the answer came'));
    if (this.#settled) controller.abort(new Error('the request was given up before it was sent'));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    reason = '',
  ): void {
    this.#status = status;
    this.#reason = reason;
    // Called once more after each 1xx answer; only the last call counts.
    this.#headers = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#settled) return;
    const room = this.#maxResponseBytes - this.#bytes;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#bytes += chunk.length;
    if (chunk.length > room) this.#answer(true);
  }

  onResponseEnd(): void {
    this.#answer(false);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  fail(cause: Error): void {
    const kind = this.#controller ? 'lost' : 'unsent';
    this.#settle({ kind, cause, roundTripTime: performance.now() - this.#startedAt });
  }

  #answer(truncated: boolean): void {
    this.#settle({
      kind: 'answered',
      status: this.#status,
      reason: this.#reason,
      headers: this.#headers,
      text: new TextDecoder().decode(Buffer.concat(this.#chunks)),
      truncated,
      roundTripTime: performance.now() - this.#startedAt,
    });
    if (truncated) this.#controller?.abort(new Error('the answer is longer than the limit'));
  }

  #settle(outcome: TransportOutcome): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#chunks = [];
    this.#resolve(outcome);
    // Only a whole answer leaves the connection fit for the next request.
    if (outcome.kind !== 'answered') this.#controller?.abort(outcome.cause);
  }
}
