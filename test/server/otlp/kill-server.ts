/** An intake whose process can be killed: what was committed is there when it is opened again, and nothing else is. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import type { IntakeResult, ReceivedEvent } from '../../../src/server/otlp/decoding/received.ts';
import { type ClosableIntake, createOtlpIntake, type OtlpIntakeOptions } from '../../../src/server/otlp/otlp-intake.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { openSqlite } from '../../../src/sqlite/open.ts';
import type { LogResponse } from '../../../src/wire/v4.ts';

/** In memory where there is such a directory: thousands of runs wait for the disk otherwise. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export class KilledServer {
  readonly #directory = mkdtempSync(join(ROOT, 'humanloop-killed-'));
  readonly #options: OtlpIntakeOptions;
  #file: string;
  #count = 0;
  #store: Store | undefined;
  #intake: ClosableIntake | undefined;

  private constructor(options: OtlpIntakeOptions) {
    this.#options = options;
    this.#file = join(this.#directory, '0.db');
  }

  static async start(options: OtlpIntakeOptions = {}): Promise<KilledServer> {
    const server = new KilledServer(options);
    await server.#open();
    return server;
  }

  async #open(): Promise<void> {
    this.#store = await openSqliteStore({ file: this.#file });
    this.#intake = createOtlpIntake(this.#store, this.#options);
  }

  get store(): Store {
    return this.#store as Store;
  }

  async take(spans: readonly SpanSlice[]): Promise<IntakeResult> {
    return (this.#intake as ClosableIntake).takeSpans(spans.map((slice) => ({ slice })));
  }

  async takeEvents(events: readonly ReceivedEvent[]): Promise<IntakeResult> {
    return (this.#intake as ClosableIntake).takeEvents(events);
  }

  /** Goes on with the files as they are now, as after kill -9. */
  async kill(): Promise<void> {
    const file = join(this.#directory, `${++this.#count}.db`);
    for (const end of ['', '-wal', '-search', '-search-wal'])
      if (existsSync(this.#file + end)) copyFileSync(this.#file + end, file + end);
    this.#intake?.close();
    await this.store.close();
    this.#file = file;
    await this.#open();
  }

  async close(): Promise<void> {
    this.#intake?.close();
    await this.store.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Returns all logs by reference. */
  async logs(): Promise<Map<string, LogResponse>> {
    const logs = new Map<string, LogResponse>();
    for (const { id } of this.query('SELECT id FROM logs')) {
      const log = (await this.store.getLog(id as string)) as LogResponse;
      logs.set(log.reference_id as string, log);
    }
    return logs;
  }

  /** Reads the tables as they are on the disk. */
  query(sql: string): Record<string, unknown>[] {
    const database = openSqlite({ file: this.#file, readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  }
}
