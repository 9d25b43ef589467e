/** Python's own exporters, where `PYTHON`, else `python3`, has them. What they have sent is in recorded-senders.test.ts. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startTestServer } from '../../support/start-test-server.ts';
import { startBusyProxy } from './busy-proxy.ts';
import { expectPythonTrace } from './python-trace.ts';

const PYTHON = process.env['PYTHON'] ?? 'python3';
const SENDER = 'test/fixtures/otlp/send-python.py';
const MODULES = ['trace_exporter', '_log_exporter', 'metric_exporter'];

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

whereInstalled.each(['none', 'gzip', 'deflate'])('the exporters are content, compression %s', async (compression) => {
  const server = await startTestServer();
  expect(await send(server.url, { OTEL_EXPORTER_OTLP_COMPRESSION: compression })).toEqual({ results: ALL, said: [] });
  await expectPythonTrace(server);
});

whereInstalled('a key is sent as a header', async () => {
  const server = await startTestServer({ apiKey: 'right' });
  const without = await send(server.url);
  expect(without.results).toEqual(['traces FAILURE', 'logs FAILURE', 'metrics FAILURE']);
  expect(await send(server.url, { OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=right' })).toEqual({ results: ALL, said: [] });
});

whereInstalled('after 503 with Retry-After it sends again, and nothing is lost', async () => {
  const server = await startTestServer();
  const busy = { status: 503, headers: { 'retry-after': '1' } };
  const { results, said } = await send(await startBusyProxy(server.url, [busy, busy]));
  expect(results).toEqual(ALL);
  expect(said.map((line) => line.replace(/ [\d.]+s/, ' …'))).toHaveLength(2);
  await expectPythonTrace(server);
});

whereInstalled('after 413 it drops the batch, and goes on', async () => {
  const server = await startTestServer({ maxBodyBytes: 50_000 });
  const { results, said } = await send(server.url, {}, 100_000);
  expect(results).toEqual(['traces FAILURE', 'logs SUCCESS', 'metrics SUCCESS']);
  expect(said).toEqual([expect.stringContaining('413')]);
  expect((await send(server.url)).results).toEqual(ALL);
});
