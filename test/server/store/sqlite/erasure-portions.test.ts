/** Deletions of what very much hangs on: in portions, and nothing of it is left or lost. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { ModelConfig } from '../../../../src/wire/v4.ts';
import { watchTurns } from '../../../support/effort.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

async function openStore(): Promise<Store> {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  return store;
}

const WHOLE = { page: 0, size: 1_000, sources: [], models: [], feedback: new Map(), sort: [] };
const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));

test('a log with thousands of children is deleted while others have their turns, and the children stay', async () => {
  const store = await openStore();
  const [root] = await store.createLogs([log({ reference_id: 'root' })]);
  const children = (count: number) =>
    store.createLogs(times(count, () => log({ parent_reference_id: 'root', session_reference_id: 's' })));
  for (let round = 0; round < 6; round += 1) await children(1_000);
  const [child] = await children(1);
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  const { wholeMillis, longestMillis } = await watchTurns(() => store.deleteLogs([root!.id]));
  expect(longestMillis).toBeLessThan(wholeMillis / 2);
  expect(await store.getLog(root!.id)).toBeUndefined();
  const kept = (await store.getLog(child!.id))!;
  expect([kept.parent_id, kept.parent_reference_id]).toEqual([undefined, 'root']);
  // They are linked again if it comes again.
  const [again] = await store.createLogs([log({ reference_id: 'root' })]);
  expect((await store.getLog(child!.id))!.parent_id).toBe(again!.id);
});

test.each([60, 250, 2_500])('a tree of %i logs in no session is deleted whole, whichever came first', async (count) => {
  const store = await openStore();
  const project = (await store.createLogs([log({})]))[0]!.project_id;
  // The parents come last: their keys are the highest.
  for (let at = 0; at < count - 1; at += 1_000) {
    await store.createLogs(
      times(Math.min(1_000, count - 1 - at), (index) =>
        log({ reference_id: `${at + index}`, parent_reference_id: index % 3 === 0 ? 'root' : 'middle' }),
      ),
    );
  }
  await store.createLogs([log({ reference_id: 'middle', parent_reference_id: 'root' })]);
  const [root] = await store.createLogs([log({ reference_id: 'root' })]);
  expect((await store.listLogs({ projectId: project, ...WHOLE }))!.total).toBe(count + 2);
  expect(await store.deleteSession({ id: root!.id })).toEqual({ logs: count + 1, sessions: 0 });
  expect((await store.listLogs({ projectId: project, ...WHOLE }))!.total).toBe(1);
});

test('a project goes with all configs that are registered for it, and others keep those that their logs have', async () => {
  const store = await openStore();
  const register = (name: string, model: string) =>
    store.projects.registerConfig({ name }, { model } as ModelConfig).then(({ project_id, config }) => {
      return { project_id, id: config.id };
    });
  const configs = await Promise.all(times(120, (at) => register('gone', `model ${at}`)));
  const { project_id: gone } = configs[0]!;
  // One that the other project has too, with more logs than one step changes, and one that it has not.
  const { id: same } = await register('other', 'model 3');
  const logs = [...times(130, () => configs[3]!), configs[4]!].map(({ id }) =>
    log({ project: 'other', config: null, config_id: id }),
  );
  const created = await store.createLogs(logs);
  await store.createLogs([log({ project: 'gone' })]);
  expect(await store.deleteProject({ id: gone })).toEqual({ logs: 1, sessions: 0 });
  expect(await store.getProject(gone)).toBeUndefined();
  expect(await store.projects.getConfig(configs[0]!.id)).toBeUndefined();
  for (const { id } of created.slice(0, 130)) {
    expect((await store.getLog(id))!.config).toMatchObject({ id: same, model: 'model 3' });
  }
  expect((await store.getLog(created[130]!.id))!.config).toMatchObject({ id: configs[4]!.id, model: 'model 4' });
});
