/** What grows request by request, in numbers or in names, makes no answer that is too large. */
import { describe, expect, test } from 'vitest';
import type { FeedbackTypeDefinition } from '../../../src/server/store/project-store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { createOne, log } from '../sample-log.ts';

const times = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));

/** Of about 100 kB. */
const largeType = (type: string): FeedbackTypeDefinition => ({
  ...{ type, class: 'select' },
  values: times(1_000, (at) => ({ value: `${at} `.padEnd(90, 'v') })),
});

export function describeWide(name: string, open: () => Promise<Store>): void {
  const define = async (store: Store, id: string, types: FeedbackTypeDefinition[]) =>
    store.projects.defineFeedbackTypes(id, types, { areNew: false });

  describe(`${name}: bounds of what is wide`, () => {
    test('a session of very many projects names some of them, and a page of such sessions has fewer', async () => {
      const store = await open();
      const logs = (session: number, projects: readonly object[]) =>
        projects.map((project) => log({ project: undefined, ...project, session_reference_id: `${session}` }));
      const names = times(300, (at) => ({ project: `${at} `.padEnd(9_900, 'n') }));
      const created = await store.createLogs(logs(0, names));
      const ids = created.map(({ project_id }) => ({ project_id }));
      for (let session = 1; session < 5; session += 1) await store.createLogs(logs(session, ids));
      const session = (await store.getSession(created[0]!.session_id!))!;
      expect(session.projects).toHaveLength(200);
      expect(session.datapoints_count).toBe(300);
      const { records, total } = (await store.listSessions({ projectId: ids[0]!.project_id, page: 1, size: 10 }))!;
      expect(records.length).toBeLessThan(4);
      expect(total).toBe(5);
    });

    test('a page of sessions whose inputs are large has fewer of them', async () => {
      const store = await open();
      const logs = times(4, (at) => log({ session_reference_id: `${at}`, inputs: { q: 'x'.repeat(1_500_000) } }));
      const projectId = (await store.createLogs(logs))[0]!.project_id;
      const { records, total } = (await store.listSessions({ projectId, page: 1, size: 10 }))!;
      expect([records.length, total]).toEqual([2, 4]);
      expect(records[0]).toMatchObject({ first_inputs: { q: expect.stringMatching(/^x+$/) } });
    });

    test('all types of feedback of a project together are bounded, and it keeps what it had', async () => {
      const store = await open();
      const { id } = (await store.createProject('p'))!;
      await define(store, id, ['a', 'b', 'c'].map(largeType));
      const more = times(9, (at) => largeType(`more ${at}`));
      await expect(define(store, id, more)).rejects.toMatchObject({ field: 'values' });
      await define(store, id, [{ type: 'small', class: 'text' }]);
      const types = (await store.getProject(id))!.feedback_types.map(({ type }) => type);
      expect(types).toEqual(['a', 'b', 'c', 'small']);
    });

    test('a page of projects with many types of feedback has fewer of them, and the same total', async () => {
      const store = await open();
      for (let at = 0; at < 8; at += 1) {
        const { id } = (await store.createProject(`p${at}`))!;
        await define(
          store,
          id,
          times(7, (type) => largeType(`${type}`)),
        );
      }
      const list = (page: number, size: number) =>
        store.listProjects({ page, size, sortBy: 'name', descending: false });
      const { records, total } = await list(0, 1_000);
      expect(records.length).toBeGreaterThan(1);
      expect(records.length).toBeLessThan(8);
      expect(total).toBe(8);
      const seen: string[] = [];
      for (let page = 0; page < 8; page += 1) seen.push((await list(page, 1)).records[0]!.name);
      expect(seen).toEqual(times(8, (at) => `p${at}`));
    });

    test('types that only logs have are not all in the answer if they are long', async () => {
      const store = await open();
      const feedback = times(300, (at) => ({ type: `${at} `.padEnd(9_900, 't'), value: 'good' }));
      const { project_id: id } = await createOne(store, { feedback });
      expect((await store.getProject(id))!.feedback_types).toHaveLength(10);
    });

    test('the feedback of one log is bounded, by its number and by what it says', async () => {
      const store = await open();
      const { id } = await createOne(store);
      const entries = (count: number) => times(count, () => ({ data_id: id, type: 't', value: 'v'.repeat(49_000) }));
      await store.addFeedback(entries(50));
      await expect(store.addFeedback(entries(50))).rejects.toMatchObject({ index: 31, field: 'value' });
      await store.addFeedback(entries(31));
      await expect(store.addFeedback(entries(1))).rejects.toMatchObject({ index: 0, field: 'value' });
      // What is taken back makes room.
      await store.addFeedback([{ data_id: id, type: 't', unset: true }]);
      await store.addFeedback(entries(81));
      expect((await store.getLog(id))!.feedback).toHaveLength(81);
      const given = times(90, () => ({ type: 't', value: 'v'.repeat(49_000) }));
      await expect(createOne(store, { feedback: given })).rejects.toMatchObject({ field: 'feedback' });
    });
  });
}
