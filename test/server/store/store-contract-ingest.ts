import { describe, expect, test } from 'vitest';
import type {
  CallKey,
  FeedbackForLog,
  Ingest,
  IngestWork,
  NewPart,
  Revision,
} from '../../../src/server/store/ingest.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { LogRequest, LogResponse } from '../../../src/wire/v4.ts';
import { log } from '../sample-log.ts';

const TRACE = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const reference = (digit: number, trace = TRACE) => `${trace}-${String(digit).repeat(16)}`;

interface Writes {
  readonly creates?: readonly LogRequest[];
  readonly revisions?: readonly Revision[];
  readonly feedback?: readonly FeedbackForLog[];
  readonly places?: readonly (readonly [string, string | null])[];
  readonly parts?: readonly (readonly [string, NewPart])[];
  readonly kept?: readonly (readonly [string, string | undefined])[];
  readonly calls?: readonly CallKey[];
}

function ingestOf({
  creates = [],
  revisions = [],
  feedback = [],
  places = [],
  parts = [],
  kept = [],
  calls = [],
}: Writes): Ingest {
  return { creates, revisions, feedback, places: new Map(places), parts: new Map(parts), kept: new Map(kept), calls };
}

/** A trace is known once it has a part. */
const FIRST: readonly [string, NewPart] = [TRACE, { bytes: new Uint8Array([1]), replacesOthers: false }];

export function describeIngest(name: string, open: () => Promise<Store>): void {
  const write = (store: Store, writes: Writes) => store.ingest([TRACE], () => ingestOf(writes));
  const create = async (store: Store, ...logs: Partial<LogRequest>[]) => {
    await write(store, { creates: logs.map((each) => log(each)), parts: [FIRST] });
  };
  const find = async (store: Store, digit: number): Promise<LogResponse | undefined> =>
    store.updateLog({ referenceId: reference(digit) }, {});
  const partsOf = async (store: Store, traceIds = [TRACE]): Promise<number[][]> => {
    const found: number[][] = [];
    await store.ingest(traceIds, (memory) => {
      for (const traceId of traceIds) found.push((memory.get(traceId) ?? []).map((bytes) => bytes[0] as number));
      return ingestOf({});
    });
    return found;
  };

  describe(`${name}: ingest`, () => {
    test('gives back the parts of each trace in their order, until one replaces the others', async () => {
      const store = await open();
      const part = (byte: number, replacesOthers = false): NewPart => ({
        bytes: new Uint8Array([byte]),
        replacesOthers,
      });
      await store.ingest([TRACE, OTHER], () =>
        ingestOf({
          parts: [
            [TRACE, part(1)],
            [OTHER, part(9)],
          ],
        }),
      );
      await write(store, { parts: [[TRACE, part(2)]] });
      expect(await partsOf(store, [TRACE, OTHER, 'c'.repeat(32)])).toEqual([[1, 2], [9], []]);
      await write(store, { parts: [[TRACE, part(3, true)]] });
      await write(store, { parts: [[TRACE, part(4)]] });
      expect(await partsOf(store)).toEqual([[3, 4]]);
    });

    test('finds calls by their keys, around their time, and what has no time of its own', async () => {
      const store = await open();
      const call = (digit: number, startMillis: number, key = 'f'.repeat(16)): CallKey => ({
        ...{ key, referenceId: reference(digit), reporter: String(digit).repeat(16) },
        ...{ startMillis, endMillis: startMillis === 0 ? Number.MAX_SAFE_INTEGER : startMillis + 1_000 },
      });
      const at = 1_700_000_000_000;
      const calls = [call(1, at), call(2, at + 900), call(3, at + 5_000), call(4, 0), call(5, at, '7'.repeat(16))];
      await write(store, { creates: [log({ reference_id: reference(1) })], parts: [FIRST], calls });
      await write(store, { calls });
      const like = async (...wanted: CallKey[]) => {
        const found = await store.findCalls(wanted);
        return found.filter(({ key }) => key === wanted[0]?.key).sort((a, b) => (a.reporter < b.reporter ? -1 : 1));
      };
      expect(await like(call(9, at))).toEqual([call(1, at), call(2, at + 900), call(4, 0)]);
      expect(await like(call(9, at, '7'.repeat(16)))).toEqual([call(5, at, '7'.repeat(16))]);
      expect(await like(call(9, at - 5_000))).toEqual([call(4, 0)]);
      expect(await like(call(9, 0))).toHaveLength(4);
      expect(await like(call(9, at, '6'.repeat(16)))).toEqual([]);
      expect(await like()).toEqual([]);
      await store.forgetTraces(Date.now() + 60_000);
      expect(await like(call(9, 0))).toEqual([]);
    });

    test('finds the few calls of one key beside the very many of others', async () => {
      const store = await open();
      const at = Date.parse('2026-11-26T10:00:00Z');
      const call = (index: number, key: number, startMillis: number): CallKey => ({
        ...{
          key: key.toString(16).repeat(16),
          referenceId: reference(index),
          reporter: index.toString(16).padStart(16, '0'),
        },
        ...{ startMillis, endMillis: at + 10_000 },
      });
      const many = Array.from({ length: 2_000 }, (_, index) => call(index + 10, (index % 2) + 1, at + 1 + index));
      await write(store, { creates: [log({ reference_id: reference(1) })], parts: [FIRST], calls: many });
      await write(store, { calls: [call(1, 3, at), call(2, 4, 0)] });
      const wanted = [call(3, 3, at), call(3, 4, at), call(3, 1, at), call(3, 2, at), call(4, 2, at)];
      const found = await store.findCalls(wanted);
      const startsOf = (key: number) =>
        found.filter((each) => each.key.startsWith(String(key))).map(({ startMillis }) => startMillis - at);
      expect(startsOf(3)).toEqual([0]);
      expect(startsOf(4)).toEqual([-at]);
      // Those that started last.
      expect(startsOf(1).sort((a, b) => b - a)).toEqual(Array.from({ length: 64 }, (_, index) => 1_999 - 2 * index));
      expect(startsOf(2)).toHaveLength(128);
    });

    test('takes feedback from the log that had it so far', async () => {
      const store = await open();
      const feedback = { type: 'rating', value: 'good' };
      await create(
        store,
        { reference_id: reference(1), feedback: [feedback, { type: 'rating', value: 'bad' }] },
        { reference_id: reference(2) },
      );
      const moved = { referenceId: reference(2), feedback, takenFrom: reference(1) };
      for (let time = 0; time < 2; time++)
        expect(await store.ingest([TRACE], () => ingestOf({ feedback: [moved] }))).toEqual([]);
      expect((await find(store, 1))?.feedback).toMatchObject([{ value: 'bad' }]);
      expect((await find(store, 2))?.feedback).toMatchObject([{ value: 'good' }]);
    });

    test('takes feedback only where it finds its place, and from whom it is', async () => {
      const store = await open();
      const good = (user?: string) => ({ type: 'rating', value: 'good', ...(user && { user }) });
      const others = Array.from({ length: 1_000 }, (_, value) => ({ type: 'score', value: String(value) }));
      await create(
        store,
        { reference_id: reference(1), feedback: [good('ann'), good('bob'), good()] },
        { reference_id: reference(2), feedback: others },
        { reference_id: reference(3) },
      );
      const usersOf = async (digit: number) =>
        [(await find(store, digit))?.feedback ?? []]
          .flat()
          .map((each) => each.user ?? 'nobody')
          .sort();
      const move = (into: number, user?: string) =>
        store.ingest([TRACE], () =>
          ingestOf({
            feedback: [{ referenceId: reference(into), feedback: good(user), takenFrom: reference(1) }],
          }),
        );
      expect(await move(2, 'bob')).toMatchObject([{ referenceId: reference(2) }]);
      expect(await usersOf(1)).toEqual(['ann', 'bob', 'nobody']);
      expect(await move(3, 'bob')).toEqual([]);
      expect(await move(3, 'carl')).toEqual([]);
      expect(await usersOf(1)).toEqual(['ann', 'nobody']);
      expect(await usersOf(3)).toEqual(['bob', 'carl']);
    });

    test('takes feedback that came with the same request', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1) }, { reference_id: reference(2) });
      const feedback = { type: 'rating', value: 'good' };
      const faults = await store.ingest([TRACE], () =>
        ingestOf({
          feedback: [
            { referenceId: reference(1), feedback },
            { referenceId: reference(2), feedback, takenFrom: reference(1) },
          ],
        }),
      );
      expect(faults).toEqual([]);
      expect((await find(store, 1))?.feedback).toEqual([]);
      expect((await find(store, 2))?.feedback).toMatchObject([feedback]);
    });

    test('says of which traces anything is remembered', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1) });
      await store.createLogs([log({ reference_id: reference(1, OTHER) })]);
      expect(await store.findTraces([OTHER, TRACE])).toEqual([TRACE]);
      expect(await store.findTraces([])).toEqual([]);
    });

    test('hangs logs that wait for a span without a log where that span is', async () => {
      const store = await open();
      const below = (digit: number, parent: number) =>
        log({ reference_id: reference(digit), parent_reference_id: reference(parent) });
      await store.createLogs([below(1, 8), below(2, 9), below(3, 7)]);
      await create(store, { reference_id: reference(5) });
      await write(store, {
        places: [
          [reference(8), reference(5)],
          [reference(9), null],
          [reference(6), reference(5)],
        ],
      });
      expect(await find(store, 1)).toMatchObject({
        parent_reference_id: reference(5),
        parent_id: (await find(store, 5))?.id,
      });
      expect((await find(store, 2))?.parent_reference_id).toBeUndefined();
      expect(await find(store, 3)).toMatchObject({ parent_reference_id: reference(7) });
    });

    test('reads the logs that the work asks for, with what is kept beside them', async () => {
      const store = await open();
      const config = { type: 'model', model: 'gpt-4o', temperature: 0.5 } as const;
      const said = { reference_id: reference(1), output: 'x', metadata: { trace_id: TRACE }, prompt_tokens: 3, config };
      await write(store, { creates: [log(said)], parts: [FIRST], kept: [[reference(1), 'kept']] });
      const seen: unknown[] = [];
      const work: IngestWork = (_, stored) => {
        if (stored.size < 1) return { reads: [reference(1)] };
        if (stored.size < 2) return { reads: [reference(2)] };
        seen.push(stored.get(reference(1)), stored.get(reference(2)));
        return ingestOf({ kept: [[reference(1), undefined]] });
      };
      expect(await store.ingest([TRACE], work)).toEqual([]);
      expect(seen[0]).toMatchObject({ log: said, kept: 'kept' });
      expect(seen[1]).toEqual({ log: undefined, kept: undefined });
      await store.ingest([TRACE], work);
      expect(seen[2]).toMatchObject({ log: said, kept: undefined });
    });

    test('changes parents, and content that the v4 API does not change', async () => {
      const store = await open();
      await create(
        store,
        { reference_id: reference(1) },
        { reference_id: reference(2), parent_reference_id: reference(3) },
        {
          ...{ reference_id: reference(4), output: 'x', error: 'e', prompt_tokens: 3, duration: 2 },
          metadata: { a: 1, user: 'ann' },
        },
      );
      const content = log({ config: { type: 'generic', name: 'wrapper' }, output: 'y', metadata: { b: 2 } });
      await write(store, {
        revisions: [
          { referenceId: reference(2), parentReferenceId: reference(1) },
          { referenceId: reference(4), content },
          { referenceId: reference(9), content },
        ],
      });
      const parent = await find(store, 1);
      expect(await find(store, 2)).toMatchObject({ parent_id: parent?.id, parent_reference_id: reference(1) });
      const revised = await find(store, 4);
      expect(revised).toMatchObject({ output: 'y', config: { type: 'generic' }, metadata: { b: 2 }, duration: 2 });
      expect(revised?.error).toBeUndefined();
      expect(revised?.prompt_tokens).toBeUndefined();
      await write(store, { revisions: [{ referenceId: reference(4), content, duration: 5 }] });
      expect(await find(store, 4)).toMatchObject({ output: 'y', duration: 5 });
      await write(store, {
        revisions: [
          { referenceId: reference(2), parentReferenceId: null },
          { referenceId: reference(4), metadata: { user: 'bob', b: null } },
        ],
      });
      expect(await find(store, 2)).not.toHaveProperty('parent_reference_id');
      expect((await find(store, 4))?.metadata).toEqual({ user: 'bob' });
    });

    test('keeps what a client updates between the reading of a log and its revision', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1), output: 'read' });
      const content = log({ output: 'made of what was read', error: 'made', metadata: { b: 2 } });
      let updating: Promise<unknown> | undefined;
      await store.ingest([TRACE], (_, stored) => {
        const said = stored.get(reference(1))?.log;
        // An engine that takes turns updates the log afterwards.
        if (said) updating ??= store.updateLog({ referenceId: reference(1) }, { output: 'updated' });
        if (stored.size < 100) return { reads: [reference(1), `${TRACE}-${String(stored.size).padStart(16, 'c')}`] };
        return ingestOf({
          revisions: [{ referenceId: reference(1), content, readAs: { output: 'read', error: undefined } }],
        });
      });
      await updating;
      expect(await find(store, 1)).toMatchObject({ output: 'updated', error: 'made', metadata: { b: 2 } });
    });

    test('moves logs to another session, and a session without logs is none', async () => {
      const store = await open();
      const tokens = { prompt_tokens: 2, output_tokens: 3 };
      await create(
        store,
        { reference_id: reference(1), session_reference_id: TRACE, ...tokens },
        { reference_id: reference(2), session_reference_id: TRACE, ...tokens, error: 'e' },
      );
      const before = (await find(store, 1))?.session_id as string;
      const move = (digit: number) => ({ referenceId: reference(digit), sessionReferenceId: 'named' });
      await write(store, { revisions: [move(1)] });
      expect(await store.getSession(before)).toMatchObject({ datapoints_count: 1 });
      await write(store, { revisions: [move(2), move(2)] });
      expect(await store.getSession(before)).toBeUndefined();
      const after = (await find(store, 1))?.session_id as string;
      expect((await find(store, 2))?.session_id).toBe(after);
      expect(await store.getSession(after)).toMatchObject({ reference_id: 'named', datapoints_count: 2 });
      const { records } = await store.listProjects({ page: 0, size: 9, sortBy: 'name', descending: false });
      const sessions = await store.listSessions({ projectId: records[0]?.id as string, page: 1, size: 9 });
      expect(sessions?.records.map(({ id }) => id)).toEqual([after]);
    });

    test('merges a log into another one, which gets its feedback', async () => {
      const store = await open();
      const feedback = { type: 'rating', value: 'good' };
      await create(store, { reference_id: reference(1) }, { reference_id: reference(2), feedback });
      await write(store, { revisions: [{ referenceId: reference(2), mergedInto: reference(1) }] });
      expect(await find(store, 2)).toBeUndefined();
      expect((await find(store, 1))?.feedback).toMatchObject([feedback]);
    });

    test('merges no log into one that is not stored', async () => {
      const store = await open();
      const feedback = { type: 'rating', value: 'good' };
      await create(store, { reference_id: reference(2), output: 'x', feedback });
      await write(store, { revisions: [{ referenceId: reference(2), mergedInto: reference(1) }] });
      expect(await find(store, 2)).toMatchObject({ output: 'x', feedback: [feedback] });
    });

    test('finds the words that a log has now, in the session that it is in', async () => {
      const store = await open();
      const found = async (search: string) => {
        await expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
        const { sessions } = await store.viewer.listSessions({ search, size: 9 });
        return sessions.map(({ reference_id: name }) => name);
      };
      const inSession = { session_reference_id: 'first' };
      await create(
        store,
        { reference_id: reference(1), ...inSession, output: 'elephant' },
        { reference_id: reference(2), ...inSession, output: 'giraffe', feedback: { type: 'comment', value: 'lovely' } },
      );
      await store.updateLog({ referenceId: reference(1) }, { error: 'crocodile' });
      expect([await found('eleph'), await found('croco'), await found('giraf')]).toEqual([
        ...[['first'], ['first'], ['first']],
      ]);
      const content = log({ output: 'antelope' });
      await write(store, { revisions: [{ referenceId: reference(1), content }] });
      expect([await found('eleph'), await found('croco'), await found('antel')]).toEqual([[], [], ['first']]);
      await write(store, { revisions: [{ referenceId: reference(1), metadata: { place: 'savanna' } }] });
      expect(await found('savan')).toEqual(['first']);
      await write(store, {
        revisions: [
          { referenceId: reference(2), mergedInto: reference(1) },
          { referenceId: reference(1), sessionReferenceId: 'second' },
        ],
      });
      expect([await found('giraf'), await found('lovel')]).toEqual([[], ['second']]);
      expect([await found('antel'), await found('savan')]).toEqual([['second'], ['second']]);
    });

    test('adds feedback once, and says what could not be stored', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1) });
      const timed = { type: 'rating', value: 0.5, created_at: '2026-01-01T00:00:00Z' };
      const entries = [timed, timed, { type: 'rating', value: 'x' }].map((feedback) => ({
        referenceId: reference(1),
        feedback,
      }));
      await write(store, { feedback: entries });
      expect(await write(store, { feedback: entries })).toEqual([]);
      expect((await find(store, 1))?.feedback).toHaveLength(2);
      const faults = await write(store, {
        creates: [log({ reference_id: reference(2), session_id: 'sesh_unknown' }), log({ reference_id: reference(3) })],
        feedback: [{ referenceId: reference(8), feedback: timed }],
      });
      expect(faults).toEqual([
        { referenceId: reference(2), message: 'session not found' },
        { referenceId: reference(8), message: expect.stringContaining('not stored') },
      ]);
      expect(await find(store, 3)).toBeDefined();
    });

    test('writes all or nothing where the work throws', async () => {
      const store = await open();
      const failing = store.ingest([TRACE], () => {
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await partsOf(store)).toEqual([[]]);
    });

    test('keeps nothing of a trace beside its logs once a client deletes one of them', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1) }, { reference_id: reference(2) });
      const kept = [
        [reference(1), 'secret'],
        [reference(3), 'secret'],
      ] as const;
      await write(store, { kept });
      await write(store, { revisions: [{ referenceId: reference(1), mergedInto: reference(2) }] });
      const keptNow = async () => {
        const found: unknown[] = [];
        await store.ingest([TRACE], (_, stored) => {
          if (stored.size === 0) return { reads: [reference(1), reference(3)] };
          for (const each of stored.values()) found.push(each.kept);
          return ingestOf({});
        });
        return found;
      };
      expect(await keptNow()).toEqual(['secret', 'secret']);
      await store.deleteLogs([(await find(store, 2))?.id as string]);
      expect(await keptNow()).toEqual([undefined, undefined]);
    });

    test('forgets traces that were not seen for long, and leaves their logs', async () => {
      const store = await open();
      await create(store, { reference_id: reference(1) });
      await store.forgetTraces(Date.now() - 60_000);
      expect(await partsOf(store)).toEqual([[1]]);
      await store.forgetTraces(Date.now() + 60_000);
      expect(await partsOf(store)).toEqual([[]]);
      expect(await find(store, 1)).toBeDefined();
    });
  });
}
