/**
 * A thread with a connection of its own: the engine is synchronous, and what takes long would hold up everything else.
 * What it runs is a text, which works from packages and from bundles alike: it knows only SQL, unless it is given a program
 * that was bundled before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { loadBuiltin, resolveInstalled } from '../load-module.ts';
import type { SqliteValue } from './open.ts';

const CLOSE_TIMEOUT_MILLIS = 5_000;
/** No batch takes as long, and few reads do. */
const EXIT_MILLIS = 5_000;

const PROGRAM = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { state, inEngine, isEnding } = workerData;
  let database;
  // Returns false, and calls nothing, where the process ends.
  const useEngine = (call) => {
    const isLate = Atomics.or(state, 0, inEngine) & isEnding;
    try {
      if (!isLate) call();
    } finally {
      Atomics.and(state, 0, ~inEngine);
      Atomics.notify(state, 0);
    }
    return !isLate;
  };
  const prepared = new Map();
  const prepare = (sql) => {
    if (!prepared.has(sql)) {
      if (prepared.size >= 50) prepared.clear();
      prepared.set(sql, database.prepare(sql));
    }
    return prepared.get(sql);
  };
  const load = (program) => {
    const module = { exports: {} };
    new Function('module', 'require', program)(module, require);
    return module.exports.start(database);
  };
  let run;
  const hasBegun = useEngine(() => {
    const { DatabaseSync } = require(workerData.engine);
    // The engine would make a new file in the place of one that is gone.
    if (!require('node:fs').existsSync(workerData.file)) throw new Error('the file is gone');
    database = new DatabaseSync(workerData.file, { readOnly: !workerData.canWrite, timeout: 2000 });
    database.exec(workerData.setUp);
    if (workerData.program) run = load(workerData.program);
  });
  const answerTo = (work) => {
    try {
      return { result: 'call' in work ? run(work.call) : prepare(work.sql).all(...work.parameters) };
    } catch ({ message, code, errcode }) {
      return { error: { message, code, errcode } };
    }
  };
  parentPort.on('message', (work) => {
    if (work === null) {
      useEngine(() => database.close());
      parentPort.close();
      return;
    }
    let answer;
    if (useEngine(() => { answer = answerTo(work); })) parentPort.postMessage(answer);
  });
  if (hasBegun) parentPort.postMessage({ result: [] });`;

/** Bits of a thread's state. The first is set by the thread, the second by this one. */
const IN_ENGINE = 1;
const IS_ENDING = 2;

export interface ThreadOptions {
  /** An absolute path, not `:memory:`, which has no second connection. */
  readonly file: string;
  readonly canWrite: boolean;
  /** SQL that is run once, before everything else. */
  readonly setUp?: string;
  /**
   * A CommonJS module as a text, with no imports but built-in ones. It exports `start`, a function that takes the
   * database and returns one that runs calls.
   */
  readonly program?: string | undefined;
}

export interface ThreadTask<Result> {
  readonly work: { readonly sql: string; readonly parameters: readonly SqliteValue[] } | { readonly call: unknown };
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** When it is given up, in milliseconds of `performance.now()`, and the reason. */
  readonly deadline?: { readonly at: number; readonly error: () => Error };
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { message: string; code?: string; errcode?: number };
}

/** A call was not answered, since its thread has ended. */
export class ThreadEndedError extends Error {
  constructor() {
    super('The thread of the database has ended.');
    this.name = 'ThreadEndedError';
  }
}

/** `gone`: the thread has ended, and another one can be started. `unusable`: it could not even begin. */
export type ThreadState = 'idle' | 'gone' | 'unusable';

const running = new Set<SqliteThread>();

/** A process that ends while a thread is within the engine is aborted. */
function waitForAll(): void {
  const end = performance.now() + EXIT_MILLIS;
  for (const thread of running) thread.keepOutOfEngine();
  for (const thread of running) thread.waitUntilOutside(Math.max(0, end - performance.now()));
}

export class SqliteThread {
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #state = new Int32Array(new SharedArrayBuffer(4));
  #hasBegun = false;
  #hasEnded = false;
  #receive: ((answer: Answer | undefined) => void) | undefined;

  /** Throws where the runtime has no threads, or forbids them. */
  constructor({ file, canWrite, setUp = '', program }: ThreadOptions) {
    const { Worker } = loadBuiltin('node:worker_threads') as typeof import('node:worker_threads');
    const engine = loadBuiltin('node:sqlite') ? 'node:sqlite' : resolveInstalled('@photostructure/sqlite');
    const bits = { state: this.#state, inEngine: IN_ENGINE, isEnding: IS_ENDING };
    const workerData = { engine, file, canWrite, setUp, program, ...bits };
    // Without the flags of this process: a loader or a test runner in them would start in each thread. What Node warns
    // of (that its SQLite is experimental), it has said once.
    this.#worker = new Worker(PROGRAM, { eval: true, workerData, execArgv: ['--no-warnings'], env: {} });
    this.#worker.unref();
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (answer: Answer) => {
      if (this.#hasBegun) this.#take(answer);
      this.#hasBegun = true;
    });
    this.#worker.on('error', () => this.#take(undefined));
    if (running.size === 0) process.on('exit', waitForAll);
    running.add(this);
    this.#worker.once('exit', () => {
      this.#hasEnded = true;
      running.delete(this);
      if (running.size === 0) process.off('exit', waitForAll);
      this.#take(undefined);
    });
  }

  /** It runs nothing any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Answers the task, except where the thread is `unusable`. Resolves when it can run the next one, or has ended. */
  async run<Result>({ work, resolve, reject, deadline }: ThreadTask<Result>): Promise<ThreadState> {
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer | 'late' | undefined>((receive) => {
      this.#receive = receive;
      if (deadline) timer = setTimeout(() => receive('late'), deadline.at - performance.now());
      this.#worker.postMessage(work);
    });
    clearTimeout(timer);
    if (answer === 'late') {
      reject(deadline!.error());
      // The engine cannot be interrupted, and a thread that is terminated within it ends the process. Until it comes
      // back, the thread keeps its place, so that no more are started.
      const end = await new Promise<Answer | undefined>((receive) => {
        this.#receive = receive;
      });
      return end ? 'idle' : 'gone';
    }
    if (answer === undefined) {
      if (!this.#hasBegun) return 'unusable';
      reject(new ThreadEndedError());
      return 'gone';
    }
    if (answer.error) reject(Object.assign(new Error(answer.error.message), answer.error));
    else resolve(answer.result as Result);
    return 'idle';
  }

  /** Whoever receives holds the answer, and an idle thread would keep that, which may have many megabytes. */
  #take(answer: Answer | undefined): void {
    const receive = this.#receive;
    this.#receive = undefined;
    receive?.(answer);
  }

  /** Whatever it is given, or has been, it begins nothing any more. */
  keepOutOfEngine(): void {
    Atomics.or(this.#state, 0, IS_ENDING);
  }

  /** Blocks until it has come out of the engine, which it was kept out of before; for as long at most. */
  waitUntilOutside(millis: number): void {
    if (!this.#hasEnded) Atomics.wait(this.#state, 0, IN_ENGINE | IS_ENDING, millis);
  }

  /** Resolves when the thread has ended, after what it is in the middle of. */
  async stop(): Promise<void> {
    this.#worker.postMessage(null);
    await this.#ended;
  }
}

/** Resolves when the threads have ended, after what they are in the middle of, for which it waits 5 s. */
export async function stopThreads(threads: readonly SqliteThread[]): Promise<void> {
  const ends = Promise.all(threads.map((thread) => thread.stop()));
  // The threads do not keep the process alive, but this timer does: whoever stops them waits for it.
  const patience = new AbortController();
  const over = delay(CLOSE_TIMEOUT_MILLIS, undefined, { signal: patience.signal }).catch(() => {});
  await Promise.race([ends, over]);
  patience.abort();
}
