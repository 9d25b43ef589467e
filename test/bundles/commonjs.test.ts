/** CommonJS apps, and processes that have the package twice: imported by one part, required by another. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const packages = [
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/context-async-hooks',
];
const ATTRIBUTES = `{ attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' } }`;

async function run(name: string, source: string, ...flags: string[]) {
  return runWith({ HUMANLOOP_QUIET: '1' }, name, source, ...flags);
}

async function runWith(variables: Record<string, string>, name: string, source: string, ...flags: string[]) {
  const server = await startTestServer();
  const app = await createApp({ packages: [...packages, '@photostructure/sqlite'], files: { [name]: source } });
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, ...variables };
  const result = await runApp(app, ['--unhandled-rejections=strict', ...flags, name], { env });
  return { ...result, logs: await readLogs(server.baseUrl, new Date(0)) };
}

test('an app that requires the package needs no ES module', async () => {
  const source = `
    const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
    const { HumanloopLogs, HumanloopSpanProcessor } = require('humanloop-otel');
    const processor = new HumanloopSpanProcessor({ compression: 'gzip', spool: { directory: 'spool' } });
    const provider = new BasicTracerProvider({ spanProcessors: [processor] });
    provider.getTracer('app').startSpan('chat', ${ATTRIBUTES}).end();
    provider.shutdown().then(() => console.log(processor.stats().logged));`;
  const { logs, ...result } = await run('app.cjs', source, ...withoutRequireOfEsModules());
  expect(result).toEqual({ code: 0, stdout: '1\n', stderr: '' });
  expect(logs).toHaveLength(1);
});

test('the server can be required', async () => {
  const source = `
    const { startServer } = require('humanloop-otel/server');
    startServer({ port: 0, file: ':memory:' }).then(async (server) => {
      const answer = await fetch(server.baseUrl + '/projects');
      console.log(answer.status);
      await server.close();
    });`;
  expect(await run('app.cjs', source, ...withoutRequireOfEsModules())).toMatchObject({
    code: 0,
    stdout: '200\n',
    stderr: '',
  });
});

test('an app can be started with --require humanloop-otel/register', async () => {
  const source = `
    const { trace } = require('@opentelemetry/api');
    trace.getTracer('app').startSpan('chat', ${ATTRIBUTES}).end();`;
  const flags = [...withoutRequireOfEsModules(), '--require', 'humanloop-otel/register'];
  const { logs, ...result } = await run('app.cjs', source, ...flags);
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(logs).toHaveLength(1);
});

test.each([
  ['imported, then required', true],
  ['required, then imported', false],
])('both halves in one process log each span once: %s', async (_, importsFirst) => {
  const source = `
    import { createRequire } from 'node:module';
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    const require = createRequire(import.meta.url);
    const load = [() => import('humanloop-otel'), () => require('humanloop-otel')];
    if (!${importsFirst}) load.reverse();
    const halves = [await load[0](), await load[1]()];
    console.log(halves[0].HumanloopSpanProcessor === halves[1].HumanloopSpanProcessor ? 'one' : 'two');
    const spanProcessors = halves.map(({ HumanloopSpanProcessor }) => new HumanloopSpanProcessor());
    const records = new halves[1].HumanloopLogRecordProcessor(spanProcessors[0]);
    const provider = new BasicTracerProvider({ spanProcessors });
    const span = provider.getTracer('app').startSpan('chat', ${ATTRIBUTES});
    const attributes = { 'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Oslo."}]}]' };
    const eventName = 'gen_ai.client.inference.operation.details';
    records.onEmit({ spanContext: span.spanContext(), eventName, attributes });
    span.end();
    await provider.forceFlush();
    console.log(spanProcessors.map((processor) => processor.stats().logged).join());
    await provider.shutdown();`;
  const { logs, ...result } = await run('app.mjs', source);
  expect(result).toEqual({ code: 0, stdout: 'one\n1,0\n', stderr: '' });
  expect(logs).toMatchObject([{ output: 'Oslo.' }]);
});

test('of two copies in one process, none says that no span has come if one has it', async () => {
  const source = `
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    import * as installed from 'humanloop-otel';
    import * as other from './node_modules/humanloop-otel/dist/index.js';
    const spanProcessors = [installed, other].map(({ HumanloopSpanProcessor }) => new HumanloopSpanProcessor());
    const provider = new BasicTracerProvider({ spanProcessors });
    provider.getTracer('app').startSpan('chat', ${ATTRIBUTES}).end();
    await provider.shutdown();
    console.log(installed === other, spanProcessors.map((processor) => processor.stats().logged).join());`;
  const { logs, ...result } = await runWith({}, 'app.mjs', source);
  expect(result).toEqual({ code: 0, stdout: 'false 1,0\n', stderr: '' });
  expect(logs).toHaveLength(1);
});

test('an app that locks the global object after set-up is traced', async () => {
  const source = `
    import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    import 'undici'; // which sets a property of it too
    const provider = new BasicTracerProvider({ spanProcessors: [new HumanloopSpanProcessor()] });
    Object.preventExtensions(globalThis);
    provider.getTracer('app').startSpan('chat', ${ATTRIBUTES}).end();
    await provider.shutdown();`;
  const { logs, ...result } = await run('app.mjs', source);
  expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(logs).toHaveLength(1);
});

test('the halves share one registration', async () => {
  const source = `
    import { createRequire } from 'node:module';
    import { trace } from '@opentelemetry/api';
    await import('humanloop-otel/register');
    createRequire(import.meta.url)('humanloop-otel/register');
    trace.getTracer('app').startSpan('chat', ${ATTRIBUTES}).end();`;
  const { logs, ...result } = await run('app.mjs', source);
  expect(result).toMatchObject({ code: 0, stdout: '' });
  expect(logs).toHaveLength(1);
});

test('jest can run it: no import() is left in CommonJS files', () => {
  const directory = join(inject('builtPackage'), 'dist');
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.cjs'));
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) {
    const code = readFileSync(join(directory, file), 'utf8').replaceAll(/^\s*(\/?\*|\/\/).*$/gm, '');
    expect([file, code.match(/\bimport(\(|\.meta)/g)]).toEqual([file, null]);
  }
});

/** jest, and Node before 20.19, cannot require ES modules. */
function withoutRequireOfEsModules(): string[] {
  return ['--no-experimental-require-module'];
}
