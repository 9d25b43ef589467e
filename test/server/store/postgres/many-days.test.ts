/** Searches of logs of many days, each of which has tables of its own. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { DAY_MILLIS, dayOf, nextDay } from '../../../../src/server/store/postgres/tables/identifiers.ts';
import { makePartitionsOf } from '../../../../src/server/store/postgres/tables/partitions.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

/** More than are asked at once. */
const DAYS = 40;

const LOGS_PER_DAY = 20;

/** Of the next test: ids are never made of an earlier time than before. */
let daysAhead = 0;

describe.each(findPostgres())('$name: a search of many days', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  const openAtManyDays = async () => {
    const url = await cluster.createSchema();
    const firstMillis = Date.now() + daysAhead * DAY_MILLIS;
    daysAhead += DAYS;
    onTestFinished(() => void vi.restoreAllMocks());
    const clock = vi.spyOn(Date, 'now').mockReturnValue(firstMillis);
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    const days = Array.from({ length: DAYS }, (_, index) => nextDay(dayOf(firstMillis), index));
    await withClient(url, (client) => makePartitionsOf(client, days));
    return { store, url, days, goTo: (index: number) => clock.mockReturnValue(firstMillis + index * DAY_MILLIS) };
  };

  test('finds the sessions of each day, page by page, and asks many days at once for a word of few logs', async () => {
    const { store, days, goTo } = await openAtManyDays();
    for (const [index, day] of days.entries()) {
      goTo(index);
      const words = `${index % 3 === 0 ? 'zebra' : 'other'} ${index < 8 ? 'watering' : ''}`;
      await store.createLogs([
        log({ session_reference_id: day, output: words }),
        log({ session_reference_id: day, output: 'of every day' }),
        ...(index === 0 ? [log({ session_reference_id: 'long', output: 'river' })] : []),
        ...(index === DAYS - 1 ? [log({ session_reference_id: 'long', output: 'stone' })] : []),
      ]);
    }
    const find = async (search: string) => {
      const seen: (string | undefined)[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.viewer.listSessions({ search, size: 3, ...(cursor !== undefined && { cursor }) });
        seen.push(...page.sessions.map((each) => each.reference_id));
        cursor = page.next;
      }
      return seen;
    };
    const ofThird = days.filter((_, index) => index % 3 === 0).reverse();
    expect(await find('zebra')).toEqual(ofThird);
    expect(await find('zeb')).toEqual(ofThird);
    expect(await find('every')).toEqual(days.toReversed());
    expect(await find('zebra watering')).toEqual([days[6], days[3], days[0]]);
    expect(await find('"zebra watering"')).toEqual([days[6], days[3], days[0]]);
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    expect(await find('river stone')).toEqual(['long']);
    const joined = statements.mock.calls.flatMap(([statement]) => {
      const { text, values = [] } = statement as unknown as { text?: string; values?: string[] };
      if (!text?.includes(' JOIN log_words')) return [];
      const [, first, last] = text.match(/day BETWEEN \$(\d+)::date AND \$(\d+)::date/)!;
      return [(Date.parse(values[Number(last) - 1]!) - Date.parse(values[Number(first) - 1]!)) / DAY_MILLIS + 1];
    });
    expect(joined).toEqual([32, DAYS - 32]);
    statements.mockClear();
    expect(await find('nothing')).toEqual([]);
    // It is looked for as a whole word, and as the beginning of one.
    expect(statements.mock.calls.length).toBeLessThan(DAYS);
    const asked = statements.mock.calls.flatMap(([statement]) => {
      const { text, values } = statement as unknown as { text?: string; values?: string[] };
      return text?.includes('day <= ') ? [(Date.parse(values![1]!) - Date.parse(values![0]!)) / DAY_MILLIS + 1] : [];
    });
    // All of them would be more locks than the database has for some searches of a year.
    expect(Math.max(...asked)).toBe(32);
  });

  test('looks for words that are seldom together on many days at once, and for the beginning of a word only if there is one', async () => {
    const { store, days, goTo } = await openAtManyDays();
    const logOf = (day: string, index: number) => {
      const words = index === 0 && day === days[0] ? 'zebra giraffe' : index % 2 === 0 ? 'zebra' : 'giraffe';
      return log({ session_reference_id: `${day} ${index}`, output: words });
    };
    for (const [index, day] of days.entries()) {
      goTo(index);
      await store.createLogs(Array.from({ length: 2 * LOGS_PER_DAY }, (_, number) => logOf(day, number)));
    }
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    const find = async (search: string) => {
      statements.mockClear();
      const { sessions, next } = await store.viewer.listSessions({ search, size: 3 });
      expect(next).toBeNull();
      const texts = statements.mock.calls.map(([statement]) => (statement as unknown as { text?: string }).text ?? '');
      return { found: sessions.map((each) => each.reference_id), texts };
    };
    const together = await find('zebra giraffe');
    expect(together.found).toEqual([`${days[0]} 0`]);
    expect(together.texts.length).toBeLessThan(1.5 * DAYS);
    // That it has both is known from the days on which its logs are found.
    expect(together.texts.filter((text) => text.includes(' JOIN log_words'))).toEqual([]);
    const absent = await find('nothing');
    expect(absent.texts.filter((text) => text.includes('words && '))).toEqual([]);
    expect((await find('zebra gir')).found).toEqual([`${days[0]} 0`]);
    // On the newest day alone: without a log of the one, it does not matter which sessions have the other.
    const absentBeside = await find('nothing giraffe');
    expect(absentBeside.found).toEqual([]);
    expect(absentBeside.texts.filter((text) => text.includes('(SELECT session FROM log_words'))).toHaveLength(1);
  });

  test('lists sessions, and searches those of a user, without asking for the tables of other days', async () => {
    const { store, url, days, goTo } = await openAtManyDays();
    let projectId = '';
    for (const index of [0, 2, 4]) {
      goTo(index);
      const [created] = await store.createLogs([
        log({ session_reference_id: days[index]!, output: 'zebra', metadata: { user_id: 'ada' } }),
        // They stand for their sessions until their parents have come.
        ...[0, 1, 2].map((each) => log({ parent_reference_id: `awaited ${index} ${each}`, output: 'alone' })),
        // They go on, on other days.
        ...(index > 0 ? [0, 1].map((each) => log({ parent_reference_id: `awaited 0 ${each}` })) : []),
      ]);
      projectId = created!.project_id;
    }
    await withClient(url, async (client) => {
      const table = (name: string) => `${name}_p${days[1]!.replaceAll('-', '')}`;
      await client.query(`BEGIN; LOCK TABLE ${table('logs')}, ${table('log_words')} IN ACCESS EXCLUSIVE MODE`);
      const statements = vi.spyOn(pg.Client.prototype, 'query');
      const listed = await store.viewer.listSessions({ size: 20 });
      const texts = statements.mock.calls.map(([each]) => (each as { text?: string }).text ?? '');
      statements.mockRestore();
      expect(new Set(listed.sessions.map((each) => each.id)).size).toBe(12);
      // One of each day: to plan one for each session takes longer than all else of the list.
      expect(texts.filter((text) => text.includes(' FROM logs '))).toHaveLength(3);
      const page = await store.listSessions({ projectId, page: 1, size: 10 });
      expect(page!.records.map((each) => [each.reference_id, each.last_output])).toEqual(
        [4, 2, 0].map((index) => [days[index], 'zebra']),
      );
      const found = await store.viewer.listSessions({ size: 10, search: 'zebra', user: 'ada' });
      expect(found.sessions.map((each) => each.reference_id)).toEqual([days[4], days[2], days[0]]);
      await client.query('ROLLBACK');
    });
  });

  test('a session that a log is deleted of is counted again by the tables of its own days', async () => {
    const { store, url, goTo } = await openAtManyDays();
    goTo(3);
    const own = (output: string) =>
      log({ session_reference_id: 's', output, feedback: { type: 'rating', value: output } });
    const [first] = await store.createLogs([own('zebra'), own('grass')]);
    goTo(4);
    await store.createLogs([own('river')]);
    const tables = await tablesAsked(
      url,
      () => store.deleteLogs([first!.id]),
      /^SELECT[^;]*\sFROM (logs|feedback)\s+WHERE (logs\.bucket|log_id)/,
    );
    expect(tables).toEqual([2, 2, 2, 2, 2]);
    expect((await store.viewer.listSessions({ size: 5 })).sessions).toMatchObject([{ logs: 2, last_output: 'river' }]);
  });

  test('a session is deleted, and measured, by the tables of its own days', async () => {
    const { store, url, goTo } = await openAtManyDays();
    const own = (session: string) => log({ session_reference_id: session, output: 'zebra' });
    for (const index of [3, 4]) {
      goTo(index);
      await store.createLogs([own('deleted'), own('pruned'), own('kept')]);
    }
    goTo(9);
    await store.createLogs([own('kept')]);
    const ofLogs = /^\s*SELECT (id|coalesce)[^;]*\sFROM logs\s+WHERE bucket/;
    expect(await tablesAsked(url, () => store.deleteSession({ referenceId: 'deleted' }), ofLogs)).toEqual([2, 2]);
    expect(await tablesAsked(url, () => store.prune({ maxBytes: 2_400 }), ofLogs)).toEqual([2, 2, 2]);
    const { sessions } = await store.viewer.listSessions({ size: 5 });
    expect(sessions).toMatchObject([{ reference_id: 'kept', logs: 3 }]);
  });
});

/** Resolves to how many tables each statement of this form asks for that `work` sends. */
async function tablesAsked(url: string, work: () => Promise<unknown>, form: RegExp): Promise<number[]> {
  const statements = vi.spyOn(pg.Client.prototype, 'query');
  await work();
  const sent = statements.mock.calls.map(
    ([given, values]: unknown[]) =>
      (typeof given === 'string' ? { text: given, values } : given) as { text?: string; values?: unknown[] },
  );
  statements.mockRestore();
  const counts: number[] = [];
  for (const { text = '', values } of sent.filter((each) => form.test(each.text ?? ''))) {
    const { rows } = await withClient(url, (client) => client.query(`EXPLAIN ${text}`, values));
    const named = rows.flatMap((row) => /(?<= on )(?:logs|feedback)_\w+/.exec(row['QUERY PLAN'])?.[0] ?? []);
    counts.push(new Set(named.filter((name) => !name.endsWith('idx') && !name.endsWith('pkey'))).size);
  }
  return counts;
}
