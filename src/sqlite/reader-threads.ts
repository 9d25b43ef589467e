/**
 * Runs reads on other threads, each with a connection of its own, read-only unless asked for: the engine is synchronous,
 * and a scan through a large file would hold up everything else. A thread knows only SQL, so that its program is a short text
 * which works from sources, from packages and from bundles alike.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { loadBuiltin, resolveInstalled } from '../load-module.ts';
import { SqliteError, type SqliteRow, type SqliteValue } from './open.ts';
import type { Prepare } from './statement-cache.ts';

export interface SqliteReader {
  /**
   * Resolves to all rows, as of the last commit or later. Rejects with the engine's error, or with a `SqliteError` where
   * the read takes too long or too many wait.
   */
  all(sql: string, parameters: readonly SqliteValue[]): Promise<SqliteRow[]>;
  /** Resolves when the threads have ended, after the reads that they are in the middle of, for which it waits 5 s. */
  close(): Promise<void>;
}

const DEFAULT_MAX_THREADS = 2;
const MAX_WAITING = 200;
const DEFAULT_TIMEOUT_MILLIS = 20_000;
const CLOSE_TIMEOUT_MILLIS = 5_000;

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { DatabaseSync } = require(workerData.engine);
  const database = new DatabaseSync(workerData.file, { readOnly: !workerData.canWrite, timeout: 2000 });
  const prepared = new Map();
  parentPort.on('message', (read) => {
    if (read === null) {
      database.close();
      parentPort.close();
      return;
    }
    const { sql, parameters } = read;
    try {
      if (!prepared.has(sql)) {
        if (prepared.size >= 50) prepared.clear();
        prepared.set(sql, database.prepare(sql));
      }
      parentPort.postMessage({ rows: prepared.get(sql).all(...parameters) });
    } catch ({ message, code, errcode }) {
      parentPort.postMessage({ error: { message, code, errcode } });
    }
  });
  parentPort.postMessage({ rows: [] });`;

interface Read {
  readonly sql: string;
  readonly parameters: readonly SqliteValue[];
  readonly resolve: (rows: SqliteRow[]) => void;
  readonly reject: (error: unknown) => void;
  /** In milliseconds of `performance.now()`. */
  readonly deadline: number;
}

interface Answer {
  readonly rows?: SqliteRow[];
  readonly error?: { message: string; code?: string; errcode?: number };
}

export interface ReaderOptions {
  /** An absolute path. `:memory:` has no second connection: its reads run on this thread. */
  readonly file: string;
  /** Prepares on this thread's connection, for where there are no threads. */
  readonly prepare: Prepare;
  /** How long a read may wait and run together. */
  readonly timeoutMillis?: number;
  /** For statements that are not reads. Default: false. */
  readonly canWrite?: boolean;
  /** Default: 2, as one long read leaves a thread for others. */
  readonly maxThreads?: number;
}

export function createSqliteReader({
  file,
  prepare,
  timeoutMillis = DEFAULT_TIMEOUT_MILLIS,
  canWrite = false,
  maxThreads = DEFAULT_MAX_THREADS,
}: ReaderOptions): SqliteReader {
  const idle: Thread[] = [];
  const busy = new Set<Thread>();
  let waiting: Read[] = [];
  let hasThreads = file !== ':memory:';
  let isClosed = false;

  const runHere = ({ sql, parameters, resolve, reject }: Read): void => {
    try {
      resolve(prepare(sql).all(...parameters));
    } catch (error) {
      reject(error);
    }
  };

  const start = (): Thread | undefined => {
    if (busy.size + idle.length >= maxThreads) return undefined;
    try {
      return new Thread(file, canWrite);
    } catch {
      // This runtime has no threads, or forbids them.
      hasThreads = false;
      return undefined;
    }
  };

  const runNext = (): void => {
    while (waiting.length > 0) {
      const thread = hasThreads ? (idle.pop() ?? start()) : undefined;
      if (!hasThreads) {
        runHere(waiting.shift()!);
        continue;
      }
      if (!thread) return;
      const read = waiting.shift()!;
      busy.add(thread);
      void thread.run(read).then((state) => {
        busy.delete(thread);
        if (isClosed) return;
        if (state === 'idle') idle.push(thread);
        if (state === 'unusable') {
          hasThreads = false;
          runHere(read);
        }
        runNext();
      });
    }
  };

  return {
    all: (sql, parameters) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('The reader is closed.'));
        if (waiting.length >= MAX_WAITING) return reject(tooSlow(file, 'too many reads wait'));
        waiting.push({ sql, parameters, resolve, reject, deadline: performance.now() + timeoutMillis });
        runNext();
      }),
    close: async () => {
      isClosed = true;
      for (const { reject } of waiting) reject(new Error('The reader is closed.'));
      waiting = [];
      const ends = Promise.all([...idle, ...busy].map((thread) => thread.stop()));
      // The threads do not keep the process alive, but this timer does: whoever closes the reader waits for it.
      const patience = new AbortController();
      const over = delay(CLOSE_TIMEOUT_MILLIS, undefined, { signal: patience.signal }).catch(() => {});
      await Promise.race([ends, over]);
      patience.abort();
    },
  };
}

/** `gone`: the thread has ended, and another one can be started. `unusable`: it could not even begin. */
type ThreadState = 'idle' | 'gone' | 'unusable';

class Thread {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #ended: Promise<void>;
  #hasBegun = false;
  #receive: (answer: Answer | undefined) => void = () => {};

  constructor(file: string, canWrite: boolean) {
    const { Worker } = loadBuiltin('node:worker_threads') as typeof import('node:worker_threads');
    const engine = loadBuiltin('node:sqlite') ? 'node:sqlite' : resolveInstalled('@photostructure/sqlite');
    this.#file = file;
    // Without the flags of this process: a loader or a test runner in them would start in each thread. What Node warns of
    // (that its SQLite is experimental), it has said once.
    const execArgv = ['--no-warnings'];
    this.#worker = new Worker(PROGRAM, { eval: true, workerData: { engine, file, canWrite }, execArgv, env: {} });
    this.#worker.unref();
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (answer: Answer) => {
      if (this.#hasBegun) this.#receive(answer);
      this.#hasBegun = true;
    });
    this.#worker.on('error', () => this.#receive(undefined));
    this.#worker.once('exit', () => this.#receive(undefined));
  }

  /** Answers the read, except where the thread is `unusable`. Resolves when the thread can run the next one, or has ended. */
  async run({ sql, parameters, resolve, reject, deadline }: Read): Promise<ThreadState> {
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer | 'late' | undefined>((receive) => {
      this.#receive = receive;
      timer = setTimeout(() => receive('late'), deadline - performance.now());
      this.#worker.postMessage({ sql, parameters });
    });
    clearTimeout(timer);
    if (answer === 'late') {
      reject(tooSlow(this.#file, 'the read takes too long'));
      // The engine cannot be interrupted, and a thread that is terminated within it ends the process. Until it comes back,
      // the thread keeps its place, so that no more are started.
      const end = await new Promise<Answer | undefined>((receive) => {
        this.#receive = receive;
      });
      return end ? 'idle' : 'gone';
    }
    if (answer === undefined) {
      if (!this.#hasBegun) return 'unusable';
      reject(new Error('The thread of this read has ended.'));
      return 'gone';
    }
    if (answer.error) reject(Object.assign(new Error(answer.error.message), answer.error));
    else resolve(answer.rows!);
    return 'idle';
  }

  /** Resolves when the thread has ended, after the read that it is in the middle of. */
  async stop(): Promise<void> {
    this.#worker.postMessage(null);
    await this.#ended;
  }
}

function tooSlow(file: string, what: string): SqliteError {
  return new SqliteError('too-slow', file, `${file}: ${what}: ask for less, or try again later`);
}
