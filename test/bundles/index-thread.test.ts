/** The index of the built package works on its thread, also in a bundle, which has no other files. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { createApp, runApp } from '../support/installed-app.ts';

/** Ends when all is indexed. Prints the calls of the thread. */
const BODY = `
  const called = new Set();
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (message, ...others) {
    if (message?.call) called.add(message.call.name);
    return postMessage.call(this, message, ...others);
  };
  const log = { project: 'one', config: { type: 'tool', name: 'search' }, output: 'the zebra' };
  async function run() {
    const server = await startServer({ port: 0, file: 'logs.db' });
    const headers = { 'content-type': 'application/json' };
    await fetch(server.baseUrl + '/logs', { method: 'POST', headers, body: JSON.stringify([log]) });
    while (called.size < 4) await new Promise((resolve) => setTimeout(resolve, 20));
    await server.close();
    console.log([...called].join(' '));
  }
  void run();`;
const MODULE = `
  import { Worker } from 'node:worker_threads';
  import { startServer } from 'humanloop-otel/server';
  ${BODY}`;
const COMMON = `
  const { Worker } = require('node:worker_threads');
  const { startServer } = require('humanloop-otel/server');
  ${BODY}`;
const DONE = { code: 0, stdout: 'listLogs readSlice writeWords writeSlice\n' };

test.each([
  ['app.mjs', MODULE],
  ['app.cjs', COMMON],
])('in %s', async (name, source) => {
  const app = await createApp({ packages: ['@photostructure/sqlite'], files: { [name]: source } });
  expect(await runApp(app, [name])).toMatchObject(DONE);
});

test('in a bundle', async () => {
  const app = await createApp({ packages: ['@photostructure/sqlite'], files: { 'app.mjs': MODULE } });
  await build({
    entryPoints: [join(app, 'app.mjs')],
    outfile: join(app, 'bundle.mjs'),
    ...({ bundle: true, format: 'esm', platform: 'node', logLevel: 'silent' } as const),
    // What undici and zod are to the app, they are to the bundle.
    external: ['undici', 'zod', '@photostructure/sqlite'],
  });
  await rm(join(app, 'node_modules', 'humanloop-otel'), { recursive: true });
  expect(await runApp(app, ['bundle.mjs'])).toMatchObject(DONE);
});
