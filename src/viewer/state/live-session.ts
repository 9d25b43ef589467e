/** The logs of one session, kept as they are on the server. Runs without a browser. */
import type { SessionLog, SessionLogs, SessionSummary } from '../../server/store/viewer-store.ts';
import { CatchUp, type Names, NOTHING, type Place } from './catch-up.ts';
import type { LiveSource } from './live-source.ts';

const GATHER_MILLIS = 150;
/** A session of up to so many logs is read whole at every change; of a larger one, only the logs that changed. */
const READ_WHOLE_LOGS = 500;

export interface LoadedSession {
  readonly session: SessionSummary;
  /** How many logs the server has; `logs` has fewer if they are too many for one answer. */
  readonly total: number;
  readonly version: number;
  readonly logs: ReadonlyMap<string, SessionLog>;
  readonly configs: SessionLogs['configs'];
}

export interface SessionView {
  readonly loaded: LoadedSession | undefined;
  /** Why the session could not be read; `''` if nothing is wrong. */
  readonly problem: string;
}

export class LiveSession {
  readonly #source: LiveSource;
  readonly #path: string;
  readonly #catchUp: CatchUp;
  #view: SessionView;
  #tell: (view: SessionView) => void = () => {};

  /** @param first the session as it came with the page, if it did. */
  constructor(source: LiveSource, id: string, first?: SessionLogs) {
    this.#source = source;
    this.#path = `/viewer/api/sessions/${encodeURIComponent(id)}`;
    this.#view = { loaded: first && merge(undefined, first), problem: '' };
    this.#catchUp = new CatchUp(source, {
      concerns: (sessions) => sessions.includes(id),
      gatherMillis: () => GATHER_MILLIS,
      read: (names) => this.#read(names),
      onFailure: this.#fail,
    });
  }

  get view(): SessionView {
    return this.#view;
  }

  /** Calls `onView` with each new view. Returns how to stop. */
  start(onView: (view: SessionView) => void): () => void {
    this.#tell = onView;
    const { loaded } = this.#view;
    const stop = this.#catchUp.start(loaded?.version);
    if (!loaded) this.#catchUp.run(() => this.#read(null), this.#fail);
    return stop;
  }

  async #read(names: Names): Promise<Place> {
    const { loaded } = this.#view;
    const known = names !== null && loaded && loaded.total > READ_WHOLE_LOGS ? loaded : undefined;
    const query = known ? `?since=${encodeURIComponent(newestOf(known))}` : '';
    const page = await this.#source.request<SessionLogs>(this.#path + query);
    return () => {
      const now = merge(known, page);
      this.#view = { loaded: now, problem: '' };
      this.#tell(this.#view);
      // The changed logs do not say which are gone, but the count does.
      return now.logs.size > now.total ? NOTHING : now.version;
    };
  }

  #fail = (error: Error): void => {
    this.#view = { ...this.#view, problem: error.message };
    this.#tell(this.#view);
  };
}

function merge(before: LoadedSession | undefined, page: SessionLogs): LoadedSession {
  const logs = new Map(before?.logs);
  for (const log of page.logs) logs.set(log.id, log);
  return { ...page, logs };
}

/** When the last of its logs changed. */
function newestOf({ logs }: LoadedSession): string {
  let newest = '';
  for (const { updated_at: at } of logs.values()) if (at > newest) newest = at;
  return newest;
}
