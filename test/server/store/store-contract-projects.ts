import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/server/store/store.ts';
import { createOne, log } from '../sample-log.ts';

const project = async (store: Store, name = 'p') => (await store.createProject(name))!;
const read = (store: Store, id: string) => store.getProject(id);

export function describeProjects(name: string, open: () => Promise<Store>): void {
  describe(`${name}: a project`, () => {
    test('is renamed, also for those who look for its logs; a name is taken once', async () => {
      const store = await open();
      const { id } = await project(store);
      const log = await createOne(store, { project: 'p', session_reference_id: 's' });
      expect(log.project_id).toBe(id);
      const sessionsOf = async (wanted: string) =>
        (await store.viewer.listSessions({ project: wanted, size: 9 })).sessions.length;
      await expect.poll(() => sessionsOf('p')).toBe(1);
      await project(store, 'other');
      await expect(store.projects.update(id, { name: 'other' })).rejects.toMatchObject({ name: 'NameTakenError' });
      expect(await store.projects.update(id, { name: 'q' })).toMatchObject({ id, name: 'q', data_count: 1 });
      expect(await store.projects.update(id, { name: 'q' })).toMatchObject({ name: 'q' });
      expect([await sessionsOf('p'), await sessionsOf('q')]).toEqual([0, 1]);
      expect((await store.getLog(log.id))?.project).toBe('q');
      // The old name is free, and is another project.
      expect((await createOne(store, { project: 'p' })).project_id).not.toBe(id);
      expect(await store.projects.update(id, { name: 'a\0b' })).toMatchObject({ name: 'a\uFFFDb' });
      expect(await store.projects.update('pr_unknown', { name: 'x' })).toBeUndefined();
    });

    test('is not found by an id that no database can have', async () => {
      const store = await open();
      await project(store);
      for (const id of ['a\0b', '\ud800', '', 'x'.repeat(10_000)]) {
        expect(await read(store, id)).toBeUndefined();
        expect(await store.projects.update(id, { name: 'x' })).toBeUndefined();
        expect(await store.projects.getActiveConfig(id)).toBeUndefined();
        expect(await store.projects.clearActiveConfig(id)).toBeUndefined();
        expect(await store.projects.listConfigs(id)).toBeUndefined();
        expect(await store.listSessions({ projectId: id, page: 0, size: 1 })).toBeUndefined();
        await expect(store.projects.registerConfig({ id }, { model: 'm' })).rejects.toMatchObject({
          field: 'project_id',
        });
        await expect(createOne(store, { project: undefined, project_id: id || 'y' })).rejects.toMatchObject({
          field: 'project_id',
        });
      }
    });

    test('is one, also where its name has half of a surrogate pair', async () => {
      const store = await open();
      const name = 'half \ud800';
      const made = await store.createLogs([
        log({ project: name }),
        log({ project: 'half \ufffd' }),
        log({ project: name }),
      ]);
      const again = await createOne(store, { project: name });
      const config = await store.projects.registerConfig({ name }, { model: 'm' });
      expect(new Set([...made, again, config].map(({ project_id: id }) => id)).size).toBe(1);
      expect((await store.getProject(again.project_id))?.name).toBe('half \ufffd');
      expect(await store.createProject(name)).toBeUndefined();
      expect(await store.deleteProject({ name })).toEqual({ logs: 4, sessions: 0 });
    });

    test('has the logs of the name that it takes over, and not those of a project that had it before', async () => {
      const store = await open();
      const [first, second] = [await project(store, 'a'), await project(store, 'b')];
      const sessionsOf = async (wanted: string) =>
        (await store.viewer.listSessions({ project: wanted, size: 9 })).sessions.map((each) => each.reference_id);
      await createOne(store, { project: 'a', session_reference_id: 'of the first' });
      await createOne(store, { project: 'b', session_reference_id: 'of the second' });
      await expect.poll(() => sessionsOf('b')).toEqual(['of the second']);
      await store.projects.update(first.id, { name: 'c' });
      await store.projects.update(second.id, { name: 'a' });
      expect([await sessionsOf('a'), await sessionsOf('b'), await sessionsOf('c')]).toEqual([
        ['of the second'],
        [],
        ['of the first'],
      ]);
    });

    test('has its first config as the active one, another when asked, and none after that', async () => {
      const store = await open();
      const first = await store.projects.registerConfig({ name: 'p' }, { model: 'a', other: { b: 1, a: 2 } });
      const { project_id: id } = first;
      expect(first).toMatchObject({ project_name: 'p', config: { type: 'model', model: 'a' } });
      const again = await store.projects.registerConfig({ id }, { other: { a: 2, b: 1 }, model: 'a' });
      expect(again.config.id).toBe(first.config.id);
      const second = await store.projects.registerConfig({ id }, { model: 'b' });
      expect(await store.projects.getActiveConfig(id)).toMatchObject({ config: { id: first.config.id } });
      expect(await store.projects.update(id, { activeConfigId: second.config.id })).toMatchObject({
        active_config: { project_id: id, config: { model: 'b' } },
      });
      expect(await read(store, id)).toMatchObject({ active_config: { config: { id: second.config.id } } });
      expect((await store.listProjects({ page: 0, size: 9, sortBy: 'name', descending: false })).records).toMatchObject(
        [{ active_config: { config: { id: second.config.id } } }],
      );
      expect(await store.projects.clearActiveConfig(id)).not.toHaveProperty('active_config');
      expect(await store.projects.getActiveConfig(id)).toBeNull();
      expect(await store.projects.clearActiveConfig(id)).toMatchObject({ id });
      // A config that was there before is not made active by a second one.
      await store.projects.registerConfig({ id }, { model: 'c' });
      expect(await store.projects.getActiveConfig(id)).toBeNull();
      for (const unknown of [store.projects.getActiveConfig('pr_x'), store.projects.clearActiveConfig('pr_x')]) {
        expect(await unknown).toBeUndefined();
      }
    });

    test('takes as active only a config of its own, and changes nothing otherwise', async () => {
      const store = await open();
      const { config } = await store.projects.registerConfig({ name: 'other' }, { model: 'm' });
      const { id } = await project(store);
      const change = { name: 'renamed', activeConfigId: config.id };
      await expect(store.projects.update(id, change)).rejects.toMatchObject({ field: 'active_config_id' });
      expect((await read(store, id))?.name).toBe('p');
      await expect(store.projects.registerConfig({ id: 'pr_x' }, { model: 'm' })).rejects.toMatchObject({
        field: 'project_id',
      });
    });

    test('lists its configs, logged and registered, those used last first', async () => {
      const store = await open();
      const { id } = await project(store);
      await createOne(store, { project: 'p', config: { type: 'model', model: 'logged' } });
      await store.projects.registerConfig({ id }, { model: 'registered' });
      await createOne(store, { project: 'p', config: { type: 'generic', name: 'last' } });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await createOne(store, { project: 'p', config: { type: 'model', model: 'logged' } });
      await store.projects.registerConfig({ name: 'other' }, { model: 'of another' });
      const configs = (await store.projects.listConfigs(id))!;
      expect(configs[0]?.config['model']).toBe('logged');
      expect(configs.map(({ config }) => config['model'] ?? config['name'])).toHaveLength(3);
      const found = configs.find(({ config }) => config['model'] === 'registered')!;
      const { type, json } = (await store.projects.getConfig(found.config.id))!;
      expect([type, JSON.parse(json)]).toEqual([found.config.type, found.config]);
      expect(await store.projects.getConfig('config_x')).toBeUndefined();
      expect(await store.projects.listConfigs('pr_x')).toBeUndefined();
      const log = await createOne(store, { project: 'p', config: undefined, config_id: found.config.id });
      expect((await store.getLog(log.id))?.config).toMatchObject({ model: 'registered' });
    });

    test('lists a bounded part of configs that are large', async () => {
      const store = await open();
      for (let count = 0; count < 7; count += 1) {
        await store.projects.registerConfig(
          { name: 'p' },
          { model: `${count}`, prompt_template: 'x'.repeat(1_000_000) },
        );
      }
      const { records } = await store.listProjects({ page: 0, size: 1, sortBy: 'name', descending: false });
      expect((await store.projects.listConfigs(records[0]!.id))!).toHaveLength(4);
    });

    test('has the types of feedback that are defined, and those that there is feedback of', async () => {
      const store = await open();
      const { id } = await project(store);
      const define = (types: object[], areNew = false) =>
        store.projects.defineFeedbackTypes(id, types as never, { areNew });
      const mood = {
        type: 'mood',
        class: 'select',
        values: [{ value: 'good', sentiment: 'positive' }, { value: 'odd' }],
      };
      expect(await define([mood], true)).toEqual([
        {
          type: 'mood',
          values: [
            { value: 'good', sentiment: 'positive' },
            { value: 'odd', sentiment: 'unset' },
          ],
        },
      ]);
      await expect(define([mood], true)).rejects.toMatchObject({ name: 'NameTakenError' });
      // Values are added, and keep what is not said again.
      expect(
        await define([{ type: 'mood', values: [{ value: 'bad', sentiment: 'negative' }, { value: 'good' }] }]),
      ).toEqual([
        {
          type: 'mood',
          values: [
            { value: 'good', sentiment: 'positive' },
            { value: 'odd', sentiment: 'unset' },
            { value: 'bad', sentiment: 'negative' },
          ],
        },
      ]);
      expect(await define([{ type: 'why', class: 'text' }, { type: 'rating' }])).toEqual([
        { type: 'why' },
        { type: 'rating', values: [] },
      ]);
      const log = await createOne(store, { project: 'p' });
      for (const type of ['mood', 'free']) await store.addFeedback([{ type, value: 'good', data_id: log.id }]);
      expect((await read(store, id))!.feedback_types.map(({ type }) => type)).toEqual([
        'mood',
        'why',
        'rating',
        'free',
      ]);
      expect(await store.projects.defineFeedbackTypes('pr_x', [], { areNew: false })).toBeUndefined();
    });

    test('takes no wrong type of feedback, and then none of the request', async () => {
      const store = await open();
      const { id } = await project(store);
      const define = (...types: object[]) => store.projects.defineFeedbackTypes(id, types as never, { areNew: false });
      const good = { type: 'good', class: 'text' };
      await expect(define(good, { type: 'new' })).rejects.toMatchObject({ index: 1, field: 'class' });
      await expect(define(good, { type: 'x', class: 'text', values: [] })).rejects.toMatchObject({ field: 'values' });
      const many = Array.from({ length: 1_001 }, (_, index) => ({ value: `${index}` }));
      await expect(define(good, { type: 'x', class: 'select', values: many })).rejects.toMatchObject({
        field: 'values',
      });
      const types = Array.from({ length: 201 }, (_, index) => ({ type: `${index}`, class: 'text' }));
      await expect(define(...types)).rejects.toMatchObject({ index: 200, field: 'type' });
      expect((await read(store, id))!.feedback_types).toEqual([]);
    });
  });
}
