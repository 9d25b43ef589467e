/** Services in processes of their own, with real SDKs, instrumentations and HTTP, and one real server for their logs. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { createApp, startApp } from '../../support/installed-app.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../../support/start-test-server.ts';
import type { References, Task } from './service.ts';

const PACKAGES = [
  '@opentelemetry/core',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-undici',
  '@opentelemetry/sdk-trace-node',
  '@photostructure/sqlite',
  'sdk-trace-node-1',
];
const AGENT = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner' };
const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' };
const CHAT = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Oslo"}]}]',
};

interface Service {
  readonly url: string;
  readonly lines: AsyncIterator<string>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

let server: TestServer;
let directory: string;

beforeEach(async () => {
  server = await startTestServer();
  directory = await createApp({
    packages: PACKAGES,
    programs: {
      'tracing.cjs': 'test/behaviour/services/tracing.ts',
      'service.cjs': 'test/behaviour/services/service.ts',
    },
  });
});

async function startService(env: Readonly<Record<string, string>> = {}, setUp = ['--require', './tracing.cjs']) {
  const child = startApp(directory, [...setUp, 'service.cjs'], {
    env: { HUMANLOOP_BASE_URL: server.baseUrl, HUMANLOOP_PROJECT: 'shop', HUMANLOOP_QUIET: '1', ...env },
  });
  child.stderr.pipe(process.stderr);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { value: port } = await lines.next();
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await once(child, 'exit');
  };
  return { url: `http://127.0.0.1:${port}`, lines, kill } satisfies Service;
}

/** A service without tracing, which passes requests on with the two headers of W3C Trace Context. */
async function startProxy(to: Service): Promise<Pick<Service, 'url'>> {
  const proxy = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { traceparent, tracestate } = request.headers;
    const headers = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate: String(tracestate) }) };
    const answer = await fetch(to.url, { method: 'POST', headers: headers as never, body: Buffer.concat(chunks) });
    response.end(await answer.text());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
}

async function send(to: Pick<Service, 'url'>, task: Task): Promise<References> {
  const response = await fetch(to.url, { method: 'POST', body: JSON.stringify(task) });
  return (await response.json()) as References;
}

async function flush(...services: Service[]): Promise<void> {
  for (const { url } of services) await fetch(`${url}/flush`);
}

/** Expects all logs to be in one session, and below each other as named, the uppermost first. */
async function expectChain(references: References, ...names: string[]): Promise<void> {
  const logs = await readLogs(server.baseUrl, new Date(0));
  const byReference = new Map(logs.map((log) => [log.reference_id, log]));
  const found = names.map((name) => byReference.get(references[name]));
  expect(logs).toHaveLength(names.length);
  expect(found.map((log) => log?.parent_id ?? null)).toEqual([null, ...found.slice(0, -1).map((log) => log?.id)]);
  expect(new Set(logs.map(({ session_id }) => session_id)).size).toBe(1);
}

const agentCalls = (url: string, by: 'http' | 'fetch' | 'hand', task: Task): Task => ({
  spans: [
    ['agent', AGENT],
    ['tool', TOOL],
  ],
  next: { url, by, task },
});
const call = (name = 'call'): Task => ({ spans: [[name, CHAT]] });

test.each<[string, 'http' | 'fetch', Record<string, string>, Record<string, string>]>([
  ['node:http', 'http', {}, {}],
  ['fetch', 'fetch', {}, {}],
  ['node:http to an exporter', 'http', {}, { HUMANLOOP: 'exporter' }],
  ['SDK 1 to SDK 2', 'http', { SDK: '1' }, {}],
  ['SDK 2 to SDK 1', 'fetch', {}, { SDK: '1' }],
  ['SDK 1 to an exporter of SDK 1', 'fetch', { SDK: '1' }, { SDK: '1', HUMANLOOP: 'exporter' }],
])('%s: the model call of one service is below the tool of the other', async (_, by, callerEnv, calledEnv) => {
  const [caller, called] = await Promise.all([startService(callerEnv), startService(calledEnv)]);
  const references = await send(caller, agentCalls(called.url, by, call()));
  await flush(called, caller);
  await expectChain(references, 'agent', 'tool', 'call');
});

test('through a service without tracing, and one that is traced without us', async () => {
  const [caller, between, called] = await Promise.all([
    startService(),
    startService({ HUMANLOOP: 'none' }),
    startService(),
  ]);
  const proxy = await startProxy(called);
  const viaBoth: Task = { spans: [['step', {}]], next: { url: proxy.url, by: 'fetch', task: call() } };
  const references = await send(caller, agentCalls(between.url, 'http', viaBoth));
  await flush(called, caller);
  await expectChain(references, 'agent', 'tool', 'call');
});

test('a call back into the first service', async () => {
  const [first, second] = await Promise.all([startService(), startService()]);
  const back: Task = { spans: [['inner agent', AGENT]], next: { url: first.url, by: 'fetch', task: call() } };
  const references = await send(first, agentCalls(second.url, 'http', back));
  await flush(first, second);
  await expectChain(references, 'agent', 'tool', 'inner agent', 'call');
});

test('with register, where the request is given its headers by hand', async () => {
  const setUp = ['--import', 'humanloop-otel/register'];
  const [caller, called] = await Promise.all([startService({}, setUp), startService({}, setUp)]);
  const references = await send(caller, agentCalls(called.url, 'hand', call()));
  await Promise.all([caller.kill('SIGTERM'), called.kill('SIGTERM')]);
  await expectChain(references, 'agent', 'tool', 'call');
});

test('with a spool, a service that is killed within the call: the next process sends its logs to their places', async () => {
  const spool = { HUMANLOOP_SPOOL_DIRECTORY: temporaryDirectory(), HUMANLOOP_HOLD_MILLIS: '60000' };
  const { HUMANLOOP_HOLD_MILLIS } = spool;
  const [caller, called] = await Promise.all([startService({ HUMANLOOP_HOLD_MILLIS }), startService(spool)]);
  const task: Task = {
    spans: [
      ['inner agent', AGENT],
      ['call', CHAT],
    ],
    hangs: true,
  };
  const answer = send(caller, { ...agentCalls(called.url, 'http', task), hangs: true }).catch(() => ({}));
  const { value = '{}' } = await called.lines.next();
  // Its spool writes within a fraction of a second.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await called.kill('SIGKILL');
  await caller.lines.next();
  // The logs of the caller are not there yet: nobody may ask for them, and give up.
  const next = await startService(spool);
  await flush(next);
  const early = await readLogs(server.baseUrl, new Date(0));
  expect(early).toHaveLength(2);
  await flush(caller);
  const logs = await readLogs(server.baseUrl, new Date(0));
  const tool = logs.find(({ config }) => config?.type === 'tool');
  const [agent, model] = ['inner agent', 'call'].map((name) =>
    logs.find(({ reference_id }) => reference_id === (JSON.parse(value) as References)[name]),
  );
  expect(logs).toHaveLength(4);
  expect(agent?.parent_id).toBe(tool?.id);
  expect(model?.parent_id).toBe(agent?.id);
  await caller.kill('SIGKILL');
  expect(await answer).toEqual({});
});
