/** The list of sessions at one address, kept as it is on the server. Runs without a browser. */
import type { SessionPage } from '../../server/store/viewer-store.ts';
import { CatchUp, type Names, type Place } from './catch-up.ts';
import type { LiveSource } from './live-source.ts';
import { appendPage, EMPTY_LIST, mergeChanges, type SessionList } from './session-list.ts';
import { type Filters, formatLocation, toApiQuery } from './view-location.ts';

const PAGE_SIZE = 60;
/** The server's limit. */
const MAX_PAGE_SIZE = 200;
/** When all is read again, the list is cut after so many pages; the rest comes back when the reader scrolls there. */
const MAX_PAGES = 5;
/** The server's limit of ids in one request. */
const MAX_NAMED = 50;
const GATHER_MILLIS = 150;
/** Reading everything again costs more than reading named sessions, and a search costs most. */
const GATHER_MANY_MILLIS = 400;
const GATHER_SEARCH_MILLIS = 800;

export interface ListView {
  /** The address whose rows these are: those of the address before stay until the first answer. */
  readonly address: string | undefined;
  readonly list: SessionList | undefined;
  /** Why a page could not be read; `''` if nothing is wrong. */
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

  /**
   * @param before what is shown until this list has rows of its own.
   * @param first the first page as it came with the HTML, if it did.
   */
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
        return names === null || filters.sort ? GATHER_MANY_MILLIS : GATHER_MILLIS;
      },
      read: (names, upTo) => this.#readChanges(names, upTo),
      // The rows stay, and the page says `Offline` if the stream of changes is lost as well.
      onFailure: () => {},
    });
  }

  get view(): ListView {
    return this.#view;
  }

  /** Calls `onView` with each new view. Returns how to stop. */
  start(onView: (view: ListView) => void): () => void {
    this.#tell = onView;
    const stop = this.#catchUp.start(this.#first?.version);
    if (!this.#first) this.#catchUp.run(() => this.#readAll(), this.#fail);
    return stop;
  }

  /** Reads the next page. Does nothing at the end of the list, or while something is being read. */
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

  /** The rows of this address, if they have come. */
  get #list(): SessionList | undefined {
    return this.#view.address === this.#address ? this.#view.list : undefined;
  }

  #readChanges(names: Names, upTo: number): Promise<Place> {
    // Only the server knows where in a search or a sort a session stands.
    if (names === null || names.size > MAX_NAMED || this.#filters.q || this.#filters.sort) return this.#readAll();
    return this.#readNamed(names, upTo);
  }

  async #readNamed(names: ReadonlySet<string>, upTo: number): Promise<Place> {
    const page = await this.#fetch([...names].map((id) => ['id', id]));
    return () => {
      this.#show(mergeChanges(this.#list!, names, page.sessions, page.indexing));
      return upTo;
    };
  }

  /** Reads as many rows as are shown: after missed changes, sessions can be gone from anywhere among them. */
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
      // The first answer's: later changes will be reported, and read then.
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
