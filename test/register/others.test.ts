/** `humanloop-otel/register` in threads, in child processes, and in programs that only start the app. */
import { mkdir, symlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const SDK = '@opentelemetry/sdk-trace-node';
const REGISTER = ['--import', 'humanloop-otel/register'];
const START = /humanloop-otel\/register: traces .*\n/g;
const CALL = `
  const { trace } = await import('@opentelemetry/api');
  trace.getTracer('app').startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();`;

async function run(files: Record<string, string>, args: readonly string[], env: Record<string, string> = {}) {
  const server = await startTestServer();
  const app = await createApp({ packages: [SDK], files: { 'package.json': '{"name":"app"}', ...files } });
  const result = await runApp(app, args, { env: { HUMANLOOP_BASE_URL: server.baseUrl, ...env } });
  const starts = result.stderr.match(START) ?? [];
  return {
    ...result,
    starts: starts.length,
    rest: result.stderr.replace(START, ''),
    logs: await countLogs(server.baseUrl),
  };
}

async function countLogs(baseUrl: string): Promise<number> {
  return (await readLogs(baseUrl, new Date(0))).length;
}

const WORKER = `import { Worker } from 'node:worker_threads'; const worker = new Worker(new URL('./call.mjs', import.meta.url));`;

test.each([
  ['ends by itself', WORKER],
  ['is terminated', `${WORKER} worker.on('message', () => worker.terminate());`],
])('a thread that makes the calls and %s: the main thread does not say that there were none', async (_, main) => {
  const isSent = `
    await trace.getTracerProvider().getDelegate().forceFlush();
    (await import('node:worker_threads')).parentPort.postMessage('sent');`;
  const { code, starts, rest, logs } = await run({ 'main.mjs': main, 'call.mjs': CALL + isSent }, [
    ...REGISTER,
    'main.mjs',
  ]);
  expect({ code, starts, rest, logs }).toEqual({ code: 0, starts: 1, rest: '', logs: 1 });
});

test('a thread that makes no calls changes nothing', async () => {
  const { rest } = await run({ 'main.mjs': WORKER, 'call.mjs': '' }, [...REGISTER, 'main.mjs']);
  expect(rest).toMatch(/^humanloop-otel\/register: no LLM span was seen/);
});

test.each([
  ['fork', `import { fork } from 'node:child_process'; fork('./call.mjs');`],
  [
    'cluster',
    `import cluster from 'node:cluster';
     if (cluster.isPrimary) cluster.fork();
     else { await import('./call.mjs'); cluster.worker.disconnect(); }`,
  ],
])('%s: the parent of a process with calls does not say that there were none', async (_, main) => {
  const { code, starts, rest, logs } = await run({ 'main.mjs': main, 'call.mjs': CALL }, [...REGISTER, 'main.mjs']);
  expect({ code, starts, rest, logs }).toEqual({ code: 0, starts: 2, rest: '', logs: 1 });
});

test('--require and --import together set up once', async () => {
  const args = ['--require', 'humanloop-otel/register', ...REGISTER, 'call.mjs'];
  const { starts, rest, logs } = await run({ 'call.mjs': CALL }, args);
  expect({ starts, rest, logs }).toEqual({ starts: 1, rest: '', logs: 1 });
});

test('an installed program that only starts the app says nothing', async () => {
  const launcher = `require('node:child_process').fork('./call.mjs');`;
  const files = { 'node_modules/tsx/dist/cli.cjs': launcher, 'node_modules/.bin/nodemon': launcher, 'call.mjs': CALL };
  for (const program of ['node_modules/tsx/dist/cli.cjs', 'node_modules/.bin/nodemon']) {
    const { starts, rest, logs } = await run(files, [...REGISTER, program]);
    expect({ starts, rest, logs }).toEqual({ starts: 1, rest: '', logs: 1 });
  }
});

test.each([
  ['a process of its own', 'ProcessContainerFork.js', (script: string) => ({ pm_exec_path: script })],
  ['a cluster', 'ProcessContainer.js', (script: string) => ({ pm2_env: JSON.stringify({ pm_exec_path: script }) })],
])('under PM2, in %s, packages and the name of the app are found beside its script', async (_, container, env) => {
  const server = await startTestServer();
  const app = await createApp({ packages: [SDK], files: { 'package.json': '{"name":"my-shop"}', 'call.mjs': CALL } });
  const manager = await createApp({
    files: { [`node_modules/pm2/lib/${container}`]: `process.argv[1] = '${app}/call.mjs'; import('${app}/call.mjs');` },
  });
  const args = ['--import', `${app}/node_modules/humanloop-otel/dist/register.js`, `node_modules/pm2/lib/${container}`];
  const { stderr } = await runApp(manager, args, {
    env: { HUMANLOOP_BASE_URL: server.baseUrl, ...env(`${app}/call.mjs`) },
  });
  expect(stderr).toMatch(/^humanloop-otel\/register: traces spans .* project my-shop at .*\n$/);
  expect(await countLogs(server.baseUrl)).toBe(1);
});

test('a package manager that hides what others depend on: the SDK of sdk-node, and its resource, are found', async () => {
  const server = await startTestServer();
  const bundle = 'node_modules/@opentelemetry/auto-instrumentations-node';
  const app = await createApp({
    files: {
      'package.json': '{"name":"app"}',
      'call.mjs': CALL,
      [`${bundle}/package.json`]: '{"name":"@opentelemetry/auto-instrumentations-node","version":"0.82.0"}',
      [`${bundle}/index.js`]: 'exports.getNodeAutoInstrumentations = () => [];',
    },
  });
  await mkdir(`${app}/${bundle}/node_modules/@opentelemetry`, { recursive: true });
  for (const name of ['sdk-node', 'instrumentation'])
    await symlink(resolve('node_modules/@opentelemetry', name), `${app}/${bundle}/node_modules/@opentelemetry/${name}`);
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging' };
  expect((await runApp(app, [...REGISTER, 'call.mjs'], { env })).stderr).toMatch(
    /^humanloop-otel\/register: traces .*\n$/,
  );
  expect(await readLogs(server.baseUrl, new Date(0))).toMatchObject([{ environment: 'staging' }]);
});
