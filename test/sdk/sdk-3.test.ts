/**
 * SDK 3, in a process of its own: it needs a newer API package than the other SDKs allow, and Node 22.15. Both come
 * from `sdk-3/package.json`, installed when they are first needed.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const INSTALL_MILLIS = 240_000;
const directory = resolve('test/sdk/sdk-3');
const nodeModules = `${directory}/node_modules`;
const packages = ['@opentelemetry/sdk-trace', '@opentelemetry/context-async-hooks', '@opentelemetry/core'];

beforeAll(async () => {
  if (existsSync(`${nodeModules}/.package-lock.json`)) return;
  await promisify(execFile)('npm', ['ci', '--prefix', directory], { timeout: INSTALL_MILLIS });
}, INSTALL_MILLIS);

const SETUP = `
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BatchSpanProcessor, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';

const provider = new TracerProvider({ spanProcessors: [PROCESSOR] });
const tracer = provider.getTracer('app');
const agent = tracer.startSpan('agent', { attributes: {
  'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner', 'session.id': 'session-a' } });
const inside = trace.setSpan(ROOT_CONTEXT, agent);
const http = tracer.startSpan('POST', { attributes: { 'http.request.method': 'POST' } }, inside);
const chat = tracer.startSpan('chat', { attributes: {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'Hello?' }] }],
  'gen_ai.output.messages': [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello.' }] }],
} }, trace.setSpan(inside, http));
if (typeof chat.attributes['gen_ai.input.messages'][0] !== 'object') throw new Error('no structured values');
chat.end();
http.end();
agent.end();
await provider.forceFlush();
console.log('flushed');
`;

test.each([
  ['the span processor', 'new HumanloopSpanProcessor()'],
  ['BatchSpanProcessor', 'new BatchSpanProcessor({ exporter: new HumanloopSpanExporter() })'],
  ['SimpleSpanProcessor', 'new SimpleSpanProcessor({ exporter: new HumanloopSpanExporter() })'],
])('%s: logs arrive nested, structured values as messages', async (_, processor) => {
  const server = await startTestServer();
  const app = await createApp({ packages, nodeModules, files: { 'app.mjs': SETUP.replace('PROCESSOR', processor) } });
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_PROJECT: 'sdk-3' };
  const result = await runApp(app, ['--unhandled-rejections=strict', 'app.mjs'], { env, node: newNode() });
  expect(result).toMatchObject({ code: 0, stdout: 'flushed\n', stderr: '' });
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs).toHaveLength(2);
  const agent = logs.find(({ parent_id }) => !parent_id);
  const chat = logs.find(({ parent_id }) => parent_id);
  expect(chat).toMatchObject({
    parent_id: agent?.id,
    session_id: agent?.session_id,
    messages: [{ role: 'user', content: 'Hello?' }],
    output: 'Hello.',
  });
});

test('humanloop-otel/register takes SDK 3', async () => {
  const server = await startTestServer();
  const source = `
    import { trace } from '@opentelemetry/api';
    trace.getTracer('app').startActiveSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }, (span) => {
      trace.getTracer('app').startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();
      span.end();
    });`;
  const app = await createApp({ packages, nodeModules, files: { 'app.mjs': source } });
  const args = ['--import', 'humanloop-otel/register', 'app.mjs'];
  const result = await runApp(app, args, { env: { HUMANLOOP_BASE_URL: server.baseUrl }, node: newNode() });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs.map(({ parent_id }) => Boolean(parent_id)).sort()).toEqual([false, true]);
});

test('the classes fit the interfaces of SDK 3', async () => {
  const source = `
    import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
    import { HumanloopSpanExporter, HumanloopSpanProcessor } from 'humanloop-otel';
    export const processor: SpanProcessor = new HumanloopSpanProcessor();
    export const exporter: SpanExporter = new HumanloopSpanExporter();`;
  const app = await createApp({ packages, nodeModules, files: { 'app.mts': source }, isTyped: true });
  const compiler = resolve('node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
  const types = ['--types', 'node', '--typeRoots', resolve('node_modules/@types')];
  const result = await runApp(app, [compiler, ...flags, ...types, 'app.mts']);
  expect(result).toMatchObject({ code: 0, stdout: '' });
});

/** This Node where it is new enough for SDK 3, else the one that is installed with it. */
function newNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15) ? process.execPath : `${nodeModules}/node/bin/node`;
}
