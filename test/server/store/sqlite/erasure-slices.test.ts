/** How much a slice of a deletion does, by how many of them there are. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createErasure } from '../../../../src/server/store/sqlite/erasure/erasure.ts';
import { prepareErasureStatements } from '../../../../src/server/store/sqlite/erasure/erasure-statements.ts';
import type { Scrub } from '../../../../src/server/store/sqlite/erasure/scrub.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { prepareStatements } from '../../../../src/server/store/sqlite/writing/statements.ts';
import { toEnd, toSteps, type Work } from '../../../../src/server/store/steps.ts';
import { createSqliteReader } from '../../../../src/sqlite/reader-threads.ts';
import { createStatementCache } from '../../../../src/sqlite/statement-cache.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Opens a session in which each log but the last hangs below the one that came next. */
async function openChain(count: number, isSpaceShort: boolean) {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  const logs = Array.from({ length: count }, (_, at) =>
    log({ reference_id: `${at}`, parent_reference_id: `${at + 1}`, session_reference_id: 'chain' }),
  );
  await store.createLogs(logs);
  await store.close();
  const database = openWithSearch({ file });
  const prepare = createStatementCache(database);
  const reader = createSqliteReader({ file, prepare });
  onTestFinished(async () => {
    await reader.close();
    database.close();
  });
  const statements = prepareErasureStatements(prepare);
  let slices = 0;
  const erasure = createErasure({
    ...{ statements: prepareStatements(prepare), erasureStatements: statements, reader },
    scrub: { markDue: () => {} } as Partial<Scrub> as Scrub,
    write: async (work: Work<void>) => {
      slices += 1;
      database.exec('BEGIN');
      toEnd(toSteps(work));
      database.exec('COMMIT');
    },
    isSpaceShort: () => isSpaceShort,
    onDeleted: () => {},
  });
  return { database, erasure, statements, slices: () => slices };
}

test('a slice that hurries goes on through logs that came before their parents', async () => {
  const { database, erasure, statements, slices } = await openChain(1_500, false);
  const oldest = statements.listOldestSessions.all('~', 1);
  // Others write as much between any two slices.
  const write =
    database.prepare(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 1000)
    INSERT INTO logs (id, project_key, created_at, updated_at, save)
    SELECT hex(randomblob(16)), 1, '2024-01-01', '2024-01-01', 1 FROM numbers`);
  const hurry = () => {
    write.run();
    return 1;
  };
  expect(await erasure.deleteOldest(oldest, () => false, hurry)).toEqual({ logs: 1_500, sessions: 1 });
  expect(slices()).toBeLessThan(4);
});

test('on a full disk, a slice takes several logs with their children', async () => {
  const { erasure, slices } = await openChain(40, true);
  expect(await erasure.deleteSession({ referenceId: 'chain' })).toEqual({ logs: 40, sessions: 1 });
  expect(slices()).toBeLessThan(15);
});
