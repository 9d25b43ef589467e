import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { createOne, log } from '../../sample-log.ts';

test('a log that cannot be indexed is reported once and passed over, and the others are found', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const errors: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
  onTestFinished(() => store.close());
  const found = async (search: string) => (await store.viewer.listSessions({ search, size: 9 })).sessions.length;
  const bad = await createOne(store, { session_reference_id: 'bad', output: 'unreadable' });
  await expect.poll(() => found('unreadable')).toBe(1);

  // Only a fault in the file or in this program can have this effect.
  const other = openSqlite({ file });
  onTestFinished(() => other.close());
  other.exec(
    `INSERT INTO feedback (id, log_key, type, value, created_at) VALUES ('ann_1', 1, 'rating', '{broken', '')`,
  );
  await store.createLogs([log({ session_reference_id: 'good', output: 'the zebra' })]);
  await expect.poll(() => found('zebra')).toBe(1);
  expect(errors.map(String)).toEqual([expect.stringContaining(`cannot find log ${bad.id} by its words`)]);
  expect(other.prepare('SELECT key FROM unsearchable_logs').all()).toEqual([{ key: 1 }]);
  expect(other.prepare('SELECT key FROM unindexed_logs').all()).toEqual([]);
  // What was indexed of it before is still there.
  expect(await found('unreadable')).toBe(1);

  other.exec(`UPDATE feedback SET value = '"good"'`);
  await store.updateLog({ id: bad.id }, { error: 'mended' });
  await expect.poll(() => found('mended')).toBe(1);
  expect(other.prepare('SELECT key FROM unsearchable_logs').all()).toEqual([]);
  expect(errors).toHaveLength(1);
});
