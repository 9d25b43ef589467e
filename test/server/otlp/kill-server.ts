/** A store whose process can be killed: what was committed is there when it is opened again, and nothing else is. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { createOtlpIntake, type OtlpIntakeOptions } from '../../../src/server/otlp/otlp-intake.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { openSqlite } from '../../../src/sqlite/open.ts';
import type { LogResponse } from '../../../src/wire/v4.ts';

export class KilledServer {
  readonly #directory: string;
  readonly #options: OtlpIntakeOptions;
  #store: Store;
  #file: string;
  #count = 0;

  private constructor(directory: string, file: string, store: Store, options: OtlpIntakeOptions) {
    this.#directory = directory;
    this.#file = file;
    this.#store = store;
    this.#options = options;
  }

  static async start(directory: string, name: string, options: OtlpIntakeOptions = {}): Promise<KilledServer> {
    const file = join(directory, `${name}.db`);
    return new KilledServer(directory, file, await openSqliteStore({ file }), options);
  }

  get store(): Store {
    return this.#store;
  }

  async take(spans: readonly SpanSlice[]): Promise<{ rejected: number; message?: string }> {
    const intake = createOtlpIntake(this.#store, this.#options);
    try {
      return await intake.takeSpans(spans.map((slice) => ({ slice })));
    } finally {
      intake.close();
    }
  }

  /** Goes on with the files as they are now, as after kill -9. */
  async kill(): Promise<void> {
    const file = join(this.#directory, `${this.#file.split('/').at(-1)?.split('.')[0]}.${++this.#count}.db`);
    for (const end of ['', '-wal']) if (existsSync(this.#file + end)) copyFileSync(this.#file + end, file + end);
    await this.#store.close();
    this.#file = file;
    this.#store = await openSqliteStore({ file });
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  /** Returns all logs by reference. */
  async logs(): Promise<Map<string, LogResponse>> {
    const logs = new Map<string, LogResponse>();
    for (const { id } of this.query('SELECT id FROM logs')) {
      const log = (await this.#store.getLog(id as string)) as LogResponse;
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
