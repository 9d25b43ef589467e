/** All pages of a search together are what a plain look at all texts finds, in its order. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { SessionQuery } from '../../../../src/server/store/viewer-store.ts';
import { Random } from '../../../support/random.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** So many that a frequent word is in far more of them than one search looks at. */
const LOGS = 6_000;
/** The first ones are in most logs. */
const WORDS = ['zebra', 'watering', 'lonely', 'place', 'grass', 'river', 'stone', 'night'];
/** Long enough to be remembered: a session has them once in the index, with its oldest log or another. */
const MESSAGES = ['the harbour is closed during winter', 'a ferry crosses the fjord each morning'];

interface Log {
  /** Of the session, or the log's own. */
  readonly group: string;
  readonly texts: readonly string[];
  readonly user: string;
  readonly project: string;
  readonly model: string;
  readonly release: string;
}

function toLog(random: Random, at: number): Log {
  const count = random.between(0, 4);
  const words = Array.from({ length: count }, () => WORDS[Math.floor(WORDS.length * random.next() ** 2)]!);
  // Of late, some words are no longer used.
  const output = words.filter((word) => at < LOGS / 2 || word !== 'grass').join(' ');
  return {
    group: random.chance(0.1)
      ? `log ${at}`
      : `session ${random.between(Math.floor(at / 10), Math.floor(at / 10) + 60)}`,
    texts: [output, ...MESSAGES.filter(() => random.chance(0.2))],
    // Before a search comes to these, it has looked at as many as it may.
    user: at < 60 ? 'first' : `ada${random.between(0, 2)}`,
    project: `project ${random.between(0, 2)}`,
    model: `model ${random.between(0, 2)}`,
    release: `r${random.between(0, 3)}`,
  };
}

const toRequest = ({ group, texts: [output, ...messages], user, project, model, release }: Log, at: number) =>
  log({
    project,
    reference_id: `log ${at}`,
    config: { type: 'model', model },
    ...(group.startsWith('session') && { session_reference_id: group }),
    output: output!,
    ...(messages.length > 0 && { messages: messages.map((content) => ({ role: 'user' as const, content })) }),
    metadata: { user, release },
  });

const search = fc.record({
  terms: fc.uniqueArray(
    fc.oneof(
      { arbitrary: fc.constantFrom(...WORDS), weight: 4 },
      { arbitrary: fc.constantFrom('winter', 'ferry', 'morning', 'nothing'), weight: 2 },
      { arbitrary: fc.constantFrom('zebra zebra', 'grass zebra', 'each morning', 'river stone'), weight: 1 },
    ),
    { minLength: 1, maxLength: 4 },
  ),
  // Whole words come first: of these beginnings, none is a word.
  beginning: fc.option(fc.constantFrom('zeb', 'lone', 'gras', 'harb'), { nil: undefined, freq: 2 }),
  size: fc.constantFrom(1, 3, 20, 50, 200, 250),
  filters: fc.record(
    {
      user: fc.constantFrom('ada0', 'ada1', 'first'),
      project: fc.constantFrom('project 0', 'project 1'),
      model: fc.constantFrom('model 0', 'model 1'),
      release: fc.constantFrom('r0', 'r1', 'r9'),
    },
    { requiredKeys: [] },
  ),
});

type Search = typeof search extends fc.Arbitrary<infer Value> ? Value : never;

/** Returns the groups that are looked for, with their logs of each term, newest first. */
function look(logs: ReadonlyMap<number, Log>, { terms, beginning, filters: { release, ...filters } }: Search) {
  const patterns = terms.map((term) => new RegExp(`\\b${term}\\b`));
  if (beginning !== undefined) patterns.push(new RegExp(`\\b${beginning}`));
  const tests = patterns.map((pattern) => (each: Log) => each.texts.some((text) => pattern.test(text)));
  if (release !== undefined) tests.push((each) => each.release === release);
  const groups = new Map<string, [at: number, each: Log][]>();
  for (const [at, each] of logs) groups.set(each.group, [...(groups.get(each.group) ?? []), [at, each]]);
  const isFound = (own: readonly [number, Log][]) =>
    tests.every((has) => own.some(([, each]) => has(each))) &&
    (['user', 'project', 'model'] as const).every(
      (name) => filters[name] === undefined || own.some(([, each]) => each[name] === filters[name]),
    );
  const found = [...groups].filter(([, own]) => isFound(own));
  return tests.map((has) =>
    found
      .map(([group, own]) => ({ group, newest: Math.max(...own.filter(([, each]) => has(each)).map(([at]) => at)) }))
      .sort((one, other) => other.newest - one.newest)
      .map(({ group }) => group),
  );
}

async function findAll(store: Store, { terms, beginning, size, filters: { release, ...filters } }: Search) {
  const words = [...terms.map((term) => (term.includes(' ') ? `"${term}"` : term)), ...(beginning ? [beginning] : [])];
  const query: SessionQuery = {
    ...{ search: words.join(' '), size, ...filters },
    ...(release !== undefined && { metadata: [{ key: 'release', value: release }] }),
  };
  const found: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.viewer.listSessions({ ...query, ...(cursor !== undefined && { cursor }) });
    const groups = page.sessions.map((each) => each.reference_id ?? each.id);
    expect(new Set(groups).size).toBe(groups.length);
    expect(groups.length).toBeLessThanOrEqual(size);
    found.push(...groups);
    cursor = page.next;
  }
  // An older log of a session may be on a later page.
  return [...new Set(found)];
}

test('all pages of a search have the sessions that have all words, by their newest log of the word that leads', async () => {
  const store = await openSqliteStore({ file: join(temporaryDirectory(), 'logs.db') });
  onTestFinished(() => store.close());
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new Random(seed);
  const all = Array.from({ length: LOGS }, (_, at) => toLog(random, at));
  const logs = new Map<number, Log>();
  const ids: string[] = [];
  for (let from = 0; from < LOGS; from += 500) {
    const created = await store.createLogs(all.slice(from, from + 500).map((each, at) => toRequest(each, from + at)));
    ids.push(...created.map(({ id }) => id));
  }
  for (const [at, each] of all.entries())
    logs.set(at, each.group.startsWith('log') ? { ...each, group: ids[at]! } : each);
  await expect.poll(() => store.viewer.indexLag(), { timeout: 60_000 }).toEqual({ logs: 0 });
  const deleted = all.flatMap((_, at) => (random.chance(0.03) ? [at] : []));
  await store.deleteLogs(deleted.map((at) => ids[at]!));
  for (const at of deleted) logs.delete(at);
  await expect.poll(() => store.viewer.indexLag(), { timeout: 60_000 }).toEqual({ logs: 0 });
  await fc.assert(
    fc.asyncProperty(search, async (each) => {
      const orders = look(logs, each);
      const found = await findAll(store, each);
      expect([...found].sort(), `data of seed ${seed}`).toEqual([...orders[0]!].sort());
      // Which log of a session has its messages in the index, is not known here.
      const isOfOutputs = each.terms.every((term) => !MESSAGES.some((message) => message.includes(term)));
      const isInOrder = each.beginning !== 'harb' && isOfOutputs;
      if (isInOrder) expect(orders, `data of seed ${seed}`).toContainEqual(found);
    }),
    {
      numRuns: Number(process.env['PROPERTY_RUNS'] ?? 40),
      examples: [[{ terms: ['zebra'], beginning: undefined, size: 20, filters: { user: 'first' } }]],
    },
  );
}, 240_000);
