/**
 * Reads and writes JSON of long texts on another thread. What goes there and comes back is copied on this one, which
 * takes a fraction of the time for long texts, and as long as JSON itself for many small values: those stay here.
 *
 * There is one thread, as the work of one large request is enough for a processor. It ends when it has nothing to do for
 * a while, with all the memory that the work took.
 */
import type { Worker } from 'node:worker_threads';
import { loadBuiltin } from '../../../load-module.ts';
import { nextHeavyTurn } from '../heavy-turns.ts';
import { sourceOf } from './json-source.ts';

const IDLE_MILLIS = 5_000;
const LONG_CHARACTERS = 1024 * 1024;
const MAX_ELEMENTS = 20_000;

/** Bytes are shared, so that this thread still has them where the other one fails. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ bytes, value, mostCharacters }) => {
    try {
      if (bytes) return parentPort.postMessage({ value: JSON.parse(Buffer.from(bytes).toString('utf8')) });
      const text = JSON.stringify(value);
      if (mostCharacters !== undefined) {
        return parentPort.postMessage({ text: text.length > mostCharacters ? undefined : text });
      }
      const written = Buffer.from(text);
      parentPort.postMessage({ bytes: written }, [written.buffer]);
    } catch (error) {
      parentPort.postMessage({ fault: { isSyntax: error instanceof SyntaxError, message: error.message } });
    }
  });`;

interface Job {
  readonly message:
    | { readonly bytes: SharedArrayBuffer }
    | { readonly value: unknown; readonly mostCharacters?: number };
  readonly receive: (answer: Answer | undefined) => void;
}

interface Answer {
  readonly value?: unknown;
  readonly bytes?: Uint8Array;
  readonly text?: string | undefined;
  readonly fault?: { readonly isSyntax: boolean; readonly message: string };
}

/** Whether the value has long texts, and few elements besides. What is stored as it came need not be written. */
export function hasLongTexts(value: unknown): boolean {
  if (typeof value === 'string') return value.length > LONG_CHARACTERS;
  if (typeof value !== 'object' || value === null) return false;
  let characters = 0;
  let elements = 0;
  const waiting: object[] = [value];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    // The loop below makes a text of each index, of all of them before the first one.
    if (Array.isArray(next) && elements + next.length > MAX_ELEMENTS) return false;
    for (const key in next) {
      elements += 1;
      if (elements > MAX_ELEMENTS) return false;
      const element = (next as Record<string, unknown>)[key];
      if (typeof element === 'string') characters += element.length;
      else if (typeof element === 'object' && element !== null && sourceOf(element) === undefined)
        waiting.push(element);
    }
  }
  return characters > LONG_CHARACTERS;
}

/** Rejects like `JSON.parse`, of UTF-8 that comes in pieces. */
export async function parseElsewhere(pieces: readonly Buffer[]): Promise<unknown> {
  const bytes = new SharedArrayBuffer(pieces.reduce((length, piece) => length + piece.length, 0));
  const target = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    target.set(piece, at);
    at += piece.length;
  }
  const answer = await thread.run({ bytes });
  if (answer) return answer.value;
  await nextHeavyTurn();
  const text = Buffer.from(bytes).toString('utf8');
  await nextHeavyTurn();
  return JSON.parse(text);
}

/** Rejects like `JSON.stringify`. Resolves to UTF-8. */
export async function stringifyElsewhere(value: unknown): Promise<Buffer> {
  const bytes = (await thread.run({ value }))?.bytes;
  if (bytes) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  await nextHeavyTurn();
  const text = JSON.stringify(value);
  await nextHeavyTurn();
  return Buffer.from(text);
}

/** Rejects like `JSON.stringify`. Resolves to undefined where the text would be longer. */
export async function writeElsewhere(value: unknown, mostCharacters: number): Promise<string | undefined> {
  const answer = await thread.run({ value, mostCharacters });
  if (answer) return answer.text;
  await nextHeavyTurn();
  const text = JSON.stringify(value);
  return text.length > mostCharacters ? undefined : text;
}

class JsonThread {
  #worker: Worker | undefined;
  #jobs: Job[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** Resolves to nothing where there is no thread, or it has failed. */
  async run(message: Job['message']): Promise<Answer | undefined> {
    const answer = await new Promise<Answer | undefined>((receive) => {
      try {
        clearTimeout(this.#idle);
        this.#worker ??= this.#start();
        this.#worker.postMessage(message);
        this.#worker.ref();
        this.#jobs.push({ message, receive });
      } catch {
        // This runtime has no threads, or forbids them; or the value is too deep to be copied.
        receive(undefined);
      }
    });
    if (!answer?.fault) return answer;
    const { isSyntax, message: why } = answer.fault;
    throw isSyntax ? new SyntaxError(why) : new RangeError(why);
  }

  #start(): Worker {
    const { Worker } = loadBuiltin('node:worker_threads') as typeof import('node:worker_threads');
    // As in sqlite/thread.ts: without the flags of this process.
    const worker = new Worker(PROGRAM, { eval: true, execArgv: ['--no-warnings'], env: {} });
    // It keeps the process alive only while it has something to do.
    worker.unref();
    const end = (): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      void worker.terminate();
      for (const { receive } of this.#jobs.splice(0)) receive(undefined);
    };
    worker.on('message', (answer: Answer) => {
      // Answers belong to jobs by their order, which ends with the worker.
      if (this.#worker !== worker) return;
      this.#jobs.shift()?.receive(answer);
      if (this.#jobs.length > 0) return;
      worker.unref();
      this.#idle = setTimeout(() => {
        this.#worker = undefined;
        void worker.terminate();
      }, IDLE_MILLIS).unref();
    });
    worker.on('error', end);
    worker.on('messageerror', end);
    worker.once('exit', end);
    return worker;
  }
}

const thread = new JsonThread();
