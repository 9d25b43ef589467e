/** After a deletion, nothing of what was deleted is in the file or beside it, and all else is as it was. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../src/server/store/sqlite/store.ts';
import type { Store } from '../../../../src/server/store/store.ts';
import { openSqlite, type SqliteDatabase } from '../../../../src/sqlite/open.ts';
import type { LogRequest } from '../../../../src/wire/v4.ts';
import { holdBatches } from '../../../support/held-batches.ts';
import { openWithSearch } from '../../../support/open-with-search.ts';
import { temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

async function openStore() {
  const file = join(temporaryDirectory(), 'logs.db');
  const store = await openSqliteStore({ file });
  onTestFinished(() => store.close());
  return { file, store };
}

/** Each text is a word of its own in the index, in lower case, and says where it was. */
function marked(word: string): LogRequest {
  return log({
    project: 'kept project',
    reference_id: `${word}-reference`,
    session_reference_id: `${word}-session`,
    created_at: '2024-01-01T00:00:00Z',
    config: {
      type: 'model',
      model: `${word}-model`,
      chat_template: [{ role: 'system', content: `${word} template` }],
    } as LogRequest['config'],
    inputs: { [`${word}-key`]: `${word} input` },
    messages: [{ role: 'user', content: `${word} message ${'long '.repeat(3_000)}${word} end` }],
    output: `${word} output`,
    error: `${word} error`,
    source: `${word}-source`,
    environment: `${word}-environment`,
    metadata: { user: `${word}-user`, [`${word}-label`]: { tenant: [`${word}-tenant`] } },
    provider_response: { raw: `${word} raw` },
    stdout: `${word} stdout`,
    feedback: [{ type: `${word}-type`, value: `${word} comment`, user: `${word}-rater` }],
  });
}

const ordinary = (n: number) =>
  log({
    project: 'kept project',
    reference_id: `kept-${n}`,
    session_reference_id: `kept-session-${n % 10}`,
    messages: [{ role: 'user', content: `${'kept words '.repeat(50)}${n}` }],
    output: `kept output ${n}`,
    metadata: { user: 'kept-user' },
  });

/** Returns which of the texts are in the files, in UTF-8 or UTF-16, in any case of the letters. */
function findInFiles(file: string, texts: readonly string[]): string[] {
  const content = ['', '-wal', '-shm', '-journal', '-search', '-search-wal', '-search-shm']
    .filter((suffix) => existsSync(file + suffix))
    .map((suffix) =>
      readFileSync(file + suffix)
        .toString('latin1')
        .toLowerCase(),
    )
    .join('\n');
  const encodings = ['utf8', 'utf16le'] as const;
  return texts.filter((text) =>
    encodings.some((encoding) => content.includes(Buffer.from(text.toLowerCase(), encoding).toString('latin1'))),
  );
}

async function indexed(store: Store, word: string): Promise<void> {
  const search = () => store.viewer.listSessions({ search: word, size: 10 });
  await expect.poll(async () => (await search()).sessions.length).toBeGreaterThan(0);
}

/** Logs with the word among others, so that its pages have neighbours. */
async function fill(store: Store, word: string): Promise<{ id: string; project_id: string; session_id: string }> {
  await store.createLogs(Array.from({ length: 200 }, (_, n) => ordinary(n)));
  const [created] = await store.createLogs([marked(word)]);
  await store.createLogs(Array.from({ length: 200 }, (_, n) => ordinary(1_000 + n)));
  await store.updateLog({ id: created!.id }, { output: `${word} late output`, duration: 1 });
  await store.addFeedback([{ data_id: created!.id, type: 'comment', value: `${word} second comment` }]);
  await indexed(store, word);
  await expect.poll(async () => (await store.viewer.listFilters()).feedback.join()).toContain(word);
  return created as { id: string; project_id: string; session_id: string };
}

async function expectRestAsBefore(store: Store, projectId: string): Promise<void> {
  const query = { page: 0, size: 1_000, sources: [], models: [], feedback: new Map(), sort: [] };
  expect((await store.listLogs({ projectId, ...query }))!.total).toBe(400);
  await expect
    .poll(async () => (await store.viewer.listSessions({ search: 'kept output 1005', size: 10 })).sessions.length)
    .toBe(1);
}

const WORD = 'zebraquagga';

describe('nothing is left in the files', () => {
  const deletions: Record<string, (store: Store, log: { id: string; session_id: string }) => Promise<unknown>> = {
    'of a log': (store, { id }) => store.deleteLogs([id]),
    'of a session': (store, { session_id }) => store.deleteSession({ id: session_id }),
    'of a session by its reference': (store) => store.deleteSession({ referenceId: `${WORD}-session` }),
    "of a user's logs": (store) => store.deleteLogsOfUser(`${WORD}-user`),
  };
  test.each(Object.entries(deletions))('%s', async (_, remove) => {
    const { file, store } = await openStore();
    const created = await fill(store, WORD);
    const secrets = [WORD, WORD.slice(4), created.id, created.session_id];
    await store.eraseDeleted();
    expect(findInFiles(file, secrets)).toEqual(secrets);
    expect(await remove(store, created)).toEqual({ logs: 1, sessions: 1 });
    await store.eraseDeleted();
    expect(findInFiles(file, secrets)).toEqual([]);
    expect(await store.getSession(created.session_id)).toBeUndefined();
    await expectRestAsBefore(store, created.project_id);
    await store.close();
    expect(findInFiles(file, secrets)).toEqual([]);
    checkIntegrity(file);
  });

  test('of a project, its name included', async () => {
    const { file, store } = await openStore();
    const { project_id } = await fill(store, 'other');
    const logs = Array.from({ length: 300 }, (_, n) => ({
      ...marked(`${WORD}${n}`),
      ...{ project: `${WORD} project`, session_reference_id: `${WORD}-${n % 7}` },
    }));
    const created = await store.createLogs(logs);
    await indexed(store, `${WORD}299`);
    const secrets = [WORD, created[0]!.project_id, created[0]!.id, created[299]!.id, created[5]!.session_id!];
    expect(await store.deleteProject({ name: `${WORD} project` })).toEqual({ logs: 300, sessions: 7 });
    await store.eraseDeleted();
    expect(findInFiles(file, secrets)).toEqual([]);
    expect(await store.getProject(created[0]!.project_id)).toBeUndefined();
    expect((await store.getProject(project_id))!.data_count).toBe(401);
    await store.close();
    checkIntegrity(file);
  });

  test('of a log whose session goes on: its words are in no list', async () => {
    const { file, store } = await openStore();
    const [first] = await store.createLogs([
      { ...marked(WORD), session_reference_id: 'shared' },
      { ...ordinary(1), session_reference_id: 'shared' },
    ]);
    await indexed(store, WORD);
    await store.deleteLogs([first!.id]);
    await store.eraseDeleted();
    expect(findInFiles(file, [WORD, first!.id])).toEqual([]);
    const { sessions } = await store.viewer.listSessions({ size: 10 });
    expect(sessions).toMatchObject([{ reference_id: 'shared', logs: 1, last_output: 'kept output 1', errors: 0 }]);
    expect((await store.viewer.listFilters()).models).toEqual(['gpt-4']);
  });

  test('of messages that several logs of a session have, when the last of these logs is deleted', async () => {
    const { file, store } = await openStore();
    const secret = { role: 'user' as const, content: `${WORD} is a secret of the whole session` };
    const harmless = { role: 'user' as const, content: 'harmless words of the whole session' };
    const inSession = (n: number, messages: (typeof secret)[]) => ({
      ...{ ...ordinary(n), session_reference_id: 'shared', messages },
    });
    // The first log owns both messages in the index.
    const [owner, other] = await store.createLogs([
      inSession(1, [secret, harmless]),
      inSession(2, [secret, harmless]),
      inSession(3, [harmless]),
    ]);
    await indexed(store, WORD);
    await store.deleteLogs([owner!.id]);
    await store.eraseDeleted();
    await indexed(store, `${WORD} harmless`);
    expect(findInFiles(file, [owner!.id])).toEqual([]);
    await store.deleteLogs([other!.id]);
    await store.eraseDeleted();
    expect(findInFiles(file, [WORD, other!.id])).toEqual([]);
    await indexed(store, 'harmless');
    // What the process remembers of it does not come back with the next logs.
    await store.createLogs([inSession(4, [harmless]), ordinary(5)]);
    await indexed(store, 'kept output 5');
    await store.eraseDeleted();
    expect(findInFiles(file, [WORD])).toEqual([]);
    checkIntegrity(file);
  });

  test('of what a user has said about the logs of others', async () => {
    const { file, store } = await openStore();
    const [kept] = await store.createLogs([ordinary(1), ordinary(2)]);
    await store.addFeedback([{ data_id: kept!.id, type: 'comment', value: `a ${WORD} comment`, user: 'ada' }]);
    await indexed(store, WORD);
    // The index is busy with these, and looks at the older log after them.
    const others = Array.from({ length: 1_000 }, (_, n) => ordinary(10 + n));
    for (let round = 0; round < 4; round += 1) {
      await store.createLogs(others.map((each, n) => ({ ...each, reference_id: `${round}-${n}` })));
    }
    expect(await store.deleteLogsOfUser('ada')).toEqual({ logs: 0, sessions: 0 });
    await store.eraseDeleted();
    expect(findInFiles(file, [WORD, '"ada"'])).toEqual([]);
    await indexed(store, 'kept output 1');
    expect((await store.viewer.listFilters()).feedback).toEqual([]);
    // Until then the index has transactions that are open over turns of the event loop, which the check would hold up.
    await expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
    checkIntegrity(file);
  });

  test('of a log that another process deletes while it is being indexed', async () => {
    const { file, store } = await openStore();
    const created = await fill(store, WORD);
    const other = await openSqliteStore({ file });
    onTestFinished(() => other.close());
    const held = holdBatches();
    await store.updateLog({ id: created.id }, { output: `${WORD} last output` });
    await expect.poll(held.count).toBe(1);
    await other.deleteLogs([created.id]);
    held.release();
    held.releaseAll();
    await other.eraseDeleted();
    expect(findInFiles(file, [WORD, WORD.slice(4)])).toEqual([]);
    await expectRestAsBefore(store, created.project_id);
  });

  test('though a read that began before goes on for a while', async () => {
    const { file, store } = await openStore();
    const { id } = await fill(store, WORD);
    const other = openSqlite({ file, readOnly: true });
    other.exec('BEGIN');
    other.prepare('SELECT count(*) FROM logs').get();
    await store.deleteLogs([id]);
    const erased = store.eraseDeleted();
    expect(await Promise.race([erased.then(() => 'erased'), new Promise((resolve) => setTimeout(resolve, 300))])).toBe(
      undefined,
    );
    other.exec('COMMIT');
    other.close();
    await erased;
    expect(findInFiles(file, [WORD])).toEqual([]);
  });

  test('of what retention has deleted, once that is asked for', async () => {
    const { file, store } = await openStore();
    await fill(store, WORD);
    const olderThan = '9999-12-31T23:59:59.999999Z';
    expect((await store.prune({ olderThan })).logs).toBe(401);
    await store.eraseDeleted();
    expect(findInFiles(file, [WORD, 'kept output', 'kept-user', 'kept-session'])).toEqual([]);
    checkIntegrity(file);
  });

  test('though another process writes and deletes on and on', async () => {
    const { file, store: server } = await openStore();
    const { session_id } = await fill(server, WORD);
    const store = await openSqliteStore({ file });
    onTestFinished(() => store.close());
    let isOver = false;
    const keepBusy = async (): Promise<void> => {
      for (let n = 0; !isOver; n += 1) {
        const created = await server.createLogs(Array.from({ length: 5 }, () => log({ output: `busy ${n}` })));
        await server.deleteLogs([created[0]!.id]);
      }
    };
    const busy = [keepBusy(), keepBusy()];
    expect(await store.deleteSession({ id: session_id })).toEqual({ logs: 1, sessions: 1 });
    await store.eraseDeleted();
    // Here nothing of the store runs before the files are read.
    expect(findInFiles(file, [WORD])).toEqual([]);
    isOver = true;
    await Promise.all(busy);
    checkIntegrity(file);
  });

  test('after the next start, where the process ends too early', async () => {
    const { file, store } = await openStore();
    const { id } = await fill(store, WORD);
    await store.close();
    // What the process has done when it is killed after the answer: the deletion, and the note that its traces are due.
    const killed = openSqlite({ file });
    killed.exec('PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON');
    killed.exec(`DELETE FROM logs WHERE id = '${id}'; DELETE FROM sessions WHERE reference_id LIKE '${WORD}%';
      DELETE FROM configs WHERE model LIKE '${WORD}%'; INSERT INTO erasure_due VALUES (1, 0, 1)`);
    killed.close();
    expect(findInFiles(file, [WORD])).toEqual([WORD]);
    const again = await openSqliteStore({ file });
    onTestFinished(() => again.close());
    await expect.poll(() => findInFiles(file, [WORD])).toEqual([]);
  });
});

test('the file becomes smaller', async () => {
  const { file, store } = await openStore();
  await store.eraseDeleted();
  const empty = statSync(file).size;
  const logs = Array.from({ length: 300 }, (_, n) => log({ ...ordinary(n), output: `${n} `.repeat(5_000) }));
  await store.createLogs(logs);
  await store.eraseDeleted();
  expect(statSync(file).size).toBeGreaterThan(3_000_000);
  const id = await findProject(store);
  await store.deleteProject({ id });
  await store.eraseDeleted();
  expect(statSync(file).size).toBeLessThan(empty * 2);
  expect(statSync(`${file}-wal`).size).toBe(0);
});

test('writes and reads go on while a large project is deleted, and none waits long', async () => {
  const { store } = await openStore();
  for (let round = 0; round < 10; round += 1) {
    await store.createLogs(Array.from({ length: 300 }, (_, n) => ({ ...ordinary(round * 300 + n), project: 'large' })));
  }
  const id = await findProject(store);
  let isDone = false;
  const deletion = store.deleteProject({ id }).finally(() => {
    isDone = true;
  });
  let writes = 0;
  for (; !isDone; writes += 1) await store.createLogs([log({ project: 'meanwhile' })]);
  expect(await deletion).toMatchObject({ logs: 3_000 });
  // A write waits for one slice.
  expect(writes).toBeGreaterThan(10);
});

test('what is left of a session is not indexed again while it is deleted, and is when the deletion has failed', async () => {
  const { file, store } = await openStore();
  const session_reference_id = 'large';
  for (let round = 0; round < 5; round += 1) {
    const logs = Array.from({ length: 400 }, (_, n) => ({ ...ordinary(round * 400 + n), session_reference_id }));
    await store.createLogs(logs);
  }
  const catchUp = () => expect.poll(async () => (await store.viewer.indexLag()).logs).toBe(0);
  await catchUp();
  const other = openSqlite({ file, readOnly: true });
  onTestFinished(() => other.close());
  const countMarked = () => Number(other.prepare('SELECT count(*) AS count FROM unindexed_logs').get()!['count']);
  let [isDone, most, looks] = [false, 0, 0];
  const deletion = store.deleteSession({ referenceId: 'large' }).finally(() => {
    isDone = true;
  });
  for (; !isDone; looks += 1) {
    most = Math.max(most, countMarked());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(await deletion).toEqual({ logs: 2_000, sessions: 1 });
  expect(looks).toBeGreaterThan(5);
  expect(most).toBe(0);

  // What a process leaves that ends between two slices.
  await store.createLogs([1, 2, 3].map((n) => ({ ...ordinary(n), session_reference_id })));
  await catchUp();
  const killed = openSqlite({ file, busyTimeoutMillis: 0 });
  onTestFinished(() => killed.close());
  // The store may be in the middle of a transaction, and cannot end it while this thread waits for it.
  await expect.poll(() => isWritten(killed, `DELETE FROM logs WHERE reference_id = 'kept-1'`)).toBe(true);
  await expect.poll(() => isWritten(killed, `UPDATE unindexed_sessions SET due_at = ${Date.now() + 1_500}`)).toBe(true);
  const countSessions = () => Number(other.prepare('SELECT count(*) AS count FROM unindexed_sessions').get()!['count']);
  expect(countSessions()).toBe(1);
  await catchUp();
  expect((await store.viewer.listSessions({ size: 9 })).sessions).toMatchObject([{ logs: 2, reference_id: 'large' }]);
});

function isWritten(database: SqliteDatabase, sql: string): boolean {
  try {
    database.exec(sql);
    return true;
  } catch {
    return false;
  }
}

test('a config that logs of another project have outlives its own', async () => {
  const { file, store } = await openStore();
  const [mine] = await store.createLogs([log({ project: 'mine' })]);
  const config_id = (await store.getLog(mine!.id))!.config_id;
  const [borrowed] = await store.createLogs([log({ project: 'other', config: undefined, config_id })]);
  const [both] = await store.createLogs([log({ project: 'third', config: undefined, config_id })]);
  await store.createLogs([log({ project: 'other' })]);
  await store.deleteProject({ id: mine!.project_id });
  expect((await store.getLog(borrowed!.id))!.config).toMatchObject({ model: 'gpt-4' });
  expect((await store.getLog(both!.id))!.config).toMatchObject({ model: 'gpt-4' });
  await store.close();
  checkIntegrity(file);
});

test('a config that was registered, or is active, outlives the logs that had it', async () => {
  const { file, store } = await openStore();
  const { id } = (await store.createProject('p'))!;
  const models = ['first', 'second', 'third', 'logged'];
  const registered: string[] = [];
  for (const model of models.slice(0, 2)) {
    registered.push((await store.projects.registerConfig({ id }, { type: 'model', model })).config.id as string);
  }
  const configs = models.map((model) => ({ type: 'model' as const, model }));
  const created = await store.createLogs(configs.map((config) => log({ project: 'p', config })));
  const used = await Promise.all(created.map(async (each) => (await store.getLog(each.id))!.config_id!));
  expect(used.slice(0, 2)).toEqual(registered);
  await store.projects.update(id, { activeConfigId: used[2]! });
  await store.deleteLogs(created.map((each) => each.id));
  const left = async () => (await store.projects.listConfigs(id))!.map(({ config }) => config.id).toSorted();
  expect(await left()).toEqual(used.slice(0, 3).toSorted());
  expect((await store.projects.getActiveConfig(id))!.config).toMatchObject({ model: 'third' });
  await store.deleteProject({ id });
  await store.eraseDeleted();
  expect(findInFiles(file, used)).toEqual([]);
  checkIntegrity(file);
});

async function findProject(store: Store): Promise<string> {
  return (await store.listProjects({ page: 0, size: 1, sortBy: 'name', descending: false })).records[0]!.id;
}

function checkIntegrity(file: string): void {
  const database = openWithSearch({ file });
  expect(database.prepare('PRAGMA integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }]);
  expect(database.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
  database.exec(`INSERT INTO logs_search (logs_search) VALUES ('integrity-check')`);
  database.close();
}
