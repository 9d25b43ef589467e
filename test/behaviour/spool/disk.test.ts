/** Disks that fail: delivery continues in memory, warns once, and uses the disk again when it works. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { collectDiag } from '../../support/collect-diag.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { temporaryDirectory } from '../../support/start-test-server.ts';
import { AGENT, outputOf } from '../../support/traced-app.ts';
import { spoolDirectory, spooledApp, spoolFiles, written } from './spooled-app.ts';

const DOWN = { answer: { status: 503 } } as const;
const CANNOT = /the spool cannot be used/;

/** Leaves ten logs in a spool file, like a process that is shut down while the server is down. */
async function leaveTen(directory: string) {
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(server, directory, { flushTimeoutMillis: 400 });
  for (let left = 10; left > 0; left--)
    app.start('call', { attributes: { ...AGENT, ...outputOf(`output ${left}`) } }).end();
  await app.client.shutdown();
  expect(app.stats).toMatchObject({ spooled: 10, dropped: {} });
  return app;
}

test('a damaged file is kept under another name, with one warning, and the others are sent', async () => {
  const directory = spoolDirectory();
  const left = await leaveTen(directory);
  writeFileSync(join(directory, '1-damaged.spool'), Buffer.alloc(8192, 'no database'));
  writeFileSync(join(directory, '2-empty.spool'), '');
  const { lines } = collectDiag();
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  await expect.poll(() => server.logs.size).toBe(10);
  await expect.poll(() => app.stats.queued).toBe(0);
  expect(left.ended.filter((reference) => !server.logs.has(reference))).toEqual([]);
  expect(lines.filter((line) => line.includes('1-damaged.spool.corrupt'))).toHaveLength(1);
  await app.client.shutdown();
  expect(spoolFiles(directory)).toEqual(['1-damaged.spool.corrupt', '2-empty.spool']);
});

test('a file with a damaged page in its middle does no harm', async () => {
  const directory = spoolDirectory();
  await leaveTen(directory);
  const [file = ''] = spoolFiles(directory);
  const descriptor = openSync(join(directory, file), 'r+');
  writeSync(descriptor, Buffer.alloc(4096, 0xff), 0, 4096, 4096);
  closeSync(descriptor);
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  app.start('call').end();
  await app.client.forceFlush();
  app.expectAccounted();
});

test('a file that ends in the middle of a record does no harm', async () => {
  const directory = spoolDirectory();
  await leaveTen(directory);
  const [file = ''] = spoolFiles(directory);
  truncateSync(join(directory, file), 4096 + 100);
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  app.start('call').end();
  await app.client.forceFlush();
  app.expectAccounted();
});

test('a directory that cannot be created causes one warning, and delivery continues without it', async () => {
  const parent = temporaryDirectory();
  writeFileSync(join(parent, 'file'), '');
  const { lines } = collectDiag();
  const server = await startMisbehavingV4();
  const app = spooledApp(server, join(parent, 'file', 'spool'));
  for (let left = 5; left > 0; left--) {
    app.start('call').end();
    await app.client.forceFlush();
  }
  app.expectDelivered();
  expect(lines.filter((line) => CANNOT.test(line))).toHaveLength(1);
  await app.client.shutdown();
});

test('with a disk that never worked shutdown counts the rest as dropped, and not as spooled', async () => {
  const parent = temporaryDirectory();
  writeFileSync(join(parent, 'file'), '');
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(server, join(parent, 'file', 'spool'), { flushTimeoutMillis: 400 });
  app.start('call').end();
  await app.client.shutdown();
  expect(app.stats).toMatchObject({ spooled: 0, dropped: { shutdown: 1 } });
  app.expectAccounted();
});

test('a directory that is removed is created again, with everything that was in the file', async () => {
  const directory = spoolDirectory();
  const down = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(down, directory, { flushTimeoutMillis: 400 });
  app.start('before').end();
  await written();
  rmSync(directory, { recursive: true });
  app.start('after').end();
  await written();
  expect(spoolFiles(directory).some((name) => name.endsWith('.spool'))).toBe(true);
  await app.client.shutdown();
  expect(app.stats).toMatchObject({ spooled: 2, dropped: {} });
  const server = await startMisbehavingV4();
  const next = spooledApp(server, directory);
  await expect.poll(() => [...server.logs.keys()].sort()).toEqual([...app.ended].sort());
  await expect.poll(() => next.stats.queued).toBe(0);
});

/** Mounts a file system, which only root on Linux can do; otherwise the test is skipped with the reason. */
function smallDisk(skip: (note: string) => never): string {
  const directory = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192k', 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    const reason = 'a small file system can only be mounted by root, on Linux';
    console.warn(`left out: ${reason}`);
    skip(reason);
  }
  onTestFinished(() => void execFileSync('umount', ['-l', directory]));
  return directory;
}

test('a full disk causes one warning; nothing is lost that fits in memory, and with room the disk is used again', async ({
  skip,
}) => {
  const disk = smallDisk(skip);
  const directory = join(disk, 'spool');
  const { lines } = collectDiag();
  const server = await startMisbehavingV4({ fault: () => DOWN });
  fakeClock();
  const app = spooledApp(server, directory);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(60_000));
  for (let left = 100; left > 0; left--) {
    app.start('call', { attributes: { ...AGENT, ...outputOf('x'.repeat(2_000)) } }).end();
    await vi.advanceTimersByTimeAsync(40);
  }
  expect(lines.filter((line) => CANNOT.test(line))).toHaveLength(1);
  execFileSync('mount', ['-o', 'remount,size=4m', disk]);
  await vi.advanceTimersByTimeAsync(6_000);
  vi.useRealTimers();
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
  await app.client.shutdown();
  expect(spoolFiles(directory)).toEqual([]);
});

test('a file system that becomes read-only causes one warning, and is used again when it is writable', async ({
  skip,
}) => {
  const disk = smallDisk(skip);
  const directory = join(disk, 'spool');
  mkdirSync(directory);
  execFileSync('mount', ['-o', 'remount,ro', disk]);
  const { lines } = collectDiag();
  const down = await startMisbehavingV4({ fault: () => DOWN });
  fakeClock();
  const app = spooledApp(down, directory, { flushTimeoutMillis: 400 });
  app.start('call').end();
  await vi.advanceTimersByTimeAsync(11_000);
  expect(lines.filter((line) => CANNOT.test(line))).toHaveLength(1);
  expect(spoolFiles(directory)).toEqual([]);
  execFileSync('mount', ['-o', 'remount,rw', disk]);
  await vi.advanceTimersByTimeAsync(6_000);
  vi.useRealTimers();
  const [file = ''] = spoolFiles(directory);
  expect(readFileSync(join(directory, file)).length).toBeGreaterThan(0);
  await app.client.shutdown();
  expect(app.stats).toMatchObject({ spooled: 1, dropped: {} });
});
