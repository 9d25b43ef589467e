/**
 * A v4 server over real HTTP that fails as a test says. It checks the requests that it handles against the rules of the
 * API: see `breaches`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { referencesOf, type V4Request, V4Rules, type V4RulesOptions } from './v4-rules.ts';

/** What goes wrong with a request. Without fields the server behaves well. */
export interface Misbehaviour {
  /** Whether the logs are stored, whatever the answer is. Default: true if no `answer` is given. */
  readonly stores?: boolean | 'half';
  /** The request is handled once this is settled. */
  readonly waitsFor?: Promise<unknown>;
  /** Delay before the request is handled. */
  readonly waitMillis?: number;
  /** Delay after the request is handled, before the answer. */
  readonly delayMillis?: number;
  /**
   * - `reset`    the connection is cut
   * - `hang`     no answer ever comes
   * - `drip`     an answer that never ends, one byte at a time
   * - `cut`      the connection ends halfway through the body
   * - `halfJson` status 200 with half of the correct body
   * - `slow`     the correct answer, but its last byte comes late
   * - `html`     status 200 with a proxy's page
   */
  readonly answer?: 'reset' | 'hang' | 'drip' | 'cut' | 'halfJson' | 'slow' | 'html' | Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ReceivedRequest extends V4Request {
  readonly headers: IncomingMessage['headers'];
  readonly references: readonly string[];
  readonly startedAtMillis: number;
  /** 0 until the answer is sent. */
  status: number;
}

export interface MisbehavingV4Options extends V4RulesOptions {
  /** Returns what goes wrong with this request. `index` counts requests from 0. */
  readonly fault?: (request: ReceivedRequest, index: number) => Misbehaviour | undefined;
}

const DRIP_MILLIS = 20;
const SLOW_MILLIS = 60;

export class MisbehavingV4 {
  readonly requests: ReceivedRequest[] = [];
  /** Can be replaced at any time: an outage ends, a key is fixed. */
  fault: MisbehavingV4Options['fault'];
  baseUrl = '';
  maxInFlight = 0;
  #inFlight = 0;
  readonly #rules: V4Rules;
  readonly #server = createServer((request, response) => this.#receive(request, response));

  constructor(options: MisbehavingV4Options = {}) {
    this.#rules = new V4Rules(options);
    this.fault = options.fault;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.baseUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v4`;
  }

  /** Cuts all connections, as a proxy's restart or a frozen host does. */
  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.cutConnections();
    this.#server.close();
  }

  get logs(): V4Rules['logs'] {
    return this.#rules.logs;
  }

  get feedback(): V4Rules['feedback'] {
    return this.#rules.feedback;
  }

  get breaches(): V4Rules['breaches'] {
    return this.#rules.breaches;
  }

  ofMethod(method: 'POST' | 'PATCH'): ReceivedRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  get unanswered(): number {
    return this.#inFlight;
  }

  #receive(message: IncomingMessage, response: ServerResponse): void {
    const arrivedAt = this.#rules.arrive();
    const chunks: Buffer[] = [];
    this.maxInFlight = Math.max(this.maxInFlight, ++this.#inFlight);
    response.on('close', () => {
      this.#inFlight--;
    });
    message.on('error', () => undefined);
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method = '', url = '', headers } = message;
      const body = Buffer.concat(chunks).toString();
      const references = referencesOf({ url, body });
      const request = { method, url, headers, body, references, startedAtMillis: performance.now(), status: 0 };
      this.requests.push(request);
      void this.#answer(request, response, arrivedAt);
    });
  }

  async #answer(request: ReceivedRequest, response: ServerResponse, arrivedAt: number): Promise<void> {
    const fault = this.fault?.(request, this.requests.length - 1) ?? {};
    const { stores = fault.answer === undefined, waitMillis = 0, delayMillis = 0 } = fault;
    await fault.waitsFor;
    if (waitMillis > 0) await pause(waitMillis);
    const good = stores && this.#rules.answer(request, arrivedAt, stores === 'half' ? 'half' : 'all');
    if (delayMillis > 0) await pause(delayMillis);
    const { answer = 'good' } = fault;
    if (typeof answer === 'object') return this.#send(request, response, answer);
    switch (answer) {
      case 'hang':
        return;
      case 'reset':
        return void response.socket?.resetAndDestroy();
      case 'drip':
        response.writeHead(200, { 'content-type': 'application/json' });
        return drip(response);
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        return void response.write('[{"id":', () => response.socket?.destroy());
      case 'html':
        request.status = 200;
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Welcome</body></html>');
    }
    if (!good) throw new Error(`The answer ${answer} is one of a request that is worked on: stores must not be false.`);
    if (answer === 'good') return this.#send(request, response, good);
    const json = JSON.stringify(good.body);
    if (answer === 'halfJson') return void response.writeHead(200).end(json.slice(0, json.length / 2));
    response.writeHead(good.status, { 'content-type': 'application/json' }).write(json.slice(0, -1));
    await pause(SLOW_MILLIS);
    this.#leave(request, good.status);
    response.end(json.slice(-1));
  }

  #send(request: ReceivedRequest, response: ServerResponse, { status, headers = {}, body = {} }: Answer): void {
    this.#leave(request, status);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  #leave(request: ReceivedRequest, status: number): void {
    request.status = status;
    if (status === 200) this.#rules.acknowledge(request.references);
  }
}

/** Starts a server that is closed when the test ends. */
export async function startMisbehavingV4(options: MisbehavingV4Options = {}): Promise<MisbehavingV4> {
  const server = new MisbehavingV4(options);
  await server.listen();
  onTestFinished(() => server.close());
  return server;
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(' '), DRIP_MILLIS);
  response.on('close', () => clearInterval(timer));
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
