/**
 * A v4 endpoint over HTTP that keeps the API's rules and breaks the network's: it writes down every log that comes
 * twice, before its parent was acknowledged, or in one request with it, and fails as the seed says.
 *
 * What goes wrong with a request is drawn from the seed, its first reference and how often it came, not from the order
 * in which requests arrive: so a seed brings the same faults again, though two runs are never timed alike.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LogRequest, logRequest, logUpdate } from '../../src/wire/v4.ts';
import { Random } from '../support/random.ts';

const FAULTS = [
  'resetBefore',
  'resetAfter',
  'hangBefore',
  'hangAfter',
  'retryAfterSeconds',
  'retryAfterDate',
  '500Before',
  '500After',
  '502',
  '503',
  'dripForEver',
  'slowBody',
  'cutJson',
  'html',
  'storesHalf',
] as const;

export type FaultName = (typeof FAULTS)[number];

const PATCH_DELAY_MILLIS = 15;

/** What the server has worked on when the answer goes wrong. */
const WORKED: ReadonlySet<string> = new Set([
  'resetAfter',
  'hangAfter',
  '500After',
  'dripForEver',
  'slowBody',
  'cutJson',
  'html',
]);

export interface ChaoticV4Options {
  readonly seed: number;
  /** Share of first attempts that go wrong. Each further attempt is half as likely to, the fifth never does. */
  readonly faultShare: number;
  readonly maxBytes?: number;
  /** Whether a 422 says which datapoint was bad. */
  readonly namesPoison?: boolean;
  readonly faults?: readonly FaultName[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class ChaoticV4 {
  readonly logs = new Map<string, LogRequest>();
  readonly breaches: string[] = [];
  readonly faults: Record<string, number> = {};
  requestCount = 0;
  baseUrl = '';
  /** When the answer that acknowledged a log was out, in the order of all requests and answers. */
  readonly #acknowledgedAt = new Map<string, number>();
  readonly #attempts = new Map<string, number>();
  readonly #options: ChaoticV4Options;
  readonly #server = createServer((message, response) => this.#receive(message, response));
  #clock = 0;

  constructor(options: ChaoticV4Options) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.baseUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v4`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #receive(message: IncomingMessage, response: ServerResponse): void {
    const startedAt = ++this.#clock;
    const chunks: Buffer[] = [];
    message.on('error', () => undefined);
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      this.requestCount++;
      const body = Buffer.concat(chunks);
      const { method = '', url = '' } = message;
      const references = method === 'PATCH' ? [referenceOf(url)] : parse(body).map((log) => String(log.reference_id));
      const fault = this.#draw(`${method} ${references[0]}`);
      if (fault) this.faults[fault] = (this.faults[fault] ?? 0) + 1;
      const work = () =>
        method === 'PATCH' ? this.#patch(references[0] as string, body) : this.#post(body, startedAt);
      const answer = () => this.#answer(response, references, fault, work, body);
      // What came before on other connections is worked on first, also where this machine is so busy that it is read
      // after it: a log that is stored after a probe was told that it is not there cannot but be sent twice.
      if (method === 'PATCH') setTimeout(() => setImmediate(answer), PATCH_DELAY_MILLIS);
      else answer();
    });
  }

  #draw(key: string): FaultName | undefined {
    const { seed, faultShare, faults = FAULTS } = this.#options;
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    const random = new Random(`${seed} ${key} ${attempt}`);
    if (attempt >= 5 || !random.chance(faultShare / 2 ** (attempt - 1))) return undefined;
    const fault = random.pick(faults);
    // It pauses everything for a second: seldom, or the runs would do little else.
    return fault.startsWith('retryAfter') && random.chance(0.7) ? '503' : fault;
  }

  #answer(
    response: ServerResponse,
    references: readonly string[],
    fault: FaultName | undefined,
    work: () => Answer,
    body: Buffer,
  ): void {
    if (fault === 'storesHalf') this.#storeHalf(body);
    const worked = fault === undefined || WORKED.has(fault) ? work() : undefined;
    const json = JSON.stringify(worked?.body ?? {});
    switch (fault) {
      case 'resetBefore':
      case 'resetAfter':
      case 'storesHalf':
        return void response.socket?.resetAndDestroy();
      case 'hangBefore':
      case 'hangAfter':
        return;
      case 'retryAfterSeconds':
        return void response.writeHead(429, { 'retry-after': '1' }).end('{}');
      case 'retryAfterDate':
        return void response.writeHead(429, { 'retry-after': new Date(Date.now() + 1_000).toUTCString() }).end('{}');
      case '500Before':
      case '500After':
        return void response.writeHead(500).end('{"detail":"oops"}');
      case '502':
        return void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
      case '503':
        return void response.writeHead(503).end('{}');
      case 'html':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome</html>');
      case 'cutJson':
        return void response.writeHead(200).end(json.slice(0, json.length / 2));
      case 'dripForEver':
        return dripForEver(response);
    }
    const { status } = worked as Answer;
    const finish = () => {
      if (status === 200) for (const reference of references) this.#acknowledge(reference);
      response.end(json.slice(1));
    };
    response.writeHead(status, { 'content-type': 'application/json' }).write(json.slice(0, 1));
    if (fault === 'slowBody') setTimeout(finish, 60);
    else finish();
  }

  #acknowledge(reference: string): void {
    if (!this.#acknowledgedAt.has(reference)) this.#acknowledgedAt.set(reference, ++this.#clock);
  }

  #post(body: Buffer, startedAt: number): Answer {
    if (body.length > (this.#options.maxBytes ?? Number.POSITIVE_INFINITY)) return { status: 413, body: {} };
    const logs = parse(body);
    const bad = logs.findIndex(isPoison);
    if (bad >= 0) {
      const detail = [{ loc: ['body', bad, 'config'], msg: 'bad', type: 'value_error' }];
      return { status: 422, body: { detail: this.#options.namesPoison === false ? 'bad' : detail } };
    }
    for (const log of logs) this.#store(log, logs, startedAt);
    return { status: 200, body: logs.map(({ reference_id }) => ({ id: `data_${reference_id}`, project_id: 'pr_1' })) };
  }

  #storeHalf(body: Buffer): void {
    const logs = parse(body);
    if (logs.some(isPoison)) return;
    const half = logs.filter((_, index) => index % 2 === 0);
    for (const log of half) this.#store(log, logs, this.#clock);
  }

  #store(log: LogRequest, together: readonly LogRequest[], startedAt: number): void {
    const reference = String(log.reference_id);
    const parsed = logRequest.safeParse(log);
    if (!parsed.success) this.breaches.push(`${reference} is invalid: ${parsed.error.message}`);
    if (this.logs.has(reference)) this.breaches.push(`${reference} was stored twice`);
    const parent = log.parent_reference_id;
    if (parent && together.some(({ reference_id }) => reference_id === parent)) {
      this.breaches.push(`${reference} shares a request with its parent`);
    } else if (parent && (this.#acknowledgedAt.get(parent) ?? Number.POSITIVE_INFINITY) > startedAt) {
      this.breaches.push(`${reference} came before its parent ${parent} was acknowledged`);
    }
    this.logs.set(reference, { ...log });
  }

  #patch(reference: string, body: Buffer): Answer {
    const log = this.logs.get(reference);
    if (!log) return { status: 404, body: { detail: 'not found' } };
    Object.assign(log, logUpdate.parse(JSON.parse(body.toString())));
    return { status: 200, body: { id: `data_${reference}` } };
  }
}

function isPoison({ metadata }: LogRequest): boolean {
  return String((metadata as { span_name?: string } | undefined)?.span_name).startsWith('poison');
}

function referenceOf(url: string): string {
  return new URL(url, 'http://localhost').searchParams.get('reference_id') as string;
}

function parse(body: Buffer): LogRequest[] {
  return body.length > 0 && body[0] === 0x5b ? (JSON.parse(body.toString()) as LogRequest[]) : [];
}

function dripForEver(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}
