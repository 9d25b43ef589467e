/** `node --import humanloop-otel/register`, in apps of their own, against the real server. */
import { expect, test } from 'vitest';
import { readLogs } from '../scripts/read-logs.ts';
import { createApp, runApp } from './support/installed-app.ts';
import { startTestServer } from './support/start-test-server.ts';

const AGENT = { 'app.mjs': 'test/behaviour/apps/agent.ts' };
const REGISTER = ['--unhandled-rejections=strict', '--import', 'humanloop-otel/register', 'app.mjs'];
const NO_SERVER = { HUMANLOOP_BASE_URL: 'http://127.0.0.1:9/v4' };
const QUIET = { HUMANLOOP_QUIET: 'true' };

test.each([
  ['SDK 2', ['@opentelemetry/sdk-trace-node']],
  ['the SDK that sdk-node brings', ['@opentelemetry/sdk-node']],
  ['the SDK without Node parts', ['@opentelemetry/sdk-trace-base', '@opentelemetry/context-async-hooks']],
])('with %s, what the app traces arrives, nested, and the app ends by itself', async (_, packages) => {
  const server = await startTestServer();
  const app = await createApp({ packages, programs: AGENT });
  const result = await runApp(app, REGISTER, {
    env: { ...QUIET, HUMANLOOP_BASE_URL: server.baseUrl, OTEL_SERVICE_NAME: 'zero-code' },
  });
  expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  const logs = await readLogs(server.baseUrl, new Date(0));
  const agent = logs.find(({ parent_id }) => !parent_id);
  const model = logs.find(({ config }) => config?.type === 'model');
  expect(logs).toHaveLength(2);
  expect(agent?.id).toMatch(/^data_/);
  expect(model).toMatchObject({ parent_id: agent?.id, session_id: agent?.session_id });
  expect(agent?.duration).toBeGreaterThanOrEqual(0.004);
  const projects = await server.call('GET', '/v4/projects');
  expect(JSON.stringify(projects.body)).toContain('zero-code');
});

test('a CommonJS app is traced as well', async () => {
  const server = await startTestServer();
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node'],
    programs: AGENT,
    files: { 'app.cjs': `import('./app.mjs')` },
  });
  const args = ['--import', 'humanloop-otel/register', 'app.cjs'];
  const result = await runApp(app, args, { env: { ...QUIET, HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(await readLogs(server.baseUrl, new Date(0))).toHaveLength(2);
});

test.each([
  ['no SDK is installed', [], {}, 'no OpenTelemetry SDK found. Install one: npm install @opentelemetry/sdk-trace-node'],
  [
    'an option is wrong',
    ['@opentelemetry/sdk-trace-node'],
    { HUMANLOOP_BASE_URL: 'ftp://example.com' },
    'environment variable HUMANLOOP_BASE_URL: expected an http(s) address without credentials, query or fragment, got a string of 17 characters: it begins with ftp://',
  ],
])('where %s, one line says so and the app runs', async (_, packages, env, line) => {
  const app = await createApp({ packages, programs: AGENT });
  const result = await runApp(app, REGISTER, { env: { ...NO_SERVER, ...env } });
  expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: `humanloop-otel/register: ${line}\n` });
});

test('a provider that is registered already stays as it is, with one line of warning', async () => {
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-base'],
    programs: { ...AGENT, 'own.mjs': 'test/behaviour/apps/own-provider.ts' },
  });
  const result = await runApp(app, ['--import', './own.mjs', ...REGISTER], { env: NO_SERVER });
  expect(result).toMatchObject({ code: 0, stdout: 'done\n2\n' });
  expect(result.stderr).toBe(
    'humanloop-otel/register: a tracer provider is registered already; add a HumanloopSpanProcessor to that one\n',
  );
});

test('OTEL_SDK_DISABLED turns it off', async () => {
  const app = await createApp({ packages: ['@opentelemetry/sdk-trace-node'], programs: AGENT });
  const result = await runApp(app, REGISTER, { env: { ...NO_SERVER, OTEL_SDK_DISABLED: 'true' } });
  expect(result).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
});

test('an app that traces nothing ends at once, and so does one whose server is down on exit()', async () => {
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node'],
    programs: { 'agent.mjs': 'test/behaviour/apps/agent.ts' },
    files: { 'app.mjs': `console.log('idle');`, 'exit.mjs': `await import('./agent.mjs'); process.exit(3);` },
  });
  expect(await runApp(app, REGISTER, { env: { ...NO_SERVER, ...QUIET } })).toMatchObject({
    code: 0,
    stdout: 'idle\n',
    stderr: '',
  });
  const exiting = await runApp(app, [...REGISTER.slice(0, -1), 'exit.mjs'], { env: { ...NO_SERVER, ...QUIET } });
  expect(exiting).toMatchObject({ code: 3, stdout: 'done\n', stderr: '' });
});

test('instrumentations that are installed are started, and see nothing of the own requests', async () => {
  const server = await startTestServer();
  const bundle = `
    const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
    exports.getNodeAutoInstrumentations = () => {
      console.log('started');
      return [new UndiciInstrumentation()];
    };`;
  const bundlePackage = { name: '@opentelemetry/auto-instrumentations-node', version: '0.82.0' };
  const app = await createApp({
    packages: [
      '@opentelemetry/sdk-trace-node',
      '@opentelemetry/instrumentation-undici',
      '@opentelemetry/instrumentation',
    ],
    programs: AGENT,
    files: {
      'node_modules/@opentelemetry/auto-instrumentations-node/index.js': bundle,
      'node_modules/@opentelemetry/auto-instrumentations-node/package.json': JSON.stringify(bundlePackage),
    },
  });
  const result = await runApp(app, REGISTER, { env: { ...QUIET, HUMANLOOP_BASE_URL: server.baseUrl } });
  expect(result).toMatchObject({ code: 0, stdout: 'started\ndone\n', stderr: '' });
  expect(await readLogs(server.baseUrl, new Date(0))).toHaveLength(2);
});

/** Prints the headers that a request within an agent gets. */
const INJECTING = `
  import { context, propagation, trace } from '@opentelemetry/api';
  const attributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'agent' };
  trace.getTracer('app').startActiveSpan('agent', { attributes }, (span) => {
    const baggage = propagation.createBaggage({ tenant: { value: 'one' } });
    const headers = {};
    propagation.inject(propagation.setBaggage(context.active(), baggage), headers);
    const isNamed = headers.tracestate === 'humanloop=' + span.spanContext().spanId;
    console.log(JSON.stringify([Object.keys(headers).sort(), isNamed]));
    span.end();
  });`;

test.each<[string, string[], boolean, string]>([
  ['', ['baggage', 'traceparent', 'tracestate'], true, ''],
  ['tracecontext', ['traceparent', 'tracestate'], true, ''],
  ['none', [], false, ''],
  ['b3', ['b3'], false, ''],
  ['b3multi, tracecontext', ['traceparent', 'tracestate', 'x-b3-sampled', 'x-b3-spanid', 'x-b3-traceid'], true, ''],
  ['jaeger', ['uber-trace-id', 'uberctx-tenant'], false, ''],
  [
    'tracecontext,xray',
    ['traceparent', 'tracestate'],
    true,
    'humanloop-otel/register: OTEL_PROPAGATORS names xray, which is not installed\n',
  ],
])('OTEL_PROPAGATORS=%s: the headers of a request', async (OTEL_PROPAGATORS, headers, isNamed, line) => {
  const server = await startTestServer();
  const packages = ['@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-node'];
  const app = await createApp({ packages, files: { 'app.mjs': INJECTING } });
  const env = { OTEL_PROPAGATORS, HUMANLOOP_BASE_URL: server.baseUrl };
  const { code, stdout, stderr } = await runApp(app, REGISTER, { env });
  expect({ code, printed: JSON.parse(stdout) }).toEqual({ code: 0, printed: [headers, isNamed] });
  expect(stderr.replace(/^humanloop-otel\/register: traces .*\n/m, '')).toBe(line);
});
