import { describe, expect, test } from 'vitest';
import type { Store } from '../../../src/server/store/store.ts';
import { timestampNow } from '../../../src/server/store/timestamps.ts';
import { createOne, log } from '../sample-log.ts';

export function describeDeletions(name: string, open: () => Promise<Store>): void {
  const idsOf = async (store: Store, projectId: string): Promise<string[]> => {
    const query = { page: 0, size: 100, sources: [], models: [], feedback: new Map(), sort: [], projectId };
    return (await store.listLogs(query))?.records.map(({ id }) => id) ?? [];
  };
  const listed = async (store: Store): Promise<string[]> =>
    (await store.viewer.listSessions({ size: 100 })).sessions.map(({ id, reference_id }) => reference_id ?? id);

  describe(`${name}: deletions`, () => {
    test('a session that has no logs left is gone, and its reference can be used again', async () => {
      const store = await open();
      const first = await createOne(store, { session_reference_id: 's' });
      const second = await createOne(store, { session_reference_id: 's' });
      expect(await store.deleteLogs([first.id, 'data_unknown'])).toEqual({ logs: 1, sessions: 0 });
      expect(await store.getSession(first.session_id!)).toMatchObject({ datapoints_count: 1 });
      expect(await store.deleteLogs([second.id])).toEqual({ logs: 1, sessions: 1 });
      expect(await store.getSession(first.session_id!)).toBeUndefined();
      expect(await listed(store)).toEqual([]);
      const again = await createOne(store, { session_reference_id: 's' });
      expect(again.session_id).not.toBe(first.session_id);
    });

    test('deleteSession takes ids and references, of sessions and of logs in none', async () => {
      const store = await open();
      const [a, b, top, below, apart] = await store.createLogs([
        log({ session_reference_id: 'a' }),
        log({ session_reference_id: 'b' }),
        log({ reference_id: 'top' }),
        log({ parent_reference_id: 'top' }),
        log({ parent_reference_id: 'top', session_reference_id: 'c' }),
      ]);
      const empty = await store.createSession();
      expect(await store.deleteSession({ id: a!.session_id! })).toEqual({ logs: 1, sessions: 1 });
      expect(await store.deleteSession({ referenceId: 'b' })).toEqual({ logs: 1, sessions: 1 });
      expect(await store.deleteSession({ id: empty.id })).toEqual({ logs: 0, sessions: 1 });
      expect(await store.deleteSession({ id: below!.id })).toBeUndefined();
      expect(await store.deleteSession({ id: top!.id })).toEqual({ logs: 2, sessions: 0 });
      expect(await store.deleteSession({ id: a!.session_id! })).toBeUndefined();
      expect(await store.deleteSession({ referenceId: 'unknown' })).toBeUndefined();
      expect(await idsOf(store, b!.project_id)).toEqual([apart!.id]);
      expect(await listed(store)).toEqual(['c']);
    });

    test('deleteProject leaves the logs that its sessions have in others', async () => {
      const store = await open();
      const mine = await createOne(store, { project: 'mine', session_reference_id: 'both' });
      await createOne(store, { project: 'mine', session_reference_id: 'only' });
      const other = await createOne(store, { project: 'other', session_reference_id: 'both' });
      expect(await store.deleteProject({ id: mine.project_id })).toEqual({ logs: 2, sessions: 1 });
      expect(await store.deleteProject({ id: mine.project_id })).toBeUndefined();
      expect(await store.deleteProject({ name: 'mine' })).toBeUndefined();
      expect(await store.getProject(mine.project_id)).toBeUndefined();
      expect(await idsOf(store, other.project_id)).toEqual([other.id]);
      expect(await store.getSession(other.session_id!)).toMatchObject({
        datapoints_count: 1,
        projects: [{ id: other.project_id }],
      });
      const made = await store.createProject('empty');
      expect(await store.deleteProject({ name: 'empty' })).toEqual({ logs: 0, sessions: 0 });
      expect(await store.getProject(made!.id)).toBeUndefined();
      expect((await createOne(store, { project: 'mine' })).project_id).not.toBe(mine.project_id);
    });

    test('deleteLogsOfUser deletes the logs of exactly this user, and what it said of others', async () => {
      const store = await open();
      const users = [{ user: 'a"b' }, { user_id: 'a"b' }, { 'user.id': 'a"b' }, { user: 'a"bc' }, { said: 'a"b' }, {}];
      const created = await store.createLogs(users.map((metadata) => log({ metadata })));
      await store.createLogs([log({ metadata: { user: 7 } })]);
      const rate = (user: string) => ({ data_id: created[5]!.id, type: 'rating', value: `of ${user}`, user });
      await store.addFeedback([rate('a"b'), rate('other')]);
      expect(await store.deleteLogsOfUser('a"b')).toEqual({ logs: 3, sessions: 0 });
      expect(await store.deleteLogsOfUser('7')).toEqual({ logs: 1, sessions: 0 });
      expect(await store.deleteLogsOfUser('nobody')).toEqual({ logs: 0, sessions: 0 });
      expect(await idsOf(store, created[0]!.project_id)).toEqual([created[5]!.id, created[4]!.id, created[3]!.id]);
      expect((await store.getLog(created[5]!.id))!.feedback).toMatchObject([{ user: 'other' }]);
    });

    test('prune deletes whole sessions, those that changed longest ago first', async () => {
      const store = await open();
      const wait = () => new Promise((resolve) => setTimeout(resolve, 5));
      const old = await createOne(store, { session_reference_id: 'old' });
      await createOne(store, { session_reference_id: 'late', created_at: '2001-01-01T00:00:00Z' });
      await createOne(store, {});
      await store.createSession();
      await wait();
      const cut = timestampNow();
      await wait();
      await createOne(store, { session_reference_id: 'late', created_at: '2001-01-01T00:00:00Z' });
      const kept = await createOne(store, {});
      const empty = await store.createSession();
      expect(await store.prune({})).toEqual({ logs: 0, sessions: 0 });
      expect(await store.prune({ olderThan: cut })).toEqual({ logs: 2, sessions: 2 });
      expect(await listed(store)).toEqual([kept.id, 'late']);
      expect(await store.getSession(old.session_id!)).toBeUndefined();
      expect(await store.getSession(empty.id)).toBeDefined();
    });

    test('feedback is no change of a session, which prune deletes as if there were none', async () => {
      const store = await open();
      const { id, session_id: session } = await createOne(store, { session_reference_id: 'old', reference_id: 'r' });
      const before = await store.getSession(session!);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const cut = timestampNow();
      await store.addFeedback([{ data_id: id, type: 'rating', value: 'good' }]);
      await store.addFeedback([{ data_id: id, type: 'rating', unset: true }]);
      expect((await store.getSession(session!))!.updated_at).toBe(before!.updated_at);
      expect(await store.prune({ olderThan: cut })).toEqual({ logs: 1, sessions: 1 });
    });

    test('prune deletes until the store is small enough', async () => {
      const store = await open();
      for (let n = 0; n < 40; n += 1) {
        await store.createLogs([
          log({ session_reference_id: `s${n}`, output: 'x'.repeat(50_000) }),
          log({ session_reference_id: `s${n}`, output: 'x'.repeat(50_000) }),
        ]);
      }
      // What the index adds to the store counts too.
      await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
      expect(await store.prune({ maxBytes: 100_000_000 })).toEqual({ logs: 0, sessions: 0 });
      const { logs, sessions } = await store.prune({ maxBytes: 2_500_000 });
      expect(logs).toBe(sessions * 2);
      expect(sessions).toBeGreaterThan(15);
      const left = await listed(store);
      expect(left).toEqual(Array.from({ length: 40 - sessions }, (_, n) => `s${39 - n}`));
      expect(left.length).toBeGreaterThan(10);
      expect(await store.prune({ maxBytes: 2_500_000 })).toEqual({ logs: 0, sessions: 0 });
    });

    test('what is deleted is announced, by its id or as too many to name', async () => {
      const store = await open();
      const session = await createOne(store, { session_reference_id: 's' });
      const alone = await createOne(store, {});
      await store.createLogs(
        Array.from({ length: 60 }, (_, n) => log({ project: 'p', session_reference_id: `p${n}` })),
      );
      const heard: (readonly string[] | null)[] = [];
      let version = await store.viewer.version();
      const stop = store.viewer.onChange((change) => {
        expect(change.version).toBeGreaterThan(version);
        version = change.version;
        heard.push(change.sessions);
      });
      await store.deleteSession({ referenceId: 's' });
      await store.deleteLogs([alone.id]);
      expect(heard.flat()).toEqual(expect.arrayContaining([session.session_id, alone.id]));
      heard.length = 0;
      await store.deleteProject({ name: 'p' });
      expect(heard.length).toBeGreaterThan(0);
      stop();
    });

    test('eraseDeleted resolves where nothing was deleted, and a store is healthy', async () => {
      const store = await open();
      await store.eraseDeleted();
      await createOne(store);
      await store.eraseDeleted();
      expect(await store.health()).toEqual({ status: 'ok' });
    });
  });
}
