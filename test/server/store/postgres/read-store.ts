/** Does steps on a store, and reads all that it has, in a form that is the same for all stores. */
import { expect } from 'vitest';
import type { ProjectResponse } from '../../../../src/server/store/project-store.ts';
import type { LogQuery, SessionResponse, Store } from '../../../../src/server/store/store.ts';
import type { SessionPage, SessionQuery, SessionSummary } from '../../../../src/server/store/viewer-store.ts';
import { MODELS, PROJECTS, REFERENCES, SESSIONS, SOURCES, type Step, toRequest } from './any-steps.ts';

const ID = /^(data|sesh|config|pr|ann)_[0-9A-Za-z]{21}$/;
/** The server's own. */
const VERSIONS = new Set(['as_of', 'version']);
const TIME = /^\d{4}-\d{2}-\d{2}T/;
/** The time of each log is given. */
const GIVEN_TIME = '2024-';

/** Of which each must hold on its own, and some together. */
const FILTERS: readonly Partial<SessionQuery>[] = [
  ...[...PROJECTS, 'nothing'].map((project) => ({ project })),
  ...MODELS.map((model) => ({ model })),
  ...[{ type: 'tool' }, { hasError: true }, { feedback: 'rating: good' }, { feedback: '*' }, { user: 'ada' }],
  ...[{ environment: 'prod' }, { user: 'bob', model: 'gpt-4' }, { minDuration: 2 }, { hasError: true, minDuration: 1 }],
  ...[{ since: '2024-03-05T10:00:01.000000Z' }, { until: '2024-03-05T10:00:00.000000Z' }],
];
/** Without words of outputs: in PostgreSQL, those of one that was replaced still find its session. */
const SEARCHES = [
  'winter',
  'ferry',
  'tick',
  'winter ferry',
  '"winter tickets"',
  'ada',
  'r1',
  's1',
  'broken',
  'nothing',
];
const PAGED_SEARCH = 'winter';
/** Of several words one leads, and SQLite finds what a message says at the first log of the session that has it. */
const SAID_ONCE = new Set(['ada', 'broken']);
const SORTS = ['activity', 'started', 'changed', 'duration', 'cost'] as const;

export class ReadStore {
  readonly #store: Store;
  readonly #inSessions: boolean;
  readonly #searches: readonly string[];
  /** Of logs and sessions, in the order in which a client came to know them. */
  readonly #names = { log: new Map<string, string>(), session: new Map<string, string>() };
  readonly #logs = new Set<string>();

  /** Which logs that name no session are in one is said in docs/postgres.md: they are compared only with `inSessions`. */
  constructor(store: Store, inSessions: boolean, searches: readonly string[] = []) {
    this.#store = store;
    this.#searches = [...SEARCHES, ...searches];
    this.#inSessions = inSessions;
  }

  /** Resolves to what the client is answered. */
  async apply(step: Step): Promise<unknown> {
    const store = this.#store;
    if (step.kind === 'post') {
      const created = await store.createLogs(step.logs.map((each) => toRequest(each, this.#inSessions)));
      for (const each of created) {
        this.#logs.add(each.id);
        this.#nameOf(each.id);
        if (each.session_id) this.#nameOf(each.session_id);
      }
      return this.#plain(created);
    }
    if (step.kind === 'update') {
      const { kind: _, reference, ...update } = step;
      // An output that was indexed stays the last of its session when it is emptied.
      if (update.output === '') await this.#indexed();
      const given = Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined));
      return this.#plain(await store.updateLog({ referenceId: `r${reference}` }, given));
    }
    if (step.kind === 'rate') {
      const log = await store.updateLog({ referenceId: `r${step.reference}` }, {});
      if (!log) return undefined;
      const { value } = step;
      const given = value === undefined ? { unset: true as const } : { value, created_at: '2024-03-07T00:00:00Z' };
      return this.#plain(await store.addFeedback([{ data_id: log.id, type: 'rating', ...given }]));
    }
    if (step.kind === 'delete') {
      const logs = await Promise.all(step.references.map((each) => store.updateLog({ referenceId: `r${each}` }, {})));
      const deleted = await store.deleteLogs(logs.map((log) => log?.id ?? 'data_unknown'));
      return this.#inSessions ? deleted : deleted.logs;
    }
    return this.#inSessions ? store.deleteSession({ referenceId: `s${step.session}` }) : undefined;
  }

  async readAll(): Promise<unknown> {
    const store = this.#store;
    await this.#indexed();
    const logs = await Promise.all([...this.#logs].map((id) => store.getLog(id)));
    const projects = (await store.listProjects({ page: 0, size: 9, sortBy: 'name', descending: false })).records;
    // In PostgreSQL, the id of a session that was deleted leads to the next one with its reference.
    const ofLogs = [...new Set(logs.flatMap((each) => each?.session_id ?? []))];
    const v4 = {
      logs,
      projects: projects.map(toKept),
      lists: await Promise.all(projects.map(({ id }) => this.#readLists(id))),
      ...(this.#inSessions && {
        sessions: await Promise.all(ofLogs.map(async (id) => this.#sessionOf(await store.getSession(id)))),
      }),
    };
    return this.#inSessions ? { v4: this.#plain(v4), viewer: await this.#readViewer() } : this.#plain(v4);
  }

  async #indexed(): Promise<void> {
    await expect.poll(async () => (await this.#store.viewer.indexLag()).logs, { interval: 5 }).toBe(0);
  }

  async #readLists(projectId: string): Promise<unknown> {
    const store = this.#store;
    const query = { page: 0, size: 100, sources: [], models: [], feedback: new Map(), sort: [] };
    const list = async (fields: Partial<LogQuery>) => {
      const page = await store.listLogs({ ...query, ...fields, projectId });
      return { total: page!.total, ids: page!.records.map(({ id }) => id) };
    };
    const rated = new Map([['rating', ['good']]]);
    return {
      all: await list({}),
      pages: [await list({ size: 2 }), await list({ size: 2, page: 1 })],
      ascending: await list({ sort: [{ column: 'timestamp', descending: false }] }),
      byModel: await list({ sort: [{ column: 'model', descending: true }] }),
      byRating: await list({ sort: [{ column: { feedback: 'rating' }, descending: true }] }),
      byRatingUp: await list({ sort: [{ column: { feedback: 'rating' }, descending: false }], size: 3, page: 1 }),
      bySource: await list({
        sort: ['source', 'model', 'timestamp'].map((column) => ({ column, descending: false })) as never,
      }),
      bySourceDown: await list({ sort: [{ column: 'source', descending: true }] }),
      ofSources: await list({ sources: SOURCES.slice(1) }),
      ofAll: await list({ sources: ['sdk'], models: MODELS, feedback: new Map([['rating', ['bad', 'good']]]) }),
      beyond: await list({ page: 9 }),
      literal: [await list({ search: '%' }), await list({ search: '_t' }), await list({ metadataSearch: '"' })],
      rated: await list({ feedback: rated }),
      ofModel: await list({ models: ['gpt-4'] }),
      found: [await list({ search: 'wInter' }), await list({ search: 'ticket', metadataSearch: 'ada' })],
      between: await list({ startDate: '2024-03-05T10:00:00.000000Z', endDate: '2024-03-05T10:00:01.000000Z' }),
      sessions: this.#inSessions && (await this.#readSessions(projectId)),
    };
  }

  async #readSessions(projectId: string): Promise<unknown> {
    const page = await this.#store.listSessions({ projectId, page: 1, size: 50 });
    const records = page!.records.map((each) => this.#sessionOf(each));
    return { ...page!, records: records.toSorted((left, right) => (left < right ? -1 : 1)) };
  }

  /** Projects that are made at once have no order. */
  #sessionOf(session: SessionResponse | undefined): string {
    const projects = session?.projects.toSorted((left, right) => (left.name < right.name ? -1 : 1));
    return JSON.stringify(this.#plain({ ...session, projects }));
  }

  async #readViewer(): Promise<unknown> {
    const { viewer } = this.#store;
    const all = await this.#list({});
    const ids = all.map(({ id }) => id);
    const names = [
      ...Array.from({ length: REFERENCES }, (_, n) => `r${n}`),
      ...Array.from({ length: SESSIONS }, (_, n) => `s${n}`),
    ];
    const lists: Record<string, unknown> = {};
    for (const sort of SORTS) lists[`by ${sort}`] = await this.#readOrder({ sort });
    for (const filter of FILTERS) {
      lists[JSON.stringify(filter)] = await this.#readOrder(filter);
      lists[JSON.stringify({ ...filter, ids: 'all' })] = byName(this.#plainList(await this.#list({ ...filter, ids })));
    }
    for (const search of this.#searches) {
      for (const query of [{ search }, { search, user: 'ada' }]) {
        const found = await this.#list(query);
        if (!SAID_ONCE.has(search)) for (const each of found) delete each.match;
        lists[JSON.stringify(query)] = byName(this.#plainList(found));
      }
    }
    return {
      lists,
      sessions: byName((await Promise.all(ids.map((id) => this.#readSession(id)))) as { id: string }[]),
      logs: this.#plain(await Promise.all([...this.#logs].map((id) => viewer.readLog(id)))),
      found: this.#plain(await Promise.all(names.map((name) => viewer.findSession(name)))),
      exports: byName(
        (await Promise.all(
          ids.map(async (id) => ({ id: this.#nameOf(id), ...(this.#plain(await viewer.exportSession(id)) as object) })),
        )) as { id: string }[],
      ),
      filters: await viewer.listFilters(),
      overview: await viewer.readOverview({ days: 9, until: '2024-03-07T00:00:00.000000Z' }),
    };
  }

  /** In the order of the list. The pages of some must have each session once. */
  async #list(query: Partial<SessionQuery>): Promise<SessionSummary[]> {
    const whole = await this.#store.viewer.listSessions({ size: 100, ...query });
    expect(whole.next).toBeNull();
    if (!query.sort && query.search !== PAGED_SEARCH) return whole.sessions;
    if (query.search === undefined && (query.sort ?? 'activity') === 'activity') {
      // The page puts sessions that change into their places.
      expect(whole.sessions).toEqual(
        whole.sessions.toSorted((left, right) => right.ended_at - left.ended_at || right.key - left.key),
      );
    }
    const paged: SessionSummary[] = [];
    let page: SessionPage | undefined;
    do {
      page = await this.#store.viewer.listSessions({ size: 2, ...query, ...(page?.next && { cursor: page.next }) });
      paged.push(...page.sessions);
    } while (page.next !== null);
    // A search can find a session again, by an older log.
    expect([...new Set(paged.map(({ id }) => id))]).toEqual(whole.sessions.map(({ id }) => id));
    if (query.search === undefined) expect(paged).toHaveLength(whole.sessions.length);
    return whole.sessions;
  }

  /** Sessions that are equal in an order may be in any. */
  async #readOrder(query: Partial<SessionQuery>): Promise<unknown> {
    const { sort = 'activity' } = query;
    const sessions = await this.#list(query);
    const places = {
      activity: ({ ended_at: endedAt }: SessionSummary) => endedAt,
      started: ({ started_at: startedAt }: SessionSummary) => startedAt,
      changed: () => 0,
      duration: ({ duration }: SessionSummary) => duration,
      cost: ({ cost }: SessionSummary) => cost || -1,
    };
    const groups = new Map<string | number, SessionSummary[]>();
    for (const each of sessions) {
      const place = places[sort](each);
      groups.set(place, [...(groups.get(place) ?? []), each]);
    }
    return [...groups].map(([place, ties]) => ({ place, ties: byName(this.#plainList(ties)) }));
  }

  #plainList(sessions: readonly SessionSummary[]): SessionSummary[] {
    return this.#plain(
      sessions.map(({ key: _, users, models, projects, ...each }) => ({
        ...each,
        // In SQLite, nothing is left of a sum but a zero when the logs that had it are deleted.
        prompt_tokens: each.prompt_tokens || undefined,
        output_tokens: each.output_tokens || undefined,
        cost: each.cost || undefined,
        users: users?.toSorted(),
        models: models?.toSorted(),
        projects: projects.toSorted(),
      })),
    ) as SessionSummary[];
  }

  async #readSession(id: string): Promise<unknown> {
    const { session, logs, configs, ...rest } = (await this.#store.viewer.readSession(id))!;
    const idOf = new Map(logs.map((log) => [log.key, log.id]));
    return {
      id: this.#nameOf(id),
      ...(this.#plain(rest) as object),
      session: this.#plainList([session]),
      logs: this.#plain(
        logs.map(({ key: _, parent, config, ...log }) => ({
          ...log,
          ...(parent !== undefined && { parent: idOf.get(parent) ?? 'elsewhere' }),
          ...(config !== undefined && { config: configs[config] }),
        })),
      ),
    };
  }

  #nameOf(id: string): string {
    const kinds: Record<string, 'log' | 'session'> = { data: 'log', sesh: 'session' };
    const kind = kinds[id.split('_')[0]!];
    if (kind === undefined) return id.split('_')[0]!;
    const names = this.#names[kind];
    const known = names.get(id) ?? `${kind} ${names.size}`;
    names.set(id, known);
    return known;
  }

  /** With names for ids, and without what differs from store to store. */
  #plain(value: unknown): unknown {
    if (value === undefined) return undefined;
    const text = JSON.stringify(value, (name, each) => {
      if (VERSIONS.has(name) || (!this.#inSessions && name.startsWith('session_'))) return undefined;
      if (typeof each !== 'string') return each;
      if (TIME.test(each) && !each.startsWith(GIVEN_TIME)) return 'now';
      return ID.test(each) ? this.#nameOf(each) : each;
    });
    return JSON.parse(text);
  }
}

/** Without what PostgreSQL keeps when the logs that had it are deleted. */
function toKept({ feedback_types: _, config_type: type, ...project }: ProjectResponse): object {
  return project.data_count === 0 ? project : { ...project, type };
}

function byName<Item extends { id: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((left, right) => (left.id < right.id ? -1 : 1));
}
