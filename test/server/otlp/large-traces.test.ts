/** Traces in which very many spans are like each other, or hang one below the other: the work grows with the spans. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import type { ReceivedEvent } from '../../../src/server/otlp/decoding/received.ts';
import { Tree } from '../../../src/server/otlp/linking/skeletons/tree.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { toSteps } from '../../../src/server/store/steps.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { makeSpan } from '../../conventions/span.ts';
import { MOST_RATIO, ratioOf } from '../../support/effort.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../support/postgres/cluster.ts';

const SECOND = 1_700_000_000;
const resource = { attributes: { 'service.name': 'app' } };
const hex = (number: number, length: number) => number.toString(16).padStart(length, '0');
const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

const openFile = () => openSqliteStore({ file: ':memory:' });

async function openIntake(open: () => Promise<Store>) {
  const store = await open();
  const intake = createOtlpIntake(store);
  onTestFinished(async () => {
    intake.close();
    await store.close();
  });
  return intake;
}

function take(
  open: () => Promise<Store>,
  spans: (count: number) => readonly SpanSlice[],
  count: number,
): () => Promise<void> {
  return async () => {
    const intake = await openIntake(open);
    expect(await intake.takeSpans(spans(count).map((slice) => ({ slice })))).toEqual({ rejected: 0 });
  };
}

/** Each call is reported by two scopes, all ask the same at one time, and those of a scope come together. */
function reportedTwice(count: number, namesAnswers: boolean): readonly SpanSlice[] {
  return ['client', 'framework'].flatMap((scope, of) =>
    Array.from({ length: count }, (_, index) => {
      const attributes = {
        ...{ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
        ...(namesAnswers && { 'gen_ai.response.id': `answer ${index}` }),
        'gen_ai.input.messages': said('user', 'the same question'),
        'gen_ai.output.messages': said('assistant', `answer ${index}`),
      };
      return makeSpan(attributes, {
        ...{ spanId: hex(2 * index + of + 1, 16), scope, resource },
        ...{ startTime: [SECOND, index * 1e5], endTime: [SECOND + 5, index * 1e5] },
      });
    }),
  );
}

/** One below the other, reported by two scopes in turn. Those of one scope come first: their children wait for the others. */
function chain(count: number, attributesOf: (index: number) => Record<string, string | number>): readonly SpanSlice[] {
  const spans = Array.from({ length: count }, (_, index) =>
    makeSpan(attributesOf(index), {
      ...{ spanId: hex(index + 1, 16), parentSpanId: index === 0 ? undefined : hex(index, 16), resource },
      ...{ scope: `scope ${index % 2}`, startTime: [SECOND, index * 1e5], endTime: [SECOND + 5, 9e8 - index * 1e5] },
    }),
  );
  return [...spans.filter((_, index) => index % 2 === 1), ...spans.filter((_, index) => index % 2 === 0)];
}

const toolOf = (index: number) => ({
  ...{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
  'gen_ai.tool.call.id': `call ${index >> 1}`,
});
const chatOf = (index: number) => ({
  ...{ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o', 'gen_ai.usage.input_tokens': index },
  'gen_ai.input.messages': said('user', `question ${index}`),
});

const CASES: [string, (count: number) => readonly SpanSlice[]][] = [
  [
    'calls of one question that two scopes report, with the ids of their answers',
    (count) => reportedTwice(count, true),
  ],
  ['calls of one question that two scopes report, without ids', (count) => reportedTwice(count, false)],
  ['tools one below the other', (count) => chain(4 * count, toolOf)],
  ['calls one below the other', (count) => chain(count, chatOf)],
];

test.each(CASES)('the work of %s does not grow with its square', async (_, spans) => {
  expect(await ratioOf(take(openFile, spans, 300), take(openFile, spans, 1_200))).toBeLessThan(MOST_RATIO);
});

/** Of one version: what grows is what is asked of it. */
describe.each(findPostgres().slice(-1))('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off', 'autovacuum=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test.each([CASES[0]!, CASES[3]!])('the work of %s does not grow with its square', async (_, spans) => {
    const open = async () => openPostgresStore({ url: await cluster.createSchema() });
    expect(await ratioOf(take(open, spans, 300), take(open, spans, 1_200))).toBeLessThan(MOST_RATIO);
  });
});

/** Takes the spans, and returns what was written of them, part by part. */
async function partsOf(spans: readonly SpanSlice[]) {
  const parts: { readonly steps: number; readonly creates: number; readonly revisions: number }[] = [];
  const store = await openSqliteStore({ file: ':memory:' });
  const ingest: Store['ingest'] = (traceIds, work) =>
    store.ingest(traceIds, (memory, stored) => {
      const steps = toSteps(() => work(memory, stored));
      for (let count = 1; ; count += 1) {
        const { done, value } = steps.next();
        if (!done) continue;
        if (!('reads' in value)) {
          parts.push({ steps: count, creates: value.creates.length, revisions: value.revisions.length });
        }
        return value;
      }
    });
  const intake = createOtlpIntake({ ...store, ingest });
  expect(await intake.takeSpans(spans.map((slice) => ({ slice })))).toEqual({ rejected: 0 });
  intake.close();
  await store.close();
  return parts;
}

test('no log becomes something else while a large request is written whose spans come children first', async () => {
  // Each agent uses the model of the call below it, and has the next agent below it.
  const spans = Array.from({ length: 1_000 }, (_, index) => {
    const agent = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' };
    return makeSpan(index % 2 === 0 ? agent : chatOf(index), {
      ...{ spanId: hex(index + 1, 16), parentSpanId: index === 0 ? undefined : hex(index - 1 + (index % 2), 16) },
      ...{ scope: 'scope', resource, startTime: [SECOND, index * 1e5], endTime: [SECOND + 5, 9e8 - index * 1e5] },
    });
  });
  // The agents come first, then the call that is the last below them all.
  const ofKind = (rest: number) => spans.filter((_, index) => index % 2 === rest).reverse();
  const parts = await partsOf([...ofKind(0), ...ofKind(1)]);
  expect(parts.map(({ creates }) => creates)).toEqual([200, 200, 200, 200, 200]);
  expect(parts.map(({ revisions }) => revisions)).toEqual([0, 0, 0, 0, 0]);
});

test('parts are larger in a trace in which each changes what very many logs are, and each is decided in steps', async () => {
  const count = 2_000;
  const parts = await partsOf(chain(count, chatOf));
  expect(parts.length).toBeLessThan(count / 200);
  // All that came before hangs above the spans of the last part.
  expect(parts.at(-1)?.steps).toBeGreaterThan(count / 100);
});

test('each call with a long answer is a step of its own', async () => {
  const count = 40;
  const long = 'an answer '.repeat(10_000);
  const asked = (index: number) => ({ ...chatOf(index), 'gen_ai.output.messages': said('assistant', long + index) });
  const spans = Array.from({ length: count }, (_, index) =>
    makeSpan(asked(index), { ...{ spanId: hex(index + 1, 16), scope: 'scope', resource }, startTime: [SECOND, index] }),
  );
  const [part] = await partsOf(spans);
  expect(part?.creates).toBe(count);
  expect(part?.steps).toBeGreaterThan(count);
});

const IDS = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };

/** They name one span, which has not come. */
function eventsOf(count: number, attributesOf: (index: number) => Record<string, unknown>): ReceivedEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ ...IDS, eventName: 'gen_ai.user.message', body: undefined, time: [SECOND, 0] as const },
    ...{ scope: { name: 'scope' }, resource, attributes: attributesOf(index) },
  }));
}

test.each<[string, (count: number) => readonly ReceivedEvent[]]>([
  ['log events', (count) => eventsOf(count, (index) => ({ content: `number ${index}` }))],
  [
    'evaluations',
    (count) =>
      eventsOf(count, (index) => ({ 'gen_ai.evaluation.name': `e${index}`, 'gen_ai.evaluation.score.value': 1 })).map(
        (event) => ({ ...event, eventName: 'gen_ai.evaluation.result' }),
      ),
  ],
])('the work of %s that name one span does not grow with their square', async (_, events) => {
  const takeEvents = (count: number) => async () => {
    const intake = await openIntake(openFile);
    expect(await intake.takeEvents(events(count))).toEqual({ rejected: 0 });
  };
  expect(await ratioOf(takeEvents(500), takeEvents(2_000))).toBeLessThan(MOST_RATIO);
});

/** An agent's steps, which name one session, in as many requests. */
function* requestsOf(count: number): Generator<readonly SpanSlice[]> {
  for (let from = 0; from < count * 20; from += 20) {
    yield Array.from({ length: 20 }, (_, at) => {
      const index = from + at;
      const names = { 'session.id': 'a session', 'user.id': 'a user' };
      return makeSpan(
        { ...chatOf(index), ...names },
        {
          ...{ spanId: hex(index + 2, 16), parentSpanId: hex(1, 16), scope: 'scope', resource },
          ...{ startTime: [SECOND, index * 1e5], endTime: [SECOND, index * 1e5 + 9e4] },
        },
      );
    });
  }
}

test('a request looks only at its own spans where all that name a session name the same', async () => {
  const intake = await openIntake(openFile);
  const requests = [...requestsOf(3)].map((spans) => spans.map((slice) => ({ slice })));
  await intake.takeSpans(requests[0]!);
  await intake.takeSpans(requests[1]!);
  const looks = vi.spyOn(Tree.prototype, 'nodes', 'get');
  onTestFinished(() => looks.mockRestore());
  expect(await intake.takeSpans(requests[2]!)).toEqual({ rejected: 0 });
  expect(looks).not.toHaveBeenCalled();
});

test('of what is remembered of a trace, each byte is written a few times, however many requests it comes in', async () => {
  let written = 0;
  const store = await openSqliteStore({ file: ':memory:' });
  const read = { parts: 0, bytes: 0 };
  const ingest: Store['ingest'] = (traceIds, work) =>
    store.ingest(traceIds, function* (memory, stored) {
      const parts = [...memory.values()][0] ?? [];
      read.parts = Math.max(read.parts, parts.length);
      read.bytes = parts.reduce((sum, { length }) => sum + length, 0);
      const result = yield* toSteps(() => work(memory, stored));
      if (!('reads' in result)) for (const { bytes } of result.parts.values()) written += bytes.length;
      return result;
    });
  const intake = createOtlpIntake({ ...store, ingest });
  onTestFinished(async () => {
    intake.close();
    await store.close();
  });
  for (const spans of requestsOf(120)) await intake.takeSpans(spans.map((slice) => ({ slice })));
  expect(read.bytes).toBeGreaterThan(100_000);
  expect(written).toBeLessThan(3 * read.bytes);
  expect(read.parts).toBeLessThanOrEqual(64);
});
