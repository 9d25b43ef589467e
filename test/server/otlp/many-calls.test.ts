/** Very many calls of models that may be the same as those of other traces: all are joined, a bounded number at a time. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { groupCalls, namesOf } from '../../../src/server/otlp/linking/group-calls.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { type CallFacts, isSameCallElsewhere } from '../../../src/trace/same-call/call-facts.ts';
import { makeSpan } from '../../conventions/span.ts';

const SECOND = 1_700_000_000;
const resource = { attributes: { 'service.name': 'app' } };
const hex = (number: number, length: number) => number.toString(16).padStart(length, '0');
const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

async function start() {
  const store = await openSqliteStore({ file: ':memory:' });
  const locked: number[] = [];
  const ingest: typeof store.ingest = (traceIds, work) => {
    locked.push(traceIds.length);
    return store.ingest(traceIds, work);
  };
  const intake = createOtlpIntake({ ...store, ingest });
  onTestFinished(async () => {
    intake.close();
    await store.close();
  });
  return {
    /** How many traces were locked, each time. */
    locked,
    take: (spans: readonly SpanSlice[]) => intake.takeSpans(spans.map((slice) => ({ slice }))),
    countLogs: async () => {
      const page = { page: 0, size: 1 };
      const { records } = await store.listProjects({ ...page, sortBy: 'name', descending: false });
      const all = { ...page, sources: [], models: [], feedback: new Map(), sort: [] };
      return (await store.listLogs({ ...all, projectId: records[0]!.id }))?.total;
    },
  };
}

/** Calls of one second that ask the same, each reported by two scopes in traces of their own. */
function alike(count: number, millisBetween: number): SpanSlice[] {
  return Array.from({ length: count * 2 }, (_, index) => {
    const call = Math.floor(index / 2);
    const millis = call * millisBetween;
    const [seconds, nanos] = [SECOND + Math.floor(millis / 1_000), (millis % 1_000) * 1e6];
    const attributes = {
      ...{ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.output_tokens': 7 },
      'gen_ai.input.messages': said('user', 'go on'),
      'gen_ai.output.messages': said('assistant', `answer ${call}`),
    };
    return makeSpan(attributes, {
      ...{ traceId: hex(index + 1, 32), spanId: hex(1, 16), scope: `scope ${index % 2}`, resource },
      ...{ startTime: [seconds, nanos], endTime: [seconds + 1, nanos] },
    });
  });
}

test('of calls that ask the same, one after the other, a bounded number is joined at once', async () => {
  const server = await start();
  expect(await server.take(alike(1_500, 10))).toEqual({ rejected: 0 });
  expect(await server.countLogs()).toBe(1_500);
  expect(Math.max(...server.locked)).toBeLessThan(800);
});

test('calls that ask the same at one time are joined also where the store finds only later ones', async () => {
  const server = await start();
  expect(await server.take(alike(800, 1))).toEqual({ rejected: 0 });
  expect(await server.countLogs()).toBe(800);
});

test('a call of a trace that is too large to remember is joined before it is forgotten', async () => {
  const call = (index: number, traceId: string, scope: string) =>
    makeSpan(
      { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.response.id': `answer ${index}` },
      {
        ...{ traceId, spanId: hex(index + 1, 16), scope, resource },
        ...{ startTime: [SECOND + index, 0], endTime: [SECOND + index + 1, 0] },
      },
    );
  const server = await start();
  await server.take(Array.from({ length: 50 }, (_, index) => call(index, hex(index + 1, 32), 'gateway')));
  const spans = Array.from({ length: 10_500 }, (_, index) => call(index, 'f'.repeat(32), 'client'));
  expect(await server.take(spans)).toEqual({ rejected: 0 });
  expect(await server.countLogs()).toBe(10_500);
});

const facts: fc.Arbitrary<CallFacts> = fc.record({
  callId: fc.constantFrom(undefined, 'r1', 'r2'),
  model: fc.constantFrom('gpt-4o', 'claude'),
  scope: fc.constantFrom('one', 'two', 'three'),
  startMillis: fc.constantFrom(100, 103, 150),
  endMillis: fc.constantFrom(200, 300),
  question: fc.constantFrom(undefined, 'why?', 'how?'),
  answer: fc.constantFrom(undefined, 'because', 'so'),
  outputTokens: fc.constantFrom(undefined, 3, 4),
  hasUsage: fc.boolean(),
  hasAnswer: fc.boolean(),
  hasError: fc.boolean(),
  score: fc.constantFrom(0, 1, 2),
});

test('of two calls that are the same, each is found by a name of the other', () => {
  const unlike = fc.subarray(['callId', 'startMillis', 'answer', 'outputTokens', 'hasUsage'] as const);
  const property = fc.property(facts, facts, unlike, (first, other, keys) => {
    const second = { ...first, scope: other.scope, ...Object.fromEntries(keys.map((key) => [key, other[key]])) };
    fc.pre(isSameCallElsewhere(first, second));
    expect(namesOf(first).own.some((name) => namesOf(second).wanted.includes(name))).toBe(true);
    expect(namesOf(second).own.some((name) => namesOf(first).wanted.includes(name))).toBe(true);
  });
  fc.assert(property, { numRuns: 2_000, maxSkipsPerRun: 1_000 });
});

test('a call joins the first call that is the same, of those that have none of its trace or scope', () => {
  const node = { spanId: '1' } as Parameters<typeof groupCalls>[0][number]['node'];
  const property = fc.property(fc.array(facts, { maxLength: 12 }), (all) => {
    const calls = all.map((each, index) => {
      const traceId = hex(index % 5, 32);
      const says = { reporter: each.scope, question: each.question, isBelowLog: false };
      return { referenceId: `${traceId}-${hex(index, 16)}`, traceId, node, facts: each, says };
    });
    const groups = groupCalls(calls, () => true);
    expect(groups.flat()).toHaveLength(calls.length);
    const keepers = groups.map(([keeper]) => keeper!);
    for (const [at, group] of groups.entries()) {
      expect(new Set(group.map(({ traceId }) => traceId)).size).toBe(group.length);
      expect(new Set(group.map((call) => call.facts.scope)).size).toBe(group.length);
      for (const call of group.slice(1)) {
        expect(isSameCallElsewhere(keepers[at]!.facts, call.facts)).toBe(true);
        const earlier = groups.slice(0, at).filter(([keeper]) => isSameCallElsewhere(keeper!.facts, call.facts));
        const isTaken = ({ traceId, facts: { scope } }: typeof call) =>
          traceId === call.traceId || scope === call.facts.scope;
        expect(earlier.every((members) => members.some(isTaken))).toBe(true);
      }
    }
  });
  fc.assert(property, { numRuns: 500 });
});
