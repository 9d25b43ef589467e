/** What revisions change of sessions, against the sessions made again from their logs. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Ingest } from '../../../../src/server/store/ingest.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import { connect, withConnection } from '../../../../src/server/store/postgres/tables/connection.ts';
import { sessionKey } from '../../../../src/server/store/postgres/tables/keys.ts';
import { recountSession } from '../../../../src/server/store/postgres/writing/recount.ts';
import type { LogRequest } from '../../../../src/wire/v4.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';

const TRACE = 'a'.repeat(32);
const LOGS = 4;
const LAYOUT = { isDistributed: false, shardOrder: Array.from({ length: 1024 }, () => 0) };
const referenceOf = (index: number) => `${TRACE}-${String(index).padStart(16, '0')}`;
const NOTHING: Ingest = {
  ...{ creates: [], revisions: [], parts: new Map(), calls: [], kept: new Map(), places: new Map(), feedback: [] },
};

const text = fc.option(fc.constantFrom('zebra', 'grass'), { nil: undefined });
const count = fc.option(fc.constantFrom(0, 2, 5), { nil: undefined });
const content: fc.Arbitrary<Partial<LogRequest>> = fc
  .record({
    ...{ output: text, error: text, question: text, user: text, prompt_tokens: count, output_tokens: count },
    ...{ output_cost: fc.option(fc.constantFrom(0.25, 0.5), { nil: undefined }), model: fc.constantFrom('a', 'b') },
    ...{ saysInput: fc.boolean(), answer: text, duration: count },
  })
  .map(({ question, user, model, saysInput, answer, ...fields }) => ({
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    ...(question && (saysInput ? { inputs: { question } } : { messages: [{ role: 'user', content: question }] })),
    ...(answer && { output_message: { role: 'assistant', content: answer } }),
    metadata: { ...(user && { user_id: user }) },
    config: { type: 'model', model },
  }));
/** Of which mostly nothing is taken away. */
const plain: fc.Arbitrary<Partial<LogRequest>> = fc.record({
  messages: fc.constantFrom('zebra', 'grass').map((said) => [{ role: 'user' as const, content: said }]),
  output: fc.constantFrom('zebra', 'grass'),
  metadata: fc.constant({}),
  config: fc.constant({ type: 'model', model: 'a' } as const),
});
const revision = fc.record({
  of: fc.nat(LOGS - 1),
  what: fc.oneof(
    content.map((given) => ({ content: given })),
    plain.map((given) => ({ content: given })),
    count.map((duration) => ({ duration: duration ?? null })),
    text.map((user) => ({ metadata: { user_id: user ?? null } })),
    fc.constantFrom({ parentReferenceId: null }, { parentReferenceId: referenceOf(0) }),
  ),
});

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('a session is after any revisions what its logs make of it', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url, search: 'off' });
    const connections = connect(url, () => {});
    onTestFinished(async () => {
      await connections.close();
      await store.close();
    });
    let next = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(...[content, plain].map((each) => fc.array(each, { minLength: LOGS, maxLength: LOGS }))),
        fc.array(fc.array(revision, { maxLength: 3 }), { maxLength: 4 }),
        fc.constantFrom(2026, 2126),
        async (first, requests, year) => {
          next += 1;
          const name = (index: number) => `${String(next).padStart(32, '0')}-${String(index).padStart(16, '0')}`;
          const session = `session ${next}`;
          await store.createLogs(
            first.map((fields, index) =>
              log({
                ...fields,
                reference_id: name(index),
                session_reference_id: session,
                created_at: `${year}-11-26T10:00:0${index}Z`,
              }),
            ),
          );
          for (const request of requests) {
            const revisions = request.map(({ of, what }) => {
              const own =
                'parentReferenceId' in what && what.parentReferenceId !== null ? { parentReferenceId: name(0) } : what;
              return { referenceId: name(of), ...('content' in own ? { content: log(own.content) } : own) };
            });
            expect(
              await store.ingest([name(0).slice(0, 32)], () => ({ ...NOTHING, revisions: revisions as never })),
            ).toEqual([]);
          }
          const key = sessionKey(session);
          await withConnection(connections.writes, async (client) => {
            const read = async () => {
              const { rows } = await client.query(
                `SELECT logs, errors, running, prompt_tokens, output_tokens, cost, started_at, ended_at, first_input, first_input_rank,
                 last_output, last_output_rank, last_is_error, (SELECT array_agg(kind || ' ' || value ORDER BY kind, value)
                   FROM session_facets WHERE session = key) AS facets FROM sessions WHERE key = $1`,
                [key.key],
              );
              return rows[0];
            };
            const kept = await read();
            await recountSession(client, LAYOUT, key);
            expect(kept).toEqual(await read());
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a revision that adds to a log reads nothing of the others of its session', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    await store.createLogs(
      [0, 1, 2].map((index) => log({ reference_id: referenceOf(index), session_reference_id: TRACE })),
    );
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    onTestFinished(() => statements.mockRestore());
    const revise = (what: object) =>
      store.ingest([TRACE], () => ({ ...NOTHING, revisions: [{ referenceId: referenceOf(1), ...what }] as never }));
    const counts = () =>
      statements.mock.calls.filter(([each]) =>
        /^SELECT count\(\*\) AS logs/.test((each as { text?: string }).text ?? ''),
      ).length;
    const added: Partial<LogRequest> = {
      messages: [{ role: 'user', content: 'why?' }],
      output: 'because',
      prompt_tokens: 7,
    };
    await revise({ content: log(added) });
    await revise({ duration: 3 });
    await revise({ metadata: { finish_reason: 'stop' } });
    await revise({ content: log({ ...added, output_tokens: 3 }) });
    expect(counts()).toBe(0);
    await revise({ content: log({ ...added, output_tokens: 3, output: 'no reason' }) });
    expect(counts()).toBe(1);
  });

  test('a session whose costs are taken back costs nothing', async () => {
    const store = await openPostgresStore({ url: await cluster.createSchema() });
    onTestFinished(() => store.close());
    const revise = (costs: readonly number[]) => {
      const revisions = costs.map((cost, index) => ({
        ...{ referenceId: referenceOf(index), content: log({ output_cost: cost }) },
      }));
      return store.ingest([TRACE], () => ({ ...NOTHING, revisions: revisions as never }));
    };
    const cost = async () => (await store.viewer.listSessions({ size: 1 })).sessions[0]!.cost;
    await store.createLogs(
      [0, 1].map((index) => log({ reference_id: referenceOf(index), session_reference_id: TRACE })),
    );
    await revise([0.1, 0.2]);
    expect(await cost()).toBeCloseTo(0.3);
    await revise([0]);
    await revise([0, 0]);
    expect(await cost()).toBe(0);
  });
});
