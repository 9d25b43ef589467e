/**
 * SDK 3, in its own process: it needs a newer API package than the other SDKs allow, and Node 22.15. Both come from
 * `sdk-3/package.json` and are installed when they are first needed.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { testTypes } from './type-contract.ts';

const INSTALL_MILLIS = 240_000;
const directory = resolve('test/sdk/sdk-3');
const nodeModules = `${directory}/node_modules`;
const packages = ['@opentelemetry/sdk-trace', '@opentelemetry/context-async-hooks', '@opentelemetry/core'];

beforeAll(async () => {
  if (existsSync(`${nodeModules}/.package-lock.json`)) return;
  await promisify(execFile)('npm', ['ci', '--prefix', directory], { timeout: INSTALL_MILLIS });
}, INSTALL_MILLIS);

test.each(['the span processor', 'BatchSpanProcessor', 'SimpleSpanProcessor'])(
  '%s: logs arrive nested, structured values as messages',
  async (processor) => {
    const server = await startTestServer();
    const app = await createApp({ packages, nodeModules, programs: { 'app.mjs': 'test/sdk/sdk-3/app.mjs' } });
    const env = { HUMANLOOP_BASE_URL: server.baseUrl, PROCESSOR: processor };
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
  },
);

test.each(['http', 'proto'])(
  "SDK 3's own exporter, %s: logs arrive nested by OTLP, structured values as messages",
  async (kind) => {
    const server = await startTestServer({ otlpPort: 0 });
    const app = await createApp({
      packages: [...packages, '@opentelemetry/exporter-trace-otlp-http', '@opentelemetry/exporter-trace-otlp-proto'],
      nodeModules,
      programs: { 'app.mjs': 'test/sdk/sdk-3/otlp-app.mjs' },
    });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: server.otlpUrl, OTEL_SERVICE_NAME: 'sdk-3', EXPORTER: kind };
    const result = await runApp(app, ['--unhandled-rejections=strict', 'app.mjs'], { env, node: newNode() });
    expect(result).toMatchObject({ code: 0, stdout: 'flushed\n', stderr: '' });
    const logs = await readLogs(server.baseUrl, new Date(0));
    expect(logs).toHaveLength(2);
    const agent = logs.find(({ parent_id }) => !parent_id);
    expect(logs.find(({ parent_id }) => parent_id)).toMatchObject({
      parent_id: agent?.id,
      session_reference_id: 'session-a',
      messages: [{ role: 'user', content: 'Hello?' }],
      output: 'Hello.',
    });
  },
);

test('a trace of another service goes on under the log that it names, and names its own', async () => {
  const server = await startTestServer();
  const app = await createApp({ packages, nodeModules, programs: { 'app.mjs': 'test/sdk/sdk-3/continued.mjs' } });
  const env = { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_QUIET: '1' };
  const { code, stdout } = await runApp(app, ['app.mjs'], { env, node: newNode() });
  const [spanId, tracestate] = JSON.parse(stdout);
  expect({ code, tracestate }).toEqual({ code: 0, tracestate: `humanloop=${spanId},vendor=1` });
  const [log] = await readLogs(server.baseUrl, new Date(0));
  expect(log).toMatchObject({ parent_reference_id: `${'c'.repeat(32)}-${'ab'.repeat(8)}` });
});

test('humanloop-otel/register works with SDK 3', async () => {
  const server = await startTestServer();
  const app = await createApp({ packages, nodeModules, programs: { 'app.mjs': 'test/behaviour/apps/agent.ts' } });
  const args = ['--import', 'humanloop-otel/register', 'app.mjs'];
  const result = await runApp(app, args, {
    env: { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_QUIET: '1' },
    node: newNode(),
  });
  expect(result).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs.map(({ parent_id }) => Boolean(parent_id)).sort()).toEqual([false, true]);
});

testTypes(packages, { nodeModules });

/** Path of this Node if it is new enough for SDK 3, else of the one that is installed with it. */
function newNode(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 15) ? process.execPath : `${nodeModules}/node/bin/node`;
}
