import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MIGRATIONS, migrateSqlite } from '../../../../src/server/store/sqlite/file/migrations.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Digests of the released migrations, without comments and spacing. A new one adds a line; no line ever changes. */
const RELEASED = [
  '40bda17ec34dbc3141035ae015698563c0fd2e5bdc16b9dd95ec9dddee908612',
  'af7566074e25270d2c5d8c1ec9b7dae2f9ed826b7d22845e010b6628e38a22a0',
  '25cc41edb938e332c8d86bbfe230ac290d0a196e7ac5e4ae18c3b7db4b990215',
  '582a55b95b60254153d754431e7f52c08f9a815b8f327ed298cbf0706efac370',
  'e7270457ba0aa2143b97558ffbf305bb03a4f7d7b709716d67eb4f0b69a0e24b',
  '83d3ed8f3f26fd1f5bc9c721370a4938a98b19a054a52e217206c9be4a5db4cf',
  '142eaa87cfaaed5957ad1ad3f17000304270ccd25f3ef37cca42a35ba31788ae',
  'a29a5dbaa3b5e3946628ca8d85eb89dca15f2c33a94015c186f0411ae82d61d5',
  '538d80fd23155434131335e5389fb3a426c554ecf4bbc8c7f923f6d4fb6ebd60',
  'f555416bd89b203bbd33202c155849288bb0c0e89400d046daad435383e8dbc9',
  'c92a4ac09afc2619eb929e2c3fee44b726883214e6b040d5dfff79353d7a2dc3',
  '9d37c307fa85162dcc4efa178abd20959e6935c59061e3d58262d187f0a1d54e',
  '01faf892dc90b0beebad862bf7adf91de7e4443320221308e843a7e06264b63a',
  '406a7ac5c65ebc75813219e4001d77a0d7ad82eb2deec0f2660bb8d42c4b2143',
];

function digest(sql: string): string {
  const words = sql.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ');
  return createHash('sha256')
    .update(words.replaceAll(/ ?([(),;]) ?/g, '$1').trim())
    .digest('hex');
}

test('a migration that was released does what it did: files that it has made are never made again', () => {
  expect(MIGRATIONS.map(digest)).toEqual(RELEASED);
});

test('a file of the second version is opened whatever is in it, and all of its logs are shown', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const old = openSqlite({ file });
  for (const sql of MIGRATIONS.slice(0, 2)) old.exec(sql);
  old.exec(`PRAGMA application_id = ${0x686c6f74}`);
  old.exec('PRAGMA user_version = 2');
  const deep = `{"name":"deep","trace_id":"t","a":${'['.repeat(1_100)}${']'.repeat(1_100)}}`;
  const calling = '{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"look_up"}}]}';
  old.exec(`INSERT INTO projects VALUES (1, 'pr_1', 'p', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z')`);
  old.exec(`INSERT INTO sessions VALUES (1, 'sesh_1', 's', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z')`);
  const addConfig = old.prepare(`INSERT INTO configs (key, id, project_key, digest, type, model, content, created_at,
    last_used) VALUES (?, ?, 1, ?, 'generic', NULL, ?, '', '')`);
  addConfig.run(1, 'config_1', new Uint8Array([1]), deep);
  addConfig.run(2, 'config_2', new Uint8Array([2]), '{"name":"flat"}');
  const addLog = old.prepare(`INSERT INTO logs (id, project_key, session_key, config_key, created_at, updated_at, save,
    prompt_tokens, prompt_cost, metadata, output_message, inputs)
    VALUES (?, 1, 1, ?, '2024-01-01T00:00:00.000000Z', '2024-01-01T00:00:00.000000Z', 1, ?, 1.7e308, ?, ?, ?)`);
  addLog.run('data_1', 1, Number.MAX_SAFE_INTEGER, deep, deep, deep);
  addLog.run('data_2', 2, Number.MAX_SAFE_INTEGER, '{"trace_id":"abc"}', calling, '{"q":"the zebra"}');
  old.close();

  const store = await openSqliteStore({ file });
  await expect
    .poll(async () => (await store.viewer.listSessions({ search: 'zebra', size: 9 })).sessions)
    .toHaveLength(1);
  const { sessions } = await store.viewer.listSessions({ size: 9 });
  expect(sessions).toMatchObject([{ logs: 2, prompt_tokens: 2 * Number.MAX_SAFE_INTEGER }]);
  const { logs, configs } = (await store.viewer.readSession('sesh_1'))!;
  expect(logs).toMatchObject([{ id: 'data_1' }, { id: 'data_2', trace: 'abc', calls: 'look_up' }]);
  expect(configs).toMatchObject({ 1: { name: 'generic' }, 2: { name: 'flat' } });
  for (const { id } of logs) expect((await store.getLog(id))?.id).toBe(id);
  expect((await store.updateLog({ id: 'data_2' }, { output: 'late' }))?.output).toBe('late');
  await store.deleteLogs(['data_1']);
  expect((await store.viewer.readSession('sesh_1'))?.session.logs).toBe(1);
  await store.close();
});

test('a file of the third version keeps its sums, and is searched again from its beginning', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const old = openSqlite({ file });
  for (const sql of MIGRATIONS.slice(0, 3)) old.exec(sql);
  old.exec(`PRAGMA application_id = ${0x686c6f74}`);
  old.exec('PRAGMA user_version = 3');
  old.exec(`INSERT INTO projects VALUES (1, 'pr_1', 'p', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z')`);
  old.exec(`INSERT INTO sessions VALUES (1, 'sesh_1', 's', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z')`);
  const addLog =
    old.prepare(`INSERT INTO logs (id, reference_id, project_key, session_key, created_at, updated_at, save,
    prompt_tokens, inputs, messages) VALUES (?, ?, 1, 1, '2024-01-01T00:00:00.000000Z', '2024-01-01T00:00:00.000000Z', 1,
    2, ?, '[{"role":"user","content":"where is the nearest bakery"}]')`);
  old.exec('BEGIN');
  for (let index = 0; index < 700; index += 1) addLog.run(`data_${index}`, `r${index}`, `{"q":"zebra${index}"}`);
  // As if all but the last one had been indexed.
  old.exec('DELETE FROM unindexed_logs WHERE key < 700');
  old.exec(`INSERT INTO logs_search (rowid, text) SELECT key, inputs FROM logs WHERE key < 700`);
  old.exec('COMMIT');
  old.close();

  const store = await openSqliteStore({ file });
  expect((await store.viewer.readSession('sesh_1'))?.session).toMatchObject({ logs: 700, prompt_tokens: 1400 });
  await store.createLogs([log({ reference_id: 'r0', session_reference_id: 's' }), log({ session_reference_id: 's' })]);
  await expect.poll(() => store.viewer.indexLag()).toEqual({ logs: 0 });
  for (const search of ['zebra0', 'zebra699', 'bakery zebra300']) {
    expect((await store.viewer.listSessions({ search, size: 9 })).sessions, search).toHaveLength(1);
  }
  expect((await store.viewer.readSession('sesh_1'))?.session).toMatchObject({ logs: 701, prompt_tokens: 1400 });
  for (const sort of ['activity', 'started', 'changed', 'duration', 'cost'] as const) {
    expect((await store.viewer.listSessions({ sort, project: 'p', size: 9 })).sessions, sort).toHaveLength(1);
  }
  const { days } = await store.viewer.readOverview({ days: 2, until: '2024-01-01T12:00:00.000000Z' });
  expect(days).toMatchObject([{ day: '2024-01-01', logs: 700 }]);
  await store.close();
});

test('the space of words that are in a file of their own from here on is given back', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const old = openSqlite({ file });
  old.exec('PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL');
  for (const sql of MIGRATIONS.slice(0, 13)) old.exec(sql);
  old.exec(`PRAGMA application_id = ${0x686c6f74}; PRAGMA user_version = 13;
    INSERT INTO projects (key, id, name, created_at, updated_at) VALUES (1, 'pr_1', 'one', '', '');
    INSERT INTO logs (key, id, project_key, created_at, updated_at, save) VALUES (1, 'log_1', 1, '', '', 1)`);
  const words = Array.from({ length: 100_000 }, (_, n) => `quagga${n}`).join(' ');
  old.prepare('INSERT INTO logs_search (rowid, text, session) VALUES (1, ?, ?)').run(words, 'log-1');
  old.close();
  const before = statSync(file).size;

  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  const sizes = () => [file, `${file}-wal`].reduce((sum, each) => sum + statSync(each).size, 0);
  await expect.poll(sizes, { timeout: 10_000 }).toBeLessThan(before - 500_000);
});

test('what a savepoint could bring back goes through no file', () => {
  const file = join(temporaryDirectory(), 'a.db');
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  migrateSqlite(database, file);
  // 2 is MEMORY.
  expect(database.prepare('PRAGMA temp_store').get()).toEqual({ temp_store: 2 });
});
