/** A database, or a user, whose settings are others than those of a new one: everything is answered as on an ordinary one. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOtlpIntake } from '../../../../src/server/otlp/otlp-intake.ts';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { makeSpan } from '../../../conventions/span.ts';
import { findFaults } from '../../../support/postgres/checks.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { log } from '../../sample-log.ts';
import { steps } from './any-steps.ts';
import { ReadStore } from './read-store.ts';

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'what the server has otherwise': [
    // Before 1935 this time zone had an offset with seconds.
    ...[`timezone = 'America/St_Johns'`, `DateStyle = 'German'`, `IntervalStyle = 'sql_standard'`],
    ...[`default_transaction_isolation = 'serializable'`, 'default_transaction_deferrable = on'],
    ...['extra_float_digits = -10', 'quote_all_identifiers = on'],
  ],
  'what the server has as well': [
    ...['standard_conforming_strings = off', 'escape_string_warning = off', `bytea_output = 'escape'`],
    ...['array_nulls = off', 'gin_fuzzy_search_limit = 1', 'transform_null_equals = on', `client_encoding = 'LATIN1'`],
    ...[`plan_cache_mode = 'force_generic_plan'`, 'enable_partition_pruning = off', 'jit = on'],
    ...[`synchronous_commit = 'off'`, 'row_security = off', `client_min_messages = 'debug5'`, `lock_timeout = '300ms'`],
  ],
};

const FLOATS = [0.1 + 0.2, 1 / 3, 1e-9, 123_456_789.123_456_78];
const TIMES = [
  '0000-01-01T00:00:00Z',
  '0001-01-01T12:00:00Z',
  '1890-06-01T00:00:00.123456Z',
  '2024-02-29T23:59:59.999999Z',
  '9999-12-31T23:59:59Z',
];
const TEXTS = [
  'a\\b\\\\ \\x41',
  `it's "quoted" $1 $$`,
  'NULL',
  'İstanbul ıssız IŞIK straße',
  'nul \0 and half \ud800 pair',
  '😀 👩‍👩‍👧',
  '{a,"b"}',
];
const WRITERS = 6;

for (const binaries of findPostgres()) {
  describe(`settings of ${binaries.name}`, () => {
    let cluster: PostgresCluster;
    let expected: unknown;
    let databases = 0;
    beforeAll(async () => {
      cluster = await startPostgres(binaries, ['fsync=off']);
      await withClient(cluster.url, (client) => client.query('CREATE ROLE app LOGIN'));
    });
    afterAll(() => cluster?.stop(), 60_000);

    /** Returns its address for a user who may do nothing but work in a schema of its own. */
    const createDatabase = async (name: string, options = `ENCODING 'UTF8'`): Promise<string> => {
      await withClient(cluster.url, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE template0 ${options}`));
      const url = cluster.url.replace(/postgres$/, name);
      await withClient(url, (client) =>
        client.query(`REVOKE ALL ON SCHEMA public FROM PUBLIC; CREATE SCHEMA "Own Schema" AUTHORIZATION app;
          ALTER ROLE app IN DATABASE ${name} SET search_path = nothing, "Own Schema"`),
      );
      return url.replace('postgres@', 'app@');
    };

    const isOrdinary = async (url: string): Promise<void> => {
      expected ??= await useDatabase(await createDatabase(`ordinary_${++databases}`));
      expect(await useDatabase(url)).toEqual(expected);
    };

    test.each(Object.entries(SETTINGS))('%s', async (name, settings) => {
      const database = name.replaceAll(' ', '_');
      const url = await createDatabase(database);
      await withClient(cluster.url, async (client) => {
        for (const setting of settings) await client.query(`ALTER DATABASE ${database} SET ${setting}`);
      });
      await isOrdinary(url);
    });

    test('a language with other letters and another order', async (context) => {
      const options = `ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR-u-co-search-ks-level1' LOCALE 'C'`;
      const url = await createDatabase('turkish', options).catch((error: Error) => error.message);
      if (url.includes('ICU')) return context.skip();
      await isOrdinary(url);
    });

    test('an encoding that has not all letters is refused with the remedy', async () => {
      for (const encoding of ['LATIN1', 'SQL_ASCII', 'EUC_JP']) {
        const url = await createDatabase(`in_${encoding.toLowerCase()}`, `ENCODING '${encoding}' LOCALE 'C'`);
        await expect(openPostgresStore({ url })).rejects.toThrow(
          `the database must have the encoding UTF8, not ${encoding}: make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
        );
      }
    });

    test('a user without a schema is refused with the remedy', async () => {
      const url = `${await createDatabase('bare')}?options=${encodeURIComponent('-c search_path=nothing')}`;
      await expect(openPostgresStore({ url })).rejects.toThrow('has no schema for its tables: create one');
    });
  });
}

/** Resolves to all that was answered, with names for what differs each time. */
async function useDatabase(url: string): Promise<unknown> {
  const stores = [await openPostgresStore({ url }), await openPostgresStore({ url })] as const;
  try {
    const answers = [
      await doSteps(stores[0]),
      toPlain(await keepValues(...stores)),
      await writeTogether(stores),
      toPlain(await takeSpans(stores)),
      await stores[0].readiness(),
      await findFaults(url),
      await stores[0].prune({ olderThan: '9999-12-31T00:00:00.000000Z' }),
    ];
    await stores[1].eraseDeleted();
    return answers;
  } finally {
    for (const store of stores) await store.close();
  }
}

async function doSteps(store: Store): Promise<unknown> {
  const reader = new ReadStore(store, true);
  const answers: unknown[] = [];
  for (const step of fc.sample(steps, { seed: 7, numRuns: 2 }).flat()) answers.push(await reader.apply(step));
  return [answers, await reader.readAll()];
}

/** Writes through the one, and reads through the other. */
async function keepValues(store: Store, other: Store): Promise<unknown> {
  let isHeard = false;
  const stop = other.viewer.onChange(() => {
    isHeard = true;
  });
  await other.viewer.version();
  const created_at = '2024-03-05T10:00:00Z';
  const requests = [
    ...FLOATS.map((value, index) =>
      log({
        reference_id: `float ${index}`,
        session_reference_id: `float ${index}`,
        created_at,
        duration: value,
        prompt_cost: value,
      }),
    ),
    ...TIMES.map((time, index) =>
      log({ reference_id: `time ${index}`, session_reference_id: `time ${index}`, created_at: time, duration: 1 }),
    ),
    ...TEXTS.map((text) =>
      log({
        ...{
          project: `project ${text.slice(0, 9)}`,
          reference_id: `text ${text}`,
          session_reference_id: `session ${text}`,
          output: text,
        },
        ...{ created_at, inputs: { text }, metadata: { user: text, text }, environment: text, source: text },
        feedback: { type: text.slice(0, 9), value: text, created_at: '2024-03-07T00:00:00Z' },
      }),
    ),
  ];
  const created = await store.createLogs(requests);
  const again = await other.createLogs(requests);
  expect(again.map(({ id }) => id)).toEqual(created.map(({ id }) => id));
  const logs = await Promise.all(created.map(({ id }) => other.getLog(id)));
  for (const [index, value] of FLOATS.entries())
    expect(logs[index]).toMatchObject({ duration: value, prompt_cost: value });
  const updated = await Promise.all(
    TEXTS.map((text) => other.updateLog({ referenceId: `text ${text}` }, { error: text, duration: 0.1 + 0.7 })),
  );
  const lists: unknown[] = [];
  for (const sort of ['activity', 'started', 'duration', 'cost'] as const) {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.viewer.listSessions({ sort, size: 1, ...(cursor !== undefined && { cursor }) });
      ids.push(...page.sessions.map(({ id }) => id));
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    lists.push(ids.length);
  }
  const found = await Promise.all(
    TEXTS.map(async (text) => ({
      search: (await store.viewer.listSessions({ search: text, size: 9 })).sessions.length,
      user: (await store.viewer.listSessions({ user: text, size: 9 })).sessions.length,
      beginning: (await store.viewer.listSessions({ search: text.slice(0, 4), size: 9 })).sessions.length,
      named: await store.viewer.findSession(`text ${text}`),
    })),
  );
  const sessions = await Promise.all(created.map(({ session_id: id }) => other.viewer.readSession(id!)));
  const ofProjects = await Promise.all(
    created.map(({ project_id: projectId }) => store.listSessions({ projectId, page: 1, size: 3 })),
  );
  await expect.poll(() => isHeard).toBe(true);
  stop();
  // Two sessions become one, and one of the logs at each time goes.
  for (const [index, time] of TIMES.entries()) {
    const [child] = await store.createLogs([
      log({ reference_id: `child ${index}`, parent_reference_id: `parent ${index}`, created_at: time }),
    ]);
    await other.createLogs([
      log({ reference_id: `parent ${index}`, session_reference_id: `time ${index}`, created_at: time }),
    ]);
    await store.deleteLogs([child!.id]);
  }
  const deleted = await other.deleteLogs(created.slice(0, 3).map(({ id }) => id));
  const overview = await store.viewer.readOverview({ days: 3, until: '2024-03-01T00:00:00.000000Z' });
  const removed = await store.deleteLogsOfUser(TEXTS[0]!);
  return { logs, updated, lists, found, sessions, ofProjects, deleted, overview, removed };
}

/** All of them the same logs, of the same sessions. */
async function writeTogether(stores: readonly Store[]): Promise<unknown> {
  const work = Array.from({ length: WRITERS }, async (_, writer) => {
    const store = stores[writer % stores.length]!;
    for (let round = 0; round < 12; round += 1) {
      const session_reference_id = `s${round % 2}`;
      const created = await store.createLogs([
        ...[0, 1].map((index) => log({ reference_id: `r${round}-${index}`, session_reference_id, prompt_tokens: 1 })),
        log({ session_reference_id, prompt_tokens: 100 }),
      ]);
      await store.deleteLogs([created.at(-1)!.id]);
      await store.updateLog({ referenceId: `r${round}-0` }, { output: 'together', duration: writer });
    }
  });
  await Promise.all(work);
  const { sessions } = await stores[0]!.viewer.listSessions({ search: 'together', size: 9 });
  return sessions.map(({ logs, prompt_tokens: tokens }) => ({ logs, tokens }));
}

async function takeSpans(stores: readonly Store[]): Promise<unknown> {
  const traceId = 'c'.repeat(32);
  const idOf = (index: number) => String(index).padStart(16, '0');
  // The parents come last.
  for (let index = 5; index >= 0; index -= 1) {
    const intake = createOtlpIntake(stores[index % stores.length]!);
    const isCall = index % 2 === 0;
    const slice = makeSpan(
      isCall ? { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'find' } : { 'http.route': '/' },
      {
        ...{ traceId, spanId: idOf(index), name: `span ${index}` },
        ...(index > 0 && { parentSpanId: idOf(index - 1) }),
      },
    );
    await intake.takeSpans([{ slice }]);
    await intake.close();
  }
  const found = await stores[0]!.viewer.findSession(traceId);
  const { logs } = (await stores[1]!.viewer.readSession(found!.session))!;
  await stores[1]!.forgetTraces(Date.now() + 60_000);
  return logs.map(({ key, parent }) => ({ hasParent: parent !== undefined, isNumber: Number.isFinite(key) }));
}

const ID = /\b(?:data|sesh|config|pr|ann)_[0-9A-Za-z]{21}\b/g;
const LEFT_OUT = new Set(['version', 'as_of', 'key', 'parent', 'config', 'updated_at', 'last_used']);

function toPlain(value: unknown): unknown {
  const now = new Date().toISOString().slice(0, 4);
  const text = JSON.stringify(value, (name, each) => {
    if (LEFT_OUT.has(name)) return undefined;
    if (typeof each !== 'string') return each;
    return each.startsWith(`${now}-`) ? 'now' : each.replaceAll(ID, 'an id');
  });
  return JSON.parse(text);
}
