import { expect, test } from 'vitest';
import { parseSearch } from '../../../src/server/store/search-query.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { SessionQuery } from '../../../src/server/store/viewer-store.ts';
import { createOne, log } from '../sample-log.ts';

const DAY = '2024-03-05';
const SAID = { role: 'assistant' as const, content: 'it rains' };

export function describeSessions(name: string, open: () => Promise<Store>): void {
  const list = async (store: Store, query: Partial<SessionQuery>) =>
    (await store.viewer.listSessions({ size: 50, ...query })).sessions;
  const indexed = (store: Store) => expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  /** As the viewer's search field would ask. */
  const find = async (store: Store, text: string) => {
    const { words, ...filters } = parseSearch(text);
    const found = await list(store, { ...filters, search: words });
    return found.map(({ reference_id: reference }) => reference);
  };

  test(`${name}: a page ends where its cursor says, in the order of ends and keys`, async () => {
    const store = await open();
    const created_at = `${DAY}T00:00:00.123456Z`;
    await store.createLogs(
      Array.from({ length: 9 }, (_, index) => log({ session_reference_id: `s${index}`, created_at })),
    );
    await createOne(store, { created_at });
    const all = await list(store, {});
    expect(all).toEqual(all.toSorted((left, right) => right.ended_at - left.ended_at || right.key - left.key));
    const { sessions, next } = await store.viewer.listSessions({ size: 4 });
    const { ended_at: end, key } = sessions.at(-1)!;
    expect(next!.split(' ').slice(0, 2).map(Number)).toEqual([end, key]);
    const rest = await list(store, { cursor: next! });
    expect([...sessions, ...rest].map(({ id }) => id)).toEqual(all.map(({ id }) => id));
  });

  test(`${name}: logs of one request and time are in its order, whatever their references are`, async () => {
    const store = await open();
    const fields = { created_at: `${DAY}T00:00:00Z`, session_reference_id: 's' };
    const requests = Array.from({ length: 40 }, (_, index) =>
      log({ ...fields, ...(index % 3 > 0 && { reference_id: `r${index}` }), output: `${index}` }),
    );
    const ids = (await store.createLogs(requests)).map(({ id }) => id);
    const sessionId = (await store.getLog(ids[0]!))!.session_id as string;
    const { logs } = (await store.viewer.readSession(sessionId))!;
    expect(logs.map(({ id }) => id)).toEqual(ids);
    expect(logs.map(({ key }) => key)).toEqual(logs.map(({ key }) => key).toSorted((left, right) => left - right));
    await indexed(store);
    expect((await list(store, {}))[0]!.last_output).toBe('39');
  });

  test(`${name}: a log in no session is shown with those below it that are in none either`, async () => {
    const store = await open();
    const [top, below] = await store.createLogs([
      log({ reference_id: 'top' }),
      log({ reference_id: 'below', parent_reference_id: 'top' }),
      log({ reference_id: 'of session', parent_reference_id: 'top', session_reference_id: 's' }),
      log({ parent_reference_id: 'of session', session_reference_id: 's' }),
    ]);
    const { logs, total } = (await store.viewer.readSession(top!.id))!;
    expect([logs.map(({ id }) => id), total]).toEqual([[top!.id, below!.id], 2]);
    expect((await store.viewer.exportSession(top!.id))!.records.map(({ id }) => id)).toEqual([top!.id, below!.id]);
  });

  test(`${name}: logs in no session are found where their list says, also when the one at their top is deleted`, async () => {
    const store = await open();
    const [top] = await store.createLogs([
      log({ reference_id: 'top', created_at: `${DAY}T00:00:00Z` }),
      log({ reference_id: 'below', parent_reference_id: 'top', created_at: `${DAY}T00:00:01Z` }),
    ]);
    await store.deleteLogs([top!.id]);
    await indexed(store);
    const [shown, ...others] = await list(store, {});
    expect(others).toEqual([]);
    const read = await store.viewer.readSession(shown!.id);
    expect(read?.logs.map(({ id }) => id)).toEqual([shown!.id]);
    expect(await list(store, { ids: [shown!.id] })).toEqual([shown]);
  });

  test(`${name}: what a repeated log says differently is not found`, async () => {
    const store = await open();
    const said = { reference_id: 'r', session_reference_id: 's', error: 'giraffe' };
    await createOne(store, { ...said, inputs: { q: 'zebra' }, metadata: { user: 'ada' } });
    await createOne(store, { ...said, inputs: { q: 'lion' }, metadata: { user: 'bob' }, output: 'tiger' });
    await indexed(store);
    expect(await find(store, 'zebra ada tiger')).toEqual(['s']);
    expect(await find(store, 'lion')).toEqual([]);
    expect(await find(store, 'bob')).toEqual([]);
  });

  test(`${name}: a session shows the error of its last log where that has no answer any more`, async () => {
    const store = await open();
    await createOne(store, { session_reference_id: 's', reference_id: 'r', output: 'sold out', error: 'broken' });
    await indexed(store);
    expect((await list(store, {}))[0]).toMatchObject({ last_output: 'sold out' });
    await store.updateLog({ referenceId: 'r' }, { output: '' });
    await indexed(store);
    expect((await list(store, {}))[0]).toMatchObject({ last_output: 'broken', last_is_error: true });
    const output_message = { role: 'assistant' as const, content: '' };
    await createOne(store, { session_reference_id: 't', reference_id: 't', output_message });
    await createOne(store, { session_reference_id: 't', reference_id: 't', error: 'no answer' });
    await indexed(store);
    expect((await list(store, {}))[0]).toMatchObject({ last_output: 'no answer', last_is_error: true });
  });

  test.each([
    [{ output: 'sold out', output_message: SAID }, { output: '' }, 'it rains', undefined],
    [{ output: 'sold out', output_message: SAID, error: 'broken' }, { output: '' }, 'it rains', undefined],
    [{ output_message: SAID }, { error: 'broken' }, 'it rains', undefined],
    [{ output_message: { ...SAID, content: '' } }, { error: 'broken' }, 'broken', true],
    [{ output: 'sold out' }, { error: 'broken' }, 'sold out', undefined],
    [{ error: 'broken' }, { output: 'sold out' }, 'sold out', undefined],
  ])(`${name}: a log of %j, updated by %j, says last: %s`, async (said, update, output, isError) => {
    const store = await open();
    const lastOf = async (reference: string) => {
      await indexed(store);
      const found = (await list(store, {})).find(({ reference_id: each }) => each === reference);
      return { last_output: found?.last_output, last_is_error: found?.last_is_error };
    };
    const last = { last_output: output, last_is_error: isError };
    for (const reference_id of ['alone', 'together', 'repeated']) {
      await createOne(store, { reference_id, session_reference_id: reference_id, ...said });
    }
    await indexed(store);
    await store.updateLog({ referenceId: 'alone' }, update);
    expect(await lastOf('alone')).toEqual(last);
    const again = { reference_id: 'together', session_reference_id: 'together', inputs: { q: 'x' } };
    await Promise.all([createOne(store, again), store.updateLog({ referenceId: 'together' }, update)]);
    expect(await lastOf('together')).toEqual(last);
    if (!('error' in update)) return;
    await createOne(store, { reference_id: 'repeated', session_reference_id: 'repeated', ...update });
    expect(await lastOf('repeated')).toEqual(last);
  });

  test(`${name}: a completed log is found by the trace that it has, and by no other`, async () => {
    const store = await open();
    const [kept, other] = ['0af7651916cd43dd8448eb211c80319c', '00000000000000000000000000000001'];
    for (const [reference_id, save] of [
      ['saved', true],
      ['not saved', false],
    ] as const) {
      const fields = { reference_id, session_reference_id: reference_id, save };
      const { session_id: session } = await createOne(store, fields);
      await createOne(store, { ...fields, metadata: { trace_id: `${kept}${reference_id}` } });
      await createOne(store, { ...fields, metadata: { trace_id: `${other}${reference_id}` } });
      expect(await store.viewer.findSession(`${kept}${reference_id}`)).toEqual({ session });
      expect(await store.viewer.findSession(`${other}${reference_id}`)).toBeUndefined();
    }
  });

  test(`${name}: a session takes as long as its only log, whatever its start`, async () => {
    const store = await open();
    const starts = ['123456', '999999', '000001', '5'];
    await store.createLogs(
      starts.map((start) =>
        log({ session_reference_id: start, created_at: `${DAY}T00:00:00.${start}Z`, duration: 0.501 }),
      ),
    );
    await indexed(store);
    for (const { duration } of await list(store, {})) expect(duration).toBe(0.501);
  });
}
