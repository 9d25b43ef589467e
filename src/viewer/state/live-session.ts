/** The logs of one session, kept as they are on the server. Runs without a browser. */
import type { SessionLog, SessionLogs, SessionSummary } from '../../server/store/viewer-store.ts';
import { CatchUp, type Names, NOTHING, type Place } from './catch-up.ts';
import type { LiveSource } from './live-source.ts';

const GATHER_MILLIS = 150;
/** A session of up to so many logs is read whole at every change; of a larger one, only the logs that changed. */
const READ_WHOLE_LOGS = 500;
/** Of a larger session the newest logs are left out. */
const MAX_LOGS = 20_000;

export interface LoadedSession {
  readonly session: SessionSummary;
  /** How many logs the server has; `logs` has fewer if they are too many for one answer. */
  readonly total: number;
  readonly version: number;
  /** Changes up to this time are included. */
  readonly asOf: string;
  readonly logs: ReadonlyMap<string, SessionLog>;
  readonly configs: SessionLogs['configs'];
  /** While more of it is being read. */
  readonly isPartial?: true;
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
  #isOn = false;
  #tell: (view: SessionView) => void = () => {};

  /** @param first the session as it came with the page, if it did. */
  constructor(source: LiveSource, id: string, first?: SessionLogs) {
    this.#source = source;
    this.#path = `/viewer/api/sessions/${encodeURIComponent(id)}`;
    const isPartial = first !== undefined && first.next !== null;
    const loaded = first && { ...merge(undefined, first), ...(isPartial && { isPartial: true as const }) };
    this.#view = { loaded, problem: '' };
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
    this.#isOn = true;
    const { loaded } = this.#view;
    const stop = this.#catchUp.start(loaded?.isPartial ? NOTHING : loaded?.version);
    if (!loaded || loaded.isPartial) this.#catchUp.run(() => this.#read(null), this.#fail);
    return () => {
      this.#isOn = false;
      stop();
    };
  }

  async #read(names: Names): Promise<Place> {
    const { loaded } = this.#view;
    const known = names !== null && loaded && loaded.total > READ_WHOLE_LOGS ? loaded : undefined;
    const since = known?.asOf ?? '';
    let page = await this.#ask(since, null);
    // Those of the first answer: later changes will be reported, and read then.
    const { version, as_of: asOf } = page;
    let now = merge(known, page);
    let shown = 0;
    while (page.next !== null && now.logs.size < MAX_LOGS) {
      // The first load shows what has come. The tree is built again each time, so that it grows in few steps.
      if (!loaded && now.logs.size >= 2 * shown) {
        shown = now.logs.size;
        this.#show({ ...now, isPartial: true });
      }
      page = await this.#ask(since, page.next);
      now = merge(now, page);
    }
    return () => {
      this.#show({ ...now, version, asOf });
      // The changed logs do not say which are gone, but the count does.
      return now.logs.size > now.total ? NOTHING : version;
    };
  }

  #ask(since: string, cursor: string | null): Promise<SessionLogs> {
    const query = new URLSearchParams({ ...(since && { since }), ...(cursor !== null && { cursor }) }).toString();
    return this.#source.request<SessionLogs>(query === '' ? this.#path : `${this.#path}?${query}`);
  }

  #show(loaded: LoadedSession): void {
    if (!this.#isOn) return;
    this.#view = { loaded, problem: '' };
    this.#tell(this.#view);
  }

  #fail = (error: Error): void => {
    this.#view = { ...this.#view, problem: error.message };
    this.#tell(this.#view);
  };
}

function merge(before: LoadedSession | undefined, page: SessionLogs): LoadedSession {
  const logs = new Map(before?.logs);
  for (const log of page.logs) logs.set(log.id, log);
  const { session, total, version, as_of: asOf } = page;
  return { session, total, version, asOf, logs, configs: { ...before?.configs, ...page.configs } };
}
