/** Of many logs that are deleted among others, nothing is left in unused parts of pages either. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { Random } from '../../../support/random.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

interface Written {
  readonly id: string;
  /** A word that is in all of its texts, names and ids. */
  readonly word: string;
}

/** Writes, changes and deletes logs of all lengths in turn. */
async function writeAndDelete(
  store: Store,
  random: Random,
  rounds: number,
): Promise<{ gone: Written[]; there: Written[] }> {
  const below = (limit: number) => random.between(0, limit - 1);
  let count = 0;
  let there: Written[] = [];
  const gone: Written[] = [];
  const write = async (): Promise<void> => {
    const words = Array.from({ length: 20 + below(80) }, () => `secret${below(1e6)}n${count++}x`);
    const logs = words.map((word) =>
      log({
        reference_id: `${word}-reference`,
        ...(random.next() < 0.7 && {
          session_reference_id: random.next() < 0.5 ? `${word}-session` : `shared-${below(50)}`,
        }),
        config: { type: 'model', model: random.next() < 0.2 ? word : 'gpt-4' },
        messages: [{ role: 'user', content: `${word} ${'text '.repeat([1, 3, 20, 200, 2_000][below(5)]!)}` }],
        output: `${word} output`,
        metadata: { user: word },
        ...(random.next() < 0.2 && { feedback: [{ type: 'comment', value: `${word} comment`, user: word }] }),
      }),
    );
    const created = await store.createLogs(logs);
    there.push(...created.map(({ id }, at) => ({ id, word: words[at]! })));
  };
  for (let round = 0; round < rounds; round += 1) {
    for (let batch = 0; batch < 4; batch += 1) await write();
    for (let update = 0; update < 40; update += 1) {
      const { id, word } = there[below(there.length)]!;
      await store.updateLog({ id }, { output: `${word} ${'late '.repeat(below(500))}` });
    }
    const deleted = there.filter(() => random.next() < 0.1);
    there = there.filter((each) => !deleted.includes(each));
    gone.push(...deleted);
    await store.deleteLogs(deleted.map(({ id }) => id));
  }
  return { gone, there };
}

function findAny(file: string, gone: readonly Written[]): string[] {
  const names = new Set(gone.flatMap(({ id, word }) => [id, word]));
  const found = ['', '-wal', '-search', '-search-wal'].flatMap((suffix) => {
    const content = existsSync(file + suffix) ? readFileSync(file + suffix).toString('latin1') : '';
    return content.match(/secret\d+n\d+x|data_\w{21}/g) ?? [];
  });
  return [...new Set(found)].filter((name) => names.has(name));
}

test.each([1, 2])('when that is asked for (%i)', async (seed) => {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  const { gone, there } = await writeAndDelete(store, new Random(seed), 15);
  await store.eraseDeleted();
  expect(gone.length).toBeGreaterThan(100);
  expect(findAny(file, gone)).toEqual([]);
  // A word and an id of each.
  expect(findAny(file, there)).toHaveLength(2 * there.length);
});

test('at a quiet time by itself, after a restart too', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const before = await openSqliteStore({ file });
  const { gone } = await writeAndDelete(before, new Random(3), 3);
  await before.close();
  const other = openSqlite({ file, readOnly: true });
  onTestFinished(() => other.close());
  const isDue = () => other.prepare('SELECT 1 FROM compaction_due').get() !== undefined;
  expect(isDue()).toBe(true);
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  await expect.poll(isDue, { timeout: 60_000 }).toBe(false);
  await expect.poll(() => findAny(file, gone)).toEqual([]);
});
