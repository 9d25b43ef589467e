/**
 * `humanloop-otel import`: sends files of OTLP JSON to a running server, or to one that is started for a database file.
 *
 * A log's reference is made of the span's ids, so what is imported twice is there once.
 */
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { startServer } from '../server/index.ts';
import { findFault, type OtlpRequest, toRequests } from './otlp-requests.ts';
import { readValues } from './read-values.ts';
import { type Sent, send, type Target } from './send.ts';

export interface ImportOptions {
  /** Paths, or `-` for the standard input. */
  readonly files: readonly string[];
  /** The running server; ignored with `db`. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly project?: string | undefined;
  /** A database file that no server has open. */
  readonly db?: string | undefined;
  /** `false` stores no content. Only with `db`: a running server decides by itself. */
  readonly captureContent: boolean;
  readonly stdin: Readable;
  readonly stderr: Writable & { isTTY?: boolean };
}

const PROGRESS_MILLIS = 1_000;
/** Faults beyond these are only counted. */
const MAX_FAULTS = 20;

/** Resolves to true if everything was imported. Rejects with a `HumanloopError` where it cannot go on. */
export async function importFiles(options: ImportOptions): Promise<boolean> {
  if (options.db === undefined) return sendFiles(options, options);
  // Other users of this machine must not write into the file meanwhile.
  const apiKey = randomBytes(16).toString('hex');
  const { db: file, captureContent } = options;
  const server = await startServer({ port: 0, file, apiKey, captureContent });
  try {
    return await sendFiles(options, { url: server.url, apiKey, project: options.project });
  } finally {
    await server.close();
  }
}

async function sendFiles({ files, stdin, stderr }: ImportOptions, target: Target): Promise<boolean> {
  const report = new Report(stderr);
  for (const file of files) {
    for await (const item of readValues(file, stdin)) {
      const fault = 'fault' in item ? item.fault : findFault(item.value);
      if (fault !== undefined) report.addFault(`${file}:${item.line}: ${fault}`);
      else if ('value' in item) {
        for (const request of toRequests(item.value)) report.add(file, item.line, request, await send(request, target));
      }
    }
  }
  report.finish();
  return report.isWhole;
}

class Report {
  readonly #stderr: ImportOptions['stderr'];
  #spans = 0;
  #records = 0;
  #rejected = 0;
  #faults = 0;
  #shownAtMillis = performance.now();
  #hasLine = false;

  constructor(stderr: ImportOptions['stderr']) {
    this.#stderr = stderr;
  }

  get isWhole(): boolean {
    return this.#rejected === 0 && this.#faults === 0;
  }

  add(file: string, line: number, { path, count }: OtlpRequest, { rejected, message }: Sent): void {
    if (path === '/v1/traces') this.#spans += count;
    else this.#records += count;
    this.#rejected += rejected;
    if (message) this.#say(`${file}:${line}: ${message}`);
    if (performance.now() - this.#shownAtMillis < PROGRESS_MILLIS) return;
    this.#shownAtMillis = performance.now();
    if (this.#stderr.isTTY) this.#stderr.write(`\r${this.#counts()} `);
    this.#hasLine = this.#stderr.isTTY ?? false;
  }

  addFault(fault: string): void {
    this.#faults += 1;
    if (this.#faults <= MAX_FAULTS) this.#say(fault);
    else if (this.#faults === MAX_FAULTS + 1) this.#say('more faults are counted, but not shown');
  }

  finish(): void {
    this.#say(this.#counts());
  }

  #counts(): string {
    const parts = [`${this.#spans} spans`, `${this.#records} log records`];
    if (this.#rejected > 0) parts.push(`${this.#rejected} not used`);
    if (this.#faults > 0) parts.push(`${this.#faults} faults`);
    return `read ${parts.join(', ')}`;
  }

  #say(line: string): void {
    this.#stderr.write(`${this.#hasLine ? '\n' : ''}${line}\n`);
    this.#hasLine = false;
  }
}
