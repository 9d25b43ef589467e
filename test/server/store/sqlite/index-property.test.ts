/** The index, and what is written beside it by several processes. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { IndexPace } from '../../../../src/server/store/sqlite/index/index-pace.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { watchWriters } from '../../../support/held-batches.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const pace = vi.hoisted(() => ({ isUrgent: false }));

vi.mock('../../../../src/server/store/sqlite/index/index-pace.ts', async (load) => {
  const { paceAt } = await load<typeof import('../../../../src/server/store/sqlite/index/index-pace.ts')>();
  return { paceAt: (...lag: Parameters<typeof paceAt>): IndexPace => ({ ...paceAt(...lag), ...pace }) };
});

/** Messages that are short are indexed with each log that has them. */
const LONG = 'of the wide and dry plains of the south';

const newFile = () => join(temporaryDirectory(), 'logs.db');
const untilIndexed = (store: Store) =>
  expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });

type Kind = 'create' | 'update' | 'comment' | 'delete' | 'delete the last';
type Step = readonly [kind: Kind, which: number, word: number, session: number];

const WORDS = ['zebra', 'quagga', 'yak', 'leopard', 'lion', 'tiger'];

test.each([
  ['the index', false],
  ['an index that reads ahead', true],
])('whatever is written beside it by two processes, %s is that of the logs which are there', async (_, isUrgent) => {
  pace.isUrgent = isUrgent;
  const step = fc.tuple(
    // The next one that is created has the key of the last one.
    fc.constantFrom('create', 'create', 'create', 'update', 'comment', 'delete', 'delete the last'),
    fc.nat(30),
    fc.nat(WORDS.length - 1),
    fc.nat(2),
  ) as fc.Arbitrary<Step>;
  const rounds = fc.array(fc.array(step, { maxLength: 12 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(rounds, fc.nat(11), async (planned, endsThreadsAt) => {
      const file = newFile();
      const writers = watchWriters();
      const stores = [await openSqliteStore({ file }), await openSqliteStore({ file })] as const;
      // More than a slice has, so that there is something to read ahead.
      const ids = (
        await stores[0].createLogs(Array.from({ length: isUrgent ? 250 : 0 }, (_, at) => toLog(at % 6, at % 3)))
      ).map(({ id }) => id);
      for (const [at, steps] of planned.entries()) {
        // Some slices come between, and some are under way.
        await Promise.all(steps.map((each, index) => take(stores[index % 2]!, each, ids)));
        if (at === endsThreadsAt) for (const writer of writers()) void writer.terminate();
        if (at % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 30));
      }
      await untilIndexed(stores[0]);
      for (const store of stores) await store.close();
      const beside = readIndex(file);
      const database = openSqlite({ file });
      database.exec(
        `INSERT INTO unindexed_sessions (key) SELECT key FROM session_summaries WHERE true ON CONFLICT DO NOTHING`,
      );
      database.close();
      const alone = await openSqliteStore({ file });
      await untilIndexed(alone);
      await alone.close();
      expect(beside).toEqual(readIndex(file));
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 12) },
  );
});

function toLog(at: number, session: number) {
  const word = WORDS[at]!;
  const messages = WORDS.slice(0, at).map((said) => ({ role: 'user' as const, content: `${said} ${LONG}` }));
  return log({ session_reference_id: `session ${session}`, messages, output: `${word}s`, metadata: { user: word } });
}

async function take(store: Store, [kind, which, at, session]: Step, ids: string[]): Promise<void> {
  const id = ids[which % Math.max(1, ids.length)] ?? 'none';
  const word = WORDS[at]!;
  if (kind === 'create') {
    const created = await store.createLogs([toLog(at, session)]);
    ids.push(created[0]!.id);
  }
  if (kind === 'update') await store.updateLog({ id }, { output: `late ${word}`, error: word });
  if (kind === 'comment' && ids.includes(id)) {
    await store.addFeedback([{ data_id: id, type: 'comment', value: word, user: 'ada' }]).catch(() => {});
  }
  if (kind === 'delete') await store.deleteLogs([id]);
  if (kind === 'delete the last') await store.deleteLogs(ids.slice(-1));
}

/** All that the index has. Of words, in which sessions they are. */
function readIndex(file: string) {
  const database = openWithSearch({ file, readOnly: true });
  const all = (sql: string, ...parameters: string[]) => database.prepare(sql).all(...parameters);
  const index = {
    words: [...WORDS, 'zebras', 'late', 'lions', 'tigers', 'yaks'].map((word) =>
      all(
        `SELECT DISTINCT session_key FROM logs JOIN logs_search ON logs_search.rowid = logs.key
          WHERE logs_search MATCH ? ORDER BY 1`,
        word,
      ),
    ),
    texts: all('SELECT rowid FROM logs_search ORDER BY 1'),
    facets: all('SELECT session_key, kind, value FROM session_facets JOIN facets ON facet_key = key ORDER BY 1, 2, 3'),
    summaries: all('SELECT key, first_input, last_output, last_is_error FROM session_summaries ORDER BY 1'),
    ranks: all('SELECT key, started, duration FROM session_ranks ORDER BY 1'),
    days: all('SELECT * FROM day_counts ORDER BY 1, 2, 3, 4'),
  };
  database.close();
  return index;
}
