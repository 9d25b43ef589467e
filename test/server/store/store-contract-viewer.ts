import { describe, expect, test } from 'vitest';
import { parseSearch } from '../../../src/server/store/search-query.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { SessionExport, SessionLogs, SessionQuery } from '../../../src/server/store/viewer-store.ts';
import { createOne, log } from '../sample-log.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const DAY = '2024-03-05';

export function describeViewer(name: string, open: () => Promise<Store>): void {
  const list = async (store: Store, query: Partial<SessionQuery>) =>
    (await store.viewer.listSessions({ size: 50, ...query })).sessions;
  const references = async (store: Store, query: Partial<SessionQuery>) =>
    (await list(store, query)).map(({ reference_id: reference }) => reference);
  const indexed = (store: Store) => expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  /** As the viewer's search field would ask. */
  const typed = (store: Store, text: string) => {
    const { words, ...filters } = parseSearch(text);
    return references(store, { ...filters, ...(words && { search: words }) });
  };

  test(`${name}: feedback and updates leave open neither when a session began nor when it ended`, async () => {
    const store = await open();
    const reference_id = 'changed';
    const times = { created_at: `${DAY}T00:00:00Z`, duration: 1 };
    const { id } = await createOne(store, { session_reference_id: 'a', reference_id, output: 'first', ...times });
    await indexed(store);
    const [before] = await list(store, {});
    expect(before!.ended_at).toBe(Date.parse(`${DAY}T00:00:01Z`) / 1000);
    await store.addFeedback([{ data_id: id, type: 'rating', value: 'good' }]);
    await store.updateLog({ referenceId: reference_id }, { output: 'second' });
    await indexed(store);
    const [after] = await list(store, {});
    expect(after).toMatchObject({ last_output: 'second', started_at: before!.started_at, ended_at: before!.ended_at });
  });

  describe(`${name}: what a session is found by`, () => {
    test('is every id and reference of it, of its logs and of its traces', async () => {
      const store = await open();
      const span = 'b7ad6b7169203331';
      const [first, second, third, alone] = await store.createLogs([
        log({ session_reference_id: 'chat/42', reference_id: `${TRACE}-${span}` }),
        log({ session_reference_id: 'other', reference_id: 'mine', metadata: { trace_id: 'abc' } }),
        log({ session_reference_id: 'other', parent_reference_id: 'mine' }),
        log({ reference_id: 'alone' }),
      ]);
      const chat = first!.session_id!;
      for (const named of ['chat/42', chat, TRACE, TRACE.toUpperCase(), `00-${TRACE}-00f067aa0ba902b7-01`]) {
        expect(await store.viewer.findSession(named), named).toEqual({ session: chat });
        expect(await references(store, { search: named }), named).toEqual(['chat/42']);
      }
      for (const named of [first!.id, `${TRACE}-${span}`, `00-${TRACE}-${span}-01`]) {
        expect(await store.viewer.findSession(named), named).toEqual({ session: chat, log: first!.id });
      }
      const other = second!.session_id!;
      expect(await store.viewer.findSession('mine')).toEqual({ session: other, log: second!.id });
      expect(await store.viewer.findSession('abc')).toEqual({ session: other });
      expect(await list(store, { search: third!.id })).toMatchObject([{ id: other, match: { log_id: third!.id } }]);
      expect(await store.viewer.findSession('alone')).toEqual({ session: alone!.id, log: alone!.id });
      for (const nothing of ['', 'chat', 'min', '0af7651916cd43dd', '%', 'a\0b']) {
        expect(await store.viewer.findSession(nothing), nothing).toBeUndefined();
      }
    });

    test('is a user, an environment, metadata, and the words of metadata and comments', async () => {
      const store = await open();
      const [a] = await store.createLogs([
        log({ session_reference_id: 'a', metadata: { user: 'Ada L', order: { id: 4711 }, tags: ['beta', 'eu-west'] } }),
        log({ session_reference_id: 'b', metadata: { user_id: 'bob', release: '1.2.3' }, environment: 'prod' }),
        log({ session_reference_id: 'c', metadata: { note: '1.2.3', release: '1.2.30', flag: true } }),
      ]);
      await store.addFeedback([{ data_id: a!.id, type: 'comment', value: 'quite a \u00fcberraschung' }]);
      await indexed(store);
      expect(await typed(store, 'user:"Ada L"')).toEqual(['a']);
      expect(await typed(store, 'user:bob environment:prod')).toEqual(['b']);
      expect(await typed(store, 'user:bob environment:test')).toEqual([]);
      expect(await typed(store, 'metadata.release:1.2.3')).toEqual(['b']);
      expect(await typed(store, 'metadata.release:*')).toEqual(['c', 'b']);
      expect(await typed(store, 'metadata.order.id:4711')).toEqual(['a']);
      expect(await typed(store, 'metadata.tags:EU-West beta')).toEqual(['a']);
      expect(await typed(store, 'metadata.flag:true metadata.note:1.2.3')).toEqual(['c']);
      expect(await typed(store, 'metadata.flag:true metadata.note:1.2')).toEqual([]);
      expect(await typed(store, 'prod')).toEqual(['b']);
      expect(await typed(store, 'uberraschung')).toEqual(['a']);
      expect((await list(store, { search: 'uberraschung' }))[0]!.match!.text).toContain('\u00fcberraschung');
      expect((await list(store, { user: 'bob' }))[0]).toMatchObject({ users: ['bob'], models: ['gpt-4'] });
      expect((await store.viewer.listFilters()).environments).toEqual(['prod']);
      await store.deleteLogs([a!.id]);
      await indexed(store);
      expect(await typed(store, 'user:"Ada L"')).toEqual([]);
    });
  });

  describe(`${name}: words and filters by metadata together`, () => {
    test('the filters hold in one log, the words in any log of its session', async () => {
      const store = await open();
      const metadata = { release: '1.2.3', tier: 'free' };
      await store.createLogs([
        log({ session_reference_id: 'a', output: 'zebra', metadata: { release: '1.2.3' } }),
        log({ session_reference_id: 'a', output: 'tiger', metadata: { tier: 'free' } }),
        log({ session_reference_id: 'b', output: 'zebra' }),
        log({ session_reference_id: 'b', output: 'tiger', metadata }),
        // Has the words of the filter, and not its value.
        log({ session_reference_id: 'c', output: 'zebra' }),
        log({ session_reference_id: 'c', output: 'tiger', metadata: { ...metadata, release: '1.2.3 rc' } }),
        log({ output: 'zebra tiger', metadata }),
        ...Array.from({ length: 9 }, () => log({ output: 'tiger', metadata })),
      ]);
      await indexed(store);
      const filters = 'metadata.release:1.2.3 metadata.tier:free';
      // The word is the rarer one, and then the filters are.
      expect(await typed(store, `${filters} zebra`)).toEqual([undefined, 'b']);
      expect(await typed(store, 'metadata.release:1.2.3 tiger zebra')).toEqual([undefined, 'b', 'a']);
      expect(await typed(store, 'metadata.release:"1.2.3 rc" zebra')).toEqual(['c']);
      expect(await typed(store, `${filters} lion`)).toEqual([]);
      expect(await typed(store, 'metadata.release:1.2.4 zebra')).toEqual([]);
      expect(await typed(store, 'metadata.--:* zebra')).toEqual([]);
    });

    test('what has the name is the first, on the first page only', async () => {
      const store = await open();
      await store.createLogs([
        log({ session_reference_id: 'zebra', output: 'a zebra' }),
        ...Array.from({ length: 4 }, (_, index) => log({ session_reference_id: `s${index}`, output: 'zebra' })),
      ]);
      await indexed(store);
      const seen: (string | undefined)[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.viewer.listSessions({ search: 'zebra', size: 2, ...(cursor && { cursor }) });
        seen.push(...page.sessions.map(({ reference_id: reference }) => reference));
        cursor = page.next;
      }
      expect(seen).toEqual(['zebra', 's3', 's2', 's1', 's0']);
    });

    test('a phrase is found, on whichever page, also where a newer log has its words alone', async () => {
      const store = await open();
      const [phrase, words] = ['zebra on grass', 'grass on zebra'];
      const write = (session: string, output: string) => log({ session_reference_id: session, output });
      await store.createLogs([
        ...[write('a', phrase), write('b', phrase), write('c', phrase), write('d', phrase), write('e', words)],
        ...[write('c', words), write('d', phrase), write('a', words), write('b', words)],
      ]);
      await indexed(store);
      const seen: (string | undefined)[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.viewer.listSessions({ search: `"${phrase}"`, size: 1, ...(cursor && { cursor }) });
        seen.push(...page.sessions.map(({ reference_id: reference }) => reference));
        cursor = page.next;
      }
      expect([...new Set(seen)]).toEqual(['d', 'c', 'b', 'a']);
    });
  });

  describe(`${name}: the order of a list`, () => {
    const day = (number: number) => `2024-03-0${number}T12:00:00.000000Z`;
    const open4 = async () => {
      const store = await open();
      for (const [reference, number, duration, cost] of [
        ['today', 9, 1, 2],
        ['late', 1, 50, 1],
        ['middle', 5, 600, undefined],
        ['again', 1, 2, 0],
      ] as const) {
        const more = { duration, ...(cost !== undefined && { output_cost: cost }) };
        await createOne(store, { session_reference_id: reference, created_at: day(number), ...more });
      }
      await createOne(store, { session_reference_id: 'again', created_at: day(6), duration: 1 });
      await indexed(store);
      return store;
    };

    test('is when something happened, whatever came first; others are asked for', async () => {
      const store = await open4();
      expect(await references(store, {})).toEqual(['today', 'again', 'middle', 'late']);
      expect(await references(store, { sort: 'started' })).toEqual(['today', 'middle', 'again', 'late']);
      expect(await references(store, { sort: 'changed' })).toEqual(['again', 'middle', 'late', 'today']);
      expect(await references(store, { sort: 'duration' })).toEqual(['again', 'middle', 'late', 'today']);
      expect(await references(store, { sort: 'cost' })).toEqual(['today', 'late', 'again', 'middle']);
      for (const sort of ['activity', 'started', 'changed', 'duration', 'cost'] as const) {
        const seen: unknown[] = [];
        for (let cursor: string | null = ''; cursor !== null; ) {
          const page = await store.viewer.listSessions({ size: 1, sort, ...(cursor && { cursor }) });
          seen.push(...page.sessions.map(({ reference_id: reference }) => reference));
          cursor = page.next;
        }
        expect(seen, sort).toEqual(await references(store, { sort }));
        expect(await references(store, { sort, model: 'gpt-4' }), sort).toEqual(seen);
      }
    });

    test('and its times are those of the logs, as in the list of logs', async () => {
      const store = await open4();
      expect(await references(store, { since: day(6) })).toEqual(['today', 'again']);
      expect(await references(store, { until: day(2) })).toEqual(['again', 'late']);
      expect(await references(store, { since: day(4), until: day(7), sort: 'started' })).toEqual(['middle', 'again']);
      expect(await references(store, { minDuration: 50 })).toEqual(['again', 'middle', 'late']);
      expect(await references(store, { minDuration: 601, model: 'gpt-4' })).toEqual(['again']);
    });
  });

  test(`${name}: a session is read and exported in portions`, async () => {
    const store = await open();
    const made = await store.createLogs(
      Array.from({ length: 1_300 }, (_, index) =>
        log({ session_reference_id: 's', created_at: `${DAY}T00:00:00Z`, output: `log ${index}` }),
      ),
    );
    const id = made[0]!.session_id!;
    const read: string[] = [];
    const exported: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const portion: SessionLogs = (await store.viewer.readSession(id, { ...(cursor && { cursor }) }))!;
      expect(portion.total).toBe(1_300);
      read.push(...portion.logs.map((each) => each.id));
      cursor = portion.next;
    }
    for (let cursor: string | null = ''; cursor !== null; ) {
      const portion: SessionExport | undefined = await store.viewer.exportSession(id, cursor || undefined);
      exported.push(...portion!.records);
      cursor = portion!.next;
    }
    expect(read).toEqual(made.map((each) => each.id));
    const stored: unknown[] = [];
    for (let at = 0; at < made.length; at += 50) {
      stored.push(...(await Promise.all(made.slice(at, at + 50).map(({ id: each }) => store.getLog(each)))));
    }
    expect(exported).toEqual(stored);
    expect(await store.viewer.exportSession('none')).toBeUndefined();
  });

  test(`${name}: who listens and then asks for the version hears of each later change, also after a pause`, async () => {
    const store = await open();
    for (let round = 0; round < 4; round += 1) {
      await createOne(store, { session_reference_id: `unheard ${round}` });
      await indexed(store);
      const heard = new Set<string>();
      let version = 0;
      const stop = store.viewer.onChange((change) => {
        version = change.version;
        for (const id of change.sessions ?? []) heard.add(id);
      });
      const before = await store.viewer.version();
      const { session_id: id } = await createOne(store, { session_reference_id: `heard ${round}` });
      await expect.poll(() => heard.has(id!), { timeout: 5_000 }).toBe(true);
      expect(version).toBeGreaterThan(before);
      stop();
    }
  });

  test(`${name}: days are counted exactly, through updates and deletions`, async () => {
    const store = await open();
    const at = `${DAY}T10:00:00Z`;
    const call = (fields: object) => log({ created_at: at, session_reference_id: 's', ...fields });
    const made = await store.createLogs([
      ...Array.from({ length: 18 }, () => call({ duration: 1, prompt_tokens: 10, output_tokens: 1, output_cost: 0.5 })),
      call({ duration: 20, error: 'slow' }),
      call({ config: { type: 'model', model: 'other' }, duration: 3 }),
      call({ config: { type: 'tool', name: 't' }, error: 'broken', duration: 9 }),
      call({ project: 'elsewhere', created_at: '2024-03-04T23:59:59Z' }),
    ]);
    const overview = async (fields: object = {}) => {
      await indexed(store);
      return store.viewer.readOverview({ days: 7, until: `${DAY}T12:00:00.000000Z`, ...fields });
    };
    const { days, models } = await overview();
    const [today, before] = days;
    expect(models).toMatchObject([
      { model: 'gpt-4', calls: 20, errors: 1, cost: 9 },
      { model: 'other', calls: 1 },
    ]);
    expect(today).toMatchObject({ day: DAY, logs: 21, errors: 2, cost: 9 });
    expect(today!.models).toMatchObject([
      { model: 'gpt-4', calls: 19, errors: 1, prompt_tokens: 180, output_tokens: 18, cost: 9 },
      { model: 'other', calls: 1, errors: 0 },
    ]);
    expect(today!.models[1]).not.toHaveProperty('cost');
    expect(Math.abs(today!.models[0]!.p50! - 1)).toBeLessThan(0.1);
    expect(Math.abs(today!.models[0]!.p95! - 20)).toBeLessThan(2);
    expect(before).toMatchObject({ day: '2024-03-04', logs: 1 });
    expect(before).not.toHaveProperty('p50');
    expect((await overview({ days: 1 })).days).toHaveLength(1);
    expect(await overview({ project: 'elsewhere' })).toMatchObject({ days: [{ day: '2024-03-04', logs: 1 }] });
    expect(await overview({ project: 'nothing' })).toEqual({ days: [], models: [] });

    await store.updateLog({ id: made[0]!.id }, { error: 'late' });
    await store.deleteLogs([made[18]!.id, made[19]!.id, made[21]!.id]);
    const after = (await overview()).days;
    expect(after).toHaveLength(1);
    expect(after[0]).toMatchObject({
      logs: 19,
      errors: 2,
      models: [{ model: 'gpt-4', calls: 18, errors: 1, cost: 9 }],
    });
  });

  test(`${name}: an overview names the models with most logs, and has all others together`, async () => {
    const store = await open();
    const calls = (model: string, count: number) =>
      Array.from({ length: count }, (_, at) =>
        log({ config: { type: 'model', model }, created_at: `${DAY}T10:00:00Z`, duration: at + 1, prompt_tokens: 3 }),
      );
    const rare = Array.from({ length: 70 }, (_, at) => calls(`rare ${at}`, 1));
    const more = Array.from({ length: 49 }, (_, at) => calls(`m ${at}`, 2));
    await store.createLogs([...rare, ...more, calls('common', 100)].flat());
    await indexed(store);
    const { days, models } = await store.viewer.readOverview({ days: 2, until: `${DAY}T23:00:00.000000Z` });
    expect(days).toHaveLength(1);
    for (const named of [models, days[0]!.models]) {
      expect(named).toHaveLength(51);
      expect(named[0]).toMatchObject({ model: 'common', calls: 100, prompt_tokens: 300 });
      expect(named[1]).toMatchObject({ model: 'other models', calls: 70, p50: expect.any(Number) });
    }
    expect(days[0]).toMatchObject({ day: DAY, logs: 268 });
    // Durations are exact to a tenth.
    expect(Math.abs(models[0]!.p50! - 50)).toBeLessThan(5);
    expect(Math.abs(models[0]!.p95! - 95)).toBeLessThan(9);
  });
}
