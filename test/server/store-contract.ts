/** What every store must do. A store's test calls this with a way to open an empty one. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogRequest } from '../../src/datapoint/datapoint.ts';
import { type LogQuery, RejectedItemError, type Store } from '../../src/server/store.ts';

const config: LogRequest['config'] = { type: 'model', model: 'gpt-4' };

export function log(fields: Partial<LogRequest> = {}): LogRequest {
  return { project: 'project', config, ...fields };
}

function logQuery(fields: Partial<LogQuery> & { projectId: string }): LogQuery {
  return { page: 0, size: 50, sources: [], models: [], feedback: new Map(), sort: [], ...fields };
}

export function describeStore(name: string, openEmptyStore: () => Promise<Store>): void {
  const open = async (): Promise<Store> => {
    const store = await openEmptyStore();
    onTestFinished(() => store.close());
    return store;
  };
  const createOne = async (store: Store, fields: Partial<LogRequest> = {}) =>
    (await store.createLogs([log(fields)]))[0]!;

  describe(`${name}: createLogs`, () => {
    test('keeps every field that it is given', async () => {
      const store = await open();
      const fields: Partial<LogRequest> = {
        ...{ reference_id: 'r', session_reference_id: 's', parent_reference_id: 'elsewhere', source: 'app' },
        ...{ inputs: { q: 'é "quoted"\n' }, metadata: { nested: { a: [1, null] } }, environment: 'production' },
        ...{ messages: [{ role: 'user', content: 'hi' }], output: 'out\0put', error: 'e', stdout: 'o', judgment: true },
        ...{ output_message: { role: 'assistant', content: null }, prompt_tokens: 3, output_tokens: 4 },
        ...{ prompt_cost: 0.1, output_cost: 0.2, duration: 1.25, created_at: '2024-05-06T07:08:09.123456+02:00' },
        ...{ provider_request: { a: 1 }, provider_response: 'raw', source_datapoint_id: 'd', trial_id: 't' },
      };
      const { id } = await createOne(store, fields);
      expect(await store.getLog(id)).toMatchObject({
        ...fields,
        id,
        output: 'out\uFFFDput',
        created_at: '2024-05-06T05:08:09.123456Z',
        project: 'project',
        tokens: 7,
        save: true,
        feedback: [],
        evaluation_results: [],
        observability_status: 'completed',
        config: { ...config, id: expect.stringMatching(/^config_/) },
        model_config: { project_name: 'project', config },
      });
    });

    test('takes all or nothing, and says which item and field', async () => {
      const store = await open();
      const unknown = [
        { project_id: 'pr_x' },
        { session_id: 'sesh_x' },
        { parent_id: 'data_x' },
        { config_id: 'config_x' },
      ];
      for (const bad of unknown) {
        const rejection = store.createLogs([log({ reference_id: 'good' }), log(bad)]);
        await expect(rejection).rejects.toBeInstanceOf(RejectedItemError);
        await expect(rejection).rejects.toMatchObject({ index: 1, field: Object.keys(bad)[0] });
      }
      expect((await store.listProjects({ page: 0, size: 10, sortBy: 'name', descending: false })).total).toBe(0);
      expect(await store.updateLog({ referenceId: 'good' }, { output: 'x' })).toBeUndefined();
    });

    test('puts equal configs of a project under one id, whatever the order of their keys', async () => {
      const store = await open();
      const configs: LogRequest['config'][] = [
        { type: 'model', model: 'gpt-4', other: { a: 1, b: 2 } },
        { model: 'gpt-4', other: { b: 2, a: 1 }, type: 'model' },
        { type: 'model', model: 'gpt-4', other: { a: 1, b: 3 } },
      ];
      const created = await store.createLogs(configs.map((each) => log({ config: each })));
      const elsewhere = await createOne(store, { project: 'other', config: configs[0] });
      const ids = await Promise.all([...created, elsewhere].map(async ({ id }) => (await store.getLog(id))!.config_id));
      expect(ids[1]).toBe(ids[0]);
      expect(new Set(ids).size).toBe(3);
      const byId = await createOne(store, { config: undefined, config_id: ids[0] });
      expect((await store.getLog(byId.id))!.config).toMatchObject(configs[0]!);
    });

    test('keeps no content of a log with save: false, not even later', async () => {
      const store = await open();
      const secret = {
        inputs: { q: 'secret' },
        output: 'secret',
        messages: [{ role: 'user' as const, content: 'secret' }],
      };
      const { id } = await createOne(store, { ...secret, reference_id: 'r', save: false, duration: 1 });
      await createOne(store, { ...secret, reference_id: 'r' });
      await store.updateLog({ id }, { output: 'secret', duration: 2 });
      const stored = await store.getLog(id);
      expect(JSON.stringify(stored)).not.toContain('secret');
      expect(stored).toMatchObject({ save: false, duration: 2 });
    });

    test('rejects what is nested too deeply to be written', async () => {
      const store = await open();
      const deep = JSON.parse(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`);
      await expect(store.createLogs([log(), log({ inputs: deep })])).rejects.toMatchObject({ index: 1 });
    });
  });

  describe(`${name}: a known reference`, () => {
    test('answers with the log that is there, completed by what it lacked', async () => {
      const store = await open();
      const first = await createOne(store, { reference_id: 'r', output: 'partial' });
      await store.updateLog({ referenceId: 'r' }, { output: 'final', duration: 2 });
      const retry = await createOne(store, {
        ...{ reference_id: 'r', output: 'partial', duration: 1, error: 'e', session_reference_id: 's' },
        ...{ project: 'another', parent_reference_id: 'p', feedback: { type: 'rating', value: 'good' } },
      });
      expect(retry).toEqual({ ...first, session_id: expect.stringMatching(/^sesh_/) });
      expect(await store.getLog(first.id)).toMatchObject({
        ...{ output: 'final', duration: 2, error: 'e', session_reference_id: 's', parent_reference_id: 'p' },
        ...{ project: 'project', feedback: [{ type: 'rating', value: 'good' }] },
      });
    });

    test('twice in one array is one log', async () => {
      const store = await open();
      const [a, b] = await store.createLogs([log({ reference_id: 'r' }), log({ reference_id: 'r', output: 'x' })]);
      expect(b).toEqual(a);
      expect((await store.getLog(a!.id))!.output).toBe('x');
    });

    test('a retry of a whole request changes nothing', async () => {
      const store = await open();
      const feedback = { type: 'rating', value: 'good' };
      const request = [log({ reference_id: 'a', feedback }), log({ reference_id: 'b', session_reference_id: 's' })];
      const created = await store.createLogs(request);
      expect(await store.createLogs(request)).toEqual(created);
      expect((await store.getLog(created[0]!.id))!.feedback).toHaveLength(1);
    });
  });

  describe(`${name}: parents`, () => {
    test('are linked whether they come before or after', async () => {
      const store = await open();
      const child = await createOne(store, { reference_id: 'child', parent_reference_id: 'parent' });
      expect((await store.getLog(child.id))!.parent_id).toBeUndefined();
      const parent = await createOne(store, { reference_id: 'parent', parent_reference_id: 'grandparent' });
      const later = await createOne(store, { parent_reference_id: 'parent' });
      const byId = await createOne(store, { parent_id: parent.id });
      for (const { id } of [child, later, byId]) {
        expect(await store.getLog(id)).toMatchObject({ parent_id: parent.id, parent_reference_id: 'parent' });
      }
    });

    test('never form a cycle', async () => {
      const store = await open();
      const a = await createOne(store, { reference_id: 'a', parent_reference_id: 'c' });
      const b = await createOne(store, { reference_id: 'b', parent_reference_id: 'a' });
      const c = await createOne(store, { reference_id: 'c', parent_reference_id: 'b' });
      const self = await createOne(store, { reference_id: 'd', parent_reference_id: 'd' });
      const parents = await Promise.all([a, b, c, self].map(async ({ id }) => (await store.getLog(id))!.parent_id));
      expect(parents).toEqual([undefined, a.id, b.id, undefined]);
    });

    test('that are deleted leave their children, and take them back when logged again', async () => {
      const store = await open();
      const parent = await createOne(store, { reference_id: 'parent' });
      const child = await createOne(store, { parent_reference_id: 'parent' });
      await store.deleteLogs([parent.id, 'data_unknown']);
      expect(await store.getLog(parent.id)).toBeUndefined();
      expect((await store.getLog(child.id))!.parent_id).toBeUndefined();
      const again = await createOne(store, { reference_id: 'parent' });
      expect((await store.getLog(child.id))!.parent_id).toBe(again.id);
    });
  });

  describe(`${name}: updateLog`, () => {
    test('changes what is given, by id and by reference', async () => {
      const store = await open();
      const { id } = await createOne(store, { reference_id: 'r', output: 'old', error: 'old' });
      expect(await store.updateLog({ id }, { output: 'new', error: null })).toMatchObject({
        output: 'new',
        error: 'old',
      });
      expect(await store.updateLog({ referenceId: 'r' }, { error: '', duration: 0 })).toMatchObject({
        id,
        error: '',
        duration: 0,
      });
      expect(await store.updateLog({ id: 'r' }, { output: 'x' })).toBeUndefined();
    });
  });

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

  test(`${name}: one failing write leaves those beside it alone`, async () => {
    const store = await open();
    const results = await Promise.allSettled([
      store.createLogs([log({ reference_id: 'a' })]),
      store.createLogs([log({ reference_id: 'b' }), log({ session_id: 'sesh_unknown' })]),
      store.createLogs([log({ reference_id: 'c' })]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const found = ['a', 'b', 'c'].map((referenceId) => store.updateLog({ referenceId }, {}));
    expect((await Promise.all(found)).map((each) => each?.reference_id)).toEqual(['a', undefined, 'c']);
  });

  test(`${name}: close finishes what was accepted, and takes nothing after`, async () => {
    const store = await open();
    const accepted = store.createLogs([log()]);
    await store.close();
    await expect(accepted).resolves.toHaveLength(1);
    await expect(store.createLogs([log()])).rejects.toThrow('closed');
  });
}
