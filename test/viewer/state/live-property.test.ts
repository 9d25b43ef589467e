/** In whatever order things are written, reported, answered and lost: in the end the page shows what a fresh load gives. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { RequestError } from '../../../src/viewer/state/api.ts';
import { LiveList } from '../../../src/viewer/state/live-list.ts';
import { LiveSession } from '../../../src/viewer/state/live-session.ts';
import { type Filters, toApiQuery } from '../../../src/viewer/state/view-location.ts';
import { FAKED, Network, pass } from './network.ts';

/** Fakes the time in each run; fast-check needs real time between the runs. */
async function check<Values>(property: fc.IAsyncPropertyWithHooks<Values>, numRuns: number): Promise<void> {
  property.beforeEach(() => void vi.useFakeTimers({ toFake: [...FAKED] })).afterEach(() => void vi.useRealTimers());
  await fc.assert(property, { numRuns });
}

/** What happens, and a number that says which, how many or how long. */
type Step<What extends string> = readonly [What, number];
type Plays<What extends string> = Readonly<Record<What, (number: number) => unknown>>;

/** Steps of the network and of time, with their weights. */
const OUTSIDE = { pass: 8, read: 2, answer: 6, fail: 1, refuse: 1, lose: 1, regain: 1 } as const;

const playOutside = (network: Network): Plays<keyof typeof OUTSIDE> => ({
  pass: (number) => pass([0, 60, 200, 1_000][number % 4]!),
  read: (number) => network.read(number % 3),
  answer: (number) => network.answer(number % Math.max(1, network.waiting.length)),
  fail: () => network.fail(),
  refuse: () => network.fail(0, new RequestError(401, 'the API key is not valid')),
  lose: () => network.loseStream(),
  regain: () => network.regainStream(),
});

function stepsOf<What extends string>(weights: Readonly<Record<What, number>>): fc.Arbitrary<Step<What>[]> {
  const whats = Object.entries<number>(weights).flatMap(([what, weight]) => Array<What>(weight).fill(what as What));
  return fc.array(fc.tuple(fc.constantFrom(...whats), fc.nat(1_000)), { maxLength: 80, size: 'max' });
}

async function play<What extends string>(steps: readonly Step<What>[], plays: Plays<What>): Promise<void> {
  for (const [what, number] of steps) await plays[what](number);
}

/** Repairs the network and lets everything end. A read that was refused is repeated with the next change. */
async function heal(network: Network, session: string): Promise<void> {
  await network.regainStream();
  await network.calm();
  await network.write([session]);
  await network.calm();
}

test('a list equals a fresh load, whichever filters the reader has gone through', async () => {
  const filters: readonly Filters[] = [{}, { error: '1' }, { feedback: '*' }, { q: 'fjord' }];
  const fields = [{}, {}, { error: 'boom' }, { output: 'a fjord' }];
  const steps = stepsOf({ ...OUTSIDE, write: 6, writeMany: 2, remove: 1, rate: 1, unrate: 1, more: 4, filter: 1 });
  const counts = fc.constantFrom(3, 59, 61, 130, 230);

  const property = fc.asyncProperty(counts, fc.nat(3), fc.boolean(), steps, async (count, start, hasFirst, given) => {
    const network = await Network.open();
    const name = (number: number) => `s${number % (count + 10)}`;
    const logs = await network.write(Array.from({ length: count }, (_, index) => name(index)));
    const logOf = (number: number) => logs[number % logs.length]!.id;
    const feedback = (number: number, unset?: true) => {
      const request = { data_id: logOf(number), type: 'rating', value: 'good', ...(unset && { unset }) };
      return network.done(network.store.addFeedback([request]).catch(() => {}));
    };

    const first = hasFirst ? await network.viewer.listSessions({ size: 40 }) : undefined;
    let query = first ? {} : filters[start]!;
    let list = new LiveList(network, query, undefined, first);
    let stop = list.start(() => {});
    await play(given, {
      ...playOutside(network),
      write: (number) => network.write([name(number)], fields[number % 4], { isBusy: true }),
      writeMany: (number) => {
        const many = Array.from({ length: 20 + (number % 60) }, (_, index) => name(number + index));
        return network.write(many, fields[number % 4], { isBusy: true });
      },
      remove: (number) => network.done(network.store.deleteLogs([logOf(number)])),
      rate: (number) => feedback(number),
      unrate: (number) => feedback(number, true),
      more: () => list.loadMore(),
      filter: (number) => {
        stop();
        query = filters[number % 4]!;
        list = new LiveList(network, query, list.view);
        stop = list.start(() => {});
      },
    });
    await heal(network, 'of the end');

    const fresh = await network.sessions(toApiQuery(query, Date.now()).toString());
    const rows = () => list.view.list!.sessions;
    expect(rows()).toEqual(fresh.slice(0, rows().length));
    expect(list.view.problem).toBe('');
    while (list.view.list!.next !== null) {
      list.loadMore();
      await network.calm();
    }
    expect(rows()).toEqual(fresh);
    stop();
    await network.done(network.store.close());
  });
  await check(property, 100);
});

test('a session equals a fresh load, small or large', async () => {
  const steps = stepsOf({ ...OUTSIDE, add: 6, update: 3, remove: 2, rate: 1, elsewhere: 1 });
  const property = fc.asyncProperty(
    fc.constantFrom(1, 3, 499, 501),
    fc.boolean(),
    steps,
    async (count, hasFirst, given) => {
      const network = await Network.open();
      const created = await network.write(Array<string>(count).fill('it'));
      const id = created[0]!.session_id!;
      const logs = created.map((log) => log.id);
      const logOf = (number: number) => logs[number % logs.length]!;
      const first = hasFirst ? await network.session(id) : undefined;
      const session = new LiveSession(network, id, first);
      const stop = session.start(() => {});
      await play(given, {
        ...playOutside(network),
        add: async (number) => {
          const config = { type: 'tool' as const, name: `tool ${number % 3}` };
          const added = await network.write(Array<string>(1 + (number % 3)).fill('it'), { config }, { isBusy: true });
          logs.push(...added.map((log) => log.id));
        },
        update: (number) => network.done(network.store.updateLog({ id: logOf(number) }, { output: `now ${number}` })),
        // One log stays, or the session would be gone.
        remove: (number) => logOf(number) !== logs[0] && network.done(network.store.deleteLogs([logOf(number)])),
        rate: (number) => {
          const rating = { data_id: logOf(number), type: 'rating', value: 'good' };
          return network.done(network.store.addFeedback([rating]).catch(() => {}));
        },
        elsewhere: () => network.write(['elsewhere'], {}, { isBusy: true }),
      });
      await heal(network, 'it');

      const { logs: fresh, configs, version: _version, next: _next, as_of: _asOf, ...rest } = await network.session(id);
      const { loaded, problem } = session.view;
      expect(problem).toBe('');
      expect(new Map(loaded!.logs)).toEqual(new Map(fresh.map((log) => [log.id, log])));
      expect(loaded).toMatchObject({ ...rest, configs });
      stop();
      await network.done(network.store.close());
    },
  );
  await check(property, 40);
});
