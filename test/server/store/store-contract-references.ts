import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/server/store/store.ts';
import { createOne, log } from '../sample-log.ts';

export function describeReferences(name: string, open: () => Promise<Store>): void {
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

    test('is updated and logged again at once, and both say so', async () => {
      const store = await open();
      const first = await createOne(store, { reference_id: 'r', output: 'partial' });
      const logAgain = () => createOne(store, { reference_id: 'r', output: 'partial' });
      const [updated, again] = await Promise.all([
        store.updateLog({ referenceId: 'r' }, { output: 'final' }),
        logAgain(),
      ]);
      expect([updated?.id, updated?.output, again.id]).toEqual([first.id, 'final', first.id]);
      const [, later] = await Promise.all([logAgain(), store.updateLog({ id: first.id }, { output: 'last' })]);
      expect([later?.id, later?.output]).toEqual([first.id, 'last']);
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

    test('of thousands of children are linked in pieces when they come', async () => {
      const store = await open();
      const count = 4_000;
      const children = Array.from({ length: count }, (_, index) =>
        log({ reference_id: `child ${index}`, parent_reference_id: 'parent', session_reference_id: 's' }),
      );
      const created = await store.createLogs(children);
      let isDone = false;
      const parent = createOne(store, { reference_id: 'parent', session_reference_id: 's' }).finally(() => {
        isDone = true;
      });
      let eventLoopTurns = 0;
      while (!isDone) {
        eventLoopTurns += 1;
        await new Promise(setImmediate);
      }
      // A turn of a database on the network has two trips at least.
      expect(eventLoopTurns).toBeGreaterThan(2);
      const { id } = await parent;
      for (const at of [0, 49, 50, count - 1]) expect((await store.getLog(created[at]!.id))?.parent_id).toBe(id);
      expect((await store.viewer.readSession(created[0]!.session_id!))?.session.logs).toBe(count + 1);
    });
  });
}
