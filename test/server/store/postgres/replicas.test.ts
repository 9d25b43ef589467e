/** Several servers on one database, each with a store of its own. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { LogSelector, Store } from '../../../../src/server/store/store.ts';
import type { CreatedLog, LogRequest } from '../../../../src/wire/v4.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { Random } from '../../../support/random.ts';
import { createOne, log } from '../../sample-log.ts';

const TRACES = Array.from({ length: 12 }, (_, index) => `${index}`.padStart(32, 'a'));

for (const binaries of findPostgres()) {
  describe(`replicas on ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
    });
    afterAll(() => cluster?.stop(), 60_000);

    const openMany = async (count: number): Promise<{ url: string; stores: Store[] }> => {
      const url = await cluster.createSchema();
      const stores = await Promise.all(Array.from({ length: count }, () => openPostgresStore({ url })));
      onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))));
      return { url, stores };
    };

    test('ten servers start at once on an empty database', async () => {
      const { url, stores } = await openMany(10);
      await Promise.all(stores.map((store) => createOne(store, { session_reference_id: 's' })));
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) => client.query('SELECT logs FROM sessions'));
      expect(rows).toEqual([{ logs: '10' }]);
    });

    test('what one has answered is read and changed through another at once', async () => {
      const { stores } = await openMany(3);
      const [a, b, c] = stores as [Store, Store, Store];
      const made = await createOne(a, { reference_id: 'r', session_reference_id: 's', output: 'written word' });
      expect(await b.getLog(made.id)).toMatchObject({ output: 'written word', session_id: made.session_id });
      expect(await b.updateLog({ referenceId: 'r' }, { output: 'changed' })).toMatchObject({ output: 'changed' });
      expect(await c.getLog(made.id)).toMatchObject({ output: 'changed' });
      expect(await createOne(c, { reference_id: 'r', session_reference_id: 's', output: 'written word' })).toEqual(
        made,
      );
      const [found] = (await c.viewer.listSessions({ search: 'changed', size: 5 })).sessions;
      expect(found).toMatchObject({ id: made.session_id, logs: 1, last_output: 'changed' });
    });

    test('updates of several servers to the same logs are written together, and each is answered with all of its log', async () => {
      const { url, stores } = await openMany(3);
      const count = 21;
      const references = Array.from({ length: count }, (_, index) => `r${index}`);
      await stores[0]!.createLogs([
        log({ reference_id: 'top', session_reference_id: 's', output: 'top' }),
        ...references.map((reference_id, index) =>
          log({
            ...{ reference_id, session_reference_id: `s${index % 4}`, parent_reference_id: 'top', save: index !== 5 },
            ...(index % 2 === 0 && { inputs: { question: `of ${reference_id}` } }),
          }),
        ),
      ]);
      const gone = await createOne(stores[1]!, { reference_id: 'gone' });
      await stores[1]!.deleteLogs([gone.id]);
      const texts = ['', 'with "quotes", {braces} and \\', 'NULL', 'zweite Antwort'];
      const answers = await Promise.all(
        stores.flatMap((store, at) =>
          [...references, 'gone'].map(async (referenceId, index) => {
            const output = texts[(at + index) % texts.length]!;
            const error = `error ${index}`;
            const update = at === 0 ? { output } : at === 1 ? { error } : { output, error, duration: index };
            return [index, update, await store.updateLog({ referenceId }, update)] as const;
          }),
        ),
      );
      for (const [index, update, answer] of answers) {
        if (index === count) {
          expect(answer).toBeUndefined();
          continue;
        }
        const { output, ...others } = update;
        expect(answer).toMatchObject({
          ...{ reference_id: references[index], parent_reference_id: 'top', session_reference_id: `s${index % 4}` },
          ...{ inputs: index % 2 === 0 && index !== 5 ? { question: `of ${references[index]}` } : {} },
          ...others,
          ...(index !== 5 && output !== undefined && { output }),
        });
        if (index === 5) expect(answer).not.toHaveProperty('output');
      }
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) =>
        client.query(
          'SELECT count(*)::int AS logs, count(error)::int AS errors, count(duration)::int AS ended FROM logs',
        ),
      );
      expect(rows).toEqual([{ logs: count + 1, errors: count, ended: count }]);
    });

    test('a reference that is deleted and used again names another session each time, whoever does it', async () => {
      const { url, stores } = await openMany(3);
      const seen = new Set<string>();
      for (let round = 0; round < 24; round += 1) {
        const made = await Promise.all(
          stores.map((store) => createOne(store, { session_reference_id: 's', output: `round ${round}` })),
        );
        const [id, ...others] = new Set(made.map((log) => log.session_id));
        expect(others).toEqual([]);
        expect(seen.has(id!)).toBe(false);
        seen.add(id!);
        const reader = stores[(round + 1) % 3]!;
        expect(await reader.viewer.readSession(id!)).toMatchObject({ total: 3, session: { reference_id: 's' } });
        expect(await findFaults(url)).toEqual([]);
        await stores[round % 3]!.deleteSession({ referenceId: 's' });
        expect(await reader.getSession(id!)).toBeUndefined();
      }
      // Nothing is left of what was in them.
      const { rows } = await withClient(url, (client) =>
        client.query(
          'SELECT count(*)::int AS texts FROM sessions WHERE num_nonnulls(id, reference_id, last_output) > 0',
        ),
      );
      expect(rows).toEqual([{ texts: 0 }]);
    });

    test('logs that come while their session is deleted are in the session that follows it', async () => {
      const { url, stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      let isOver = false;
      const writing = (async () => {
        for (let n = 0; !isOver; n += 1) {
          await a.createLogs([log({ session_reference_id: 's', output: `n${n}` }), log({ session_reference_id: 's' })]);
        }
      })();
      for (let round = 0; round < 4; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await b.deleteSession({ referenceId: 's' });
      }
      isOver = true;
      await writing;
      await createOne(b, { session_reference_id: 's' });
      expect(await findFaults(url)).toEqual([]);
      expect((await b.viewer.listSessions({ size: 5 })).sessions).toHaveLength(1);
    });

    test('children that came first join the session of their parent, wherever it came', async () => {
      const { url, stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const child = await createOne(a, { reference_id: 'child', parent_reference_id: 'parent', output: 'below' });
      const below = await createOne(b, { parent_reference_id: 'child' });
      const parent = await createOne(b, { reference_id: 'parent', session_reference_id: 's' });
      for (const { id } of [child, below]) {
        expect(await a.viewer.readLog(id)).toMatchObject({ session: parent.session_id });
      }
      const session = await a.viewer.readSession(parent.session_id!);
      expect(session!.logs.map(({ id }) => id).sort()).toEqual([child.id, below.id, parent.id].sort());
      expect(await findFaults(url)).toEqual([]);
    });

    test('an open page hears of a change elsewhere, and of each', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const heard = new Set<string>();
      const stop = b.viewer.onChange(({ sessions }) => {
        for (const id of sessions ?? []) heard.add(id);
      });
      onTestFinished(stop);
      await new Promise((resolve) => setTimeout(resolve, 700));
      const written = new Set<string>();
      for (let index = 0; index < 10; index += 1) {
        const { session_id: id } = await createOne(a, { session_reference_id: `s${index}` });
        written.add(id!);
        await new Promise((resolve) => setTimeout(resolve, 70));
      }
      await expect.poll(() => heard).toEqual(written);
    });

    test('an open page hears that something was deleted elsewhere, and of feedback that was', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const feedback = { type: 'rating', value: 'good', user: 'ann' };
      const gone = await createOne(a, { session_reference_id: 'gone' });
      const left = await createOne(a, { session_reference_id: 'left', feedback });
      const alone = await createOne(a, {});
      const heard = [a, b].map((store) => {
        const all: unknown[] = [];
        onTestFinished(store.viewer.onChange(({ sessions }) => all.push(sessions)));
        return all;
      });
      await Promise.all(stores.map((store) => store.viewer.version()));
      const [here, elsewhere] = heard as [unknown[], unknown[]];
      await a.deleteSession({ id: gone.session_id! });
      expect(here[0]).toEqual([gone.session_id]);
      await expect.poll(() => elsewhere, { timeout: 5_000 }).toEqual([null]);
      await a.deleteLogs([alone.id]);
      expect(here).toContainEqual([alone.id]);
      await expect.poll(() => elsewhere, { timeout: 5_000 }).toEqual([null, null]);
      expect(await a.deleteLogsOfUser('ann')).toEqual({ logs: 0, sessions: 0 });
      await expect.poll(() => elsewhere, { timeout: 5_000 }).toEqual([null, null, [left.session_id]]);
      expect((await b.viewer.readLog(left.id))!.log.feedback).toEqual([]);
    });

    test('an update reaches the log that its reference names now, whatever the server has seen before', async () => {
      const { url, stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const fields = { reference_id: 'r', session_reference_id: 's' };
      const first = await createOne(a, fields);
      const update = (output: string) => a.updateLog({ referenceId: 'r' }, { output });
      expect(await update('one')).toMatchObject({ id: first.id, output: 'one' });
      await b.deleteLogs([first.id]);
      expect(await update('two')).toBeUndefined();
      const second = await createOne(b, fields);
      expect(second.id).not.toBe(first.id);
      expect(await update('three')).toMatchObject({ id: second.id, output: 'three' });
      await b.deleteLogs([second.id]);
      const third = await createOne(b, fields);
      expect(await Promise.all([update('four'), update('four')])).toMatchObject([{ id: third.id }, { id: third.id }]);
      expect(await findFaults(url)).toEqual([]);
    });

    test('the log of a reference is looked up once, and again only when it is gone', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      let lookups = 0;
      const query = pg.Pool.prototype.query as (...given: unknown[]) => unknown;
      vi.spyOn(pg.Pool.prototype, 'query').mockImplementation(function (this: pg.Pool, ...given: unknown[]) {
        if ((given[0] as { name?: string }).name === 'find references of 1') lookups += 1;
        return query.apply(this, given) as never;
      });
      onTestFinished(() => void vi.restoreAllMocks());
      /** Resolves to how often turns were repeated and references looked up for an update, and to what it has found. */
      const update = async (store: Store) => {
        const before = [await countRepeats(store), lookups] as const;
        const answer = await store.updateLog({ referenceId: 'r' }, { output: 'changed' });
        return [(await countRepeats(store)) - before[0], lookups - before[1], answer?.id];
      };
      const { id } = await createOne(a, { reference_id: 'r' });
      lookups = 0;
      expect(await update(a)).toEqual([0, 0, id]);
      expect(await update(b)).toEqual([0, 1, id]);
      expect(await update(b)).toEqual([0, 0, id]);
      await b.deleteLogs([id]);
      expect(await update(a)).toEqual([1, 1, undefined]);
      for (let round = 0; round < 3; round += 1) expect(await update(a)).toEqual([0, 1, undefined]);
    });

    test('a log that is not there is answered by one turn, which others in it do not repeat', async () => {
      const { url, stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const [{ id: deleted }, { id: kept }] = (await a.createLogs([
        log({ reference_id: 'gone' }),
        log({ reference_id: 'kept' }),
      ])) as [CreatedLog, CreatedLog];
      // As if its day had been dropped: its reference goes later.
      const { id: dropped } = await createOne(a, { reference_id: 'dropped' });
      await withClient(url, (client) => client.query('DELETE FROM logs WHERE id = $1', [dropped]));
      await a.deleteLogs([deleted]);
      const never = `${kept.slice(0, 14)}${'0'.repeat(kept.length - 14)}`;
      const selectors: LogSelector[] = [{ id: deleted }, { id: never }, { id: 'no id' }, { referenceId: 'nothing' }];
      for (const store of [a, b]) {
        const answers = await Promise.all(
          [...selectors, { referenceId: 'gone' }, { referenceId: 'kept' }].map((each) =>
            store.updateLog(each, { output: 'changed' }),
          ),
        );
        expect(answers.map((answer) => answer?.id)).toEqual([...Array(5).fill(undefined), kept]);
      }
      expect(await b.updateLog({ referenceId: 'dropped' }, { output: 'changed' })).toBeUndefined();
      expect(await countRepeats(b)).toBe(0);
      const again = await createOne(b, { reference_id: 'dropped', output: 'again' });
      expect(again.id).not.toBe(dropped);
      expect(await countRepeats(b)).toBe(1);
      expect(await b.updateLog({ referenceId: 'dropped' }, { output: 'changed' })).toMatchObject({ id: again.id });
    });

    test('an update is answered with the parent as it is now, also where another server made it anew', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      await createOne(a, { reference_id: 'child', parent_reference_id: 'parent', output: 'child' });
      const update = async (store: Store) => {
        const answer = await store.updateLog({ referenceId: 'child' }, { output: 'changed' });
        expect(answer).toMatchObject({ output: 'changed', parent_reference_id: 'parent' });
        return answer?.parent_id;
      };
      const deleted = new Set<string>();
      for (let round = 0; round < 3; round += 1) {
        for (const store of [a, b, a]) expect(await update(store)).toBeUndefined();
        const { id } = await createOne(b, { reference_id: 'parent', output: 'parent' });
        expect(deleted).not.toContain(id);
        for (const store of [a, b, a]) expect(await update(store)).toBe(id);
        await b.deleteLogs([id]);
        deleted.add(id);
        if (round > 0) continue;
        // So that the first server remembers a log that is gone while another one has its reference.
        const { id: next } = await createOne(b, { reference_id: 'parent', output: 'parent' });
        expect(await update(a)).toBe(next);
        await b.deleteLogs([next]);
      }
    });

    test('the parent of a log is looked up by its reference once', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const { id } = await createOne(a, { reference_id: 'parent' });
      await createOne(a, { reference_id: 'child', parent_reference_id: 'parent' });
      let lookups = 0;
      const query = pg.Client.prototype.query as (...given: unknown[]) => unknown;
      vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
        if ((given[0] as { name?: string }).name?.startsWith('find references')) lookups += 1;
        return query.apply(this, given) as never;
      });
      onTestFinished(() => void vi.restoreAllMocks());
      const update = async (store: Store) => {
        const before = lookups;
        expect(await store.updateLog({ referenceId: 'child' }, { output: 'x' })).toMatchObject({ parent_id: id });
        return lookups - before;
      };
      expect(await update(a)).toBe(0);
      expect(await update(b)).toBe(2);
      expect(await update(b)).toBe(0);
    });

    test('who asks for the version hears of all that is written then, however long the first look takes', async () => {
      const { stores } = await openMany(2);
      const [a, b] = stores as [Store, Store];
      const query = pg.Pool.prototype.query as (...given: unknown[]) => unknown;
      vi.spyOn(pg.Pool.prototype, 'query').mockImplementation(async function (this: pg.Pool, ...given: unknown[]) {
        if ((given[0] as { name?: string }).name === 'changes')
          await new Promise((resolve) => setTimeout(resolve, 300));
        return query.apply(this, given);
      } as never);
      onTestFinished(() => void vi.restoreAllMocks());
      for (let round = 0; round < 2; round += 1) {
        const heard = new Set<string>();
        const stop = b.viewer.onChange(({ sessions }) => {
          for (const id of sessions ?? []) heard.add(id);
        });
        await b.viewer.version();
        const { session_id: id } = await createOne(a, { session_reference_id: `s${round}` });
        await expect.poll(() => heard.has(id!), { timeout: 5_000 }).toBe(true);
        stop();
      }
    });

    test('writers with the same logs and sessions do not spoil each other', async () => {
      const { url, stores } = await openMany(4);
      const created = new Map<string, string>();
      const until = Date.now() + 6_000;
      const refused: unknown[] = [];
      let written = 0;
      const work = async (store: Store, seed: number) => {
        const random = new Random(seed);
        while (Date.now() < until) {
          const trace = random.pick(TRACES);
          const requests: LogRequest[] = Array.from({ length: random.between(1, 20) }, () => {
            const span = random.between(0, 199);
            return log({
              reference_id: `${trace}-${`${span}`.padStart(16, '0')}`,
              ...(span > 0 && { parent_reference_id: `${trace}-${`${Math.floor(span / 3)}`.padStart(16, '0')}` }),
              // Of some traces no log names the session, of some all do, of some the root alone.
              ...((trace < TRACES[4]! || (trace < TRACES[8]! && span === 0)) && { session_reference_id: trace }),
              ...(random.chance(0.5) && { output: `answer ${span}`, duration: 1 }),
              ...(random.chance(0.2) && { error: 'broken', prompt_tokens: 3 }),
            });
          });
          const answers = await store.createLogs(requests).catch((error) => void refused.push(error));
          for (const [index, answer] of (answers ?? []).entries()) {
            const { reference_id: reference } = requests[index]!;
            const known = created.get(reference!) ?? answer.id;
            created.set(reference!, known);
            if (known !== answer.id) refused.push(`${reference} is ${known} and ${answer.id}`);
            written += 1;
          }
          const reference = random.pick(requests).reference_id!;
          await store
            .updateLog({ referenceId: reference }, { output: 'later', duration: 2 })
            .catch((error) => void refused.push(error));
        }
      };
      await Promise.all(stores.flatMap((store, index) => [work(store, index), work(store, index + 50)]));
      expect(refused).toEqual([]);
      expect(await findFaults(url)).toEqual([]);
      const { rows } = await withClient(url, (client) =>
        client.query(`SELECT (SELECT count(*) FROM logs)::int AS logs,
          (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())::int AS deadlocks,
          (SELECT count(*) FROM sessions WHERE merged_into IS NOT NULL)::int AS merged`),
      );
      expect(rows[0]).toMatchObject({ logs: created.size, deadlocks: 0 });
      expect(rows[0].merged).toBeGreaterThan(5);
      expect(written).toBeGreaterThan(created.size);
      for (const trace of TRACES.slice(4)) {
        const found = await stores[0]!.viewer.findSession(trace);
        expect(found).toBeDefined();
      }
    });
  });
}

/** Resolves to how often turns of writes were repeated. */
async function countRepeats(store: Store): Promise<number> {
  const measures = (await store.measures?.()) ?? [];
  const repeated = measures.find(({ name }) => name === 'humanloop_write_turn_repeats_total');
  return repeated!.samples.reduce((sum, { value }) => sum + value, 0);
}
