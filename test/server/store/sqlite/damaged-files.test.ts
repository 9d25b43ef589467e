/** What is said of a damaged file is true whichever it is, though the engine does not say which. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { backUpSqlite } from '../../../../src/server/store/sqlite/copies.ts';
import { noticingDamage, searchFileOf } from '../../../../src/server/store/sqlite/file/search-file.ts';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import { openSqlite, reasonOf, SqliteError } from '../../../../src/sqlite/open.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

const SEARCH_SQL = `SELECT logs.key, output FROM logs_search JOIN logs ON logs.key = logs_search.rowid
  WHERE logs_search MATCH 'zebra' ORDER BY logs.created_at`;

async function fileWithLogs(): Promise<string> {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  await store.createLogs(Array.from({ length: 40 }, (_, n) => log({ output: `the zebra ${n} ${'x'.repeat(900)}` })));
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  await store.close();
  return file;
}

/** Reads with a connection that has not read before. */
const searchIn = (file: string) => {
  const all = async (sql: string) => {
    const database = openWithSearch({ file, readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return noticingDamage({ all, close: async () => {} }, file).all(SEARCH_SQL, []);
};

/** Damages each page but the first, one at a time. Returns what searches say of it that fail. */
async function messagesOf(file: string, damaged: string): Promise<string[]> {
  const bytes = readFileSync(damaged);
  const pageBytes = bytes.readUInt16BE(16);
  const messages: string[] = [];
  for (let from = pageBytes; from < bytes.length; from += pageBytes) {
    writeFileSync(damaged, Buffer.from(bytes).fill(0xff, from, from + pageBytes));
    await searchIn(file).catch((error: unknown) => {
      expect(reasonOf(error)).toBe('corrupt');
      messages.push((error as Error).message);
    });
  }
  writeFileSync(damaged, bytes);
  return [...new Set(messages)];
}

test('whichever page of either file is damaged, what a search says to do is right for that file', async () => {
  const file = await fileWithLogs();
  const search = searchFileOf(file);
  expect(await searchIn(file)).toHaveLength(40);
  const ofDatabase = await messagesOf(file, file);
  const ofWords = await messagesOf(file, search);
  expect([ofDatabase.length > 0, ofWords.length > 0]).toEqual([true, true]);
  for (const message of ofDatabase) expect(message).toContain(`it is ${file}: restore it from a backup`);
  for (const message of ofWords)
    expect(message).toMatch(new RegExp(`^${search} .*: stop the server, delete (this file|${search}),`));
});

test('with the database damaged while it is open, reads and writes say what to do', async () => {
  const file = await fileWithLogs();
  const errors: unknown[] = [];
  const store = await openSqliteStore({ file, onError: (error) => errors.push(error) });
  onTestFinished(() => store.close().catch(() => {}));
  const [created] = await store.createLogs([log({ session_reference_id: 'one' })]);
  await expect.poll(() => store.viewer.indexLag(), { timeout: 30_000 }).toEqual({ logs: 0 });
  // After a write of another process, nobody reads what it remembers.
  const other = openSqlite({ file });
  other.exec('UPDATE projects SET name = name; PRAGMA wal_checkpoint(TRUNCATE)');
  other.close();
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xff, bytes.readUInt16BE(16)));

  const page = { page: 1, size: 10 };
  const all = { ...page, sources: [], models: [], feedback: new Map(), sort: [] };
  const calls = {
    getLog: () => store.getLog(created!.id),
    listLogs: () => store.listLogs({ ...all, projectId: created!.project_id }),
    listProjects: () => store.listProjects({ ...page, sortBy: 'name', descending: false }),
    listSessions: () => store.viewer.listSessions({ size: 9 }),
    search: () => store.viewer.listSessions({ search: 'zebra', size: 9 }),
    createLogs: () => store.createLogs([log({})]),
    updateLog: () => store.updateLog({ id: created!.id }, { output: 'another' }),
    deleteLogs: () => store.deleteLogs([created!.id]),
  };
  for (const [name, call] of Object.entries<() => Promise<unknown>>(calls)) {
    const error = await call().then(
      () => 'answered',
      (thrown: unknown) => thrown,
    );
    expect([name, error]).toEqual([name, expect.objectContaining({ reason: 'damaged' })]);
    expect((error as Error).message).toContain(
      `${file} is damaged or is not a SQLite database: restore it from a backup`,
    );
  }
  await expect.poll(() => errors.length, { timeout: 30_000 }).toBeGreaterThan(0);
  for (const error of errors) expect(error).toBeInstanceOf(SqliteError);
});

test('a backup of a damaged file says which file it is, and leaves nothing behind', async () => {
  const file = await fileWithLogs();
  const bytes = readFileSync(file);
  const pageBytes = bytes.readUInt16BE(16);
  const target = join(temporaryDirectory(), 'backup.db');
  const messages = new Set<string>();
  for (let from = pageBytes; from < bytes.length; from += pageBytes) {
    writeFileSync(file, Buffer.from(bytes).fill(0xff, from, from + pageBytes));
    try {
      backUpSqlite(file, target, { force: true });
    } catch (error) {
      expect(reasonOf(error)).toBe('corrupt');
      messages.add((error as Error).message);
      expect(readdirSync(dirname(target)).filter((name) => name.includes('partial'))).toEqual([]);
    }
  }
  expect(messages.size).toBeGreaterThan(0);
  for (const message of messages) expect(message).toContain(`${file} is damaged`);
});
