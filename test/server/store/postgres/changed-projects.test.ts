/** Projects that one server deletes or renames while others remember them. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createOtlpIntake } from '../../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { CreatedLog, ModelConfig } from '../../../../src/wire/v4.ts';
import { makeSpan } from '../../../conventions/span.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { Random } from '../../../support/random.ts';
import { createOne, log } from '../../sample-log.ts';
import { logQuery } from '../store-contract-lists.ts';

const ROUNDS = 8;
const MODEL: ModelConfig = { model: 'm' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'find' };

function received(traceId: string) {
  return [{ slice: makeSpan(TOOL, { traceId }), projectName: 'project' }];
}

async function untilWaiting(client: pg.Client, count: number): Promise<void> {
  const waiting = `SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
  await expect.poll(async () => (await client.query(waiting)).rows[0].count, { timeout: 5_000 }).toBe(count);
}

for (const binaries of findPostgres()) {
  describe(`projects that others change, on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const openTwo = async (): Promise<{ url: string; one: Store; other: Store }> => {
      const url = await cluster.createSchema();
      const [one, other] = await Promise.all([openPostgresStore({ url }), openPostgresStore({ url })]);
      onTestFinished(async () => void (await Promise.all([one.close(), other.close()])));
      return { url, one, other };
    };

    const listIds = async (store: Store, projectId: string) =>
      (await store.listLogs(logQuery({ projectId })))?.records.map(({ id }) => id);

    test('a log of a deleted project is in a new one of that name', async () => {
      const { url, one, other } = await openTwo();
      for (const reference_id of ['r', undefined]) {
        const first = await createOne(other, { reference_id: `${reference_id} before` });
        await one.deleteProject({ name: 'project' });
        const made = await createOne(other, { reference_id });
        expect(made.project_id).not.toBe(first.project_id);
        expect(await listIds(one, made.project_id)).toEqual([made.id]);
        expect(await listIds(other, made.project_id)).toEqual([made.id]);
        expect(await listIds(other, first.project_id)).toBeUndefined();
      }
      expect(await findFaults(url)).toEqual([]);
    });

    test('spans of a deleted project are logs of a new one of that name', async () => {
      const { url, one, other } = await openTwo();
      const intake = createOtlpIntake(other);
      onTestFinished(() => intake.close());
      expect(await intake.takeSpans(received('a'.repeat(32)))).toEqual({ rejected: 0 });
      await one.deleteProject({ name: 'project' });
      expect(await intake.takeSpans(received('b'.repeat(32)))).toEqual({ rejected: 0 });
      const { records } = await one.listProjects({ page: 0, size: 5, sortBy: 'name', descending: false });
      expect(records).toMatchObject([{ name: 'project', data_count: 1 }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('what names a deleted project by its id is refused, and so is a config of it', async () => {
      const { url, one, other } = await openTwo();
      const { project_id: id } = await createOne(other);
      const { config } = await other.projects.registerConfig({ name: 'project' }, MODEL);
      await other.createLogs([log({ project: 'kept', config: undefined, config_id: config.id })]);
      await one.deleteProject({ id });
      const byId = { project: undefined, project_id: id };
      await expect(createOne(other, byId)).rejects.toMatchObject({ message: 'project not found' });
      const byConfig = { project: 'kept', config: undefined, config_id: config.id };
      await expect(createOne(other, byConfig)).rejects.toMatchObject({ message: 'config not found' });
      await expect(other.projects.registerConfig({ id }, MODEL)).rejects.toMatchObject({
        message: 'project not found',
      });
      expect(await other.projects.listConfigs(id)).toBeUndefined();
      expect(await findFaults(url)).toEqual([]);
    });

    test('a config for a deleted project is one of a new project of that name', async () => {
      const { one, other } = await openTwo();
      const { project_id: id } = await createOne(other);
      await one.deleteProject({ id });
      const { config } = await other.projects.registerConfig({ name: 'project' }, MODEL);
      expect(JSON.parse((await one.projects.getConfig(config.id))!.json)).toMatchObject({ id: config.id });
    });

    test('a log is in the project that has its name then', async () => {
      const { one, other } = await openTwo();
      const before = await createOne(other, { project: 'a' });
      await one.projects.update(before.project_id, { name: 'b' });
      const after = await createOne(other, { project: 'a' });
      expect(after.project_id).not.toBe(before.project_id);
      expect(await createOne(other, { project: 'b' })).toMatchObject({ project_id: before.project_id });
    });

    test('the old name and the new one are two projects, also in one request', async () => {
      const { one, other } = await openTwo();
      const { project_id: id } = await createOne(other, { project: 'a' });
      await one.projects.update(id, { name: 'b' });
      const [old, renamed] = await other.createLogs([log({ project: 'a' }), log({ project: 'b' })]);
      expect(renamed!.project_id).toBe(id);
      expect(old!.project_id).not.toBe(id);
    });

    test('a config is one of the project that has its name then', async () => {
      const { one, other } = await openTwo();
      const { project_id: id } = await createOne(other, { project: 'a' });
      await one.projects.update(id, { name: 'b' });
      expect(await other.projects.registerConfig({ name: 'b' }, MODEL)).toMatchObject({ project_id: id });
      expect(await other.projects.registerConfig({ name: 'a' }, MODEL)).toMatchObject({ project_name: 'a' });
    });

    test('a deletion that is repeated takes the configs that an earlier one has left', async () => {
      const { url, one } = await openTwo();
      await createOne(one);
      await withClient(url, (client) => client.query('DELETE FROM logs; DELETE FROM projects'));
      expect(await one.deleteProject({ name: 'project' })).toBeUndefined();
      const { rows } = await withClient(url, (client) => client.query('SELECT * FROM configs'));
      expect(rows).toEqual([]);
    });

    test('feedback on a log that is deleted meanwhile is on no log', async () => {
      const { url, one, other } = await openTwo();
      const [{ id }] = (await one.createLogs([1, 2].map(() => log({ session_reference_id: 's' })))) as [CreatedLog];
      await withClient(url, async (holder) =>
        withClient(url, async (watcher) => {
          await holder.query(`BEGIN; SELECT 1 FROM sessions WHERE reference_id = 's' FOR UPDATE`);
          const deletion = one.deleteLogs([id]);
          await untilWaiting(watcher, 1);
          const given = other.addFeedback([{ data_id: id, type: 'rating', value: 'good' }]);
          given.catch(() => {});
          await untilWaiting(watcher, 2);
          await holder.query('COMMIT');
          expect(await deletion).toEqual({ logs: 1, sessions: 0 });
          await expect(given).rejects.toMatchObject({ message: 'datapoint not found' });
        }),
      );
      expect(await findFaults(url)).toEqual([]);
    });

    test('a deletion waits for what is being written, and leaves the project that has it', async () => {
      const { url, one, other } = await openTwo();
      const project = (await one.createProject('written'))!;
      await createOne(one, { session_reference_id: 's' });
      const [made, deleted] = await withClient(url, async (holder) =>
        withClient(url, async (watcher) => {
          await holder.query(`BEGIN; SELECT 1 FROM sessions WHERE reference_id = 's' FOR UPDATE`);
          const written = createOne(other, { project: 'written', session_reference_id: 's' });
          await untilWaiting(watcher, 1);
          const deletion = one.deleteProject({ id: project.id });
          await untilWaiting(watcher, 2);
          await holder.query('COMMIT');
          return Promise.all([written, deletion]);
        }),
      );
      expect(deleted).toEqual({ logs: 0, sessions: 0 });
      expect(await listIds(one, project.id)).toEqual([made.id]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('whatever is written meanwhile is in a project and has its config', { timeout: 60_000 }, async () => {
      const { url, one, other } = await openTwo();
      const intake = createOtlpIntake(other);
      onTestFinished(() => intake.close());
      const random = new Random('changed projects');
      let isOver = false;
      let count = 0;
      const repeat = async (write: (index: number) => Promise<unknown>) => {
        while (!isOver) {
          count += 1;
          await write(count);
          await new Promise((resolve) => setTimeout(resolve, random.between(0, 80)));
        }
      };
      const writers = [
        repeat(() => createOne(other)),
        repeat((index) =>
          createOne(other, { reference_id: `r${index}`, config: { type: 'model', model: `m${index}` } }),
        ),
        repeat((index) => createOne(one, { session_reference_id: `s${index % 3}` })),
        repeat(async () => {
          const { id } = (await other.projects.registerConfig({ name: 'project' }, MODEL)).config;
          await createOne(one, { project: 'kept', config: undefined, config_id: id }).catch((error: Error) =>
            expect(error.message).toBe('config not found'),
          );
        }),
        repeat((index) => intake.takeSpans(received(index.toString(16).padStart(32, 'a')))),
      ];
      try {
        for (let round = 0; round < ROUNDS; round += 1) {
          await new Promise((resolve) => setTimeout(resolve, 20 + 10 * (round % 3)));
          await (round % 2 === 0 ? one : other).deleteProject({ name: 'project' });
        }
      } finally {
        isOver = true;
        await Promise.all(writers);
      }
      expect(await findFaults(url)).toEqual([]);
      await one.deleteProject({ name: 'project' });
      const { rows } = await withClient(url, (client) =>
        client.query(`SELECT count(*)::int AS configs FROM configs WHERE model <> 'm'`),
      );
      expect(rows).toEqual([{ configs: 0 }]);
    });
  });
}
