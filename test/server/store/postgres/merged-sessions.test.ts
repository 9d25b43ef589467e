/** Sessions that were merged into others: chains of them, and what is left of them when others are deleted. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { CreatedLog } from '../../../../src/wire/v4.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { createOne, log } from '../../sample-log.ts';

/** More than were followed, or found out by one turn. */
const DEPTH = 30;
const MERGES = 40;
const NOTHING = { revisions: [], places: new Map(), feedback: [], parts: new Map(), calls: [], kept: new Map() };

for (const binaries of findPostgres()) {
  describe(`merged sessions on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const openTwo = async (): Promise<{ url: string; a: Store; b: Store }> => {
      const url = await cluster.createSchema();
      const stores = [await openPostgresStore({ url }), await openPostgresStore({ url })] as const;
      onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
      return { url, a: stores[0], b: stores[1] };
    };
    const below = (store: Store, reference_id: string) =>
      createOne(store, { reference_id, parent_reference_id: 'parent', output: `word ${reference_id}` });

    test.each([
      ['deletes', (store: Store) => store.deleteSession({ referenceId: 's' })],
      ['prunes', (store: Store) => store.prune({ olderThan: '9999-01-01T00:00:00.000000Z' })],
    ] as const)(
      'a server that has merged sessions takes them apart again once another one %s them',
      async (_, remove) => {
        const { url, a, b } = await openTwo();
        await below(b, 'first');
        await createOne(b, { reference_id: 'parent', session_reference_id: 's' });
        await remove(a);
        // The parent is awaited again, which one of the servers knows under another session.
        const waiting = [await below(a, 'by a'), await below(b, 'by b')];
        for (const referenceId of ['by a', 'by b']) {
          expect(await b.updateLog({ referenceId }, { error: 'broken', duration: 1 })).toMatchObject({ duration: 1 });
        }
        expect(await findFaults(url)).toEqual([]);
        const parent = await createOne(b, { reference_id: 'parent', session_reference_id: 's' });
        for (const { id } of waiting) {
          expect(await a.viewer.readLog(id)).toMatchObject({ session: parent.session_id });
        }
        const { sessions } = await a.viewer.listSessions({ size: 5 });
        expect(sessions).toMatchObject([{ id: parent.session_id, logs: 3, errors: 2 }]);
        expect(await findFaults(url)).toEqual([]);
      },
    );

    test('logs of which each comes before its parent are one session, however deep they are', async () => {
      const { url, a, b } = await openTwo();
      const made: CreatedLog[] = [];
      for (let depth = DEPTH; depth > 0; depth -= 1) {
        const parent = depth === 1 ? {} : { parent_reference_id: `at ${depth - 1}` };
        made.push(await createOne(a, { reference_id: `at ${depth}`, ...parent, output: `word${depth}` }));
      }
      const [deepest, top] = [made[0]!, made.at(-1)!];
      expect(await b.viewer.readLog(deepest.id)).toMatchObject({ session: top.id });
      const { sessions } = await b.viewer.listSessions({ search: `word${DEPTH}`, size: 5 });
      expect(sessions).toMatchObject([{ id: top.id, logs: DEPTH }]);
      expect(await b.updateLog({ referenceId: `at ${DEPTH}` }, { error: 'broken' })).toMatchObject({ id: deepest.id });
      expect(await findFaults(url)).toEqual([]);
      // All of them join the session that is named late, and go with it.
      const named = await createOne(a, { reference_id: 'at 1', session_reference_id: 's' });
      expect(await b.viewer.readLog(deepest.id)).toMatchObject({ session: named.session_id });
      expect(await b.deleteLogs([deepest.id])).toEqual({ logs: 1, sessions: 0 });
      expect(await findFaults(url)).toEqual([]);
      expect(await b.deleteSession({ referenceId: 's' })).toEqual({ logs: DEPTH - 1, sessions: 1 });
      expect(await findFaults(url)).toEqual([]);
    });

    test('a server that has seen none of very many merges finds them out together', async () => {
      const { url, a, b } = await openTwo();
      const numbers = Array.from({ length: MERGES }, (_, index) => index);
      const children = numbers.map((n) => log({ reference_id: `child ${n}`, parent_reference_id: `parent ${n}` }));
      const parents = numbers.map((n) => log({ reference_id: `parent ${n}`, session_reference_id: `s${n}` }));
      const made = await a.createLogs(children);
      await a.createLogs(parents);
      const again = children.map((child) => ({ ...child, error: 'broken' }));
      expect(await b.createLogs(again)).toMatchObject(made.map(({ id }) => ({ id })));
      expect(await countRepeats(b)).toBeLessThan(3);
      // So it does where they are not so any more.
      for (const n of numbers.slice(0, 20)) await a.deleteSession({ referenceId: `s${n}` });
      const repeats = await countRepeats(b);
      await b.createLogs(again);
      expect((await countRepeats(b)) - repeats).toBeLessThan(4);
      expect(await findFaults(url)).toEqual([]);
    });

    test('what is taken from a session while it is merged into another one is taken from that', async () => {
      const { url, a, b } = await openTwo();
      const content = { ...log(), prompt_tokens: 5, output: 'before', metadata: { user: 'ada' } };
      await createOne(a, { ...content, reference_id: 'r' });
      const creates = [{ ...log(), reference_id: 'r', session_reference_id: 's' }];
      const revisions = [{ referenceId: 'r', content: { ...log(), prompt_tokens: 2, output: 'after' } }];
      await b.ingest([], () => ({ ...NOTHING, creates, revisions }));
      const { sessions } = await a.viewer.listSessions({ size: 5 });
      expect(sessions).toMatchObject([{ logs: 1, prompt_tokens: 2, last_output: 'after' }]);
      expect((await a.viewer.listSessions({ size: 5, user: 'ada' })).sessions).toEqual([]);
      expect(await findFaults(url)).toEqual([]);
    });
  });
}

/** Resolves to how often turns of writes were repeated. */
async function countRepeats(store: Store): Promise<number> {
  const measures = (await store.measures?.()) ?? [];
  const repeated = measures.find(({ name }) => name === 'humanloop_write_turn_repeats_total');
  return repeated!.samples.reduce((sum, { value }) => sum + value, 0);
}
