/** A full disk: writes are refused, reads and deletions work, and the deletions make space. Needs to mount a small one. */
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { call as send } from '../../../../scripts/soak/call.ts';
import { startServerProcess } from '../../../../scripts/soak/start-server.ts';
import { backUpSqlite } from '../../../../src/server/store/sqlite/copies.ts';
import { openSqlite } from '../../../../src/sqlite/open.ts';
import { startTestServer, temporaryDirectory } from '../../../support/start-test-server.ts';
import { log } from '../../sample-log.ts';

/** Returns the directory of a small disk. Leaves the test out, and says why, where this process may not mount one. */
function mountSmallDisk(megabytes: number, context: TestContext): string {
  const directory = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch (error) {
    console.log(`no small disk can be mounted here, so a full one is not tried: ${String(error).split('\n')[0]}`);
    context.skip();
  }
  onTestFinished(() => void execFileSync('umount', ['-l', directory]));
  return directory;
}

type Call = Awaited<ReturnType<typeof startTestServer>>['call'];

interface Created {
  readonly id: string;
  readonly project_id: string;
  readonly session_id: string;
}

const callOf =
  (url: string): Call =>
  async (method, path, body) => {
    const reply = await send(url, { method, path, body: body === undefined ? undefined : JSON.stringify(body) });
    return {
      status: reply.status,
      headers: new Headers(),
      body: reply.text === '' ? undefined : JSON.parse(reply.text),
    };
  };

const bodyOf = (n: number, characters = 4_000) =>
  log({
    session_reference_id: `s${Math.floor(n / 10)}`,
    inputs: { text: `word${n} `.repeat(400) },
    output: 'y'.repeat(characters),
  });

/**
 * Writes until the disk is full, `mostAtOnce` logs side by side. The server may write all of them in one transaction, and
 * refuse it where its space would be enough for fewer: then fewer are tried.
 */
async function fillDisk(call: Call, mostAtOnce: number, characters = 4_000) {
  const created: Created[] = [];
  const refusals = new Set<number>();
  let atOnce = mostAtOnce;
  for (let from = 0; ; from += mostAtOnce) {
    const answers = await Promise.all(
      Array.from({ length: atOnce }, (_, index) => call('POST', '/v4/logs', bodyOf(from + index, characters))),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    for (const { status, body } of answers) if (status === 200) created.push(body);
    for (const { status } of refused) refusals.add(status);
    if (refused.length === 0) continue;
    if (atOnce === 1 && (await isFullForLong(call))) return { created, statuses: [...refusals] };
    atOnce = Math.ceil(atOnce / 2);
  }
}

/** After a refusal, the disk counts as full until the server has looked at it again. */
async function isFullForLong(call: Call): Promise<boolean> {
  await delay(300);
  return (await call('GET', '/healthz')).status === 503;
}

const whenHealthy = (call: Call) => expect.poll(async () => (await call('GET', '/healthz')).status).toBe(200);

async function idsOf(call: Call, projectId: string, size: number): Promise<string[]> {
  const ids: string[] = [];
  for (let page = 0; ; page += 1) {
    const { body } = await call('GET', `/v4/logs?project_id=${projectId}&size=${size}&page=${page}`);
    if (body.records.length === 0) return ids;
    ids.push(...body.records.map(({ id }: Created) => id));
  }
}

/** Deletes half of the sessions. Returns the logs that are left. */
async function deleteHalf(call: Call, created: readonly Created[]): Promise<Created[]> {
  const half = Math.floor(created.length / 2);
  const sessions = new Set(created.slice(0, half).map(({ session_id }) => session_id));
  for (const id of sessions) expect((await call('DELETE', `/viewer/api/sessions/${id}`)).status).toBe(204);
  return created.filter(({ session_id }) => !sessions.has(session_id));
}

/** Not a page of the file is damaged or lost. */
async function expectWhole(file: string): Promise<void> {
  const database = openSqlite({ file, readOnly: true });
  onTestFinished(() => database.close());
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
}

/** `size` is that of a page, which has fewer logs where they are large. */
async function expectExactly(call: Call, expected: readonly Created[], size = 50): Promise<void> {
  expect((await idsOf(call, expected[0]!.project_id, size)).sort()).toEqual(expected.map(({ id }) => id).sort());
}

test('a backup onto a disk that is too small leaves nothing there', async (context) => {
  const file = join(temporaryDirectory(), 'logs.db');
  const server = await startTestServer({ file });
  for (let n = 0; n < 400; n += 1) await server.call('POST', '/v4/logs', bodyOf(n, 8_000));
  await server.close();
  const disk = mountSmallDisk(1, context);
  expect(() => backUpSqlite(file, join(disk, 'copy.db'))).toThrow(/is full: free some space/);
  expect(readdirSync(disk)).toEqual([]);
});

const DISKS = [
  { megabytes: 6, atOnce: 1, characters: 4_000 },
  { megabytes: 8, atOnce: 20, characters: 4_000 },
  { megabytes: 12, atOnce: 1, characters: 10_000 },
  { megabytes: 20, atOnce: 50, characters: 20_000 },
  { megabytes: 40, atOnce: 50, characters: 60_000 },
];
for (const { megabytes, atOnce, characters } of DISKS) {
  test(`writes are refused, reads and deletions work, and make space: ${megabytes} MB, ${atOnce} at once`, async (context) => {
    const file = join(mountSmallDisk(megabytes, context), 'logs.db');
    const { call } = await startTestServer({ file, onError: () => {} });
    const { created, statuses } = await fillDisk(call, atOnce, characters);
    let health = await call('GET', '/healthz');
    // Many large logs may not fit where one still does, which a server sees that is asked a little later.
    for (; health.status !== 503; health = await call('GET', '/healthz')) {
      const more = await fillDisk(call, 1, characters);
      created.push(...more.created);
      statuses.push(...more.statuses);
    }
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect(created.length).toBeGreaterThan((megabytes * 100_000) / characters);
    expect(health).toMatchObject({ status: 503, body: { status: 'full' } });

    await expectExactly(call, created);
    expect((await call('GET', '/viewer/api/sessions')).status).toBe(200);
    const { size } = statSync(file);
    const [first, ...others] = created;
    expect((await call('DELETE', `/v4/logs?id=${first!.id}`)).status).toBe(204);
    expect((await call('GET', `/v4/logs/${first!.id}`)).status).toBe(404);
    const left = await deleteHalf(call, others);

    await whenHealthy(call);
    const { status, body } = await call('POST', '/v4/logs', log());
    expect(status).toBe(200);
    await expectExactly(call, [...left, body]);
    await expect.poll(() => statSync(file).size).toBeLessThan(0.7 * size);
    await expectWhole(file);
  });
}

function takeAll(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(join(directory, `theirs ${Date.now()}`), Buffer.alloc(bavail * bsize));
}

/** Takes all that is free, until the server has no more to give back. Returns what makes it free again. */
async function fillByOthers(directory: string, call: Call): Promise<() => void> {
  const statuses: number[] = [];
  for (
    const end = Date.now() + 60_000;
    Date.now() < end && statuses.slice(-10).join().replaceAll('503,', '') !== '503';
  ) {
    takeAll(directory);
    await delay(100);
    statuses.push((await call('GET', '/readyz')).status);
  }
  expect(statuses.at(-1)).toBe(503);
  return () => {
    for (const name of readdirSync(directory)) if (name.startsWith('theirs')) rmSync(join(directory, name));
  };
}

async function postAll(call: Call, count: number): Promise<Created[]> {
  const bodies = Array.from({ length: count }, (_, n) => bodyOf(n));
  const { status, body } = await call('POST', '/v4/logs', bodies);
  expect(status).toBe(200);
  return body;
}

async function startWithLogs(file: string) {
  const { call } = await startTestServer({ file, onError: () => {} });
  return { call, created: await postAll(call, 200) };
}

test('a disk that others have filled can be relieved, and writes go on when they have gone', async (context) => {
  const directory = mountSmallDisk(8, context);
  const file = join(directory, 'logs.db');
  const { call, created } = await startWithLogs(file);
  const leave = await fillByOthers(directory, call);
  expect((await call('POST', '/v4/logs', log())).status).toBe(503);
  expect((await call('GET', '/healthz')).status).toBe(503);
  const left = await deleteHalf(call, created);
  await expectExactly(call, left);

  leave();
  await whenHealthy(call);
  const { status, body } = await call('POST', '/v4/logs', log());
  expect(status).toBe(200);
  await expectExactly(call, [...left, body]);
  await expectWhole(file);
});

test('that others have filled the disk is seen without a write', async (context) => {
  const directory = mountSmallDisk(8, context);
  const { call } = await startWithLogs(join(directory, 'logs.db'));
  const leave = await fillByOthers(directory, call);
  leave();
  await whenHealthy(call);
});

test('a log that is larger than the reserve can be deleted', async (context) => {
  const directory = mountSmallDisk(40, context);
  const file = join(directory, 'logs.db');
  const { call } = await startTestServer({ file, onError: () => {} });
  const { body: large } = await call('POST', '/v4/logs', log({ output: 'z'.repeat(9_000_000) }));
  const { body: small } = await call('POST', '/v4/logs', log());
  await expect.poll(async () => (await call('GET', '/viewer/api/sessions')).body).not.toHaveProperty('indexing');
  await fillByOthers(directory, call);
  expect((await call('DELETE', `/v4/logs?id=${large.id}`)).status).toBe(204);
  await whenHealthy(call);
  await expectExactly(call, [small]);
  expect(statSync(file).size).toBeLessThan(2_000_000);
});

test('a log for which there is no space leaves space for others', async (context) => {
  const file = join(mountSmallDisk(20, context), 'logs.db');
  const { call } = await startTestServer({ file, onError: () => {} });
  const created: Created[] = [];
  for (;;) {
    const { status, body } = await call('POST', '/v4/logs', log({ output: 'z'.repeat(2_000_000) }));
    if (status !== 200) break;
    created.push(body);
  }
  expect(created.length).toBeGreaterThan(2);
  const deleted = created.pop()!;
  expect((await call('DELETE', `/v4/logs?id=${deleted.id}`)).status).toBe(204);
  await whenHealthy(call);
  const { status, body } = await call('POST', '/v4/logs', log());
  expect(status).toBe(200);
  await expectExactly(call, [...created, body], 1);
});

for (const isByOthers of [false, true]) {
  const who = isByOthers ? 'others' : 'its own logs';
  test(`a server that is killed while ${who} fill the disk starts, reads and deletes`, async (context) => {
    const directory = mountSmallDisk(8, context);
    const file = join(directory, 'logs.db');
    const { url, kill } = await startServerProcess({ file });
    const { created } = isByOthers ? { created: await postAll(callOf(url), 200) } : await fillDisk(callOf(url), 20);
    const leave = await fillByOthers(directory, callOf(url));
    // The first one of them needs the reserve.
    for (const { id } of created.splice(0, 3)) {
      expect((await callOf(url)('DELETE', `/v4/logs?id=${id}`)).status).toBe(204);
    }
    await kill();
    takeAll(directory);

    const again = await startServerProcess({ file });
    onTestFinished(again.kill);
    const call = callOf(again.url);
    expect((await call('GET', '/healthz')).status).toBe(503);
    await expectExactly(call, created);
    expect((await call('GET', '/viewer/api/sessions')).status).toBe(200);
    const left = await deleteHalf(call, created);
    leave();
    await whenHealthy(call);
    const { status, body } = await call('POST', '/v4/logs', log());
    expect(status).toBe(200);
    await expectExactly(call, [...left, body]);
    await again.kill();
    await expectWhole(file);
  });
}

test('a server without the file of its words starts on a full disk, where they are made again', async (context) => {
  const directory = mountSmallDisk(8, context);
  const file = join(directory, 'logs.db');
  const { url, kill } = await startServerProcess({ file });
  const created = await postAll(callOf(url), 200);
  const leave = await fillByOthers(directory, callOf(url));
  await kill();
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}-search${suffix}`, { force: true });
  takeAll(directory);

  const again = await startServerProcess({ file });
  onTestFinished(again.kill);
  const call = callOf(again.url);
  await expectExactly(call, created);
  const left = await deleteHalf(call, created);
  leave();
  await whenHealthy(call);
  await expectExactly(call, left);
});
