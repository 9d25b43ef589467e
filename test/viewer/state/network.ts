/**
 * A real store, and between it and the viewer a network that the test controls: when a request is read, when its answer
 * comes or is lost, and whether there is a stream of changes. Time is vitest's.
 */
import { vi } from 'vitest';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type {
  SessionChange,
  SessionLogs,
  SessionPage,
  SessionSummary,
} from '../../../src/server/store/viewer-store.ts';
import { parseSessionQuery } from '../../../src/server/viewer/routes.ts';
import { RequestError } from '../../../src/viewer/state/api.ts';
import type { LiveSource } from '../../../src/viewer/state/live-source.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';

/** Longer than any delay in the store or the viewer. */
const LONG_MILLIS = 3_000;

/** What must be faked before `Network.open`. */
export const FAKED = ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'Date', 'performance'] as const;

interface Sent {
  readonly path: string;
  answer: Promise<unknown> | undefined;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Network implements LiveSource {
  readonly store: Store;
  /** Paths of all requests so far. */
  readonly asked: string[] = [];
  /** Requests without an answer, oldest first. */
  readonly waiting: Sent[] = [];
  readonly #listeners = new Set<(change: SessionChange) => void>();
  #hasStream = true;

  private constructor(store: Store) {
    this.store = store;
    this.viewer.onChange((change) => this.#hasStream && this.tell(change));
  }

  static async open(): Promise<Network> {
    return new Network(await openSqliteStore({ file: ':memory:' }));
  }

  get viewer() {
    return this.store.viewer!;
  }

  readonly clock = {
    now: Date.now,
    after: (millis: number, callback: () => void) => {
      const timer = setTimeout(callback, millis);
      return () => clearTimeout(timer);
    },
  };

  readonly request = <Body>(path: string): Promise<Body> =>
    new Promise((resolve, reject) => {
      this.asked.push(path);
      this.waiting.push({ path, answer: undefined, resolve: resolve as (body: unknown) => void, reject });
    });

  readonly subscribe = (listener: (change: SessionChange) => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  tell(change: SessionChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Lets the server read a request: what is written later is not in its answer. */
  read(index = 0): void {
    const sent = this.waiting[index];
    if (sent) sent.answer ??= this.#answer(sent.path);
  }

  async answer(index = 0): Promise<void> {
    this.read(index);
    const [sent] = this.waiting.splice(index, 1);
    await sent?.answer?.then(sent.resolve, sent.reject);
    await pass(0);
  }

  async fail(index = 0, error: Error = new TypeError('Failed to fetch')): Promise<void> {
    const [sent] = this.waiting.splice(index, 1);
    sent?.reject(error);
    await pass(0);
  }

  loseStream(): void {
    this.#hasStream = false;
  }

  /** Opens the stream again, which begins with a change that names nothing. */
  async regainStream(): Promise<void> {
    if (this.#hasStream) return;
    this.#hasStream = true;
    this.tell({ sessions: null, version: await this.viewer.version() });
  }

  /** Answers all requests until there are no more. */
  async calm(): Promise<void> {
    do {
      while (this.waiting.length > 0) await this.answer();
      await pass(LONG_MILLIS);
    } while (this.waiting.length > 0);
  }

  /**
   * Writes a log in each of these sessions, in one request. Returns when the change has been reported; with `isBusy`
   * before it has been indexed.
   */
  async write(sessions: readonly string[], fields: Partial<LogRequest> = {}, { isBusy = false } = {}) {
    const logs = sessions.map((session) => ({
      project: 'p',
      session_reference_id: session,
      config: { type: 'generic' as const },
      output: `of ${session}`,
      ...fields,
    }));
    const created = await this.done(this.store.createLogs(logs));
    if (!isBusy) await pass(LONG_MILLIS);
    return created;
  }

  /** Lets only as much time pass as the work takes, which may be none. */
  async done<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const ended = work.finally(() => {
      isDone = true;
    });
    ended.catch(() => {});
    for (let millis = 0; !isDone; millis = 1) await pass(millis);
    return ended;
  }

  /** Reads all sessions that meet the filters, page by page. */
  async sessions(query = ''): Promise<SessionSummary[]> {
    const found = new Map<string, SessionSummary>();
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more = cursor === '' ? {} : { cursor };
      const parameters = new URLSearchParams([...new URLSearchParams(query), ...Object.entries(more)]);
      const page: SessionPage = await this.viewer.listSessions(parseSessionQuery(parameters));
      for (const session of page.sessions) if (!found.has(session.id)) found.set(session.id, session);
      cursor = page.next;
    }
    return [...found.values()];
  }

  /** Reads all logs of a session, portion by portion. */
  async session(id: string): Promise<SessionLogs> {
    const first = (await this.viewer.readSession(id))!;
    let { next } = first;
    while (next !== null) {
      const more = (await this.viewer.readSession(id, { cursor: next }))!;
      first.logs.push(...more.logs);
      Object.assign(first.configs, more.configs);
      next = more.next;
    }
    return { ...first, next };
  }

  async #answer(path: string): Promise<unknown> {
    const { pathname, searchParams } = new URL(path, 'http://viewer');
    if (pathname === '/viewer/api/sessions') return this.viewer.listSessions(parseSessionQuery(searchParams));
    const id = decodeURIComponent(pathname.replace('/viewer/api/sessions/', ''));
    const session = await this.viewer.readSession(id, {
      changedSince: searchParams.get('since') ?? '',
      cursor: searchParams.get('cursor') ?? '',
    });
    if (!session) throw new RequestError(404, 'session not found');
    return session;
  }
}

export async function pass(millis: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(millis);
}
