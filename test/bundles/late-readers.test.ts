/** What Node loads, and when: the readers of spans come with the first span, from one chunk, for `import` and `require`. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { CONVENTIONS } from '../../src/conventions/index.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const packages = ['@opentelemetry/sdk-trace-base'];
const CHUNKS = 'node_modules/humanloop-otel/dist/chunks';
/** Prints whether the readers are loaded. */
const LOADED = `
  const { createRequire } = await import('node:module');
  const files = () => Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('${CHUNKS}'));
  const { readFileSync } = await import('node:fs');
  const isLate = (file) => readFileSync(file, 'utf8').includes('mlflow.spanInputs');
  const show = (when) => console.log(when, files().length > 0, files().some(isLate));`;
const IMPORT = `import * as app from 'humanloop-otel';`;
const REQUIRE = `const app = (await import('node:module')).createRequire(import.meta.url)('humanloop-otel');`;
const SPANS = `
  const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
  const processor = new app.HumanloopSpanProcessor({ onDrop: ({ reason, count }) => console.log(reason, count) });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
  const call = () => provider.getTracer('app').startSpan('chat', { attributes }).end();`;

async function createTestApp(source: string) {
  const app = await createApp({ packages, files: { 'app.mjs': source } });
  const server = await startTestServer();
  const run = (env: Record<string, string> = {}) =>
    runApp(app, ['--unhandled-rejections=strict', 'app.mjs'], { env: { HUMANLOOP_BASE_URL: server.baseUrl, ...env } });
  return { app, run };
}

test.each([
  ['imported', IMPORT],
  ['required', REQUIRE],
])('%s: the readers are loaded with the first span', async (_, load) => {
  const { run } = await createTestApp(`${load}${LOADED}${SPANS}
    new app.HumanloopLogs();
    new app.HumanloopSpanExporter();
    new app.HumanloopLogRecordProcessor(processor);
    new app.HumanloopPropagator(processor);
    processor.stats();
    show('set up');
    call();
    show('span');
    await processor.forceFlush();
    show('flushed');
    console.log(processor.stats().logged);`);
  const stdout = 'set up true false\nspan true false\nflushed true true\n1\n';
  expect(await run()).toEqual({ code: 0, stdout, stderr: '' });
});

test('jest has the readers and undici at once: it fails a run that loads a file after a test', async () => {
  const { run } = await createTestApp(`${IMPORT}${LOADED}${SPANS}
    await null;
    show('set up');
    const { cache } = createRequire(import.meta.url);
    console.log(Object.keys(cache).some((file) => file.includes('/undici/')));`);
  const env = { JEST_WORKER_ID: '1', HUMANLOOP_QUIET: '1' };
  expect(await run(env)).toEqual({ code: 0, stdout: 'set up true true\ntrue\n', stderr: '' });
  expect(await run({ HUMANLOOP_QUIET: '1' })).toEqual({ code: 0, stdout: 'set up true false\nfalse\n', stderr: '' });
});

test('if the readers cannot be loaded, that is said once, spans are counted as dropped, and the app runs on', async () => {
  const { app, run } = await createTestApp(`${IMPORT}${SPANS}
    for (let turn = 0; turn < 2; turn++) {
      call();
      processor.addEvent(undefined, { name: 'gen_ai.evaluation.result', attributes: {} });
      processor.update('0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331', { output: 'late' });
      await processor.forceFlush();
    }
    await provider.shutdown();
    call();
    console.log(JSON.stringify(processor.stats().dropped));`);
  for (const file of readdirSync(join(app, CHUNKS)).filter((name) => name.endsWith('.cjs'))) {
    const path = join(app, CHUNKS, file);
    if (readFileSync(path, 'utf8').includes('mlflow.spanInputs')) rmSync(path);
  }
  const { code, stdout, stderr } = await run();
  expect({
    code,
    lines: stderr
      .trim()
      .split('\n')
      .map((line) => line.slice(0, 78)),
  }).toEqual({
    code: 0,
    lines: ['humanloop-otel: no span is logged until a file can be loaded (restart the app if the'.slice(0, 78)],
  });
  expect(stdout).toContain('readers_missing 2\n');
  expect(stdout).toContain('"readers_missing":4');
});

test('CONVENTIONS is an array, also before its elements are loaded', async () => {
  const { run } = await createTestApp(`${IMPORT}${LOADED}
    const { CONVENTIONS } = app;
    console.log(Array.isArray(CONVENTIONS), CONVENTIONS.length, Object.isFrozen(CONVENTIONS));
    show('length');
    const mine = { name: 'mine', classify: () => undefined, read: () => ({}) };
    console.log(JSON.stringify([mine, ...CONVENTIONS].map(({ name }) => name)));
    console.log(CONVENTIONS.every((one) => typeof one.read === 'function' && one === CONVENTIONS[CONVENTIONS.indexOf(one)]));
    console.log(Object.values(Object.getOwnPropertyDescriptors(CONVENTIONS)).every(({ get }) => get === undefined));
    show('used');`);
  const names = ['mine', ...CONVENTIONS.map(({ name }) => name)];
  const lines = [
    `true ${CONVENTIONS.length} false`,
    'length true false',
    JSON.stringify(names),
    'true',
    'true',
    'used true true',
  ];
  expect(await run()).toEqual({ code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' });
});

test.each(['freeze', 'seal'])('CONVENTIONS can be given to Object.%s', async (method) => {
  const { run } = await createTestApp(`${IMPORT}
    const list = Object.${method}(app.CONVENTIONS);
    console.log(JSON.stringify(list.map(({ name }) => name)), list.includes(list.at(-1)));`);
  const names = JSON.stringify(CONVENTIONS.map(({ name }) => name));
  expect(await run()).toEqual({ code: 0, stdout: `${names} true\n`, stderr: '' });
});

test('an element of CONVENTIONS can be replaced before any is loaded', async () => {
  const { run } = await createTestApp(`${IMPORT}
    app.CONVENTIONS[0] = { name: 'mine' };
    console.log(JSON.stringify(app.CONVENTIONS.map(({ name }) => name)));`);
  const [, ...names] = CONVENTIONS.map(({ name }) => name);
  expect(await run()).toEqual({ code: 0, stdout: `${JSON.stringify(['mine', ...names])}\n`, stderr: '' });
});

test('CommonJS files are strict, as the ES modules are', () => {
  const built = join(inject('builtPackage'), 'dist');
  const files = readdirSync(built, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.cjs'));
  expect(files).toContain('index.cjs');
  const sloppy = files.filter((file) => !readFileSync(join(built, file), 'utf8').startsWith('"use strict";'));
  expect(sloppy).toEqual([]);
});
