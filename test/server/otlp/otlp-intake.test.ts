/** What becomes of spans that come by OTLP, case by case. `split-traces.test.ts` has all of them at once. */
import { expect, onTestFinished, test } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { createOtlpIntake, type OtlpIntakeOptions } from '../../../src/server/otlp/otlp-intake.ts';
import type { CallKey, IngestWork } from '../../../src/server/store/ingest.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { toEnd, toSteps } from '../../../src/server/store/steps.ts';
import { StoreUnavailableError } from '../../../src/server/store/unavailable-error.ts';
import { makeSpan, type SpanParts } from '../../conventions/span.ts';
import { ratioOf } from '../../support/effort.ts';
import { log } from '../sample-log.ts';
import { KilledServer } from './kill-server.ts';
import { spanIdOf } from './planned-trace.ts';

const TRACE = 'a'.repeat(32);
const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const AGENT = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' };
const HTTP = { 'http.request.method': 'POST' };

async function start(options: OtlpIntakeOptions = {}): Promise<KilledServer> {
  const server = await KilledServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

function span(
  index: number,
  parent: number | undefined,
  attributes: Record<string, unknown>,
  more: SpanParts = {},
): SpanSlice {
  return makeSpan(attributes, {
    ...{ traceId: TRACE, spanId: spanIdOf(index), startTime: [1_700_000_000 + index, 0] },
    ...{ name: `span ${index}`, resource: { attributes: { 'service.name': 'app' } } },
    ...(parent !== undefined && { parentSpanId: spanIdOf(parent) }),
    ...more,
  });
}

const referenceOf = (index: number) => `${TRACE}-${spanIdOf(index)}`;

async function parentsOf(server: KilledServer): Promise<Record<number, string | undefined>> {
  const parents: Record<number, string | undefined> = {};
  for (const [reference, { parent_reference_id }] of await server.logs()) {
    const index = Array.from({ length: 10 }, (_, each) => referenceOf(each)).indexOf(reference);
    parents[index] = parent_reference_id ?? undefined;
  }
  return parents;
}

test('a parent that has not come is named, and corrected when it turns out to be no log', async () => {
  const server = await start();
  await server.take([span(3, 2, CHAT)]);
  expect(await parentsOf(server)).toEqual({ 3: referenceOf(2) });
  await server.kill();
  await server.take([span(2, 1, HTTP)]);
  expect(await parentsOf(server)).toEqual({ 3: referenceOf(1) });
  await server.take([span(1, 0, AGENT)]);
  expect(await parentsOf(server)).toEqual({ 3: referenceOf(1), 1: referenceOf(0) });
  await server.take([span(0, undefined, HTTP)]);
  expect(await parentsOf(server)).toEqual({ 3: referenceOf(1), 1: undefined });
  const [child, parent] = await Promise.all(
    [3, 1].map((index) => server.store.updateLog({ referenceId: referenceOf(index) }, {})),
  );
  expect(child?.parent_id).toBe(parent?.id);
});

test('a remote parent is linked once it comes, and is not named before', async () => {
  const server = await start();
  await server.take([span(2, 1, CHAT, { parentIsRemote: true })]);
  expect(await parentsOf(server)).toEqual({ 2: undefined });
  await server.take([span(1, 0, HTTP)]);
  await server.take([span(0, undefined, AGENT)]);
  expect(await parentsOf(server)).toEqual({ 2: referenceOf(0), 0: undefined });
});

test('parents that form a circle are cut at the same place in any order', async () => {
  const circle = [span(0, 2, CHAT), span(1, 0, HTTP), span(2, 1, CHAT)];
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ]) {
    const server = await start();
    for (const index of order) await server.take([circle[index] as SpanSlice]);
    await server.take([span(3, 3, CHAT), span(4, 1, CHAT)]);
    expect(await parentsOf(server)).toEqual({ 0: undefined, 2: referenceOf(0), 3: undefined, 4: referenceOf(0) });
  }
});

test('a session, user and tags that the root names last are those of all logs', async () => {
  const server = await start();
  await server.take([span(2, 1, CHAT), span(3, 1, { ...CHAT, 'user.id': 'bob' })]);
  await server.take([span(1, 0, { ...AGENT, 'session.id': 'inner' })]);
  const named = { 'session.id': 'outer', 'user.id': 'ann', 'tag.tags': ['x'] };
  await server.take([span(0, undefined, { ...HTTP, ...named })]);
  const logs = await server.logs();
  for (const each of logs.values()) {
    expect(each).toMatchObject({ session_reference_id: 'outer', metadata: { tags: ['x'] } });
  }
  expect(logs.get(referenceOf(2))?.metadata).toMatchObject({ user: 'ann' });
  expect(logs.get(referenceOf(3))?.metadata).toMatchObject({ user: 'bob' });
  expect(server.query('SELECT reference_id FROM sessions')).toEqual([{ reference_id: 'outer' }]);
});

test('an agent without a model has that of its first call, whichever comes first', async () => {
  const server = await start();
  await server.take([span(0, undefined, AGENT)]);
  expect((await server.logs()).get(referenceOf(0))?.config).toMatchObject({ type: 'generic' });
  await server.take([span(5, 0, { ...CHAT, 'gen_ai.request.model': 'late' })]);
  await server.kill();
  await server.take([span(4, 3, { ...CHAT, 'gen_ai.request.model': 'early' })]);
  expect((await server.logs()).get(referenceOf(0))?.config).toMatchObject({ model_config: { model: 'late' } });
  await server.take([span(3, 0, HTTP)]);
  expect((await server.logs()).get(referenceOf(0))?.config).toMatchObject({
    ...{ type: 'agent', name: 'helper', model_config: { model: 'early' } },
  });
});

test('a call that two instrumentations report is one log, and a wrapper has no counts of its own', async () => {
  const server = await start();
  const usage = { 'gen_ai.usage.input_tokens': 3, 'gen_ai.usage.output_tokens': 4 };
  const answer = { 'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"x"}]}]' };
  const question = { 'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"q"}]}]' };
  await server.take([span(1, 0, { ...CHAT, ...usage }, { scope: 'framework' })]);
  await server.take([
    span(2, 1, { ...CHAT, ...question, ...answer, 'gen_ai.request.temperature': 0.5 }, { scope: 'client' }),
  ]);
  const one = await server.logs();
  expect([...one.keys()]).toEqual([referenceOf(2)]);
  expect(one.get(referenceOf(2))).toMatchObject({
    ...{ output: 'x', prompt_tokens: 3, output_tokens: 4, config: { temperature: 0.5 } },
  });
  // Another call below the first one: it was a sum around both.
  await server.kill();
  await server.take([span(3, 1, { ...CHAT, ...question, 'gen_ai.usage.input_tokens': 3 }, { scope: 'client' })]);
  const three = await server.logs();
  expect([...three.keys()].sort()).toEqual([1, 2, 3].map(referenceOf).sort());
  expect(three.get(referenceOf(2))?.prompt_tokens).toBeUndefined();
  expect(three.get(referenceOf(1))).toMatchObject({
    ...{ config: { type: 'generic' }, metadata: { usage: { prompt_tokens: 3, output_tokens: 4 } } },
  });
  expect(three.get(referenceOf(1))?.prompt_tokens).toBeUndefined();
});

test('a span that comes by the v4 API and by OTLP is one log', async () => {
  for (const isFirst of [true, false]) {
    const server = await start();
    const bySdk = log({ reference_id: referenceOf(1), session_reference_id: TRACE, output: 'x', project: 'app' });
    if (isFirst) await server.store.createLogs([bySdk]);
    await server.take([span(1, undefined, { ...CHAT, 'gen_ai.usage.output_tokens': 3 })]);
    if (!isFirst) await server.store.createLogs([bySdk]);
    const logs = await server.logs();
    expect(logs.size).toBe(1);
    expect([...logs.values()][0]).toMatchObject({ output: 'x', output_tokens: 3 });
  }
});

test('a log that a client has deleted does not come back with a repeated request', async () => {
  const server = await start();
  await server.take([span(1, undefined, CHAT)]);
  await server.store.deleteLogs([(await server.logs()).get(referenceOf(1))?.id as string]);
  await server.take([span(1, undefined, CHAT)]);
  expect((await server.logs()).size).toBe(0);
});

test('repeated requests add nothing to what is remembered, and many parts become one', async () => {
  const server = await start();
  for (let index = 0; index < 40; index++) {
    await server.take([span(index, undefined, CHAT)]);
    await server.take([span(index, undefined, CHAT)]);
  }
  const [row] = server.query('SELECT count(*) AS parts, max(part) AS last FROM trace_parts');
  expect(row?.['last']).toBe(40);
  expect(row?.['parts']).toBeLessThanOrEqual(17);
  expect((await server.logs()).size).toBe(40);
});

test('of a trace with more spans than are remembered, what comes later still finds the logs', async () => {
  const server = await start();
  await server.take([span(0, 3, AGENT), span(3, undefined, { ...HTTP, 'session.id': 'named' })]);
  const others = Array.from({ length: 10_200 }, (_, index) => span(index + 10, 0, HTTP));
  expect(await server.take(others)).toEqual({ rejected: 0 });
  await server.kill();
  await server.take([span(1, 0, CHAT), span(2, 10, CHAT)]);
  // The span between is forgotten, so it is named.
  expect(await parentsOf(server)).toEqual({ 0: undefined, 1: referenceOf(0), 2: referenceOf(10) });
  expect(server.query('SELECT reference_id FROM sessions')).toEqual([{ reference_id: 'named' }]);
  const [row] = server.query('SELECT sum(octet_length(spans)) AS bytes FROM trace_parts');
  expect(row?.['bytes']).toBeLessThan(500_000);
});

test('projects are those of the request or the resource, and spans that are not sampled are no logs', async () => {
  const server = await start();
  const intake = createOtlpIntake(server.store);
  onTestFinished(() => intake.close());
  await intake.takeSpans([
    { slice: span(1, undefined, CHAT), projectName: 'named' },
    { slice: span(2, undefined, CHAT) },
    { slice: span(3, undefined, CHAT, { resource: { attributes: { 'service.name': 'unknown_service:node' } } }) },
    { slice: span(4, undefined, CHAT, { traceFlags: 0 }) },
  ]);
  const projects = [...(await server.logs())].map(([reference, { project }]) => [reference, project]).sort();
  const expected = [
    [referenceOf(1), 'named'],
    [referenceOf(2), 'app'],
    [referenceOf(3), 'unknown_service'],
  ];
  expect(projects).toEqual(expected.sort());
});

test('spans that cannot be used are counted, with the reason, and the others are taken', async () => {
  const server = await start();
  const broken = span(3, undefined, CHAT);
  Object.defineProperty(broken, 'spanContext', {
    value: () => {
      throw new Error('broken');
    },
  });
  const taken = server.take([
    span(1, undefined, CHAT, { spanId: 'x' }),
    span(2, undefined, CHAT, { traceId: '0'.repeat(32) }),
    broken,
    span(4, undefined, CHAT),
  ]);
  expect(await taken).toEqual({
    rejected: 3,
    message: 'a span has no trace id of 32 hexadecimal digits, or no span id of 16, and 2 more',
  });
  expect((await server.logs()).size).toBe(1);
});

test('a failure of the store is the answer', async () => {
  const store = await openSqliteStore({ file: ':memory:' });
  const intake = createOtlpIntake(store);
  onTestFinished(() => intake.close());
  await store.close();
  await expect(intake.takeSpans([{ slice: span(1, undefined, CHAT) }])).rejects.toThrow('closed');
});

test('wrong options throw', () => {
  const store = {
    ingest: async () => [],
    findCalls: async () => [],
    findTraces: async () => [],
    forgetTraces: async () => undefined,
  };
  expect(() => createOtlpIntake(store, { traceMemoryDays: 0 })).toThrow('option traceMemoryDays: expected a number');
  expect(() => createOtlpIntake(store, { captureContent: 'no' as never })).toThrow('option captureContent');
});

test('a store that fails while a request is still read fails that request, and not the process', async () => {
  let calls = 0;
  const intake = createOtlpIntake({
    ingest: () => {
      calls += 1;
      return Promise.reject(new Error('the disk is full'));
    },
    findCalls: async () => [],
    findTraces: async () => [],
    forgetTraces: async () => {},
  });
  onTestFinished(() => intake.close());
  const spans = Array.from({ length: 5_000 }, (_, index) => ({ slice: span(index, undefined, CHAT) }));
  const taken = intake.takeSpans(spans);
  // Without anybody who waits for the writes, the test runner reports the first one.
  await expect(taken).rejects.toThrow('the disk is full');
  // What comes after the part that failed is not tried.
  expect(calls).toBe(1);
});

test('a large request is written part after part, so that the writes of others come between them', async () => {
  const [open, parts] = [new Set<number>(), [] as number[]];
  const ingest = async (traceIds: readonly string[]) => {
    const part = parts.push(traceIds.length);
    open.add(part);
    expect([...open]).toEqual([part]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    open.delete(part);
    return [];
  };
  const store = { ingest, findCalls: async () => [], findTraces: async () => [], forgetTraces: async () => {} };
  const intake = createOtlpIntake(store);
  onTestFinished(() => intake.close());
  const spans = Array.from({ length: 1_500 }, (_, index) => ({
    slice: span(1, undefined, CHAT, { traceId: String(index + 1).padStart(32, '0') }),
  }));
  expect(await intake.takeSpans(spans)).toEqual({ rejected: 0 });
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.reduce((sum, traces) => sum + traces)).toBe(spans.length);
});

const nothing = { findTraces: async () => [], forgetTraces: async () => {} };
const idOf = (trace: number) => String(trace + 1).padStart(32, '0');

test('a part is handed to the store once that has begun with the one before, and traces that fit are not cut', async () => {
  const parts: (readonly string[])[] = [];
  let waiting = 0;
  let [open, mostOpen] = [0, 0];
  const ingest = async (traceIds: readonly string[], work: IngestWork) => {
    parts.push(traceIds);
    waiting += 1;
    expect(waiting).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    waiting -= 1;
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    toEnd(toSteps(() => work(new Map(), new Map())));
    await new Promise((resolve) => setTimeout(resolve, 50));
    open -= 1;
    return [];
  };
  const intake = createOtlpIntake({ ...nothing, ingest, findCalls: async () => [] });
  onTestFinished(() => intake.close());
  const [traces, spansEach] = [100, 12];
  // As services send them that work on many requests at once.
  const spans = Array.from({ length: traces * spansEach }, (_, index) => ({
    slice: span(1 + Math.floor(index / traces), undefined, CHAT, { traceId: idOf(index % traces) }),
  }));
  expect(await intake.takeSpans(spans)).toEqual({ rejected: 0 });
  expect(parts.flat().sort()).toEqual(Array.from({ length: traces }, (_, trace) => idOf(trace)));
  expect(Math.max(...parts.map(({ length }) => length)) * spansEach).toBeLessThanOrEqual(200);
  expect(mostOpen).toBeGreaterThan(1);
});

test('calls of other traces are looked for when many parts are written, also where one of them is not', async () => {
  const looks: (readonly CallKey[])[] = [];
  let partCount = 0;
  const findCalls = async (wanted: readonly CallKey[]) => {
    looks.push(wanted);
    return [];
  };
  const take = async (failsAt: number, failure = new Error('the disk is full')) => {
    [looks.length, partCount] = [0, 0];
    const ingest = async (_traceIds: readonly string[], work: IngestWork) => {
      partCount += 1;
      expect(looks).toEqual([]);
      if (partCount === failsAt) throw failure;
      toEnd(toSteps(() => work(new Map(), new Map())));
      return [];
    };
    const intake = createOtlpIntake({ ...nothing, ingest, findCalls });
    onTestFinished(() => intake.close());
    const spans = Array.from({ length: 450 }, (_, index) => ({
      slice: span(1, undefined, { ...CHAT, 'gen_ai.response.id': `answer-${index}` }, { traceId: idOf(index) }),
    }));
    return intake.takeSpans(spans);
  };
  expect(await take(0)).toEqual({ rejected: 0 });
  const lookedFor = () => new Set(looks.flat().map(({ referenceId }) => referenceId)).size;
  expect([partCount, looks.length, lookedFor()]).toEqual([3, 3, 450]);
  await expect(take(2)).rejects.toThrow('the disk is full');
  expect(lookedFor()).toBe(200);
  await expect(take(2, new StoreUnavailableError('full', 'no space'))).rejects.toThrow('no space');
  expect(lookedFor()).toBe(0);
});

test('thousands of calls of one trace that ask the same cost about as much as those that ask something else each', async () => {
  const take = (question: (index: number) => string) => async (): Promise<void> => {
    const server = await start();
    const spans = Array.from({ length: 4_000 }, (_, index) => {
      const content = JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: question(index) }] }]);
      return span(index, undefined, { ...CHAT, 'gen_ai.input.messages': content });
    });
    await server.take(spans);
    expect((await server.logs()).size).toBe(4_000);
  };
  const ratio = await ratioOf(
    take((index) => `question ${index}`),
    take(() => 'the same question'),
    3,
  );
  expect(ratio).toBeLessThan(3);
});

const text = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);
const PARTIAL = span(2, 1, CHAT, { endTime: [0, 0], startTime: [1_700_000_000, 0] });
const FULL = span(
  2,
  1,
  {
    ...CHAT,
    'gen_ai.input.messages': text('user', 'Why?'),
    'gen_ai.output.messages': text('assistant', 'Because.'),
    'gen_ai.usage.output_tokens': 3,
    'session.id': 'named',
  },
  { startTime: [1_700_000_000, 0], endTime: [1_700_000_002, 0], duration: [2, 0] } as SpanParts,
);

test.each([
  ['a part first', [[PARTIAL], [FULL]]],
  ['the whole first', [[FULL], [PARTIAL]]],
  ['both at once', [[PARTIAL, FULL]]],
  ['each twice', [[PARTIAL], [FULL], [PARTIAL], [FULL]]],
  ['a span that was no log', [[span(2, 1, HTTP, { endTime: [0, 0] })], [FULL]]],
])(
  'a span that is reported before it has ended, and again then, has one log with all it says: %s',
  async (_, requests) => {
    const server = await start();
    await server.take([span(1, undefined, AGENT)]);
    for (const request of requests) {
      await server.take(request);
      await server.kill();
    }
    const logs = await server.logs();
    expect([...logs.keys()].sort()).toEqual([referenceOf(1), referenceOf(2)].sort());
    expect(logs.get(referenceOf(2))).toMatchObject({
      ...{ output: 'Because.', output_tokens: 3, messages: [{ role: 'user', content: 'Why?' }] },
      ...{ parent_reference_id: referenceOf(1), session_reference_id: 'named', duration: 2 },
    });
    expect(logs.get(referenceOf(1))).toMatchObject({ session_reference_id: 'named' });
  },
);

test('the logs of one request are stored parents first, as it is dear to link them later', async () => {
  const server = await start();
  await server.take([
    span(3, 2, CHAT),
    span(2, 1, { ...AGENT, 'gen_ai.request.model': 'm' }),
    span(1, undefined, AGENT),
  ]);
  const stored = server.query('SELECT reference_id FROM logs ORDER BY key').map((row) => row['reference_id']);
  expect(stored).toEqual([1, 2, 3].map(referenceOf));
});
