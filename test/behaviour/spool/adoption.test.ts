/** What dead processes have left is taken over in steps, so that a large file does not block the app. */
import { writeFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openSpoolFile } from '../../../src/delivery/spool/directory.ts';
import { HumanloopSpanProcessor } from '../../../src/index.ts';
import { openSqlite } from '../../../src/sqlite/open.ts';
import { spoolDirectory, spoolFiles } from './spooled-app.ts';

const LOGS = 3_000;
const BODY = JSON.stringify({ project: 'p', inputs: { text: 'x'.repeat(10_000) } });

/** Leaves a file, as a killed process does. */
function leaveOrphan(directory: string): void {
  const file = openSpoolFile(directory);
  file.transaction(() => {
    for (let count = 0; count < LOGS; count++) {
      file.put({
        referenceId: `${count.toString(16).padStart(32, '0')}-0000000000000001`,
        parentReferenceId: undefined,
        body: BODY,
        late: { duration: 1 },
        acknowledged: undefined,
        isDelivered: false,
        isFinal: true,
        startedMillis: Date.now(),
      });
    }
  });
  file.close();
}

function start(directory: string): HumanloopSpanProcessor {
  // No server listens there: the rows that are taken over stay.
  const processor = new HumanloopSpanProcessor({
    baseUrl: 'http://127.0.0.1:9/v4',
    flushTimeoutMillis: 200,
    spool: { directory, maxBytes: 256 * 1024 * 1024 },
  });
  onTestFinished(() => processor.shutdown());
  return processor;
}

function rowsIn(directory: string): number {
  return spoolFiles(directory)
    .filter((name) => name.endsWith('.spool'))
    .map((name) => {
      const database = openSqlite({ file: `${directory}/${name}` });
      const rows = Number(database.prepare('SELECT count(*) AS count FROM log').get()?.['count']);
      database.close();
      return rows;
    })
    .reduce((sum, rows) => sum + rows, 0);
}

test('the app gets its turns while a large file is taken over', async () => {
  const directory = spoolDirectory();
  leaveOrphan(directory);
  const processor = start(directory);
  let turns = 0;
  for (; processor.stats().queued < LOGS; turns++) await nextTurn();
  expect(processor.stats().queued).toBe(LOGS);
  // No machine moves 30 MB in five slices of a few milliseconds.
  expect(turns).toBeGreaterThan(5);
  expect(spoolFiles(directory).filter((name) => name.endsWith('.spool'))).toHaveLength(1);
});

test('a shutdown during a take-over loses nothing: the next start takes over the rest', async () => {
  const directory = spoolDirectory();
  leaveOrphan(directory);
  const processor = start(directory);
  for (let turns = 0; turns < 3; turns++) await nextTurn();
  expect(processor.stats().queued).toBe(0);
  await processor.shutdown();
  expect(rowsIn(directory)).toBe(LOGS);
  expect(spoolFiles(directory).filter((name) => name.endsWith('.corrupt'))).toEqual([]);
  const next = start(directory);
  await expect.poll(() => next.stats().queued).toBe(LOGS);
});

test('what is left of a file whose process was killed while it deleted it goes, and nothing of a file that is there', async () => {
  const directory = spoolDirectory();
  const other = openSpoolFile(directory);
  onTestFinished(() => other.close());
  const companions = spoolFiles(directory).filter((name) => !name.endsWith('.spool'));
  expect(companions).not.toEqual([]);
  for (const suffix of ['-wal', '-shm', '-journal']) writeFileSync(`${directory}/7-dead.spool${suffix}`, 'said');
  // That can still be inspected.
  const kept = ['8-aside.spool.corrupt', '8-aside.spool-wal'];
  for (const name of kept) writeFileSync(`${directory}/${name}`, 'said');
  const processor = start(directory);
  await expect.poll(() => spoolFiles(directory).filter((name) => name.startsWith('7-dead'))).toEqual([]);
  await processor.shutdown();
  expect(spoolFiles(directory)).toEqual(expect.arrayContaining([...companions, ...kept]));
});
