/**
 * A search finds what a plain look at all texts finds. In a file of its own: ids are never made of an earlier time than
 * before, so that this process goes from day to day.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgresStore } from '../../../../src/server/store/postgres/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import type { SessionQuery } from '../../../../src/server/store/viewer-store.ts';
import type { LogRequest } from '../../../../src/wire/v4.ts';
import { findPostgres, type PostgresCluster, startPostgres, withClient } from '../../../support/postgres/cluster.ts';
import { Random } from '../../../support/random.ts';
import { log } from '../../sample-log.ts';

const DAYS = 3;
let daysAhead = 0;
const SESSIONS = 60;
const WORDS = ['zebra', 'watering', 'lonely', 'place', 'grass', 'river', 'stone', 'night'];
/** The first ones are in many sessions. */
const pickWord = (random: Random) => WORDS[Math.floor(WORDS.length * random.next() ** 2)]!;

describe.each(findPostgres())('$name', (binaries) => {
  let cluster: PostgresCluster;
  beforeAll(async () => {
    cluster = await startPostgres(binaries, ['fsync=off']);
  }, 60_000);
  afterAll(() => cluster?.stop(), 60_000);

  test('a search finds each session whose logs have all words, on whichever days and merged from whatever, once', async () => {
    const url = await cluster.createSchema();
    const store = await openPostgresStore({ url });
    onTestFinished(() => store.close());
    const seed = Math.floor(Math.random() * 2 ** 32);
    const texts = await writeSessions(url, store, new Random(seed));
    const has = (session: string, word: string) => texts.get(session)!.some((text) => text.split(' ').includes(word));
    const hasPhrase = (session: string, phrase: string) =>
      texts.get(session)!.some((text) => ` ${text} `.includes(` ${phrase} `));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(2, 5, 50),
        fc.constantFrom(undefined, 'e0', 'e1', 'e9'),
        fc.boolean(),
        async (words, size, environment, isPhrase) => {
          const phrase = words.join(' ');
          const wanted = [...texts.keys()].filter(
            (session) =>
              (isPhrase ? hasPhrase(session, phrase) : words.every((word) => has(session, word))) &&
              (environment === undefined || environmentOf(session) === environment),
          );
          const found = await findAll(store, {
            search: isPhrase ? `"${phrase}"` : phrase,
            size,
            ...(environment && { environment }),
          });
          expect(found, `data of seed ${seed}`).toEqual(wanted.sort());
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);
});

const environmentOf = (session: string) => `e${Number(session.slice(1)) % 5}`;

/** Resolves to the texts of the logs, by the name of their session. */
async function writeSessions(url: string, store: Store, random: Random): Promise<Map<string, string[]>> {
  const texts = new Map<string, string[]>();
  const now = Date.now();
  onTestFinished(() => void vi.restoreAllMocks());
  for (let day = 0; day < DAYS; day += 1, daysAhead += 1) {
    vi.spyOn(Date, 'now').mockReturnValue(now + daysAhead * 86_400_000);
    const writes: Promise<void>[] = [];
    for (let count = 0; count < SESSIONS; count += 1) {
      const session = `s${random.between(0, SESSIONS * 2)}`;
      const output = Array.from({ length: random.between(0, 3) }, () => pickWord(random)).join(' ');
      texts.set(session, [...(texts.get(session) ?? []), output]);
      const environment = environmentOf(session);
      const fields = { output, environment, reference_id: `${session} ${day} ${count}`, session_reference_id: session };
      writes.push(writeLog(store, fields, random.chance(0.4)));
    }
    await Promise.all(writes);
  }
  const { rows } = await withClient(url, (client) =>
    client.query(
      `SELECT count(*) FILTER (WHERE merged_into IS NOT NULL)::int AS merged,
         count(*) FILTER (WHERE first_day < last_day)::int AS long FROM sessions`,
    ),
  );
  expect(Math.min(rows[0].merged, rows[0].long)).toBeGreaterThan(5);
  return texts;
}

/** One that is early waits for its parent under a session of its own, which then becomes that of the parent. */
async function writeLog(store: Store, fields: Partial<LogRequest> & { reference_id: string }, isEarly: boolean) {
  if (!isEarly) return void (await store.createLogs([log(fields)]));
  const { reference_id: parent, session_reference_id: _, ...child } = fields;
  await store.createLogs([log({ ...child, reference_id: `child of ${parent}`, parent_reference_id: parent })]);
  await store.createLogs([log({ ...fields, output: '' })]);
}

/** Resolves to the references of the sessions of all pages, sorted. */
async function findAll(store: Store, query: SessionQuery): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await store.viewer.listSessions({ ...query, ...(cursor !== undefined && { cursor }) });
    found.push(...page.sessions.map((each) => each.reference_id!));
    cursor = page.next;
  }
  return found.sort();
}
