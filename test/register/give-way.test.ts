/** Apps that set OpenTelemetry up by themselves, after `humanloop-otel/register`: both work. */
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { openProvider } from '../../scripts/setups/provider.ts';
import { formatSession, groupBySession } from '../../scripts/setups/tree.ts';
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

const OPEN_INFERENCE = '@arizeai/openinference-instrumentation-openai';
const OPEN_TELEMETRY = '@opentelemetry/instrumentation-openai';
/** `ask` calls the model, by way of the instrumentation that `register` starts. */
const ASK = `
  const OpenAI = require('openai');
  const { trace } = require('@opentelemetry/api');
  const client = new OpenAI.OpenAI();
  const ask = (content = 'Hi') => client.chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });`;

/** Runs an app that calls OpenAI, as CommonJS. */
async function runCalls(source: string, packages: readonly string[] = [], env: Record<string, string> = {}) {
  const server = await startTestServer();
  const provider = await openProvider();
  onTestFinished(() => provider.close());
  const app = await createApp({
    packages: ['@opentelemetry/sdk-trace-node', 'openai', OPEN_INFERENCE, ...packages],
    files: { 'app.cjs': source, 'package.json': '{"name":"app"}' },
  });
  const result = await runApp(app, ['--import', 'humanloop-otel/register', 'app.cjs'], {
    env: {
      HUMANLOOP_BASE_URL: server.baseUrl,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: `${provider.url}/v1`,
      ...env,
    },
  });
  const logs = await readLogs(server.baseUrl, new Date(0));
  return { ...result, logs, sessions: groupBySession(logs).map(formatSession).sort() };
}

const IN_UNSAMPLED_SPANS = `
  const { NodeTracerProvider, TraceIdRatioBasedSampler } = require('@opentelemetry/sdk-trace-node');
  new NodeTracerProvider({ sampler: new TraceIdRatioBasedSampler(0) }).register();
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => {
    console.log(trace.getActiveSpan().spanContext().traceFlags);
    return fetch(...request);
  };
  ${ASK}
  const { propagation, context, ROOT_CONTEXT } = require('@opentelemetry/api');
  (async () => {
    for (const name of ['one', 'other']) await trace.getTracer('app').startActiveSpan(name, async (span) => {
      await ask();
      await ask();
      span.end();
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    await context.with(propagation.extract(ROOT_CONTEXT, { traceparent }), () => ask());
  })();`;

test('the sampler of the app does not decide about the calls below its spans, and a remote caller still does', async () => {
  const { code, stdout, sessions } = await runCalls(IN_UNSAMPLED_SPANS);
  expect({ code, sessions }).toEqual({ code: 0, sessions: ['model! model!', 'model! model!'] });
  // What the app traces below the calls is not sampled for it.
  expect(stdout.trim().split('\n')).toEqual(['0', '0', '0', '0', '0']);
});

test('a sampler that OTEL_TRACES_SAMPLER names decides, below the spans of the app too', async () => {
  const env = { OTEL_TRACES_SAMPLER: 'parentbased_always_on' };
  expect((await runCalls(IN_UNSAMPLED_SPANS, [], env)).logs).toEqual([]);
});

const OWN_PROCESSOR = `
  const { HumanloopSpanProcessor } = require('humanloop-otel');
  const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
  const processor = new HumanloopSpanProcessor();
  new NodeTracerProvider({ spanProcessors: [processor] }).register();
  process.on('exit', () => console.log(processor.stats().logged));`;

test('a call that the app and register trace is one log of the processor of the app, sent at the end', async () => {
  const { code, stdout, logs } = await runCalls(`${OWN_PROCESSOR} ${ASK}
    const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini', 'gen_ai.provider.name': 'openai' };
    const askTraced = () => trace.getTracer('app').startActiveSpan('chat', { attributes }, async (span) => {
      const { id, model, usage } = await ask();
      span.setAttributes({ 'gen_ai.response.id': id, 'gen_ai.response.model': model, 'gen_ai.usage.input_tokens': usage.prompt_tokens, 'gen_ai.usage.output_tokens': usage.completion_tokens });
      span.end();
    });
    (async () => { await askTraced(); await askTraced(); })();`);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '2\n' });
  expect(logs.map(({ prompt_tokens, output_tokens }) => [prompt_tokens, output_tokens])).toEqual([
    [12, 7],
    [12, 7],
  ]);
});

test('calls after the app has shut its own processor down are logged', async () => {
  const calls = `(async () => { await ask(); await processor.shutdown(); await ask(); })();`;
  const { code, stdout, logs } = await runCalls(`${OWN_PROCESSOR} ${ASK} ${calls}`);
  expect({ code, stdout, logs: logs.length }).toEqual({ code: 0, stdout: '1\n', logs: 2 });
});

test('the exporters of the app get the spans of instrumentations that it gives to NodeSDK', async () => {
  const source = `
    const { NodeSDK } = require('@opentelemetry/sdk-node');
    const { OpenAIInstrumentation } = require('${OPEN_TELEMETRY}');
    ${OWN}
    const instrumentations = [new OpenAIInstrumentation()];
    new NodeSDK({ spanProcessors: [own], instrumentations, metricReaders: [], logRecordProcessors: [] }).start();
    ${ASK}
    ask();`;
  const { code, stdout, logs } = await runCalls(source, ['@opentelemetry/sdk-node', OPEN_TELEMETRY]);
  expect({ code, stdout, logs: logs.length }).toEqual({ code: 0, stdout: 'chat gpt-4o-mini\n', logs: 1 });
});

test('calls after the app has shut its provider down are logged', async () => {
  const source = `
    const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
    const provider = new NodeTracerProvider();
    provider.register();
    ${ASK}
    (async () => { await ask(); await provider.shutdown(); await ask(); })();`;
  const { code, logs } = await runCalls(source);
  expect({ code, logs: logs.length }).toEqual({ code: 0, logs: 2 });
});

test('with a context manager of the app, the calls of a request are in one session', async () => {
  const source = `
    const { context, ROOT_CONTEXT } = require('@opentelemetry/api');
    const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    ${ASK}
    const http = require('node:http');
    const server = http.createServer((request, response) => {
      request.resume().on('end', async () => {
        await ask();
        await ask();
        response.end();
      });
    });
    server.listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port;
      await Promise.all([1, 2].map(() => fetch(url, { method: 'POST', body: 'x' }).then((answer) => answer.text())));
      console.log(Object.hasOwn(server, 'emit'));
      server.close();
    });`;
  const { code, stdout, sessions } = await runCalls(source, ['@opentelemetry/context-async-hooks']);
  expect({ code, stdout, sessions }).toEqual({
    code: 0,
    stdout: 'false\n',
    sessions: ['model! model!', 'model! model!'],
  });
});
