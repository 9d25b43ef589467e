/**
 * The transport over HTTP: one undici Pool, or the agent for a proxy, loaded at the first request; `fetch` where there is
 * no working Pool.
 *
 * undici calls `onRequestStart` right before it writes the first byte. A request that fails before it is `unsent`:
 * nothing can have been stored (refused, unknown host, TLS handshake). After it the request is `lost`: the server may
 * have read everything, even on a stale keep-alive connection.
 *
 * Requests in flight keep the process alive, for at most `timeoutMillis`; idle connections and timers do not.
 */
import type { Dispatcher } from 'undici';
import { isClosedService } from '../address.ts';
import { optionError } from '../errors.ts';
import { mustLoadEarly } from '../host/late-loads.ts';
import { withoutTracing } from '../otel/suppress-tracing.ts';
import { hasNumberTimers, unref } from '../scheduling/unref.ts';
import { createClosedTransport } from './closed-service.ts';
import { isProxied } from './env-proxy.ts';
import { FetchClient } from './fetch-client.ts';
import type { Transport, TransportOutcome, TransportRequest } from './transport.ts';

export interface HttpTransportOptions {
  /** An http(s) address without credentials. A request's path is appended to its path. */
  readonly baseUrl: string;
  /** Sent as `X-API-KEY`. White space around it is removed, such as the newline of a secret file. */
  readonly apiKey?: string | undefined;
  /** Deadline of one request in milliseconds, from the call to the last byte of the answer. */
  readonly timeoutMillis: number;
  /** Maximum number of connections. Further requests wait, within their deadline. Default: 4. */
  readonly connections?: number;
  /** Unanswered requests per connection. Only idempotent requests share one, so `POST` never does. Default: 1. */
  readonly pipelining?: number;
  /** Longer answers are cut. Default: 4 MiB. */
  readonly maxResponseBytes?: number;
  readonly userAgent?: string;
}

const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;

/** @throws {HumanloopError} if the API key cannot be sent in a header. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  return isClosedService(options.baseUrl) ? createClosedTransport(options.baseUrl) : new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #headers: Record<string, string>;
  readonly #origin: string;
  readonly #basePath: string;
  #client: Promise<Dispatcher | FetchClient> | undefined;
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
    if (mustLoadEarly()) this.#client = this.#open();
  }

  send(request: TransportRequest): Promise<TransportOutcome> {
    return withoutTracing(() => this.#send(request));
  }

  close(): Promise<void> {
    this.#closing ??= withoutTracing(async () => {
      const client = await this.#client;
      await client?.destroy(new Error('the client was closed'));
    });
    return this.#closing;
  }

  async #send(request: TransportRequest): Promise<TransportOutcome> {
    if (this.#closing) return { kind: 'unsent', cause: new Error('the client was closed'), roundTripTime: 0 };
    this.#client ??= this.#open();
    const client = await this.#client;
    const { method, body } = request;
    const path = this.#basePath + request.path;
    const headers = this.#headersOf(request);
    if (client instanceof FetchClient) return client.send({ url: this.#origin + path, method, headers, body });
    const exchange = new Exchange(this.#options);
    const isShared = method !== 'POST';
    const sent = { origin: this.#origin, method, path, body: body ?? null, headers };
    try {
      client.dispatch({ ...sent, idempotent: isShared, blocking: !isShared }, exchange);
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

  /** Never rejects. undici may be missing, or be a stub, as the one that Bun has built in. */
  async #open(): Promise<Dispatcher | FetchClient> {
    const { connections = 4, pipelining = 1, timeoutMillis, maxResponseBytes = MAX_RESPONSE_BYTES } = this.#options;
    try {
      const { EnvHttpProxyAgent, Pool } = await import('undici');
      if (typeof Pool.prototype.dispatch === 'function') {
        // We keep the deadline ourselves: undici limits idle time, which an answer of one byte a second never reaches.
        const withoutLimits = { connect: { timeout: timeoutMillis }, headersTimeout: 0, bodyTimeout: 0 };
        const settings = {
          connections,
          pipelining,
          ...withoutLimits,
          ...(hasNumberTimers() && withoutTimers((proxy, own) => new Pool(proxy, own))),
        };
        return isProxied(this.#origin) ? new EnvHttpProxyAgent(settings) : new Pool(this.#origin, settings);
      }
    } catch {
      // A bundle without undici.
    }
    return new FetchClient({ timeoutMillis, connections, maxResponseBytes });
  }
}

/**
 * undici calls `unref` of each timer that it starts, also in callbacks of its own, where the error would end the app. With
 * these options it starts none: it keeps no connection after the answer, and leaves limits of connecting to the system.
 */
function withoutTimers(openPool: (proxy: string | URL, options: object) => Dispatcher) {
  const options = { pipelining: 0, connect: { timeout: 0 }, headersTimeout: 0, bodyTimeout: 0 };
  return {
    ...options,
    proxyTls: options.connect,
    requestTls: options.connect,
    clientFactory: (proxy: string | URL, own: object) => openPool(proxy, { ...options, ...own }),
  };
}

/**
 * One request under way. It waits for a connection, then starts, and is resolved by the whole answer, the size limit,
 * an error, or the deadline. What undici reports after that is ignored.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly outcome: Promise<TransportOutcome>;
  readonly #maxResponseBytes: number;
  readonly #startedAt = performance.now();
  readonly #deadline: NodeJS.Timeout;
  #fulfill!: (outcome: TransportOutcome) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #isResolved = false;
  #status = 0;
  #reason = '';
  #headers: Record<string, string> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor({ timeoutMillis, maxResponseBytes = MAX_RESPONSE_BYTES }: HttpTransportOptions) {
    this.#maxResponseBytes = maxResponseBytes;
    this.outcome = new Promise((resolve) => {
      this.#fulfill = resolve;
    });
    this.#deadline = setTimeout(() => {
      const stage = this.#status ? 'no end of the answer' : this.#controller ? 'no answer' : 'no connection';
      this.fail(new Error(`${stage} within ${timeoutMillis} ms`));
    }, timeoutMillis);
    unref(this.#deadline);
  }

  /**
   * No byte has been written yet, so aborting here guarantees that none will be. undici calls this again when it
   * retries a pipelined request after a reset; we fail instead, since delivery/ decides about retries.
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#controller) this.fail(new Error('the connection was reset before the answer came'));
    if (this.#isResolved) controller.abort(new Error('the request was given up before it was sent'));
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
    // undici calls this for each 1xx answer too; only the last call counts.
    this.#headers = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isResolved) return;
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
    this.#resolve({ kind, cause, roundTripTime: performance.now() - this.#startedAt });
  }

  #answer(truncated: boolean): void {
    this.#resolve({
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

  #resolve(outcome: TransportOutcome): void {
    if (this.#isResolved) return;
    this.#isResolved = true;
    clearTimeout(this.#deadline);
    this.#chunks = [];
    this.#fulfill(outcome);
    // After anything but a whole answer the connection cannot be reused.
    if (outcome.kind !== 'answered') this.#controller?.abort(outcome.cause);
  }
}
