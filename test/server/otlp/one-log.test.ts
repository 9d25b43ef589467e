/**
 * A span that comes by the v4 API and by OTLP is one log, in any order, with updates in between, on both engines: the
 * reference id of its log is made of the ids of the span, whoever sends it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveOptions } from '../../../src/options.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { ReceivedEvent } from '../../../src/server/otlp/decoding/received.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { createPlacingStore } from '../../../src/server/otlp/placing-store.ts';
import { openPostgresStore } from '../../../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { LogRequest } from '../../../src/wire/v4.ts';
import { makeSpan } from '../../conventions/span.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../support/postgres/cluster.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';

const SECOND = 1_700_000_000;
const TRACE = 'a'.repeat(32);
const idOf = (digit: string) => digit.repeat(16);
const referenceOf = (digit: string) => `${TRACE}-${idOf(digit)}`;
const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

function spanOf(id: string, parent: string | undefined, from: number, attributes: Record<string, unknown>): SpanSlice {
  return makeSpan(attributes, {
    ...{ traceId: TRACE, spanId: idOf(id), resource: { attributes: { 'service.name': 'app' } } },
    ...{ startTime: [SECOND, from * 1e6], endTime: [SECOND + 1, -from * 1e3 + 1e6] },
    ...(parent !== undefined && { parentSpanId: idOf(parent) }),
  });
}

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.response.id': 'r1' };

/** An agent without a model, plumbing, a call below that, and a tool. */
const SPANS: readonly SpanSlice[] = [
  spanOf('1', undefined, 1, {
    ...{ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'guide', 'session.id': 's-1' },
  }),
  spanOf('2', '1', 2, { 'http.request.method': 'POST' }),
  spanOf('3', '2', 3, {
    ...{ ...CALL, 'gen_ai.usage.output_tokens': 3, 'gen_ai.input.messages': said('user', 'why?') },
    'gen_ai.output.messages': said('assistant', 'because'),
  }),
  spanOf('4', '1', 4, { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'look' }),
];
const EVENT: ReceivedEvent = {
  ...{ traceId: TRACE, spanId: idOf('3'), eventName: 'gen_ai.system.message', body: { content: 'be brief' } },
  ...{ attributes: {}, time: [SECOND, 1], scope: { name: 'scope' }, resource: { attributes: {} } },
};

const STEPS = [
  ...(['v4 1', 'v4 3', 'v4 4', 'otlp 0', 'otlp 1', 'otlp 2', 'otlp 3', 'event', 'patch 1', 'patch 3'] as const),
];
type Step = (typeof STEPS)[number];

async function datapoints(): Promise<ReadonlyMap<string, LogRequest>> {
  const endpoint = new StrictEndpoint();
  const pipeline = new Pipeline(
    resolveOptions({ quiet: true, project: 'app' }, {}),
    { awaitsUnseenParents: false },
    endpoint,
  );
  const live = SPANS.map((span) => ({ ...span, ended: false }));
  for (const span of live) pipeline.start(span);
  for (const span of live.reverse()) {
    span.ended = true;
    pipeline.end(span);
  }
  await pipeline.flush(20_000);
  await pipeline.shutdown(1_000);
  return new Map([...endpoint.logs].map(([reference, log]) => [reference, log as unknown as LogRequest]));
}

function describeOneLog(name: string, open: () => Promise<Store>, runs: number): void {
  describe(`one span by the v4 API and by OTLP on ${name}`, () => {
    test('is one log at its place, that keeps what it was updated to', { timeout: 120_000 }, async () => {
      const sent = await datapoints();
      expect([...sent.keys()].sort()).toEqual(['1', '3', '4'].map(referenceOf));
      const isSent = (step: Step) => !step.startsWith('patch');
      const steps = fc
        .shuffledSubarray([...STEPS, ...STEPS], { minLength: STEPS.length })
        .map((some) => [...some, ...STEPS.filter((step) => isSent(step) && !some.includes(step))]);
      const property = fc.asyncProperty(
        steps,
        fc.array(fc.nat(2), { minLength: 30, maxLength: 30 }),
        async (order, sizes) => {
          const store = await open();
          const intake = createOtlpIntake(store);
          const faults: unknown[] = [];
          const v4 = createPlacingStore(store, intake, (error) => void faults.push(error));
          const updated = new Set<string>();
          const run = async (step: Step): Promise<void> => {
            const [way, which = ''] = step.split(' ');
            if (way === 'v4') await v4.createLogs([sent.get(referenceOf(which)) as LogRequest]);
            if (way === 'otlp')
              expect(
                await intake.takeSpans([{ slice: SPANS[Number(which)] as SpanSlice, projectName: 'app' }]),
              ).toEqual({ rejected: 0 });
            if (way === 'event') expect(await intake.takeEvents([EVENT])).toEqual({ rejected: 0 });
            if (way !== 'patch') return;
            const found = await v4.updateLog({ referenceId: referenceOf(which) }, { output: `edited ${which}` });
            if (found) updated.add(which);
          };
          for (let at = 0, turn = 0; at < order.length; turn++) {
            const together = order.slice(at, at + 1 + (sizes[turn] ?? 0));
            at += together.length;
            await Promise.all(together.map(run));
          }
          expect(faults).toEqual([]);
          const { records: projects } = await store.listProjects({
            page: 0,
            size: 10,
            sortBy: 'name',
            descending: false,
          });
          expect(projects).toHaveLength(1);
          const all = { page: 0, size: 100, sources: [], models: [], feedback: new Map(), sort: [] };
          const { records = [] } = (await store.listLogs({ ...all, projectId: projects[0]!.id })) ?? {};
          const logs = new Map(records.map((log) => [log.reference_id, log]));
          expect(records.map((log) => log.reference_id).sort()).toEqual(['1', '3', '4'].map(referenceOf));
          const agent = logs.get(referenceOf('1'));
          expect(agent).toMatchObject({ session_reference_id: 's-1', config: { type: 'agent' } });
          expect(agent?.parent_id ?? null).toBeNull();
          for (const digit of ['3', '4']) {
            expect(logs.get(referenceOf(digit))).toMatchObject({ parent_id: agent?.id, session_reference_id: 's-1' });
          }
          expect(logs.get(referenceOf('3'))).toMatchObject({ config: { type: 'model' }, output_tokens: 3 });
          const outputs = ['1', '3'].map((digit) => logs.get(referenceOf(digit))?.output ?? undefined);
          expect(outputs).toEqual([
            updated.has('1') ? 'edited 1' : undefined,
            updated.has('3') ? 'edited 3' : 'because',
          ]);
          intake.close();
          await store.close();
        },
      );
      await fc.assert(property, { numRuns: runs });
    });

    test('keeps what it was updated to when its span says more, or is sent again after log events', async () => {
      const [, , whole] = SPANS as [SpanSlice, SpanSlice, SpanSlice];
      const part = { ...whole, attributes: { ...whole.attributes, 'gen_ai.output.messages': undefined } };
      const bare = { ...whole, attributes: CALL };
      const events = [EVENT, { ...EVENT, body: { content: 'be kind' }, time: [SECOND, 2] as [number, number] }];
      const update = { output: 'edited', error: 'too long' };
      type Order = readonly (SpanSlice | ReceivedEvent | 'update')[];
      const orders: Order[] = [
        [whole, 'update', events[0]!, whole],
        [whole, events[0]!, 'update', events[1]!, whole],
        [part, 'update', events[0]!, part, events[1]!],
        [bare, 'update', whole, whole],
        [bare, events[1]!, 'update', part, events[0]!, whole],
      ];
      for (const order of orders) {
        const store = await open();
        const intake = createOtlpIntake(store);
        for (const step of order) {
          if (step === 'update') await store.updateLog({ referenceId: referenceOf('3') }, update);
          else if ('spanContext' in step) await intake.takeSpans([{ slice: step }]);
          else await intake.takeEvents([step]);
        }
        expect(await store.updateLog({ referenceId: referenceOf('3') }, {})).toMatchObject({
          ...{ ...update, config: { type: 'model', model: 'gpt-4o' } },
          ...(order.at(-1) === whole && order.includes(bare) && { output_tokens: 3 }),
        });
        intake.close();
        await store.close();
      }
    });
  });
}

describeOneLog('SQLite', () => openSqliteStore({ file: ':memory:' }), 40);

for (const binaries of findPostgres().slice(0, 1)) {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries);
  }, 60_000);
  afterAll(() => cluster?.stop());
  describeOneLog(binaries.name, async () => openPostgresStore({ url: await cluster.createSchema() }), 5);
}
