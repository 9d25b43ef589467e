/** `humanloop-otel check`, as it is installed in an app, against real servers. */
import { expect, test } from 'vitest';
import { readLogs } from '../scripts/read-logs.ts';
import { hasOwnSetUp } from '../src/check/app-process.ts';
import { formatSession } from '../src/check/format-session.ts';
import type { LogResponse } from '../src/wire/v4.ts';
import { createApp, runApp } from './support/installed-app.ts';
import { startMisbehavingV4 } from './support/misbehaving-v4.ts';
import { startTestServer } from './support/start-test-server.ts';

const SDK = ['@opentelemetry/sdk-trace-node'];
const AGENT = { 'app.mjs': 'test/behaviour/apps/agent.ts' };
const CHECK = ['node_modules/humanloop-otel/dist/cli.js', 'check'];

async function check(directory: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await runApp(directory, [...CHECK, ...args], { env });
  return { code, output: stdout + stderr, stdout };
}

test('says what is installed and seen, and leaves no log', async () => {
  const server = await startTestServer();
  const app = await createApp({ packages: SDK });
  const { code, output } = await check(app, [], { HUMANLOOP_BASE_URL: server.baseUrl });
  expect(output).toContain(`Node           ${process.versions.node}\n`);
  expect(output).toMatch(/OpenTelemetry {2}@opentelemetry\/sdk-trace-node 2\.\d+\.\d+, @opentelemetry\/api 1\.\d/);
  expect(output).toContain(`✓ ${server.baseUrl} took a log, gave it back, and deleted it again`);
  expect(code).toBe(0);
  expect(await readLogs(server.baseUrl, new Date(0))).toEqual([]);
});

test('a variable that nothing reads is named', async () => {
  const server = await startTestServer();
  const env = {
    ...{ HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_BATCH_MAX_ITEMS: '5', HUMANLOOP_KEEP: '30d' },
    ...{ HUMANLOOP_CAPTURE_CONTENTS: 'false', HUMANLOOP_EMPTY: '' },
  };
  const { code, output } = await check(await createApp({ packages: SDK }), [], env);
  expect(output.split('\n').filter((line) => line.startsWith('Environment'))).toEqual([
    'Environment    ✗ HUMANLOOP_CAPTURE_CONTENTS is set, but humanloop-otel does not read it: is its name right?',
  ]);
  expect(code).toBe(0);
});

test('an LLM package that nothing sees, or no SDK, is code 9 with the remedy', async () => {
  const server = await startTestServer();
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const packageJson = JSON.stringify({ name: 'app', dependencies: { openai: '*' } });
  const files = {
    'package.json': packageJson,
    'node_modules/openai/package.json': '{"name":"openai","version":"6.1.0"}',
  };
  const unseen = await check(await createApp({ packages: SDK, files }), [], env);
  expect(unseen.output).toContain('✗ openai 6.1.0: nothing sees its calls: npm install @arizeai/openinference');
  expect(unseen.code).toBe(9);
  const noSdk = await check(await createApp({}), [], env);
  expect(noSdk.output).toContain('no OpenTelemetry SDK is installed: npm install @opentelemetry/sdk-trace-node');
  expect(noSdk.code).toBe(9);
});

test('each fault of the server has its code and its remedy', async () => {
  const app = await createApp({ packages: SDK });
  const statuses = { status: 200, text: '' };
  const odd = await startMisbehavingV4({ fault: () => ({ answer: statuses }) });
  const away = { status: 503, body: { detail: 'the store is not available for now' } };
  const failing = await startMisbehavingV4({ fault: () => ({ answer: away }) });
  const keyed = await startTestServer({ apiKey: 'right' });
  const plain = await startTestServer();
  for (const [baseUrl, code, said] of [
    [
      'http://127.0.0.1:9/v4',
      3,
      'refuses connections (ECONNREFUSED): start the server: npx humanloop-otel serve --port 9',
    ],
    [keyed.baseUrl, 4, 'asks for an API key (HTTP 401): set HUMANLOOP_API_KEY'],
    [plain.url, 5, 'does the address end in /v4?'],
    ['https://api.humanloop.com/v4', 5, 'api.humanloop.com is closed since September 2025'],
    [odd.baseUrl, 5, 'is it a v4 log server?'],
    [failing.baseUrl, 5, 'answers HTTP 503 (the store is not available for now): see what the server itself prints'],
    ['localhost:4340', 2, 'did you mean http://localhost:4340/v4?'],
  ] as const) {
    const result = await check(app, [], { HUMANLOOP_BASE_URL: baseUrl });
    expect(result).toEqual({ code, output: expect.stringContaining(said), stdout: expect.anything() });
  }
  const right = await check(app, [], { HUMANLOOP_BASE_URL: keyed.baseUrl, HUMANLOOP_API_KEY: 'right' });
  expect(right.code).toBe(0);
});

test('a log that is not given back is code 6', async () => {
  const server = await startMisbehavingV4({
    fault: ({ method }) => (method === 'GET' ? { answer: { status: 500 } } : undefined),
  });
  const result = await check(await createApp({ packages: SDK }), [], { HUMANLOOP_BASE_URL: server.baseUrl });
  expect(result).toMatchObject({ code: 6, output: expect.stringContaining('took a log, but does not give it back') });
});

test('runs a command, also one that does not end, and shows the tree of its first session', async () => {
  const server = await startTestServer();
  const files = { 'server.mjs': `import './app.mjs'; setInterval(() => undefined, 1000);` };
  const app = await createApp({ packages: SDK, programs: AGENT, files });
  for (const file of ['app.mjs', 'server.mjs']) {
    const { code, stdout } = await check(app, ['--', 'node', file], { HUMANLOOP_BASE_URL: server.baseUrl });
    expect(stdout).toContain(`Runs node ${file} (with --import humanloop-otel/register`);
    expect(stdout).toContain('\ndone\n');
    expect(stdout).toMatch(/\nagent .* s\n {2}model {2}gpt-4o {2}[\d.]+ s\n/);
    const [, viewer, id] = /\n(http\S+)\/sessions\/(\S+)\n$/.exec(stdout) ?? [];
    expect(viewer).toBe(server.url);
    // What the viewer asks for at this address.
    expect((await server.call('GET', `/viewer/api/sessions/${id}`)).status).toBe(200);
    expect(code).toBe(0);
  }
});

test('a command without a log: why', async () => {
  const server = await startTestServer();
  const env = { HUMANLOOP_BASE_URL: server.baseUrl };
  const files = {
    'idle.mjs': '',
    'failing.mjs': 'process.exit(3)',
    'waiting.mjs': 'setInterval(() => undefined, 1000)',
  };
  const app = await createApp({ packages: SDK, files, programs: AGENT });
  const of = (...args: string[]) => check(app, args, env);
  expect(await of('--', 'node', 'idle.mjs')).toMatchObject({ code: 8, output: expect.stringContaining('no log came') });
  expect(await of('--', 'node', 'failing.mjs')).toMatchObject({
    code: 7,
    output: expect.stringContaining('exit code 3'),
  });
  expect(await of('--', './missing')).toMatchObject({ code: 7, output: expect.stringContaining('cannot be started') });
  const late = await of('--timeout', '2', '--', 'node', 'waiting.mjs');
  expect(late).toMatchObject({ code: 8, output: expect.stringContaining('no log came within 2 s') });
  const bare = await of('--no-register', '--', 'node', 'app.mjs');
  expect(bare).toMatchObject({ code: 8, output: expect.stringContaining('Runs node app.mjs (as it is)') });
});

test('wrong arguments are code 2', async () => {
  const app = await createApp({ packages: SDK });
  for (const [args, said] of [
    [['--port', '1'], 'check has no option --port'],
    [['--timeout', 'soon'], '--timeout: expected seconds, more than 0 and at most 86400'],
    [['--'], 'no command after --'],
  ] as const) {
    expect(await check(app, args)).toMatchObject({ code: 2, output: expect.stringContaining(said) });
  }
  const serve = await runApp(app, ['node_modules/humanloop-otel/dist/cli.js', 'serve', '--timeout', '5']);
  expect(serve).toMatchObject({ code: 2, stderr: expect.stringContaining('serve has no option --timeout') });
});

test.each([
  [['node', '--import', './tracing.mjs', 'app.mjs'], '', true],
  [['node', '--require=./tracing.cjs', 'app.cjs'], '', true],
  [['node', '--import', 'tsx', 'app.ts'], '', false],
  [['npm', 'start'], '--import ./tracing.mjs', true],
  [['node', 'app.mjs'], '', false],
])('%s with NODE_OPTIONS=%s: preloads its own set-up: %s', (command, nodeOptions, expected) => {
  expect(hasOwnSetUp(command, nodeOptions)).toBe(expected);
});

test('a session is text also if its logs name each other as parents', () => {
  const log = (id: string, parent: string) =>
    ({ id, parent_id: parent, created_at: '2026-01-01T00:00:00Z' }) as LogResponse;
  expect(formatSession([log('a', 'b'), log('b', 'a'), log('c', 'gone')])).toEqual([
    'log  running',
    'log  running',
    '  log  running',
  ]);
});
