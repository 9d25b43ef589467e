/**
 * Python's own exporters: what they have sent, with their headers, is always tested. Where `PYTHON`, else `python3`, has
 * them, they are run.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import type { RecordedRequest } from '../../fixtures/otlp/recorded-request.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { startBusyProxy } from './busy-proxy.ts';

const PYTHON = process.env['PYTHON'] ?? 'python3';
const SENDER = 'test/fixtures/otlp/send-python.py';
const MODULES = ['trace_exporter', '_log_exporter', 'metric_exporter'];

/** An agent above a call, and a call whose answer came as a log event. */
async function expectTrace({ baseUrl }: TestServer): Promise<void> {
  const logs = await readLogs(baseUrl, new Date(0));
  expect(logs).toHaveLength(3);
  const agent = logs.find(({ parent_id: parent }) => !parent);
  expect(agent).toMatchObject({ session_reference_id: 's-1', project: 'python-app', config: { type: 'agent' } });
  const children = logs.filter(({ parent_id: parent }) => parent === agent?.id);
  expect(children.map(({ output }) => output).sort()).toEqual(['12 cm', 'Said by an event.']);
  expect(children.find(({ output }) => output === '12 cm')).toMatchObject({
    messages: [{ role: 'user', content: 'Größe?' }],
    prompt_tokens: 3,
  });
}

for (const kind of ['plain', 'gzip']) {
  const requests = JSON.parse(readFileSync(`test/fixtures/otlp/python-${kind}.json`, 'utf8')) as RecordedRequest[];
  for (const [name, order] of [
    ['in its order', requests],
    ['the other way round', requests.toReversed()],
    ['twice', [...requests, ...requests]],
  ] as const) {
    test(`what the exporters of SDK 1.45 have sent, ${kind}, ${name}`, async () => {
      const server = await startTestServer();
      for (const { path, headers, body } of order) {
        const sent = { method: 'POST', headers, body: Buffer.from(body, 'base64') };
        const response = await fetch(server.url + path, sent);
        expect(response.status).toBe(200);
        expect(response.headers.get('content-type')).toBe('application/x-protobuf');
      }
      await expectTrace(server);
    });
  }
}

const missing = findMissing();
if (missing) process.stderr.write(`Python's exporters are not run: ${missing}\n`);
const whereInstalled = test.skipIf(missing !== undefined);

function findMissing(): string | undefined {
  const imports = MODULES.map((name) => `import opentelemetry.exporter.otlp.proto.http.${name}`).join('\n');
  const { status, stderr, error }: SpawnSyncReturns<string> = spawnSync(PYTHON, ['-c', imports], { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim().split('\n').at(-1));
}

interface Sent {
  /** Of each export: `traces SUCCESS`. */
  readonly results: string[];
  /** Lines that the exporters have logged. */
  readonly said: string[];
}

async function send(url: string, more: NodeJS.ProcessEnv = {}, fillerLength = 0): Promise<Sent> {
  const sender = spawn(PYTHON, [SENDER, String(fillerLength)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: url, ...more },
  });
  const [printed] = await Promise.all([text(sender.stdout), once(sender, 'exit')]);
  return JSON.parse(printed) as Sent;
}

const ALL = ['traces SUCCESS', 'logs SUCCESS', 'metrics SUCCESS'];

whereInstalled.each(['none', 'gzip', 'deflate'])(
  'the exporters are content, compression %s',
  { timeout: 60_000 },
  async (compression) => {
    const server = await startTestServer();
    expect(await send(server.url, { OTEL_EXPORTER_OTLP_COMPRESSION: compression })).toEqual({ results: ALL, said: [] });
    await expectTrace(server);
  },
);

whereInstalled('a key is sent as a header', { timeout: 60_000 }, async () => {
  const server = await startTestServer({ apiKey: 'right' });
  const without = await send(server.url);
  expect(without.results).toEqual(['traces FAILURE', 'logs FAILURE', 'metrics FAILURE']);
  expect(await send(server.url, { OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=right' })).toEqual({ results: ALL, said: [] });
});

whereInstalled('after 503 with Retry-After it sends again, and nothing is lost', { timeout: 60_000 }, async () => {
  const server = await startTestServer();
  const busy = { status: 503, headers: { 'retry-after': '1' } };
  const { results, said } = await send(await startBusyProxy(server.url, [busy, busy]));
  expect(results).toEqual(ALL);
  expect(said.map((line) => line.replace(/ [\d.]+s/, ' …'))).toHaveLength(2);
  await expectTrace(server);
});

whereInstalled('after 413 it drops the batch, and goes on', { timeout: 60_000 }, async () => {
  const server = await startTestServer({ maxBodyBytes: 50_000 });
  const { results, said } = await send(server.url, {}, 100_000);
  expect(results).toEqual(['traces FAILURE', 'logs SUCCESS', 'metrics SUCCESS']);
  expect(said).toEqual([expect.stringContaining('413')]);
  expect((await send(server.url)).results).toEqual(ALL);
});
