import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RequestError } from '../../../src/viewer/state/api.ts';
import { LiveSession, type SessionView } from '../../../src/viewer/state/live-session.ts';
import { FAKED, Network, pass } from './network.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED] }));
afterEach(() => void vi.useRealTimers());

const LARGE = 501;

/** Opens a session of so many logs that came with the HTML. */
async function openSession(count: number) {
  const network = await Network.open();
  const logs = await network.write(Array<string>(count).fill('it'));
  const id = logs[0]!.session_id!;
  const first = await network.session(id);
  const session = new LiveSession(network, id, first);
  const views: SessionView[] = [];
  const stop = session.start((view) => views.push(view));
  const fresh = async () => (await network.session(id)).logs.map((log) => log.id).sort();
  return { network, id, logs, first, session, views, stop, fresh };
}

const shown = (session: LiveSession) => [...session.view.loaded!.logs.keys()].sort();
const path = (id: string) => `/viewer/api/sessions/${id}`;

test('what came with the HTML is shown without a request', async () => {
  const { network, first, session, views } = await openSession(2);
  network.tell({ sessions: null, version: first.version });
  await network.calm();
  expect([network.asked, views]).toEqual([[], []]);
  expect(session.view.loaded).toMatchObject({ total: 2, session: { reference_id: 'it' } });
});

test('a session that did not come with the HTML is asked for', async () => {
  const network = await Network.open();
  const [log] = await network.write(['it']);
  const session = new LiveSession(network, log!.session_id!);
  session.start(() => {});
  expect(session.view.loaded).toBeUndefined();
  await network.calm();
  expect(network.asked).toEqual([path(log!.session_id!)]);
  expect(shown(session)).toEqual([log!.id]);
});

test('changes of other sessions are not asked for', async () => {
  const { network } = await openSession(1);
  await network.write(['another']);
  await network.calm();
  expect(network.asked).toEqual([]);
});

test('a small session is read whole at each change, so that what is gone goes', async () => {
  const { network, id, logs, session } = await openSession(3);
  await network.done(network.store.deleteLogs([logs[1]!.id]));
  await network.calm();
  expect(network.asked).toEqual([path(id)]);
  expect(shown(session)).toEqual([logs[0]!.id, logs[2]!.id].sort());
});

test('of a large session only what has changed is read, with new configs', async () => {
  const { network, id, first, session, fresh } = await openSession(LARGE);
  const newest = first.logs
    .map((log) => log.updated_at)
    .sort()
    .at(-1)!;
  await pass(10);
  const [added] = await network.write(['it'], { config: { type: 'tool', name: 'search' } });
  network.read();
  await network.calm();
  expect(network.asked).toEqual([`${path(id)}?since=${encodeURIComponent(newest)}`]);
  const { loaded } = session.view;
  expect(loaded!.logs.size).toBe(LARGE + 1);
  const labels = [added!.id, first.logs[0]!.id].map((log) => loaded!.configs[loaded!.logs.get(log)!.config!]!.name);
  expect(labels).toEqual(['search', 'generic']);
  expect(shown(session)).toEqual(await fresh());
});

test('where more logs of a large session are shown than it has, it is read whole', async () => {
  const { network, id, logs, session, fresh } = await openSession(LARGE + 1);
  await network.done(network.store.deleteLogs([logs[7]!.id]));
  await network.calm();
  expect(network.asked).toHaveLength(2);
  expect(network.asked[1]).toBe(path(id));
  expect(shown(session)).toEqual(await fresh());
});

test('after missed changes a large session is read whole, since something can be gone', async () => {
  const { network, id } = await openSession(LARGE);
  network.loseStream();
  await network.write(['it']);
  await network.regainStream();
  await network.calm();
  expect(network.asked).toEqual([path(id)]);
});

test('a change that comes between question and answer is read if the answer does not have it', async () => {
  const { network, session, fresh } = await openSession(1);
  await network.write(['it']);
  network.read();
  await network.write(['it']);
  await network.answer();
  expect(session.view.loaded!.total).toBe(2);
  await network.calm();
  expect(shown(session)).toEqual(await fresh());
  // The server reads the question after the second change: this answer has both.
  await network.write(['it']);
  await network.write(['it']);
  network.asked.length = 0;
  await network.calm();
  expect([network.asked, session.view.loaded!.total]).toEqual([[], 5]);
});

test('a failure is shown while the logs stay, until the next answer', async () => {
  const { network, session } = await openSession(1);
  const before = session.view.loaded;
  await network.write(['it']);
  await network.fail();
  expect(session.view).toEqual({ loaded: before, problem: 'Failed to fetch' });
  await pass(1_900);
  expect(network.waiting).toHaveLength(0);
  await network.calm();
  expect(session.view).toMatchObject({ loaded: { total: 2 }, problem: '' });
});

test('a session that is not there is asked for again when it changes', async () => {
  const network = await Network.open();
  const session = new LiveSession(network, 'sesh_none');
  session.start(() => {});
  await network.fail(0, new RequestError(404, 'session not found'));
  await pass(60_000);
  expect(session.view).toEqual({ loaded: undefined, problem: 'session not found' });
  expect(network.asked).toHaveLength(1);
  network.tell({ sessions: ['sesh_none'], version: 1 });
  await pass(200);
  expect(network.asked).toHaveLength(2);
});

test('a stopped session asks for nothing and ignores what comes', async () => {
  const { network, views, stop } = await openSession(1);
  await network.write(['it']);
  await network.write(['it'], {}, { isBusy: true });
  await pass(60);
  stop();
  await network.calm();
  await network.write(['it']);
  expect(views).toEqual([]);
  expect(network.asked).toHaveLength(1);
});
