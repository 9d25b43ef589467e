/** How many logs a search looks at: most of its time goes by these. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { searchFor } from '../../../../src/server/store/sqlite/viewer/viewer-search.ts';
import { prepareViewerStatements } from '../../../../src/server/store/sqlite/viewer/viewer-statements.ts';
import type { SqliteValue } from '../../../../src/sqlite/open.ts';
import type { SqliteReader } from '../../../../src/sqlite/reader-threads.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Returns a function that searches in logs of these texts, and says what it finds and how many logs it looks at. */
async function openWith(outputs: readonly string[]) {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(outputs.map((output, index) => log({ session_reference_id: `session ${index}`, output })));
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  await store.close();
  const database = openWithSearch({ file });
  onTestFinished(() => database.close());
  const prepare = createStatementCache(database);
  return async (search: string, size: number, isWanted = (_key: SqliteValue) => true, cursor?: string) => {
    let looks = 0;
    const reader: Pick<SqliteReader, 'all'> = {
      all: async (sql, parameters) => {
        const rows = prepare(sql).all(...parameters);
        looks += rows.filter((row) => 'has_all' in row).length;
        return rows;
      },
    };
    const reads = { reader: reader as SqliteReader, statements: prepareViewerStatements(prepare) };
    const { found, next } = await searchFor(reads, { search, size, ...(cursor && { cursor }) }, isWanted);
    return { found: found.map(({ key }) => key), looks, next };
  };
}

test('a search looks at no more logs than fill the page', async () => {
  const search = await openWith(Array.from({ length: 1_000 }, () => 'the ferry leaves the harbour'));
  expect(await search('ferry', 20)).toMatchObject({ looks: 20 });
  expect(await search('ferry harbour', 20)).toMatchObject({ looks: 20 });
});

test('where the first logs do not fill the page, so many more are looked at as are likely to', async () => {
  const search = await openWith(Array.from({ length: 1_000 }, () => 'the ferry leaves the harbour'));
  const { found, looks } = await search('ferry harbour', 20, (key) => Number(key) % 2 === 0);
  expect(found).toHaveLength(20);
  expect(looks).toBeLessThan(100);
});

test('of words that are all frequent, the one that is rarest among the newest logs leads', async () => {
  const texts = Array.from({ length: 4_000 }, (_, at) => `ferry ${at % 10 === 0 || at < 2_000 ? 'harbour' : 'island'}`);
  const search = await openWith(texts);
  const [one, other] = [await search('ferry harbour', 20), await search('harbour ferry', 20)];
  expect(one.found).toHaveLength(20);
  expect(one.looks).toBe(20);
  expect([other.found, other.looks]).toEqual([one.found, one.looks]);
});

test('a word that only some of the newest logs have leads, though the other was not used of late', async () => {
  const texts = Array.from({ length: 2_500 }, (_, at) => (at < 2_200 ? 'island' : 'harbour'));
  const search = await openWith(texts);
  // Once for whole words, and once for the beginning of the last one.
  expect(await search('harbour island', 20)).toEqual({ found: [], looks: 2 * 300, next: null });
});

test('a search looks at no more than 2,000 logs', async () => {
  const search = await openWith(Array.from({ length: 2_100 }, () => 'ferry'));
  expect(await search('ferry', 20, () => false)).toMatchObject({ found: [], looks: 2_000 });
});

test('where whole words are found in no session that is wanted, however late that is known, their beginnings are', async () => {
  const search = await openWith(['ferryman', 'ferrymen', ...Array.from({ length: 2_100 }, () => 'ferry')]);
  const isWanted = (key: SqliteValue) => Number(key) <= 2;
  const first = await search('ferry', 20, isWanted);
  expect(first).toMatchObject({ found: [], next: expect.any(String) });
  let page = first;
  const found: SqliteValue[] = [];
  while (page.next !== null) {
    page = await search('ferry', 20, isWanted, page.next);
    found.push(...page.found);
  }
  expect(found).toHaveLength(2);
});

test('where whole words are found, beginnings are not looked for on any page', async () => {
  const search = await openWith(['ferryman', ...Array.from({ length: 30 }, () => 'ferry')]);
  let page = await search('ferry', 20);
  const found = [...page.found];
  while (page.next !== null) {
    page = await search('ferry', 20, undefined, page.next);
    found.push(...page.found);
  }
  expect(found).toHaveLength(30);
});
