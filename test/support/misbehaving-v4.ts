/**
 * A v4 endpoint over real HTTP that fails as told, and is as strict as the API's text where it does not: a parent must
 * have been acknowledged in an earlier request, and a reference be stored once. It writes down each breach.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type LogRequest, logRequest, logUpdate } from '../../src/wire/v4.ts';

/** What goes wrong with a request. Nothing given is what a good server does. */
export interface Fault {
  /** The request is worked on, whatever becomes of the answer. Default: `false` where `answer` is given. */
  readonly stores?: boolean;
  /** Before the answer, after the work. */
  readonly delayMillis?: number;
  /**
   * - `reset`  the connection is cut
   * - `hang`   no answer ever comes
   * - `drip`   an answer that never ends, a byte at a time
   * - `cut`    the connection ends halfway through the body
   * - `html`   status 200 with a proxy's page
   */
  readonly answer?: 'reset' | 'hang' | 'drip' | 'cut' | 'html' | Answer;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly references: readonly string[];
  readonly startedAtMillis: number;
  /** 0 until the answer is out. */
  status: number;
}

export interface MisbehavingV4Options {
  /** What goes wrong with this request, the `index`-th, counted from 0. */
  readonly fault?: (request: Request, index: number) => Fault | undefined;
  /** A datapoint that is refused, with the detail of a 422. */
  readonly refuses?: (log: LogRequest) => boolean;
  /** Larger requests are answered with 413. */
  readonly maxBytes?: number;
}

export class MisbehavingV4 {
  readonly logs = new Map<string, LogRequest>();
  readonly breaches: string[] = [];
  readonly requests: Request[] = [];
  /** Exchangeable at any time: an outage ends, a key is mended. */
  fault: MisbehavingV4Options['fault'];
  baseUrl = '';
  maxInFlight = 0;
  #inFlight = 0;
  /** By reference, after which event it was. Requests and acknowledgements are counted. */
  readonly #acknowledged = new Map<string, number>();
  #events = 0;
  readonly #options: MisbehavingV4Options;
  readonly #server = createServer((request, response) => this.#receive(request, response));

  constructor(options: MisbehavingV4Options) {
    this.#options = options;
    this.fault = options.fault;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.baseUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v4`;
  }

  /** Also what idle clients see when a host freezes or a proxy restarts. */
  cutConnections(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.cutConnections();
    this.#server.close();
  }

  ofMethod(method: 'POST' | 'PATCH'): Request[] {
    return this.requests.filter((request) => request.method === method);
  }

  get unanswered(): number {
    return this.#inFlight;
  }

  #receive(message: IncomingMessage, response: ServerResponse): void {
    const came = ++this.#events;
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
      const request = {
        method,
        url,
        headers,
        body,
        references: referencesOf(url, body),
        startedAtMillis: performance.now(),
        status: 0,
      };
      this.requests.push(request);
      void this.#answer(request, response, came);
    });
  }

  async #answer(request: Request, response: ServerResponse, came: number): Promise<void> {
    const fault = this.fault?.(request, this.requests.length - 1) ?? {};
    const isWorked = fault.stores ?? fault.answer === undefined;
    const good = isWorked ? this.#work(request, came) : undefined;
    if (fault.delayMillis) await new Promise((resolve) => setTimeout(resolve, fault.delayMillis));
    const { answer = good as Answer } = fault;
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
    const { status, headers = {}, body = {} } = answer;
    request.status = status;
    if (status === 200) this.#acknowledge(request.references);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  }

  #acknowledge(references: readonly string[]): void {
    this.#events++;
    for (const reference of references) {
      if (!this.#acknowledged.has(reference)) this.#acknowledged.set(reference, this.#events);
    }
  }

  #work(request: Request, came: number): Answer {
    if (request.method === 'PATCH') return this.#patch(request);
    const logs = JSON.parse(request.body) as LogRequest[];
    if (Buffer.byteLength(request.body) > (this.#options.maxBytes ?? Number.POSITIVE_INFINITY)) return { status: 413 };
    const bad = logs.findIndex((log) => this.#options.refuses?.(log));
    if (bad >= 0) {
      return { status: 422, body: { detail: [{ loc: ['body', bad, 'config'], msg: 'bad', type: 'value_error' }] } };
    }
    for (const log of logs) this.#store(log, request.references, came);
    return { status: 200, body: logs.map((_, index) => ({ id: `data_${index}`, project_id: 'pr_1' })) };
  }

  #store(log: LogRequest, references: readonly string[], came: number): void {
    const reference = String(log.reference_id);
    const parsed = logRequest.safeParse(log);
    if (!parsed.success) this.breaches.push(`${reference} is invalid: ${parsed.error.message}`);
    if (this.logs.has(reference)) this.breaches.push(`${reference} was stored twice`);
    const parent = log.parent_reference_id;
    if (parent && references.includes(parent)) this.breaches.push(`${reference} shares a request with its parent`);
    else if (parent && (this.#acknowledged.get(parent) ?? Number.POSITIVE_INFINITY) >= came)
      this.breaches.push(`${reference} came before its parent was acknowledged`);
    this.logs.set(reference, log);
  }

  #patch(request: Request): Answer {
    const log = this.logs.get(request.references[0] as string);
    if (!log) return { status: 404 };
    Object.assign(log, logUpdate.parse(JSON.parse(request.body)));
    return { status: 200, body: { id: 'data_0' } };
  }
}

/** Closed with the test. */
export async function startMisbehavingV4(options: MisbehavingV4Options = {}): Promise<MisbehavingV4> {
  const server = new MisbehavingV4(options);
  await server.listen();
  onTestFinished(() => server.close());
  return server;
}

function referencesOf(url: string, body: string): string[] {
  const named = new URL(url, 'http://localhost').searchParams.get('reference_id');
  if (named) return [named];
  try {
    return (JSON.parse(body) as LogRequest[]).map(({ reference_id }) => String(reference_id));
  } catch {
    return [];
  }
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}
