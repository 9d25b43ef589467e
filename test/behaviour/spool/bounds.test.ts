/** The spool is bounded in bytes and in age, has what does not fit in memory, and leaves the rest to the next start. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { AGENT, outputOf, referenceOf } from '../../support/traced-app.ts';
import { spoolDirectory, spooledApp, spoolFiles, written } from './spooled-app.ts';

/** Stops sending, so that no log is in flight. */
const DOWN = { answer: { status: 429, headers: { 'retry-after': '2' } } } as const;
const KILOBYTE = outputOf('x'.repeat(1_000));

test('a full file drops the oldest traces as a whole and counts them', async () => {
  const directory = spoolDirectory();
  const maxBytes = 100_000;
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(server, directory, {}, { maxBytes });
  for (let left = 100; left > 0; left--) {
    const root = app.start('root', { attributes: { ...AGENT, ...KILOBYTE } });
    app.start('child', { parent: root, attributes: { ...AGENT, ...KILOBYTE } }).end();
    root.end();
    if (left % 10 === 0) await written();
  }
  await written();
  const { spool_full: dropped = 0 } = app.stats.dropped;
  expect(dropped).toBeGreaterThan(80);
  expect(dropped).toBeLessThan(180);
  expect(statSync(join(directory, spoolFiles(directory)[0] as string)).size).toBeLessThan(4 * maxBytes);
  const given = new Set(app.dropped.get('spool_full'));
  const traces = new Set([...given].map((reference) => reference.split('-')[0]));
  expect(app.ended.filter((reference) => traces.has(reference.split('-')[0])).every((one) => given.has(one))).toBe(
    true,
  );
  // The oldest ones are dropped: the first that is kept came after the last that is not.
  const kept = app.ended.findIndex((reference) => !given.has(reference));
  expect(app.ended.slice(kept).some((reference) => given.has(reference))).toBe(false);
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectAccounted();
  expect(server.logs.size).toBe(200 - dropped);
});

test('each log is written, even if there are more than one turn writes', async () => {
  const directory = spoolDirectory();
  const down = await startMisbehavingV4({ fault: () => DOWN });
  const before = spooledApp(down, directory, { flushTimeoutMillis: 1_000 });
  for (let left = 350; left > 0; left--) before.start('call', { attributes: { ...AGENT, ...KILOBYTE } }).end();
  await before.client.shutdown();
  expect(before.stats).toMatchObject({ spooled: 350, dropped: {} });
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  await expect.poll(() => server.logs.size).toBe(350);
  await expect.poll(() => app.stats.queued).toBe(0);
  await app.client.shutdown();
  expect(spoolFiles(directory)).toEqual([]);
});

test('logs that a dead process left too long ago are counted and not sent', async () => {
  const directory = spoolDirectory();
  const down = await startMisbehavingV4({ fault: () => DOWN });
  const before = spooledApp(down, directory, { flushTimeoutMillis: 400 });
  for (let left = 5; left > 0; left--) before.start('call').end();
  await before.client.shutdown();
  await new Promise((resolve) => setTimeout(resolve, 60));
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory, {}, { maxAgeMillis: 50 });
  app.start('call').end();
  await app.client.forceFlush();
  expect(app.stats.dropped).toEqual({ spool_expired: 5 });
  expect(app.dropped.get('spool_expired')?.sort()).toEqual([...before.ended].sort());
  expect(server.logs.size).toBe(1);
});

test('shutdown with a hanging server leaves the rest in the file and counts it, and the next start sends it', async () => {
  const directory = spoolDirectory();
  const hanging = await startMisbehavingV4({ fault: () => ({ answer: 'hang' }) });
  const before = spooledApp(hanging, directory, { flushTimeoutMillis: 400, timeoutMillis: 60_000 });
  const root = before.start('root', { attributes: AGENT });
  for (let left = 9; left > 0; left--) before.start('child', { parent: root }).end();
  root.end();
  const startedAt = performance.now();
  await before.client.shutdown();
  // The request that hangs would be waited for for a minute.
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  expect(before.stats).toMatchObject({ spooled: 10, logged: 0, dropped: {} });
  // In the same process: the closed file is unlocked, although its engine may keep it open.
  const server = await startMisbehavingV4();
  const app = spooledApp(server, directory);
  await expect.poll(() => [...server.logs.keys()].sort()).toEqual([...before.ended].sort());
  await expect.poll(() => app.stats.queued).toBe(0);
  expect(server.breaches).toEqual([]);
  await app.client.shutdown();
  expect(spoolFiles(directory)).toEqual([]);
});

test('with a spool, logs that do not fit in memory wait on disk, and are loaded unchanged', async () => {
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(server, spoolDirectory(), {
    queue: { maxItems: 200 },
    batch: { maxItems: 10 },
    concurrency: 1,
  });
  for (let count = 0; count < 500; count++) {
    app.start('call', { attributes: { ...AGENT, ...outputOf(`output ${count}`) } }).end();
    if (count % 50 === 49) await written();
  }
  expect(app.stats).toMatchObject({ queued: 500, dropped: {} });
  server.fault = undefined;
  await app.client.forceFlush();
  app.expectDelivered();
  expect(app.ended.map((reference) => server.logs.get(reference)?.output)).toEqual(
    app.ended.map((_, index) => `output ${index}`),
  );
});

test('an update of a log that was sent long ago survives, too', async () => {
  const directory = spoolDirectory();
  const server = await startMisbehavingV4();
  const before = spooledApp(server, directory, { flushTimeoutMillis: 400 });
  const span = before.start('call');
  span.end();
  await before.client.forceFlush();
  server.fault = () => DOWN;
  before.client.update(span, { output: 'found out later' });
  await before.client.shutdown();
  expect(before.stats).toMatchObject({ spooled: 1, dropped: {} });
  server.fault = undefined;
  spooledApp(server, directory);
  await expect.poll(() => before.log(span)?.output).toBe('found out later');
  expect(server.breaches).toEqual([]);
});

test('a log that is sent while its span is open is on disk before that', async () => {
  const directory = spoolDirectory();
  const found: boolean[] = [];
  const server = await startMisbehavingV4({
    fault: ({ references }) => {
      const bytes = Buffer.concat(spoolFiles(directory).map((name) => readFileSync(join(directory, name))));
      found.push(references.every((reference) => bytes.includes(reference)));
      return undefined;
    },
  });
  const app = spooledApp(server, directory, { holdMillis: 0 }, { fsyncMillis: 60_000 });
  const root = app.start('root', { attributes: AGENT });
  app.start('child', { parent: root, attributes: AGENT }).end();
  await expect.poll(() => found.length).toBeGreaterThan(0);
  expect(found[0]).toBe(true);
});

test('redact runs before anything is written', async () => {
  const directory = spoolDirectory();
  const server = await startMisbehavingV4({ fault: () => DOWN });
  const app = spooledApp(server, directory, {
    flushTimeoutMillis: 50,
    redact: async (datapoint) => JSON.parse(JSON.stringify(datapoint).replaceAll('4111111111111111', 'CARD')),
  });
  const root = app.start('root', { attributes: AGENT });
  const attributes = { ...AGENT, ...outputOf('4111111111111111') };
  for (const parent of [root, undefined]) app.start('call', { ...(parent && { parent }), attributes }).end();
  const readSpool = () => Buffer.concat(spoolFiles(directory).map((name) => readFileSync(join(directory, name))));
  await expect.poll(() => readSpool().includes('CARD'), { timeout: 30_000 }).toBe(true);
  await written();
  expect(readSpool().includes('4111111111111111')).toBe(false);
  expect(server.requests.some(({ body }) => body.includes('4111111111111111'))).toBe(false);
  expect(referenceOf(root)).toMatch(/^\w{32}-\w{16}$/);
});
