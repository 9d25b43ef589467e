/** The commands that work on the database, beside a server and without one. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../src/server/store/sqlite/store.ts';
import { openSqlite } from '../src/sqlite/open.ts';
import { log } from './server/sample-log.ts';
import { startTestServer, temporaryDirectory } from './support/start-test-server.ts';

const CLI = join(import.meta.dirname, '..', 'src', 'cli.ts');

function run(...commandLine: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', CLI, ...commandLine], (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

const isInFile = (file: string, text: string) =>
  ['', '-wal'].some((suffix) => existsSync(file + suffix) && readFileSync(file + suffix).includes(text));

async function fill(file: string) {
  const store = await openSqliteStore({ file });
  const created = await store.createLogs([
    log({ output: 'OUTPUTA', session_reference_id: 'chat-a', metadata: { user_id: 'ann' } }),
    log({ output: 'OUTPUTB', session_reference_id: 'chat-b', metadata: { user: 42 } }),
    log({ output: 'OUTPUTC', project: 'PROJECTC' }),
    log({ output: 'OUTPUTD', feedback: { type: 'rating', value: 'RATED', user: 'ann' } }),
    log({ output: 'OUTPUTE' }),
  ]);
  await store.close();
  return created;
}

test('delete erases what is named, without a server', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  const created = await fill(file);
  const remove = (...options: string[]) => run('delete', ...options, '--db', file);
  expect(await remove('--session', 'chat-b')).toEqual({
    ...{ code: 0, err: '' },
    out: 'humanloop-otel: deleted 1 log and 1 session: nothing of them is left in the file\n',
  });
  expect(isInFile(file, 'OUTPUTB')).toBe(false);
  expect(await remove('--user', 'ann')).toMatchObject({ code: 0, out: expect.stringContaining('1 log and 1 session') });
  expect(['OUTPUTA', 'RATED', 'OUTPUTD'].map((text) => isInFile(file, text))).toEqual([false, false, true]);
  expect(await remove('--project', 'PROJECTC')).toMatchObject({ code: 0, out: expect.stringContaining('1 log and') });
  expect(['OUTPUTC', 'PROJECTC'].map((text) => isInFile(file, text))).toEqual([false, false]);
  expect(await remove('--log', created[4]!.id)).toMatchObject({ code: 0 });
  expect([created[4]!.id, 'OUTPUTE', 'OUTPUTD'].map((text) => isInFile(file, text))).toEqual([false, false, true]);
  expect(await remove('--session', 'chat-b')).toEqual({
    ...{ code: 1, out: '', err: 'humanloop-otel: there is no session "chat-b"\n' },
  });
  expect(await remove('--user', 'nobody')).toMatchObject({ code: 0, out: expect.stringContaining('0 logs') });
});

test('delete and prune work beside a server, which goes on and tells its pages', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  await fill(file);
  const server = await startTestServer({ file });
  const events = await fetch(`${server.url}/viewer/api/events`);
  let heard = '';
  void (async () => {
    for await (const chunk of events.body!) heard += Buffer.from(chunk);
  })().catch(() => {});
  let failed = 0;
  let isDone = false;
  const writing = (async () => {
    while (!isDone) {
      const answer = await server.call('POST', '/v4/logs', { project: 'p', config: { model: 'm' }, output: 'x' });
      if (answer.status !== 200) failed += 1;
    }
  })();
  expect(await run('delete', '--session', 'chat-a', '--db', file)).toMatchObject({ code: 0 });
  isDone = true;
  await writing;
  expect(failed).toBe(0);
  expect(isInFile(file, 'OUTPUTA')).toBe(false);
  heard = '';
  expect(await run('prune', '--older-than', '0.001s', '--db', file)).toMatchObject({ code: 0 });
  await expect.poll(() => heard).toContain('"sessions":null');
  expect((await server.call('GET', '/viewer/api/sessions')).body.sessions).toEqual([]);
  expect((await server.call('POST', '/v4/logs', log({ output: 'after' }))).status).toBe(200);
});

test('a backup that is made under load has every log that was answered before, and is the way back', async () => {
  const directory = temporaryDirectory();
  const [file, copy] = [join(directory, 'logs.db'), join(directory, 'copy.db')];
  const server = await startTestServer({ file });
  const answered: string[] = [];
  let isDone = false;
  const writers = [1, 2, 3].map(async (writer) => {
    while (!isDone) {
      const logs = Array.from({ length: 20 }, () => log({ session_reference_id: `s${writer}`, prompt_tokens: 1 }));
      const { body } = await server.call('POST', '/v4/logs', logs);
      for (const { id } of body) answered.push(id);
    }
  });
  await expect.poll(() => answered.length).toBeGreaterThan(200);
  const before = [...answered];
  expect(await run('backup', copy, '--db', file)).toEqual({
    ...{ code: 0, err: '', out: `humanloop-otel: ${file} is backed up in ${copy}\n` },
  });
  isDone = true;
  await Promise.all(writers);
  expect(statSync(copy).mode & 0o777).toBe(0o600);
  expect(await run('backup', copy, '--db', file)).toMatchObject({
    ...{ code: 1, err: `humanloop-otel: ${copy} exists: use --force to replace it\n` },
  });
  expect(await run('backup', copy, '--db', file, '--force')).toMatchObject({ code: 0 });
  expect(await run('restore', copy, '--db', file)).toMatchObject({ code: 1, err: expect.stringContaining('--force') });
  expect(await run('restore', copy, '--db', file, '--force')).toMatchObject({
    ...{ code: 1, err: `humanloop-otel: ${file} is in use: stop the server first\n` },
  });
  await server.close();
  // The file that was in use is damaged, and an old log of writes is beside it.
  writeFileSync(file, 'x'.repeat(9_000));
  writeFileSync(`${file}-wal`, 'x'.repeat(9_000));
  expect(await run('restore', copy, '--db', file, '--force')).toMatchObject({ code: 0, err: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = await startTestServer({ file });
  const { sessions } = (await again.call('GET', '/viewer/api/sessions')).body;
  const ids = new Set<string>();
  for (const { id, logs, prompt_tokens } of sessions) {
    let count = 0;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path: string = `/viewer/api/sessions/${id}${cursor && `?cursor=${encodeURIComponent(cursor)}`}`;
      const portion: { logs: { id: string }[]; next: string | null } = (await again.call('GET', path)).body;
      for (const each of portion.logs) ids.add(each.id);
      count += portion.logs.length;
      cursor = portion.next;
    }
    expect({ logs, prompt_tokens }).toEqual({ logs: count, prompt_tokens: count });
  }
  expect(before.filter((id) => !ids.has(id))).toEqual([]);
  expect((await again.call('POST', '/v4/logs', log())).status).toBe(200);
});

test('restore refuses what is not a whole backup', async () => {
  const directory = temporaryDirectory();
  const [file, copy] = [join(directory, 'logs.db'), join(directory, 'copy.db')];
  await fill(file);
  expect(await run('backup', copy, '--db', file)).toMatchObject({ code: 0 });
  rmSync(file);
  const bytes = readFileSync(copy);
  writeFileSync(copy, bytes.subarray(0, bytes.length / 2));
  expect(await run('restore', copy, '--db', file)).toMatchObject({ code: 1, err: expect.stringMatching(/damaged/) });
  writeFileSync(copy, 'no database'.repeat(1_000));
  expect(await run('restore', copy, '--db', file)).toMatchObject({ code: 1, err: expect.stringMatching(/damaged/) });
  rmSync(copy);
  expect(await run('restore', copy, '--db', file)).toMatchObject({
    code: 1,
    err: `humanloop-otel: there is no backup at ${copy}\n`,
  });
  expect(existsSync(copy) || existsSync(file)).toBe(false);
  writeFileSync(copy, bytes);
  expect(await run('restore', copy, '--db', file)).toMatchObject({ code: 0 });
  // The backup that is not there is the first fault to know of.
  expect(await run('restore', `${copy}.old`, '--db', file)).toMatchObject({
    code: 1,
    err: `humanloop-otel: there is no backup at ${copy}.old\n`,
  });
});

test('compact rewrites a file that an older version has made, which then gives free space back', async () => {
  const file = join(temporaryDirectory(), 'logs.db');
  await fill(file);
  const old = openSqlite({ file });
  old.exec('PRAGMA auto_vacuum = NONE; VACUUM');
  old.close();
  expect(await run('compact', '--db', file)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/bytes and has \d+/),
  });
  const database = openSqlite({ file });
  onTestFinished(() => database.close());
  expect(database.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 });
});

test.each([
  [['delete', '--db', 'none.db'], 2, 'delete needs one of'],
  [['delete', '--log', 'a', '--user', 'b'], 2, 'delete needs one of'],
  [['delete', '--log', ''], 2, 'option --log: expected a non-empty string, got ""'],
  [['delete', '--log', 'a', '--port', '1'], 2, 'delete has no option --port'],
  [['delete', '--log', 'a', '--db', '/tmp/no/such.db'], 1, 'there is no database at /tmp/no/such.db'],
  [['prune'], 2, 'prune needs --older-than or --max-size'],
  [['prune', '--older-than', '30'], 2, 'option --older-than: expected a number with a unit'],
  [['prune', '--max-size', '20 apples'], 2, 'option --max-size: expected a number with a unit'],
  [['backup'], 2, 'backup needs a file'],
  [['backup', 'a', 'b'], 2, 'unknown command: backup a b'],
  [['serve', '--keep', 'long'], 2, 'option --keep: expected a number with a unit'],
  [['serve', '--keep', '1s', '--max-size', '10kB'], 2, 'option --max-size (or HUMANLOOP_MAX_SIZE), in bytes: expected'],
])('%j says what is wrong', async (commandLine, code, message) => {
  const result = await run(...commandLine);
  expect(result).toMatchObject({ code, out: '', err: expect.stringContaining(`humanloop-otel: ${message}`) });
});

test('what a killed backup has left is taken away by the next one to the same name, and nothing else is', async () => {
  const directory = temporaryDirectory();
  const [file, copy] = [join(directory, 'logs.db'), join(directory, 'copy.db')];
  await fill(file);
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const left = [`copy.db.${dead}.partial`, `copy.db.${dead}.partial-journal`];
  const others = [
    ...[`copy.db.${process.pid}.partial`, `other.db.${dead}.partial`, `copy.db.${dead}.partial.txt`],
    ...[`copy.db.old.${dead}.partial`, `copy_db.${dead}.partial`],
  ];
  for (const name of [...left, ...others]) writeFileSync(join(directory, name), 'OUTPUTA');
  expect(await run('backup', copy, '--db', file)).toMatchObject({ code: 0 });
  const names = readdirSync(directory).filter((name) => !name.startsWith('logs.db'));
  expect(names.sort()).toEqual(['copy.db', ...others].sort());
});

test('a copy that a process of another container writes is left alone', async () => {
  const directory = temporaryDirectory();
  const [file, copy] = [join(directory, 'logs.db'), join(directory, 'copy.db')];
  await fill(file);
  const partial = `${copy}.${spawnSync(process.execPath, ['-e', '']).pid}.partial`;
  const writer = openSqlite({ file: partial });
  writer.exec('BEGIN EXCLUSIVE; CREATE TABLE log (id)');
  expect(await run('backup', copy, '--db', file)).toMatchObject({ code: 0 });
  expect(existsSync(partial)).toBe(true);
  writer.exec('COMMIT');
  writer.close();
});
