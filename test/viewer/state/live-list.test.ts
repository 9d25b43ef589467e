import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SessionPage } from '../../../src/server/store/viewer-store.ts';
import { RequestError } from '../../../src/viewer/state/api.ts';
import { type ListView, LiveList } from '../../../src/viewer/state/live-list.ts';
import type { Filters } from '../../../src/viewer/state/view-location.ts';
import { FAKED, Network, pass } from './network.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED] }));
afterEach(() => void vi.useRealTimers());

const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `s${from + index}`);
const shown = ({ view }: LiveList) => view.list?.sessions.map(({ reference_id: name }) => name);
const at = (path: string) => new URL(path, 'http://viewer').searchParams;

async function openList(network: Network, filters: Filters = {}, before?: ListView, first?: SessionPage) {
  const list = new LiveList(network, filters, before, first);
  const views: ListView[] = [];
  const stop = list.start((view) => views.push(view));
  return { list, views, stop };
}

async function loadedList(sessions: readonly string[]) {
  const network = await Network.open();
  await network.write(sessions);
  const opened = await openList(network);
  await network.calm();
  network.asked.length = 0;
  return { network, ...opened };
}

test('the page that came with the HTML is shown without a request, and later changes are asked for by id', async () => {
  const network = await Network.open();
  await network.write(['a', 'b']);
  const first = await network.viewer.listSessions({ size: 40 });
  const { list } = await openList(network, {}, undefined, first);
  expect(shown(list)).toEqual(['b', 'a']);
  // The beginning of the stream.
  network.tell({ sessions: null, version: first.version });
  await network.calm();
  expect(network.asked).toEqual([]);
  const [changed] = await network.write(['a']);
  await network.calm();
  expect(network.asked).toEqual([`/viewer/api/sessions?id=${changed!.session_id}`]);
  expect(shown(list)).toEqual(['a', 'b']);
});

test('without such a page the first one is asked for', async () => {
  const network = await Network.open();
  await network.write(names(70));
  const { list, views } = await openList(network);
  expect(shown(list)).toBeUndefined();
  await network.answer();
  expect(network.asked).toEqual(['/viewer/api/sessions?size=60']);
  expect(shown(list)).toEqual(names(70).reverse().slice(0, 60));
  expect(views).toEqual([list.view]);
});

test('changes that come close together are one request, and a change that is known already is none', async () => {
  const { network, list } = await loadedList(['a', 'b', 'c']);
  await network.write(['a'], {}, { isBusy: true });
  await pass(60);
  await network.write(['b'], {}, { isBusy: true });
  await pass(60);
  expect(network.asked).toEqual([]);
  await network.calm();
  expect(at(network.asked[0]!).getAll('id')).toHaveLength(2);
  expect(network.asked).toHaveLength(1);
  expect(shown(list)).toEqual(['b', 'a', 'c']);
  network.tell({ sessions: [list.view.list!.sessions[0]!.id], version: await network.viewer.version() });
  await network.calm();
  expect(network.asked).toHaveLength(1);
});

test('a session that is gone goes, and one that no longer meets the filters too', async () => {
  const network = await Network.open();
  const [a, b, c] = await network.write(['a', 'b', 'c']);
  const rate = (id: string, unset: boolean) =>
    network.done(network.store.addFeedback([{ data_id: id, type: 'rating', value: 'good', ...(unset && { unset }) }]));
  for (const { id } of [a!, b!, c!]) await rate(id, false);
  await network.calm();
  const { list } = await openList(network, { feedback: '*' });
  await network.calm();
  expect(shown(list)).toEqual(['c', 'b', 'a']);
  await network.done(network.store.deleteLogs([c!.id]));
  await network.calm();
  expect(shown(list)).toEqual(['b', 'a']);
  await rate(b!.id, true);
  await network.calm();
  expect(shown(list)).toEqual(['a']);
});

test('sessions of one request have the same time, and keep their places whichever of them changes', async () => {
  const network = await Network.open();
  const created = await network.write(['a', 'b', 'c']);
  const { list } = await openList(network);
  await network.calm();
  for (const { id } of created) {
    await network.done(network.store.addFeedback([{ data_id: id, type: 'rating', value: 'good' }]));
    await network.calm();
    expect(shown(list)).toEqual(['c', 'b', 'a']);
  }
  expect(network.asked).toHaveLength(4);
});

test('one read at a time: what changes while one is under way is read after it', async () => {
  const { network, list } = await loadedList(['a', 'b']);
  await network.write(['a']);
  network.read();
  await network.write(['b']);
  await network.write(['c']);
  expect(network.asked).toHaveLength(1);
  list.loadMore();
  await network.answer();
  expect(shown(list)).toEqual(['a', 'b']);
  await network.calm();
  expect(network.asked).toHaveLength(2);
  expect(at(network.asked[1]!).getAll('id')).toHaveLength(2);
  expect(shown(list)).toEqual(['c', 'b', 'a']);
});

test('a change between question and answer is asked for, since the question did not name it', async () => {
  const { network, list } = await loadedList(['a', 'b']);
  await network.write(['a']);
  // Written before the server reads the question, which names only `a`.
  await network.write(['b']);
  await network.calm();
  expect(network.asked).toHaveLength(2);
  expect(list.view.list!.sessions).toEqual(await network.sessions());
});

test('scrolling reads page after page, up to the last', async () => {
  const { network, list } = await loadedList(names(130));
  list.loadMore();
  list.loadMore();
  await network.calm();
  expect(network.asked).toHaveLength(1);
  list.loadMore();
  await network.calm();
  expect(shown(list)).toEqual(names(130).reverse());
  expect(list.view.list!.next).toBeNull();
  list.loadMore();
  expect(network.asked).toHaveLength(2);
});

test('after missed changes, as many rows as are shown are read again', async () => {
  const { network, list } = await loadedList(names(130));
  list.loadMore();
  await network.calm();
  network.loseStream();
  const gone = await network.sessions();
  const { logs } = (await network.viewer.readSession(gone[100]!.id))!;
  await network.done(network.store.deleteLogs(logs.map(({ id }) => id)));
  // More than the first page has.
  await network.write(names(70, 20));
  network.asked.length = 0;
  await network.regainStream();
  await network.calm();
  expect(network.asked).toEqual(['/viewer/api/sessions?size=120']);
  expect(list.view.list!.sessions).toEqual((await network.sessions()).slice(0, 120));
});

test('a change while several pages are read again is not missed', async () => {
  const { network, list } = await loadedList(names(260));
  while (list.view.list!.next !== null) {
    list.loadMore();
    await network.calm();
  }
  network.loseStream();
  await network.write(['s100']);
  await network.regainStream();
  await pass(500);
  await network.answer();
  await network.write(['s50']);
  await network.calm();
  expect(list.view.list!.sessions).toEqual(await network.sessions());
});

test('many changes at once are read with one request for the whole list', async () => {
  const { network, list } = await loadedList(names(20));
  await network.write(names(51));
  await network.calm();
  expect(network.asked).toEqual(['/viewer/api/sessions?size=60']);
  expect(shown(list)).toEqual(names(51).reverse());
  // Two changes that name 40 each: together more than the server takes in one request.
  network.asked.length = 0;
  await network.write(names(40), {}, { isBusy: true });
  await pass(50);
  await network.write(names(40, 40), {}, { isBusy: true });
  await pass(50);
  await network.calm();
  expect(network.asked).toEqual(['/viewer/api/sessions?size=60']);
});

test('of a very long list, a thousand rows are read again, and the others when the reader scrolls there', async () => {
  const { network, list } = await loadedList(names(1_100));
  while (list.view.list!.next !== null) {
    list.loadMore();
    await network.calm();
  }
  expect(list.view.list!.sessions).toHaveLength(1_100);
  network.asked.length = 0;
  await network.write(names(60));
  await network.calm();
  expect(network.asked.map((path) => at(path).get('size'))).toEqual(['200', '200', '200', '200', '200']);
  expect(list.view.list!.sessions).toEqual((await network.sessions()).slice(0, 1_000));
  list.loadMore();
  await network.calm();
  expect(list.view.list!.sessions).toHaveLength(1_060);
});

test('the rows of the previous address stay until the first answer, and late answers to it are dropped', async () => {
  const { network, list: all, views, stop } = await loadedList(['a', 'b']);
  await network.write(['c'], { error: 'boom' });
  const before = all.view;
  // One change is being read, another is gathered.
  await network.write(['c'], { error: 'boom' }, { isBusy: true });
  await pass(60);
  stop();
  const { list } = await openList(network, { error: '1' }, before);
  expect(network.waiting).toHaveLength(2);
  expect(list.view).toEqual({ ...before, address: '/' });
  list.loadMore();
  await network.answer(1);
  expect([list.view.address, shown(list)]).toEqual(['/?error=1', ['c']]);
  const count = views.length;
  await network.answer(0);
  await network.calm();
  expect([all.view, views.length]).toEqual([before, count]);
  // The stopped list does not ask again.
  await network.write(['d']);
  await network.calm();
  expect(views).toHaveLength(count);
  expect(network.asked.filter((path) => !path.includes('error'))).toHaveLength(1);
});

test('going back to a list shows its rows at once, and reads all of them again', async () => {
  const { network, list, stop } = await loadedList(names(130));
  list.loadMore();
  await network.calm();
  stop();
  await network.write(['s0']);
  const { list: again } = await openList(network, {}, list.view);
  expect(shown(again)).toHaveLength(120);
  await network.calm();
  expect(network.asked.at(-1)).toBe('/viewer/api/sessions?size=120');
  expect(shown(again)!.slice(0, 2)).toEqual(['s0', 's129']);
});

test('a search is read as a whole at each change, after a longer time', async () => {
  const network = await Network.open();
  await network.write(['a', 'b'], { output: 'a fjord' });
  const { list } = await openList(network, { q: 'fjord' });
  await network.calm();
  expect(shown(list)).toEqual(['b', 'a']);
  network.asked.length = 0;
  await network.write(['a'], { output: 'another fjord' }, { isBusy: true });
  await pass(700);
  expect(network.asked).toEqual([]);
  await network.calm();
  expect(network.asked).toEqual(['/viewer/api/sessions?q=fjord&size=60']);
  expect(shown(list)).toEqual(['a', 'b']);
  expect(list.view.list!.sessions[0]!.match!.text).toContain('another');
});

test('a first page that does not come is shown as a problem, and asked for again after two seconds', async () => {
  const network = await Network.open();
  await network.write(['a']);
  const { list } = await openList(network);
  await network.fail();
  expect(list.view.problem).toBe('Failed to fetch');
  await pass(1_900);
  expect(network.asked).toHaveLength(1);
  await pass(100);
  await network.fail(0, new RequestError(503, 'the server is closing'));
  expect(list.view.problem).toBe('Failed to fetch');
  await pass(2_000);
  await network.answer();
  expect([list.view.problem, shown(list)]).toEqual(['', ['a']]);
});

test('a lost answer to a change is not shown as a problem: everything is asked for again', async () => {
  const { network, list, views } = await loadedList(['a', 'b']);
  const before = list.view;
  await network.write(['a']);
  await network.fail();
  expect([list.view, views.length]).toEqual([before, 1]);
  await network.calm();
  expect(network.asked[1]).toBe('/viewer/api/sessions?size=60');
  expect(shown(list)).toEqual(['a', 'b']);
  // The next change comes before the two seconds are over.
  await network.write(['b']);
  await network.fail();
  await network.write(['c'], {}, { isBusy: true });
  await pass(300);
  expect(network.asked.at(-1)).toBe('/viewer/api/sessions?size=60');
  await network.calm();
  expect(shown(list)).toEqual(['c', 'b', 'a']);
});

test('a page that does not come when scrolling is shown as a problem until an answer comes', async () => {
  const { network, list } = await loadedList(names(70));
  list.loadMore();
  await network.fail();
  expect(list.view).toMatchObject({ problem: 'Failed to fetch', list: { next: expect.any(String) } });
  await network.calm();
  // The rows that are shown are still certain.
  expect(network.asked).toHaveLength(1);
  list.loadMore();
  await network.calm();
  expect([list.view.problem, shown(list)!.length]).toEqual(['', 70]);
});

test('a refused request, for want of the API key, is not repeated before something changes', async () => {
  const network = await Network.open();
  await network.write(['a']);
  const { list } = await openList(network);
  await network.fail(0, new RequestError(401, 'the API key is not valid'));
  await pass(60_000);
  expect(network.asked).toHaveLength(1);
  expect(list.view.problem).toBe('the API key is not valid');
  network.tell({ sessions: null, version: await network.viewer.version() });
  await network.calm();
  expect([list.view.problem, shown(list)]).toEqual(['', ['a']]);
});

test('a change during a read that fails is not lost', async () => {
  const network = await Network.open();
  const { list } = await openList(network);
  await network.write(['a']);
  await network.fail(0, new RequestError(401, 'the API key is not valid'));
  await network.calm();
  expect(shown(list)).toEqual(['a']);
});

test('a stream that is back after a loss shows whether anything was missed', async () => {
  const { network, list } = await loadedList(['a']);
  network.loseStream();
  await network.regainStream();
  await network.calm();
  expect(network.asked).toEqual([]);
  network.loseStream();
  await network.write(['b']);
  await network.regainStream();
  await network.calm();
  expect(shown(list)).toEqual(['b', 'a']);
});
