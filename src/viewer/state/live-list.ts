/** The list of sessions at one address: its pages, and the changes that come into it. Knows no browser. */
import type { SessionPage } from '../../server/store/viewer-store.ts';
import { CatchUp, type Names, type Place } from './catch-up.ts';
import type { LiveSource } from './live-source.ts';
import { appendPage, EMPTY_LIST, mergeChanges, type SessionList } from './session-list.ts';
import { type Filters, formatLocation, toApiQuery } from './view-location.ts';

const PAGE_SIZE = 60;
/** The server gives at most so many rows at once, */
const MAX_PAGE_SIZE = 200;
/** and a longer list is read again up to here. What is behind comes back when the reader scrolls there. */
const MAX_PAGES = 5;
/** Sessions that are asked for by id. */
const MAX_NAMED = 50;
const GATHER_MILLIS = 150;
/** Where many sessions change, everything is read again; so it is in a search, which takes longest. */
const GATHER_MANY_MILLIS = 400;
const GATHER_SEARCH_MILLIS = 800;

export interface ListView {
  /** Where the rows belong: those of the address before stay until there are new ones. */
  readonly address: string | undefined;
  readonly list: SessionList | undefined;
  /** Why the rows that were asked for are not there; `''` where nothing is wrong. */
  readonly problem: string;
}

export class LiveList {
  readonly #source: LiveSource;
  readonly #filters: Filters;
  readonly #address: string;
  readonly #first: SessionPage | undefined;
  readonly #catchUp: CatchUp;
  #view: ListView;
  #tell: (view: ListView) => void = () => {};

  /** `before` are the rows that are shown until this list has its own; `first` is its first page, where it is known. */
  constructor(source: LiveSource, filters: Filters, before?: ListView, first?: SessionPage) {
    this.#source = source;
    this.#filters = filters;
    this.#address = formatLocation({ page: 'sessions', filters });
    this.#first = first;
    this.#view = first
      ? { address: this.#address, list: appendPage(EMPTY_LIST, first), problem: '' }
      : { address: before?.address, list: before?.list, problem: '' };
    this.#catchUp = new CatchUp(source, {
      concerns: () => true,
      gatherMillis: (names) => {
        if (filters.q) return GATHER_SEARCH_MILLIS;
        return names === null ? GATHER_MANY_MILLIS : GATHER_MILLIS;
      },
      read: (names, upTo) => this.#readChanges(names, upTo),
      // The rows that are there stay. If the server is away, the stream of changes says so.
      onFailure: () => {},
    });
  }

  get view(): ListView {
    return this.#view;
  }

  /** Returns how to stop. */
  start(onView: (view: ListView) => void): () => void {
    this.#tell = onView;
    const stop = this.#catchUp.start(this.#first?.version);
    if (!this.#first) this.#catchUp.run(() => this.#readAll(), this.#fail);
    return stop;
  }

  /** Reads the next page, unless the end is reached or something is being read: call again while the end is in sight. */
  loadMore(): void {
    const list = this.#list;
    if (!list || list.next === null) return;
    this.#catchUp.run(async () => {
      const page = await this.#fetch([
        ['size', String(PAGE_SIZE)],
        ['cursor', list.next!],
      ]);
      return () => this.#show(appendPage(list, page));
    }, this.#fail);
  }

  /** The rows, where they are those of this address. */
  get #list(): SessionList | undefined {
    return this.#view.address === this.#address ? this.#view.list : undefined;
  }

  #readChanges(names: Names, upTo: number): Promise<Place> {
    // Where a session stands in a search is for the server to say.
    if (names === null || names.size > MAX_NAMED || this.#filters.q) return this.#readAll();
    return this.#readNamed(names, upTo);
  }

  async #readNamed(names: ReadonlySet<string>, upTo: number): Promise<Place> {
    const page = await this.#fetch([...names].map((id) => ['id', id]));
    return () => {
      this.#show(mergeChanges(this.#list!, names, page.sessions));
      return upTo;
    };
  }

  /** As many rows as there are. Fewer would not do: what has gone is named by nobody, and can be anywhere among them. */
  async #readAll(): Promise<Place> {
    const rows = this.#list?.sessions.length ?? 0;
    let list = EMPTY_LIST;
    let version: number | undefined;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const size = Math.min(Math.max(rows - list.sessions.length, PAGE_SIZE), MAX_PAGE_SIZE);
      const page = await this.#fetch([
        ['size', String(size)],
        ...(list.next === null ? [] : [['cursor', list.next] as const]),
      ]);
      // What changes while the others are read comes as a change.
      version ??= page.version;
      list = appendPage(list, page);
      if (list.next === null || list.sessions.length >= rows) break;
    }
    return () => {
      this.#show(list);
      return version;
    };
  }

  #fetch(more: Iterable<readonly [string, string]>): Promise<SessionPage> {
    const query = toApiQuery(this.#filters, this.#source.clock.now());
    for (const [name, value] of more) query.append(name, value);
    return this.#source.request<SessionPage>(`/viewer/api/sessions?${query}`);
  }

  #show(list: SessionList): undefined {
    this.#view = { address: this.#address, list, problem: '' };
    this.#tell(this.#view);
  }

  #fail = (error: Error): void => {
    this.#view = { ...this.#view, problem: error.message };
    this.#tell(this.#view);
  };
}
