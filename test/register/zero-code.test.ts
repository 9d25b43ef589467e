/** Apps with real SDKs and instrumentations, and not a line of tracing code. `npm run setups` tries many more. */
import { registerHooks } from 'node:module';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { ANSWER, openProvider } from '../../scripts/setups/provider.ts';
import { formatSession, groupBySession } from '../../scripts/setups/tree.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const SDK = '@opentelemetry/sdk-trace-node';
const OPEN_INFERENCE = '@arizeai/openinference-instrumentation-openai';
const OPEN_TELEMETRY = '@opentelemetry/instrumentation-openai';
const PACKAGE_JSON = JSON.stringify({ name: 'my-shop', dependencies: { openai: '6', ai: '6' } });

interface Run {
  readonly packages: readonly string[];
  /** A program of `npm run setups`. */
  readonly app: string;
  readonly format?: 'mjs' | 'cjs';
  readonly flag?: '--import' | '--require';
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node before all others. */
  readonly nodeArgs?: readonly string[];
  /** Starts the app by its absolute path, from another directory. */
  readonly fromElsewhere?: boolean;
}

async function run({
  packages,
  app: name,
  format = 'mjs',
  flag = '--import',
  env = {},
  nodeArgs = [],
  fromElsewhere,
}: Run) {
  const server = await startTestServer();
  const provider = await openProvider();
  onTestFinished(() => provider.close());
  const app = await createApp({
    packages: [SDK, ...packages],
    programs: { [`app.${format}`]: `scripts/setups/apps/${name}.mjs` },
    files: { 'package.json': PACKAGE_JSON },
  });
  const register = fromElsewhere ? `${app}/node_modules/humanloop-otel/dist/register.js` : 'humanloop-otel/register';
  const result = await runApp(app, [...nodeArgs, flag, register, `${app}/app.${format}`], {
    ...(fromElsewhere && { cwd: '/' }),
    env: {
      HUMANLOOP_BASE_URL: server.baseUrl,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${provider.url}/v1`,
      ...env,
    },
  });
  const logs = await readLogs(server.baseUrl, new Date(0));
  return { ...result, logs, server, sessions: groupBySession(logs).map(formatSession).sort() };
}

const line = (said: string, baseUrl: string, project = 'my-shop') =>
  `humanloop-otel/register: traces ${said}; logs go to project ${project} at ${baseUrl}\n`;

test.each([
  ['mjs', '--import', OPEN_INFERENCE],
  ['cjs', '--import', OPEN_INFERENCE],
  ['cjs', '--require', OPEN_INFERENCE],
  ['mjs', '--import', OPEN_TELEMETRY],
  ['cjs', '--require', OPEN_TELEMETRY],
] as const)('openai in an app.%s, with %s and %s: content, and one line', async (format, flag, instrumentation) => {
  const { code, stdout, stderr, sessions, server, logs } = await run({
    packages: ['openai', instrumentation],
    app: 'openai',
    format,
    flag,
  });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${ANSWER}\n` });
  expect(stderr).toBe(line(`openai 6.49.0 (${instrumentation})`, server.baseUrl));
  expect(sessions).toEqual(['model!', 'model!']);
  const plain = logs.find((log) => log.prompt_tokens !== undefined);
  expect(plain).toMatchObject({ output: ANSWER, prompt_tokens: 12, output_tokens: 7 });
});

/** Node's permissions without the one for threads. */
const [major = 0] = process.versions.node.split('.').map(Number);
const PERMISSIONS = [
  major < 22 ? '--experimental-permission' : '--permission',
  '--allow-fs-read=*',
  ...(major > 24 ? ['--allow-net'] : []),
];
const hasHooksHere = typeof registerHooks === 'function';

test.each(['mjs', 'cjs'] as const)(
  'where Node may start no thread, an app.%s is traced, or that is said',
  async (format) => {
    const options = { packages: ['openai', OPEN_INFERENCE], app: 'openai', format, nodeArgs: PERMISSIONS } as const;
    const { code, stderr, sessions } = await run(options);
    expect({ code, sessions }).toEqual({
      code: 0,
      sessions: hasHooksHere || format === 'cjs' ? ['model!', 'model!'] : [],
    });
    expect(stderr).toContain(`humanloop-otel/register: traces openai`);
    expect(stderr.includes('Node may start no thread; add --allow-worker')).toBe(!hasHooksHere);
  },
);

test('two instrumentations of one package: only the preferred one is started', async () => {
  const { stderr, sessions } = await run({ packages: ['openai', OPEN_INFERENCE, OPEN_TELEMETRY], app: 'openai' });
  expect(stderr).toContain(OPEN_INFERENCE);
  expect(sessions).toEqual(['model!', 'model!']);
});

test('an instrumentation that is disabled is not started', async () => {
  const env = { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http, openai' };
  const { stderr, sessions } = await run({ packages: ['openai', OPEN_INFERENCE], app: 'openai', env });
  expect(stderr).toContain('nothing sees its calls');
  expect(sessions).toEqual([]);
});

test.each(['mjs', 'cjs'] as const)('the AI SDK 6 in an app.%s creates spans without being asked', async (format) => {
  const { code, stderr, sessions, server } = await run({
    packages: ['ai', '@ai-sdk/openai'],
    app: 'ai',
    format,
  });
  expect(code).toBe(0);
  expect(stderr).toBe(line('ai 6.0.326', server.baseUrl));
  expect(sessions).toEqual(['agent!(model! tool! model!)', 'agent!(model!)']);
});

test('the calls of one HTTP request are one session, without an instrumentation of HTTP', async () => {
  const { sessions, logs } = await run({ packages: ['openai', OPEN_INFERENCE], app: 'openai-http' });
  expect(sessions).toEqual(['model! model!', 'model! model!']);
  for (const session of groupBySession(logs)) {
    const requests = session.map(({ messages }) => /of (\/\w)/.exec(JSON.stringify(messages))?.[1]);
    expect(new Set(requests).size).toBe(1);
  }
});

test('HUMANLOOP_CAPTURE_CONTENT=false keeps content away, and HUMANLOOP_QUIET all lines', async () => {
  const env = { HUMANLOOP_CAPTURE_CONTENT: 'false', HUMANLOOP_QUIET: '1' };
  const { stderr, sessions } = await run({ packages: ['openai', OPEN_TELEMETRY], app: 'openai', env });
  expect({ stderr, sessions }).toEqual({ stderr: '', sessions: ['model', 'model'] });
});

test('what the app has decided about content stays', async () => {
  const env = { OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'false' };
  const { sessions } = await run({ packages: ['openai', OPEN_TELEMETRY], app: 'openai', env });
  expect(sessions).toEqual(['model', 'model']);
});

test('an LLM package that nothing sees: a line at the start, and one at the end', async () => {
  const { stderr, logs, server } = await run({ packages: ['openai'], app: 'openai' });
  expect(logs).toEqual([]);
  expect(stderr).toBe(
    line('spans that the app creates', server.baseUrl) +
      `humanloop-otel/register: openai 6.49.0 is installed, but nothing sees its calls: npm install ${OPEN_INFERENCE}\n` +
      `humanloop-otel/register: no LLM span was seen: nothing sees the calls of openai 6.49.0: npm install ${OPEN_INFERENCE}\n`,
  );
});

test('the packages and the name of the app are found beside its main script', async () => {
  const { stderr, sessions, server } = await run({
    packages: ['openai', OPEN_INFERENCE],
    app: 'openai',
    fromElsewhere: true,
  });
  expect(stderr).toBe(line(`openai 6.49.0 (${OPEN_INFERENCE})`, server.baseUrl));
  expect(sessions).toEqual(['model!', 'model!']);
  expect(JSON.stringify((await server.call('GET', '/v4/projects')).body)).toContain('my-shop');
});

test.each([
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, []],
  [{ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1' }, expect.not.arrayContaining(['model!'])],
])('%j is obeyed', async (env, sessions) => {
  expect((await run({ packages: ['openai', OPEN_INFERENCE], app: 'openai', env })).sessions).toEqual(sessions);
});

test.each([
  [{ OTEL_SERVICE_NAME: 'by-name' }, 'by-name'],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=by-attribute' }, 'by-attribute'],
  [{ OTEL_SERVICE_NAME: 'by-name', HUMANLOOP_PROJECT: 'by-project' }, 'by-project'],
])('%j names the project %s', async (env, project) => {
  const { stderr, server } = await run({ packages: ['openai', OPEN_INFERENCE], app: 'openai', env });
  expect(stderr).toBe(line(`openai 6.49.0 (${OPEN_INFERENCE})`, server.baseUrl, project));
  const { body } = await server.call('GET', '/v4/projects');
  expect((body as { records: { name: string }[] }).records.map(({ name }) => name)).toEqual([project]);
});

test('a package manager that inherits NODE_OPTIONS says nothing', async () => {
  const app = await createApp({ packages: [SDK, 'openai'], files: { 'npm-cli.js': 'console.log("npm")' } });
  const result = await runApp(app, ['--import', 'humanloop-otel/register', 'npm-cli.js']);
  expect(result).toEqual({ code: 0, stdout: 'npm\n', stderr: '' });
});
