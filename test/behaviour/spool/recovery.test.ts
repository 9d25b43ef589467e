/** How entries are recovered from a dead process's rows, if some rows are missing. */
import { expect, test } from 'vitest';
import { openSpoolFile } from '../../../src/delivery/spool/directory.ts';
import { recoverEntries } from '../../../src/delivery/spool/recover-entries.ts';
import type { FoundLog } from '../../../src/delivery/spool/take-over-rows.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { spoolDirectory, spooledApp, spoolFiles } from './spooled-app.ts';

const TRACE = 'a'.repeat(32);

function found(name: string, parent: string | undefined, more: Partial<FoundLog> = {}): FoundLog {
  return {
    referenceId: `${TRACE}-${name}`,
    parentReferenceId: parent && `${TRACE}-${parent}`,
    body: undefined,
    late: {},
    acknowledged: undefined,
    isDelivered: false,
    isFinal: true,
    startedMillis: 1_000,
    bytes: 2,
    aliveMillis: 3_500,
    ...more,
  };
}

test('children find their parents in any order of the rows', () => {
  const entries = recoverEntries([found('c', 'b'), found('b', 'a'), found('a', undefined)]);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => entries.find(({ referenceId }) => referenceId.endsWith(`-${name}`)));
  expect(c?.parent).toBe(b);
  expect(b?.parent).toBe(a);
  expect(entries.every(({ state }) => state === 'unsure')).toBe(true);
});

test('a parent without a row is probed, once for all its children', () => {
  const entries = recoverEntries([found('c', 'gone'), found('d', 'gone')]);
  expect(entries).toHaveLength(3);
  expect(entries[1]?.parent).toBe(entries[0]);
  expect(entries[2]?.parent).toBe(entries[0]);
});

test('a parent of another process is not probed, and is an entry if the same file has its row', () => {
  const [child] = recoverEntries([found('c', 'elsewhere', { isParentElsewhere: true })]);
  expect(child?.parent).toMatchObject({ isElsewhere: true, state: 'delivered', referenceId: `${TRACE}-elsewhere` });
  const entries = recoverEntries([found('c', 'a', { isParentElsewhere: true }), found('a', undefined)]);
  expect(entries).toHaveLength(2);
  expect(entries[1]?.parent).toBe(entries[0]);
});

test('rows in a circle, which only a damaged file has, get one root', () => {
  const entries = recoverEntries([found('a', 'b'), found('b', 'a')]);
  expect(entries).toHaveLength(2);
  expect(entries.filter(({ parent }) => parent === undefined)).toHaveLength(1);
});

test('an open log is closed with what is known; its own error and duration are kept', () => {
  const [entry] = recoverEntries([
    found('a', undefined, { isFinal: false, isDelivered: true, late: { output: 'so far' } }),
  ]);
  expect(entry?.desired).toMatchObject({
    output: 'so far',
    error: 'process exited before the span ended',
    duration: 2.5,
  });
});

test('a parent that neither the file nor the server has is dropped and counted; its children move up and arrive', async () => {
  const directory = spoolDirectory();
  const file = openSpoolFile(directory);
  const log = {
    body: '{"config":{"type":"generic"}}',
    late: { output: 'x' },
    acknowledged: undefined,
    isDelivered: false,
    isFinal: true,
    startedMillis: 1_000,
  };
  file.transaction(() => {
    for (const name of ['b', 'c'])
      file.put({ ...log, referenceId: `${TRACE}-${name}`, parentReferenceId: `${TRACE}-gone` });
  });
  file.close();
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  await expect.poll(() => [...server.logs.keys()].sort()).toEqual([`${TRACE}-b`, `${TRACE}-c`]);
  await expect.poll(() => app.stats).toMatchObject({ queued: 0, dropped: { spool_lost: 1 } });
  expect([...server.logs.values()].map(({ parent_reference_id }) => parent_reference_id)).toEqual([
    undefined,
    undefined,
  ]);
  expect(server.breaches).toEqual([]);
  await app.client.shutdown();
  expect(spoolFiles(directory)).toEqual([]);
});

test('the children of a dropped log move to its own parent on disk, also if that is of another process', async () => {
  const directory = spoolDirectory();
  const file = openSpoolFile(directory);
  const log = {
    body: '{"config":{"type":"generic"}}',
    late: {},
    acknowledged: undefined,
    isDelivered: false,
    isFinal: true,
    startedMillis: 1_000,
  };
  file.transaction(() => {
    file.put({ ...log, referenceId: `${TRACE}-c`, parentReferenceId: `${TRACE}-b` });
    file.moveChildren(`${TRACE}-b`, { parentReferenceId: `${TRACE}-a`, isParentElsewhere: true });
  });
  expect(file.read(`${TRACE}-c`)).toMatchObject({ parentReferenceId: `${TRACE}-a`, isParentElsewhere: true });
  file.close();
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const app = spooledApp(server, directory);
  await expect.poll(() => server.logs.get(`${TRACE}-c`)?.parent_reference_id).toBe(`${TRACE}-a`);
  await expect.poll(() => app.stats).toMatchObject({ queued: 0, dropped: {} });
  expect(server.requests.filter(({ url }) => url.includes(`${TRACE}-a`))).toEqual([]);
  await app.client.shutdown();
});
