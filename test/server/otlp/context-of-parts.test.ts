/** Large requests whose spans name different sessions, users and tags: no part changes the logs of those before it. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { createOtlpIntake } from '../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../src/server/store/postgres/store.ts';
import { openSqliteStore } from '../../../src/server/store/sqlite/store.ts';
import { toSteps } from '../../../src/server/store/steps.ts';
import type { Store } from '../../../src/server/store/store.ts';
import { StoreUnavailableError } from '../../../src/server/store/unavailable-error.ts';
import { makeSpan } from '../../conventions/span.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../support/postgres/cluster.ts';
import { comparable } from './cut-traces.ts';
import { KilledServer } from './kill-server.ts';

const SECOND = 1_700_000_000;
const resource = { attributes: { 'service.name': 'app' } };
const hex = (number: number) => number.toString(16).padStart(16, '0');

type Names = Readonly<Record<string, unknown>>;

/** It starts so many milliseconds after the first. */
function agent(index: number, names: Names, parent?: number): SpanSlice {
  const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper', ...names };
  return makeSpan(attributes, {
    ...{
      spanId: hex(index + 1),
      parentSpanId: parent === undefined ? undefined : hex(parent + 1),
      scope: 's',
      resource,
    },
    ...{ startTime: [SECOND, index * 1e5], endTime: [SECOND + 5, index * 1e5] },
  });
}

/** Half of them name something. */
function rootsOf(from: number, to: number, namesOf: (index: number) => Names): SpanSlice[] {
  return Array.from({ length: to - from }, (_, at) => agent(from + at, at % 2 === 0 ? namesOf(from + at) : {}));
}

/** Returns an intake, with the revisions of each part that it has written. */
async function openIntake(open: () => Promise<Store>) {
  const store = await open();
  const revisions: number[] = [];
  const ingest: Store['ingest'] = (traceIds, work) =>
    store.ingest(traceIds, function* (memory, stored) {
      const result = yield* toSteps(() => work(memory, stored));
      if (!('reads' in result)) revisions.push(result.revisions.length);
      return result;
    });
  const intake = createOtlpIntake({ ...store, ingest });
  onTestFinished(async () => {
    intake.close();
    await store.close();
  });
  return { take: (spans: readonly SpanSlice[]) => intake.takeSpans(spans.map((slice) => ({ slice }))), revisions };
}

const CASES: [string, (index: number) => Names][] = [
  ['sessions', (index) => ({ 'session.id': `session ${index}` })],
  ['users', (index) => ({ 'user.id': `user ${index}` })],
  ['tags', (index) => ({ 'tag.tags': [`tag ${index}`] })],
  ['agents', (index) => ({ 'gen_ai.agent.name': `agent ${index}` })],
  ['environments', (index) => ({ 'deployment.environment.name': `environment ${index}` })],
];

async function expectNoChanges(open: () => Promise<Store>, namesOf: (index: number) => Names): Promise<void> {
  const { take, revisions } = await openIntake(open);
  expect(await take(rootsOf(0, 1_000, namesOf))).toEqual({ rejected: 0 });
  expect(revisions).toEqual([0, 0, 0, 0, 0]);
  // What is written already is changed once by another request.
  expect(await take(rootsOf(1_000, 1_600, namesOf))).toEqual({ rejected: 0 });
  expect(revisions[5]).toBeLessThanOrEqual(1_000);
  expect(revisions.slice(6)).toEqual([0, 0]);
}

test.each(CASES)('no log is changed while a request is written whose roots have different %s', async (_, namesOf) => {
  await expectNoChanges(() => openSqliteStore({ file: ':memory:' }), namesOf);
});

/** Of one version: what is asked of it is counted. */
describe.each(findPostgres().slice(-1))('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off', 'autovacuum=off']);
  });
  afterAll(() => cluster?.stop(), 60_000);

  test('no log is changed while a request is written whose roots have different sessions, users and tags', async () => {
    const namesOf = (index: number) => Object.assign({}, ...CASES.map(([, of]) => of(index)));
    await expectNoChanges(async () => openPostgresStore({ url: await cluster.createSchema() }), namesOf);
  });
});

test('a log that names its user is not revised where another user is the one of the trace', async () => {
  const { take, revisions } = await openIntake(() => openSqliteStore({ file: ':memory:' }));
  await take([agent(0, { 'user.id': 'ann' }), agent(1, {})]);
  await take([agent(2, { 'user.id': 'bob' })]);
  expect(revisions).toEqual([0, 1]);
});

async function startServer(): Promise<KilledServer> {
  const server = await KilledServer.start();
  onTestFinished(() => server.close());
  return server;
}

async function logsOf(...requests: SpanSlice[][]) {
  const server = await startServer();
  for (const request of requests) expect(await server.take(request)).toEqual({ rejected: 0 });
  return comparable(await server.logs());
}

function inRequestsOf(count: number, spans: readonly SpanSlice[]): SpanSlice[][] {
  return Array.from({ length: Math.ceil(spans.length / count) }, (_, at) => spans.slice(at * count, (at + 1) * count));
}

const everything = (index: number) => Object.assign({}, ...CASES.map(([, of]) => of(index)));

test('a request in parts gives the logs of small requests', async () => {
  const oneOf = <Value>(...values: Value[]) => fc.constantFrom(undefined, undefined, ...values);
  const names = fc.record({
    parent: fc.oneof(fc.constant(-1), fc.nat()),
    session: oneOf('s1', 's2', 's3'),
    user: oneOf('ann', 'bob'),
    tags: oneOf(['a'], ['a', 'b']),
    place: fc.nat(),
  });
  const property = fc.asyncProperty(
    fc.array(names, { minLength: 12, maxLength: 12 }),
    fc.boolean(),
    async (planned, hasRoot) => {
      // Those that are planned are far from each other, between others that name nothing.
      const spans = Array.from({ length: 430 }, (_, index) => {
        const plan = index % 40 === 7 ? planned[(index - 7) / 40] : undefined;
        const parent = plan && plan.parent >= 0 ? plan.parent % 430 : hasRoot && index > 0 ? 0 : undefined;
        return agent(
          index,
          {
            ...(plan?.session && { 'session.id': plan.session }),
            ...(plan?.user && { 'user.id': plan.user }),
            ...(plan?.tags && { 'tag.tags': plan.tags }),
          },
          plan && plan.parent === -1 ? undefined : parent,
        );
      });
      const known = spans.splice(0, planned[0]!.place % 100);
      expect(await logsOf(known, spans)).toEqual(await logsOf(known, ...inRequestsOf(190, spans)));
    },
  );
  await fc.assert(property, { numRuns: 6 });
});

/** The store is away when it is to write more parts of the spans. */
async function failAfterParts(most: number, { store }: KilledServer, spans: readonly SpanSlice[]): Promise<void> {
  let parts = 0;
  const ingest: Store['ingest'] = async (traceIds, work) => {
    parts += 1;
    if (parts > most) throw new StoreUnavailableError('unreachable', 'it is away');
    return store.ingest(traceIds, work);
  };
  const intake = createOtlpIntake({ ...store, ingest });
  await expect(intake.takeSpans(spans.map((slice) => ({ slice })))).rejects.toThrow('it is away');
  intake.close();
}

test('a request that fails between two parts gives the same logs once it comes again', async () => {
  const spans = rootsOf(0, 700, everything);
  const server = await startServer();
  await failAfterParts(2, server, spans);
  expect((await server.logs()).size).toBe(400);
  expect(await server.take(spans)).toEqual({ rejected: 0 });
  expect(comparable(await server.logs())).toEqual(await logsOf(spans));
});

test('what a request has foreseen that never came to its end does not hold for the next', async () => {
  const spans = rootsOf(0, 700, everything);
  const next = agent(400, { 'session.id': 'of the last' });
  const server = await startServer();
  await failAfterParts(2, server, spans);
  expect(await server.take([next])).toEqual({ rejected: 0 });
  expect(comparable(await server.logs())).toEqual(await logsOf([...spans.slice(0, 400), next]));
});

test('it is remembered in what context logs are also where the last part says nothing new of its spans', async () => {
  const root = agent(300, { 'session.id': 'b' });
  // Of two reports that say as much, this is not the one that counts, though it comes last.
  const again = agent(300, { 'session.id': 'a' });
  const spans = Array.from({ length: 200 }, (_, index) => agent(index, {}, 300));
  const server = await startServer();
  const sessions = () => server.query('SELECT DISTINCT reference_id FROM sessions').map(({ reference_id: id }) => id);
  await server.take([root]);
  await server.take([...spans, again]);
  expect(sessions()).toEqual(['b']);
  await server.take([agent(301, { 'session.id': 'a' })]);
  expect(sessions()).toEqual(['a']);
});
