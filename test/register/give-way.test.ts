/** Apps that set OpenTelemetry up by themselves, after `humanloop-otel/register`: both work. */
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { createApp, runApp } from '../support/installed-app.ts';
import { startTestServer } from '../support/start-test-server.ts';

const REGISTER = ['--import', 'humanloop-otel/register', 'app.mjs'];
const START = /^humanloop-otel\/register: traces .*\n/;
const TAKES_OVER =
  'humanloop-otel/register: the app registers a tracer provider of its own, which is used from now on; ';
/** Prints the spans that the app's own processor sees. */
const OWN = `
  const own = {
    onStart: () => undefined,
    onEnd: ({ name }) => console.log(name),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };`;
const CALLS = `
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' };
  const tracer = trace.getTracer('app');
  tracer.startActiveSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }, (agent) => {
    tracer.startSpan('chat', { attributes }).end();
    agent.end();
  });`;
const IMPORT = `import { trace } from '@opentelemetry/api';`;
const inSdk1 = `
  ${IMPORT} import { NodeTracerProvider } from 'sdk-trace-node-1'; ${OWN}
  const provider = new NodeTracerProvider(); provider.addSpanProcessor(own); provider.register(); ${CALLS}`;
const inSdk2 = `
  ${IMPORT} import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'; ${OWN}
  new NodeTracerProvider({ spanProcessors: [own] }).register(); ${CALLS}`;
const inNodeSdk = `
  ${IMPORT} import { NodeSDK } from '@opentelemetry/sdk-node'; ${OWN}
  new NodeSDK({ spanProcessors: [own], metricReaders: [], logRecordProcessors: [] }).start(); ${CALLS}`;

async function run(source: string, packages: readonly string[]) {
  const server = await startTestServer();
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node', ...packages],
    files: { 'app.mjs': source, 'package.json': '{"name":"app"}' },
  });
  const result = await runApp(app, REGISTER, { env: { HUMANLOOP_BASE_URL: server.baseUrl } });
  return { ...result, stderr: result.stderr.replace(START, ''), logs: await readLogs(server.baseUrl, new Date(0)) };
}

test.each([
  ['a provider of SDK 1', inSdk1, ['sdk-trace-node-1']],
  ['a provider of SDK 2', inSdk2, []],
  ['NodeSDK', inNodeSdk, ['@opentelemetry/sdk-node']],
])('%s that the app registers later gets its spans, which are logged too, nested', async (_, source, packages) => {
  const { code, stdout, stderr, logs } = await run(source, packages);
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: 'chat\ninvoke_agent\n',
    stderr: `${TAKES_OVER}its spans are logged too\n`,
  });
  const [model] = logs.filter(({ config }) => config?.type === 'model');
  expect(logs).toHaveLength(2);
  expect(logs.map(({ id }) => id)).toContain(model?.parent_id);
});

test('a provider that has a processor of this package already keeps to that', async () => {
  const source = `
    ${IMPORT} import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
    import { HumanloopSpanProcessor } from 'humanloop-otel';
    const processor = new HumanloopSpanProcessor({ project: 'other' });
    new NodeTracerProvider({ spanProcessors: [processor] }).register(); ${CALLS}
    process.once('beforeExit', () => processor.shutdown());`;
  const { code, stderr, logs } = await run(source, []);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(logs).toHaveLength(2);
});

test('a provider to which nothing can be added is used as it is, and a line says what to do', async () => {
  const source = `
    ${IMPORT}
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: (name) => (console.log(name), trace.wrapSpanContext({})) }) });
    trace.getTracer('app').startSpan('own');`;
  const { stdout, stderr, logs } = await run(source, []);
  expect(stdout).toBe('own\n');
  expect(stderr).toContain(`${TAKES_OVER}its spans are not logged: add a HumanloopSpanProcessor to it\n`);
  expect(logs).toEqual([]);
});

test('the context manager, the propagator and the logger provider of the app are used', async () => {
  const source = `
    import { context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
    import { logs } from '@opentelemetry/api-logs';
    const manager = { active: () => ROOT_CONTEXT, with: (_, run) => (console.log('with'), run()), enable: () => manager, disable: () => manager, bind: (_, target) => target };
    context.setGlobalContextManager(manager);
    propagation.setGlobalPropagator({ inject: () => console.log('inject'), extract: (given) => given, fields: () => [] });
    logs.setGlobalLoggerProvider({ getLogger: () => ({ emit: ({ body }) => console.log(body) }) });
    context.with(ROOT_CONTEXT, () => undefined);
    propagation.inject(ROOT_CONTEXT, {});
    logs.getLogger('app').emit({ body: 'a log' });`;
  const { stdout } = await run(source, [
    'openai',
    '@arizeai/openinference-instrumentation-openai',
    '@opentelemetry/api-logs',
  ]);
  expect(stdout.split('\n').slice(0, 3)).toEqual(['with', 'inject', 'a log']);
});
