/**
 * One call that spans of several traces report is one log, in whatever order they come, on both engines: two
 * instrumentations with roots of their own, or the services on both sides of a gateway.
 */
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { resolveOptions } from '../../../src/options.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { Pipeline } from '../../../src/pipeline/pipeline.ts';
import type { IntakeResult, ReceivedEvent } from '../../../src/server/otlp/decoding/received.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../src/server/store/store.ts';
import type { LogResponse } from '../../../src/wire/v4.ts';
import { loadRecording, toSpans } from '../../conventions/recordings.ts';
import { makeSpan, type SpanParts } from '../../conventions/span.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../support/postgres/cluster.ts';
import { StrictEndpoint } from '../../support/strict-endpoint.ts';

interface Server {
  readonly store: Store;
  take(...spans: SpanSlice[]): Promise<IntakeResult>;
  takeEvents(...events: ReceivedEvent[]): Promise<IntakeResult>;
  logs(): Promise<LogResponse[]>;
  /** Is called when the test has finished, too. */
  close(): Promise<void>;
}

async function serverOn(store: Store): Promise<Server> {
  // Two servers on one store, in turn: neither may know what only the other has seen.
  const intakes = [createOtlpIntake(store), createOtlpIntake(store)];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    for (const intake of intakes) intake.close();
    closed ??= store.close();
    return closed;
  };
  onTestFinished(close);
  let turn = 0;
  const next = () => intakes[turn++ % intakes.length]!;
  return {
    store,
    close,
    take: (...spans) => next().takeSpans(spans.map((slice) => ({ slice }))),
    takeEvents: (...events) => next().takeEvents(events),
    logs: async () => {
      const { records } = await store.listProjects({ ...PAGE, sortBy: 'name', descending: false });
      const all = { ...PAGE, sources: [], models: [], feedback: new Map(), sort: [] };
      const lists = await Promise.all(records.map(({ id }) => store.listLogs({ ...all, projectId: id })));
      return lists.flatMap((list) => list?.records ?? []);
    },
  };
}

const PAGE = { page: 0, size: 100 };
const SECOND = 1_700_000_000;
const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
const traceOf = (digit: string) => digit.repeat(32);
const idOf = (digit: string) => digit.repeat(16);

interface CallPlan {
  readonly trace: string;
  readonly id?: string;
  readonly scope?: string;
  readonly service?: string;
  readonly responseId?: string;
  readonly question?: string;
  readonly answer?: string;
  readonly tokens?: number;
  readonly model?: string;
  /** Milliseconds. */
  readonly from?: number;
  readonly to?: number;
  readonly parent?: string;
}

function call({
  trace,
  id = trace,
  scope = 'client',
  service = 'app',
  model = 'gpt-4o',
  ...plan
}: CallPlan): SpanSlice {
  const { responseId, question, answer, tokens, from = 100, to = 900, parent } = plan;
  const at = (millis: number): [number, number] => [SECOND, millis * 1e6];
  const attributes: Record<string, unknown> = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model };
  if (responseId) attributes['gen_ai.response.id'] = responseId;
  if (question) attributes['gen_ai.input.messages'] = said('user', question);
  if (answer) attributes['gen_ai.output.messages'] = said('assistant', answer);
  if (tokens) attributes['gen_ai.usage.output_tokens'] = tokens;
  return spanOf(trace, id, attributes, { startTime: at(from), endTime: at(to), scope, ...parentOf(parent) }, service);
}

/** The parent is in another process: it does not count as a log until it comes. */
function belowRemote(span: SpanSlice, parent: string): SpanSlice {
  const { traceId } = span.spanContext();
  return { ...span, parentSpanContext: { traceId, spanId: idOf(parent), isRemote: true } };
}

const parentOf = (parent: string | undefined): SpanParts => (parent ? { parentSpanId: idOf(parent) } : {});

function spanOf(trace: string, id: string, attributes: Record<string, unknown>, parts: SpanParts, service = 'app') {
  const resource = { attributes: { 'service.name': service } };
  return makeSpan(attributes, { traceId: traceOf(trace), spanId: idOf(id), resource, ...parts });
}

const agent = (trace: string, id: string) =>
  spanOf(
    trace,
    id,
    { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'guide' },
    { startTime: [SECOND, 0], endTime: [SECOND + 1, 0] },
  );

const FULL = { responseId: 'r1', question: 'why?', answer: 'because' };
const BARE = { responseId: 'r1', tokens: 3 };

function evaluation(trace: string, id: string, responseId: string, name = 'quality'): ReceivedEvent {
  return {
    ...{ traceId: traceOf(trace), spanId: idOf(id), eventName: 'gen_ai.evaluation.result', body: undefined },
    attributes: {
      'gen_ai.evaluation.name': name,
      'gen_ai.evaluation.score.value': 0.5,
      'gen_ai.response.id': responseId,
    },
    ...{ time: [SECOND + 5, 0], scope: { name: 'judge' }, resource: { attributes: {} } },
  };
}

/** What is kept beside logs. */
async function keptOf(store: Store, reads: readonly string[]): Promise<(string | undefined)[]> {
  const read: (string | undefined)[] = [];
  await store.ingest([...new Set(reads.map((reference) => reference.slice(0, 32)))], (_, stored) => {
    if (stored.size === 0) return { reads };
    for (const each of stored.values()) read.push(each.kept);
    return {
      ...{ creates: [], revisions: [], feedback: [], calls: [] },
      ...{ places: new Map(), parts: new Map(), kept: new Map() },
    };
  });
  return read;
}

const feedbackOf = ({ feedback = [] }: LogResponse) => [feedback ?? []].flat();

/** What is compared of logs that came in different orders. */
function comparable(logs: readonly LogResponse[]) {
  const fields = logs.map(({ reference_id, parent_reference_id, session_reference_id, config, ...log }) => ({
    ...{ reference_id, parent_reference_id, session_reference_id, type: config?.type },
    ...{ messages: log.messages, output: log.output, tokens: log.output_tokens, metadata: log.metadata },
    feedback: feedbackOf(log).map(({ type, value }) => ({ type, value })),
  }));
  return fields.sort((a, b) => (String(a.reference_id) < String(b.reference_id) ? -1 : 1));
}

function describeCalls(name: string, open: () => Promise<Store>, runs: number): void {
  describe(`calls of several traces on ${name}`, () => {
    const start = async () => serverOn(await open());

    test.each([
      [
        'by the id of the answer',
        [
          { trace: 'a', ...FULL },
          { trace: 'b', ...BARE, scope: 'other' },
        ],
      ],
      [
        'in two services',
        [
          { trace: 'a', ...FULL },
          { trace: 'b', ...BARE, service: 'gateway', from: 200, to: 800 },
        ],
      ],
      [
        'by content',
        [
          { trace: 'a', ...FULL, responseId: '' },
          { trace: 'b', ...FULL, tokens: 3, scope: 'other' },
        ],
      ],
    ] as const)('%s: one log, whichever comes first', async (_, plans) => {
      const found: unknown[] = [];
      for (const order of [plans, [...plans].reverse()]) {
        const server = await start();
        for (const plan of order) expect(await server.take(call(plan))).toEqual({ rejected: 0 });
        for (const plan of plans) await server.take(call(plan));
        const logs = await server.logs();
        expect(logs).toMatchObject([{ output: 'because', output_tokens: 3, messages: [{ content: 'why?' }] }]);
        found.push(comparable(logs));
      }
      expect(found[1]).toEqual(found[0]);
    });

    test('sent at once, to several servers', async () => {
      const server = await start();
      const names = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(
        names.flatMap((trace) => {
          const same = { question: 'why?', answer: 'because', responseId: `r-${trace}` };
          const twin = { trace: String(names.indexOf(trace) + 1), ...same, scope: 'other', tokens: 3 };
          return [server.take(call({ trace, ...same })), server.take(call(twin))];
        }),
      );
      expect((await server.logs()).map(({ output_tokens }) => output_tokens)).toEqual(names.map(() => 3));
    });

    test.each<[string, CallPlan, CallPlan]>([
      ['another id', { trace: 'a', ...FULL }, { trace: 'b', ...FULL, responseId: 'r2', scope: 'other' }],
      ['one instrumentation', { trace: 'a', ...FULL }, { trace: 'b', ...FULL }],
      ['another time', { trace: 'a', ...FULL }, { trace: 'b', ...FULL, scope: 'other', from: 920, to: 990 }],
      [
        'the same words in another service',
        { trace: 'a', ...FULL, responseId: '' },
        { trace: 'b', ...FULL, responseId: '', service: 'elsewhere', scope: 'other' },
      ],
      [
        'another answer',
        { trace: 'a', ...FULL, responseId: '' },
        { trace: 'b', ...FULL, responseId: '', answer: 'no', scope: 'other' },
      ],
    ])('%s: two logs', async (_, first, second) => {
      const server = await start();
      await server.take(call(first));
      await server.take(call(second));
      expect(await server.logs()).toHaveLength(2);
    });

    test('the one below an agent has the log, of two that say as much, and the others fill in what it lacks', async () => {
      const spans = [
        agent('b', '1'),
        call({ trace: 'b', id: '2', parent: '1', ...FULL, scope: 'agents' }),
        call({ trace: 'a', ...FULL, from: 90 }),
        call({ trace: 'c', ...BARE, scope: 'third' }),
      ];
      const found: unknown[] = [];
      for (const order of [spans, [...spans].reverse(), [2, 1, 3, 0].map((at) => spans[at]!)]) {
        const server = await start();
        for (const span of order) await server.take(span);
        found.push(comparable(await server.logs()));
      }
      expect(found[0]).toMatchObject([
        { type: 'agent' },
        { parent_reference_id: `${traceOf('b')}-${idOf('1')}`, output: 'because', tokens: 3 },
      ]);
      expect(found.slice(1)).toEqual([found[0], found[0]]);
    });

    test('when the span that has the log turns out to be no call, another one has it', async () => {
      const server = await start();
      const same = { question: 'why?', answer: 'because' };
      await server.take(call({ trace: 'b', id: '1', ...same, scope: 'other', from: 110, to: 890 }));
      await server.take(call({ trace: 'a', id: '2', ...same }));
      expect(await server.logs()).toHaveLength(1);
      // Two calls below it, by the same instrumentation: it is a wrapper.
      for (const [id, from] of [
        ['3', 120],
        ['4', 500],
      ] as const) {
        await server.take(
          call({ trace: 'a', id, parent: '2', responseId: `inner-${id}`, tokens: 1, from, to: from + 90 }),
        );
      }
      const logs = await server.logs();
      const call1 = logs.find(({ reference_id }) => reference_id === `${traceOf('b')}-${idOf('1')}`);
      expect(call1).toMatchObject({ config: { type: 'model' }, output: 'because' });
      expect(logs).toHaveLength(4);
    });

    test('an evaluation moves to the log of its call when that comes, in its own trace or in another one', async () => {
      for (const trace of ['a', 'b']) {
        for (const isFirst of [true, false]) {
          const server = await start();
          const judge = agent('a', '1');
          const judged = evaluation('a', '1', 'r1');
          if (isFirst) {
            await server.takeEvents(judged);
            await server.take(judge);
            if (trace === 'a') await server.take(call({ trace: 'c', ...FULL, responseId: 'r2' }));
            expect((await server.logs()).flatMap(feedbackOf)).toMatchObject([{ value: 0.5 }]);
          }
          await server.take(call({ trace, id: '2', ...FULL }));
          if (!isFirst) {
            await server.takeEvents(judged);
            await server.take(judge);
          }
          await server.takeEvents(judged);
          const logs = await server.logs();
          const withFeedback = logs.filter((log) => feedbackOf(log).length > 0);
          expect(withFeedback).toMatchObject([
            { reference_id: `${traceOf(trace)}-${idOf('2')}`, feedback: [{ type: 'quality', value: 0.5 }] },
          ]);
        }
      }
    });

    test('an evaluation on a span that is no log, or never comes, finds the call all the same', async () => {
      const server = await start();
      await server.take(spanOf('e', '1', { 'http.request.method': 'POST' }, {}));
      expect(await server.takeEvents(evaluation('e', '1', 'r1'))).toEqual({ rejected: 0 });
      expect(await server.takeEvents(evaluation('f', '1', 'r1', 'other'))).toEqual({ rejected: 0 });
      await server.take(call({ trace: 'a', ...FULL }));
      const [log] = await server.logs();
      expect(
        feedbackOf(log!)
          .map(({ type }) => type)
          .sort(),
      ).toEqual(['other', 'quality']);
    });

    test('an evaluation that names nothing but the id of the answer finds the call, if that is known', async () => {
      const server = await start();
      const { traceId: _trace, spanId: _span, ...judged } = evaluation('a', 'a', 'r1');
      expect(await server.takeEvents(judged)).toEqual({
        rejected: 1,
        message: 'an evaluation names no span, and no call with its response id is known',
      });
      await server.take(call({ trace: 'a', ...FULL }));
      for (let time = 0; time < 2; time++) expect(await server.takeEvents(judged)).toEqual({ rejected: 0 });
      expect(await server.logs()).toMatchObject([{ feedback: [{ type: 'quality', value: 0.5 }] }]);
    });

    test('feedback of a log that is joined with another one goes there', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...BARE, scope: 'other' }));
      await server.takeEvents(evaluation('b', 'b', 'r1'));
      await server.take(call({ trace: 'a', ...FULL }));
      const logs = await server.logs();
      expect(logs).toMatchObject([{ output: 'because', feedback: [{ type: 'quality' }] }]);
    });

    test('a log that is deleted leaves no content of other spans of its call', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...BARE, question: 'secret', scope: 'other' }));
      await server.take(call({ trace: 'a', ...FULL }));
      const [log] = await server.logs();
      await server.store.deleteLogs([log!.id]);
      const read = await keptOf(server.store, [`${traceOf('a')}-${idOf('a')}`, `${traceOf('b')}-${idOf('b')}`]);
      expect(read).toEqual([undefined, undefined]);
      for (const trace of ['a', 'b']) await server.take(call({ trace, ...FULL, scope: trace }));
      expect(await server.logs()).toEqual([]);
    });

    test('a log is not merged into one that a client has deleted, which stays deleted', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...FULL, tokens: 3 }));
      await server.store.deleteLogs((await server.logs()).map(({ id }) => id));
      const late = call({ trace: 'a', ...BARE, scope: 'other' });
      for (let time = 0; time < 2; time++) {
        expect(await server.take(late)).toEqual({ rejected: 0 });
        expect((await server.logs()).map(({ reference_id }) => reference_id)).toEqual([`${traceOf('a')}-${idOf('a')}`]);
      }
      await server.take(call({ trace: 'b', ...FULL, tokens: 3 }));
      await server.take(call({ trace: 'c', ...FULL, scope: 'third' }));
      expect(await server.logs()).toMatchObject([{ reference_id: `${traceOf('c')}-${idOf('c')}` }]);
    });

    test('a log is not merged into one that nothing is left to make of', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...FULL, from: 90 }));
      await server.take(belowRemote(call({ trace: 'a', ...FULL, scope: 'other' }), '1'));
      await server.take(call({ trace: 'a', id: '5', responseId: 'r5', question: 'else', scope: 'other' }));
      const [kept, unrelated] = await server.logs();
      expect([kept, unrelated].map((log) => log?.reference_id?.slice(0, 1)).sort()).toEqual(['a', 'b']);
      const toDelete = [kept, unrelated].find((log) => log?.reference_id?.startsWith('a'));
      await server.store.deleteLogs([toDelete!.id]);
      await server.take(agent('a', '1'));
      const models = (await server.logs()).filter(({ config }) => config?.type === 'model');
      expect(models).toMatchObject([{ reference_id: `${traceOf('b')}-${idOf('b')}`, output: 'because' }]);
    });

    test('a call that was joined with one which is forgotten stays joined', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...FULL, from: 90 }));
      await server.take(belowRemote(call({ trace: 'a', ...FULL, scope: 'other' }), '1'));
      await pause(20);
      const beforeMillis = Date.now();
      await pause(20);
      await server.take(spanOf('a', '5', { 'http.request.method': 'POST' }, {}));
      await server.store.forgetTraces(beforeMillis);
      expect(await server.store.findTraces([traceOf('a'), traceOf('b')])).toEqual([traceOf('a')]);
      await server.take(agent('a', '1'));
      const models = (await server.logs()).filter(({ config }) => config?.type === 'model');
      expect(models).toMatchObject([{ reference_id: `${traceOf('b')}-${idOf('b')}`, output: 'because' }]);
    });

    test('a deletion leaves what is kept of calls with the same words at another time', async () => {
      const server = await start();
      const same = { question: 'hi', answer: 'hello' };
      await server.take(call({ trace: 'b', ...same, responseId: 'r1' }));
      await server.take(call({ trace: 'a', ...same, responseId: 'r1', tokens: 3, scope: 'other' }));
      await server.take(call({ trace: 'c', ...same, responseId: 'r2', from: 2_000, to: 2_500 }));
      const later = (await server.logs()).find(({ reference_id }) => reference_id?.startsWith('c'));
      await server.store.deleteLogs([later!.id]);
      expect(await keptOf(server.store, [`${traceOf('b')}-${idOf('b')}`])).toEqual([expect.any(String)]);
    });

    test('what was joined is compared again only if it says more, or hangs elsewhere', async () => {
      const server = await start();
      const count = 5;
      const tool = (id: string) =>
        spanOf(
          'f',
          id,
          { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'ask' },
          { startTime: [SECOND, 0] },
        );
      await server.take(tool('f'));
      const locked: number[] = [];
      const { ingest } = server.store;
      server.store.ingest = async (traceIds, work) => {
        locked.push(traceIds.length);
        return ingest(traceIds, work);
      };
      for (let index = 1; index <= count; index++) {
        const [id, from] = [String(index), index * 100];
        const plan = { responseId: `r-${id}`, from, to: from + 50 };
        await server.take(call({ ...plan, trace: 'f', id, parent: 'f', question: 'why?', answer: 'because' }));
        await server.take(call({ ...plan, trace: id, tokens: 3, service: 'gateway' }));
      }
      expect((await server.logs()).filter(({ output_tokens }) => output_tokens === 3)).toHaveLength(count);
      expect(Math.max(...locked)).toBe(2);
    });

    test('the calls of many traces are joined in portions', async () => {
      const server = await start();
      const digits = '123456789abcdef';
      const numbers = Array.from({ length: 60 }, (_, index) => index);
      const spansOf = (side: Partial<CallPlan>, offset: number) =>
        numbers.map((number) => {
          const span = call({ trace: digits[0]!, responseId: `r-${number}`, ...side });
          const traceId = `${digits[number % 15]}${number + offset}`.padEnd(32, '0');
          return { ...span, spanContext: () => ({ ...span.spanContext(), traceId }) };
        });
      await server.take(...spansOf({ question: 'why?', answer: 'because' }, 100));
      const locked: number[] = [];
      const { ingest } = server.store;
      server.store.ingest = async (traceIds, work) => {
        locked.push(traceIds.length);
        return ingest(traceIds, work);
      };
      await server.take(...spansOf({ tokens: 3, service: 'gateway' }, 500));
      expect(locked).toEqual([60, 50, 50, 20]);
      const logs = await server.logs();
      expect(logs.map(({ output, output_tokens }) => [output, output_tokens])).toEqual(
        numbers.map(() => ['because', 3]),
      );
    });

    test('when a join fails after its spans are written, a repeat of the request makes up for it', async () => {
      const server = await start();
      await server.take(call({ trace: 'b', ...FULL, from: 90 }));
      await server.take(belowRemote(call({ trace: 'a', ...FULL, scope: 'other' }), '1'));
      const { ingest } = server.store;
      server.store.ingest = async (traceIds, work) => {
        if (traceIds.length > 1) throw new Error('no connection');
        return ingest(traceIds, work);
      };
      await expect(server.take(agent('a', '1'))).rejects.toThrow('no connection');
      server.store.ingest = ingest;
      await server.take(agent('a', '1'));
      const models = (await server.logs()).filter(({ config }) => config?.type === 'model');
      expect(models).toMatchObject([{ reference_id: `${traceOf('a')}-${idOf('a')}`, output: 'because' }]);
    });

    test.each(['responses', 'chat'])('recorded: %s, as the span processor has it', async (api) => {
      const spans = toSpans(loadRecording(`../one-call-in-two-traces/openai-agents-${api}`));
      const expected = await sentByProcessor(spans);
      for (const order of [spans, [...spans].reverse()]) {
        const server = await start();
        for (const span of order) await server.take(span);
        const logs = await server.logs();
        expect(logs.map(({ reference_id }) => reference_id).sort()).toEqual(expected.map(([reference]) => reference));
        const models = logs.filter(({ config }) => config?.type === 'model');
        expect(models).toMatchObject([{ output: 'It is rainy.', prompt_tokens: 42, output_tokens: 9 }]);
      }
    });

    test('a call that another one takes the place of is compared with all others again', async () => {
      const asked = { question: 'why?' };
      const [first, second] = [{ scope: 'one' }, { scope: 'two' }];
      const spans = [
        call({ trace: 'a', ...second, ...asked, responseId: 'r2', answer: 'because' }),
        call({ trace: 'b', ...first, ...asked, tokens: 3, answer: 'because' }),
        call({ trace: 'c', ...first, responseId: 'r2' }),
        call({ trace: 'd', ...second, ...asked, tokens: 3 }),
      ];
      const found: unknown[] = [];
      for (const order of [spans, [...spans].reverse(), [1, 3, 0, 2].map((at) => spans[at]!)]) {
        const server = await start();
        for (const span of order) await server.take(span);
        found.push(comparable(await server.logs()));
      }
      expect(found[0]).toHaveLength(2);
      expect(found.slice(1)).toEqual([found[0], found[0]]);
    });

    test('a call that was left alone is compared again when it hangs elsewhere', async () => {
      const spans = [
        agent('a', '1'),
        belowRemote(call({ trace: 'a', scope: 'three', question: 'why?', answer: 'so', tokens: 3 }), '1'),
        agent('c', '1'),
        call({ trace: 'c', ...BARE, scope: 'one', question: 'how?', answer: 'because', from: 101, parent: '1' }),
        call({ trace: 'd', ...BARE, scope: 'two', question: 'why?', from: 101 }),
      ];
      const found: unknown[] = [];
      // The second order ends with the agent below which the first call hangs.
      for (const order of [spans, [2, 3, 1, 4, 0].map((at) => spans[at]!)]) {
        const server = await start();
        for (const span of order) await server.take(span);
        found.push(comparable(await server.logs()));
      }
      expect(found[0]).toMatchObject([
        {},
        { output: 'so', metadata: { response_id: 'r1' } },
        {},
        { output: 'because' },
      ]);
      expect(found[1]).toEqual(found[0]);
      // A request that failed after its spans were written is sent again.
      const server = await start();
      for (const at of [2, 3, 1, 4]) await server.take(spans[at]!);
      const { findCalls } = server.store;
      server.store.findCalls = async () => {
        throw new Error('no connection');
      };
      await expect(server.take(spans[0]!)).rejects.toThrow('no connection');
      server.store.findCalls = findCalls;
      await server.take(spans[0]!);
      expect(comparable(await server.logs())).toEqual(found[0]);
    });

    test('any order of any calls, one by one or together, gives the same logs', async () => {
      const plan = fc.record({
        scope: fc.constantFrom('one', 'two', 'three'),
        responseId: fc.constantFrom('', 'r1', 'r2'),
        question: fc.constantFrom('', 'why?', 'how?'),
        answer: fc.constantFrom('', 'because', 'so'),
        tokens: fc.constantFrom(0, 3),
        from: fc.constantFrom(100, 101, 104),
        below: fc.constantFrom('nothing', 'log', 'log of another process'),
        /** With two calls below it, by the same instrumentation, it is a wrapper. */
        isWrapper: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
      });
      const property = fc.asyncProperty(
        fc.array(plan, { minLength: 2, maxLength: 4 }),
        fc.infiniteStream(fc.nat(9)),
        fc.boolean(),
        async (plans, ranks, isTogether) => {
          const spans = plans.flatMap(({ below, isWrapper, ...each }, index) => {
            const trace = 'abcd'[index]!;
            const inner = (id: string, from: number) =>
              call({ trace, id, parent: trace, scope: each.scope, responseId: `${trace}${id}`, from, to: from + 90 });
            const wrapped = isWrapper ? [inner('2', 120), inner('3', 500)] : [];
            if (below === 'nothing') return [call({ trace, ...each }), ...wrapped];
            const isLocal = below === 'log';
            const span = call({ trace, ...each, ...(isLocal && { parent: '1' }) });
            return [agent(trace, '1'), isLocal ? span : belowRemote(span, '1'), ...wrapped];
          });
          const found: unknown[] = [];
          for (const isShuffled of [false, true]) {
            const server = await start();
            const order = isShuffled
              ? spans.map((span) => ({ span, rank: ranks.next().value! })).sort((a, b) => a.rank - b.rank)
              : spans.map((span) => ({ span }));
            if (isTogether && isShuffled) await Promise.all(order.map(({ span }) => server.take(span)));
            else for (const { span } of order) await server.take(span);
            found.push(comparable(await server.logs()));
            await server.close();
          }
          expect(found[1]).toEqual(found[0]);
        },
      );
      await fc.assert(property, { numRuns: runs });
    });
  });
}

async function sentByProcessor(spans: readonly SpanSlice[]) {
  const endpoint = new StrictEndpoint();
  const pipeline = new Pipeline(resolveOptions({ quiet: true }, {}), { awaitsUnseenParents: false }, endpoint);
  const live = spans.map((span) => ({ ...span, ended: false }));
  for (const span of live) pipeline.start(span);
  for (const span of live) {
    span.ended = true;
    pipeline.end(span);
  }
  await pipeline.flush(20_000);
  await pipeline.shutdown(1_000);
  return [...endpoint.logs].sort();
}

describeCalls('SQLite', () => openSqliteStore({ file: ':memory:' }), 60);

for (const binaries of findPostgres().slice(0, 1)) {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries);
  });
  afterAll(() => cluster?.stop());
  describeCalls(binaries.name, async () => openPostgresStore({ url: await cluster.createSchema() }), 5);
}
