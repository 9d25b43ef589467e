import { describe, expect, test } from 'vitest';
import type { LogQuery, Store } from '../../../src/server/store/store.ts';
import { createOne, log } from '../sample-log.ts';

export function logQuery(fields: Partial<LogQuery> & { projectId: string }): LogQuery {
  return { page: 0, size: 50, sources: [], models: [], feedback: new Map(), sort: [], ...fields };
}

export function describeLists(name: string, open: () => Promise<Store>): void {
  describe(`${name}: sessions`, () => {
    test('span projects, and are listed newest first', async () => {
      const store = await open();
      const { id } = await store.createSession();
      const first = await createOne(store, { session_id: id, inputs: { q: 1 }, created_at: '2024-01-01T00:00:00Z' });
      const last = await createOne(store, {
        ...{ project: 'tools', session_id: id, output: 'last', created_at: '2024-01-02T00:00:00Z' },
        config: { type: 'tool', name: 't' },
      });
      await createOne(store, { session_reference_id: 'newer' });
      expect(await store.getSession(id)).toMatchObject({
        ...{ id, datapoints_count: 2, first_inputs: { q: 1 }, last_output: 'last' },
        projects: [
          { id: first.project_id, name: 'project', type: 'prompt' },
          { id: last.project_id, name: 'tools', type: 'tool' },
        ],
      });
      // It is in no session.
      await createOne(store);
      const page = await store.listSessions({ projectId: first.project_id, page: 2, size: 1 });
      expect(page).toMatchObject({ page: 2, size: 1, total: 2, records: [{ id }] });
      expect(await store.listSessions({ projectId: 'pr_unknown', page: 1, size: 1 })).toBeUndefined();
      await store.deleteLogs([first.id]);
      expect((await store.listSessions({ projectId: first.project_id, page: 1, size: 10 }))!.total).toBe(1);
    });
  });

  describe(`${name}: projects`, () => {
    test('are made by name once, and listed', async () => {
      const store = await open();
      const created = (await store.createProject('Zebra'))!;
      expect(await store.createProject('Zebra')).toBeUndefined();
      const { project_id: id } = await createOne(store, { project: 'ant_1' });
      expect(id).not.toBe(created.id);
      expect((await createOne(store, { project: undefined, project_id: created.id })).project_id).toBe(created.id);
      const list = (fields: object) =>
        store.listProjects({ page: 0, size: 10, sortBy: 'name', descending: false, ...fields });
      expect((await list({})).records.map(({ name: each }) => each)).toEqual(['Zebra', 'ant_1']);
      expect(await list({ filter: 'zeb' })).toMatchObject({ total: 1, records: [{ id: created.id, data_count: 1 }] });
      expect((await list({ filter: 'tX1' })).total).toBe(0);
      expect((await list({ filter: 't_1' })).total).toBe(1);
      expect((await list({ page: 1, size: 1, descending: true })).records[0]!.id).toBe(created.id);
      expect(await store.getProject(created.id)).toMatchObject({
        name: 'Zebra',
        config_type: 'model',
        feedback_types: [],
      });
    });
  });

  describe(`${name}: listLogs`, () => {
    test('filters, sorts and pages', async () => {
      const store = await open();
      const made = await store.createLogs([
        log({ output: 'Alpha 100%', source: 'a', created_at: '2024-01-01T00:00:00Z', metadata: { user: 'u1' } }),
        log({ inputs: { q: 'say "alpha"' }, source: 'b', created_at: '2024-01-02T00:00:00Z' }),
        log({
          output: 'beta',
          source: 'a',
          created_at: '2024-01-03T00:00:00Z',
          config: { type: 'model', model: 'other' },
        }),
      ]);
      const projectId = made[0]!.project_id;
      const find = async (fields: Partial<LogQuery>) => {
        const page = (await store.listLogs(logQuery({ projectId, ...fields })))!;
        expect(page.total).toBeGreaterThanOrEqual(page.records.length);
        return page.records.map(({ id }) => made.findIndex((each) => each.id === id));
      };
      expect(await find({})).toEqual([2, 1, 0]);
      expect(await find({ size: 2, page: 1 })).toEqual([0]);
      expect(await find({ search: 'alpha' })).toEqual([1, 0]);
      expect(await find({ search: '"alpha"' })).toEqual([1]);
      expect(await find({ search: '0%' })).toEqual([0]);
      expect(await find({ search: '_lpha' })).toEqual([]);
      expect(await find({ metadataSearch: 'u1' })).toEqual([0]);
      expect(await find({ sources: ['b', 'c'] })).toEqual([1]);
      expect(await find({ models: ['other'] })).toEqual([2]);
      expect(await find({ startDate: '2024-01-02T00:00:00.000000Z' })).toEqual([2, 1]);
      expect(await find({ endDate: '2024-01-02T00:00:00.000000Z', sources: ['a'] })).toEqual([0]);
      expect(await find({ sort: [{ column: 'timestamp', descending: false }] })).toEqual([0, 1, 2]);
      expect(
        await find({
          sort: [
            { column: 'source', descending: true },
            { column: 'timestamp', descending: false },
          ],
        }),
      ).toEqual([1, 0, 2]);
      expect(await store.listLogs(logQuery({ projectId: 'pr_unknown' }))).toBeUndefined();
    });

    test('filters and sorts by the latest feedback', async () => {
      const store = await open();
      const [a, b] = await store.createLogs([log(), log()]);
      const rate = (id: string, value: string | boolean) => ({ data_id: id, type: 'rating', value });
      await store.addFeedback([rate(a!.id, 'good'), rate(a!.id, 'bad'), rate(b!.id, 'good'), rate(b!.id, true)]);
      const find = async (fields: Partial<LogQuery>) =>
        (await store.listLogs(logQuery({ projectId: a!.project_id, ...fields })))!.records.map(({ id }) => id);
      expect(await find({ feedback: new Map([['rating', ['bad', 'none']]]) })).toEqual([a!.id]);
      expect(await find({ feedback: new Map([['rating', ['good']]]) })).toEqual([]);
      expect(await find({ feedback: new Map([['rating', ['true']]]) })).toEqual([b!.id]);
      const byRating = { column: { feedback: 'rating' } };
      expect(await find({ sort: [{ ...byRating, descending: false }] })).toEqual([a!.id, b!.id]);
      expect(await find({ sort: [{ ...byRating, descending: true }], sources: [] })).toEqual([b!.id, a!.id]);
    });
  });

  describe(`${name}: search`, () => {
    test('finds sessions that have all words, in whichever of their logs, when there is no backlog', async () => {
      const store = await open();
      await store.createLogs([
        log({ session_reference_id: 'a', output: 'the zebra' }),
        log({ session_reference_id: 'a', messages: [{ role: 'user', content: 'where is the watering place' }] }),
        log({ session_reference_id: 'b', output: 'a zebra, watering' }),
        log({ session_reference_id: 'c', output: 'no zebra' }),
        log({ output: 'lonely zebra' }),
      ]);
      await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
      const find = async (search: string) =>
        (await store.viewer.listSessions({ search, size: 9 })).sessions.map((each) => each.reference_id ?? 'alone');
      expect(await find('zebra')).toEqual(['alone', 'c', 'b', 'a']);
      expect((await find('zebra watering')).toSorted()).toEqual(['a', 'b']);
      expect(await find('"watering place" zebra')).toEqual(['a']);
      expect(await find('lonely watering')).toEqual([]);
      expect((await find('zebra water')).toSorted()).toEqual(['a', 'b']);
    });

    test('goes on where a page ended, with any number of words', async () => {
      const store = await open();
      const sessions = Array.from({ length: 7 }, (_, index) => `s${index}`);
      await store.createLogs(
        sessions.flatMap((session) => [
          log({ session_reference_id: session, output: 'zebra lion' }),
          log({ session_reference_id: session, output: 'tiger' }),
        ]),
      );
      await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
      for (const search of ['tiger', 'zebra tiger', 'tig', 'lion zeb']) {
        const seen: (string | undefined)[] = [];
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await store.viewer.listSessions({ search, size: 3, ...(cursor !== undefined && { cursor }) });
          seen.push(...page.sessions.map(({ reference_id }) => reference_id));
          cursor = page.next;
        }
        expect(seen, search).toEqual(sessions.toReversed());
      }
    });
  });

  describe(`${name}: addFeedback`, () => {
    test('adds, and takes away what is unset', async () => {
      const store = await open();
      const { id } = await createOne(store);
      const added = await store.addFeedback([
        { data_id: id, type: 'rating', value: 'good', user: 'u', created_at: '2024-01-01T00:00:00Z' },
        { data_id: id, type: 'issue', value: ['a', 'b'] },
      ]);
      expect(added[0]).toEqual({
        ...{ id: expect.stringMatching(/^ann_/), data_id: id, type: 'rating', value: 'good', user: 'u' },
        created_at: '2024-01-01T00:00:00.000000Z',
      });
      expect((await store.getLog(id))!.feedback).toEqual(added);
      const [removed] = await store.addFeedback([{ data_id: id, type: 'rating', unset: true }]);
      expect(removed).toMatchObject({ id: added[0]!.id, value: 'good' });
      expect((await store.getLog(id))!.feedback).toEqual([added[1]]);
    });

    test('takes all or nothing', async () => {
      const store = await open();
      const { id } = await createOne(store);
      const requests = [
        { data_id: id, type: 'rating', value: 'good' },
        { data_id: 'data_unknown', type: 'rating', value: 'good' },
      ];
      await expect(store.addFeedback(requests)).rejects.toMatchObject({ index: 1, field: 'data_id' });
      expect((await store.getLog(id))!.feedback).toEqual([]);
    });
  });
}
