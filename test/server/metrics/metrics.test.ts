/** `/metrics`: what is counted, in a text that Prometheus reads, on both engines. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../../src/server/index.ts';
import { Registry } from '../../../src/server/metrics/registry.ts';
import { findPostgres, type PostgresCluster, startPostgres } from '../../support/postgres/cluster.ts';
import { startTestServer, type TestServer } from '../../support/start-test-server.ts';
import { config } from '../sample-log.ts';
import { readPrometheusText } from './prometheus-text.ts';

async function scrape(server: TestServer, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.url}/metrics`, { headers });
  const text = await response.text();
  if (response.status !== 200) return { response, text, value: () => undefined };
  const families = readPrometheusText(text);
  const value = (series: string) =>
    families.get(/^[^{]+?(?=_bucket|_sum|_count|\{|$)/.exec(series)![0])?.samples.get(series);
  return { response, text, families, value };
}

const CALLS = 'humanloop_http_request_duration_seconds_count';

function describeMetrics(name: string, toOptions: () => Promise<ServerOptions>): void {
  describe(name, () => {
    test('everything that is there at the start is a text that Prometheus reads, and counts what happens', async () => {
      const server = await startTestServer({ ...(await toOptions()), onError: () => {} });
      const before = await scrape(server);
      expect(before.response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(before.value('humanloop_logs_written_total{via="api"}')).toBe(0);
      expect(before.value('humanloop_store_ready')).toBe(1);
      expect(before.value('humanloop_store_full')).toBe(0);

      const { body: created } = await server.call('POST', '/v4/logs', [
        { project: 'p', config },
        { project: 'p', config },
      ]);
      await server.call('POST', '/v4/logs', { project: 'p' });
      await server.call('PATCH', `/v4/logs/${created[0].id}`, { output: 'x' });
      await server.call('PATCH', '/v4/logs/data_000000000000000000000', { output: 'x' });
      await server.call('POST', '/v4/feedback', { type: 'rating', value: 'good', data_id: created[0].id });
      await server.call('DELETE', `/v4/logs?id=${created[0].id}&id=data_000000000000000000000`);
      await server.call('GET', '/nowhere/at%20all"\\');
      const after = await scrape(server);
      expect(
        Object.fromEntries(
          [
            ...[
              'humanloop_logs_written_total{via="api"}',
              'humanloop_logs_updated_total',
              'humanloop_feedback_written_total',
            ],
            ...['humanloop_logs_deleted_total{by="request"}', 'humanloop_store_errors_total{reason="other"}'],
            ...[
              `${CALLS}{method="POST",route="/v4/logs",status="200"}`,
              `${CALLS}{method="POST",route="/v4/logs",status="422"}`,
            ],
            ...[
              `${CALLS}{method="PATCH",route="/v4/logs/:id",status="404"}`,
              `${CALLS}{method="GET",route="none",status="404"}`,
            ],
          ].map((series) => [series, after.value(series)]),
        ),
      ).toEqual({
        'humanloop_logs_written_total{via="api"}': 2,
        humanloop_logs_updated_total: 1,
        humanloop_feedback_written_total: 1,
        'humanloop_logs_deleted_total{by="request"}': 1,
        'humanloop_store_errors_total{reason="other"}': 0,
        [`${CALLS}{method="POST",route="/v4/logs",status="200"}`]: 1,
        [`${CALLS}{method="POST",route="/v4/logs",status="422"}`]: 1,
        [`${CALLS}{method="PATCH",route="/v4/logs/:id",status="404"}`]: 1,
        [`${CALLS}{method="GET",route="none",status="404"}`]: 1,
      });
      expect(after.value('process_resident_memory_bytes')).toBeGreaterThan(10e6);
      expect(after.value('process_start_time_seconds')).toBeLessThan(Date.now() / 1000);
      expect(after.value('nodejs_eventloop_lag_p99_seconds')).toBeLessThan(10);
      expect(after.text).not.toContain('nowhere');
      // The tool of Prometheus itself, where it is installed.
      const promtool = spawnSync('promtool', ['check', 'metrics'], { input: after.text, encoding: 'utf8' });
      if (!promtool.error) expect([promtool.status, promtool.stdout + promtool.stderr]).toEqual([0, '']);
    });

    test('needs the key where there is one, as header or as bearer token', async () => {
      const server = await startTestServer({ ...(await toOptions()), apiKey: 'secret' });
      expect((await scrape(server)).response.status).toBe(401);
      expect((await scrape(server, { 'x-api-key': 'wrong' })).response.status).toBe(401);
      expect((await scrape(server, { authorization: 'Bearer secret' })).value('humanloop_store_ready')).toBe(1);
      for (const path of ['/healthz', '/readyz']) expect((await fetch(server.url + path)).status).toBe(200);
    });
  });
}

describeMetrics('SQLite', async () => ({}));

test('SQLite: the file, its disk, the backlog of the index and OTLP', async () => {
  const server = await startTestServer();
  const span = (spanId: string) => ({
    traceId: 'a'.repeat(32),
    spanId,
    name: 'chat',
    kind: 3,
    attributes: [{ key: 'gen_ai.operation.name', value: { stringValue: 'chat' } }],
  });
  const body = { resourceSpans: [{ scopeSpans: [{ spans: [span('b'.repeat(16)), span('short')] }] }] };
  expect((await server.call('POST', '/v1/traces', body)).status).toBe(200);
  const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const logRecords = [{ eventName: 'app.started', ...ids }, { eventName: 'gen_ai.choice' }, { body: null }];
  expect((await server.call('POST', '/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] })).status).toBe(200);
  const { value } = await scrape(server);
  expect(value('humanloop_otlp_items_total{signal="traces",result="accepted"}')).toBe(1);
  expect(value('humanloop_otlp_items_total{signal="traces",result="rejected"}')).toBe(1);
  for (const [result, count] of Object.entries({ accepted: 0, rejected: 1, unused: 2 })) {
    expect(value(`humanloop_otlp_items_total{signal="logs",result="${result}"}`), result).toBe(count);
  }
  expect(value('humanloop_logs_written_total{via="otlp"}')).toBe(1);
  for (const series of ['humanloop_store_bytes', 'humanloop_disk_free_bytes', 'humanloop_disk_reserve_bytes']) {
    expect(value(series), series).toBeGreaterThan(0);
  }
  await expect.poll(async () => (await scrape(server)).value('humanloop_index_lag_logs')).toBe(0);
});

test('SQLite: retention', async () => {
  const server = await startTestServer({ keepMillis: 1_000, onPrune: () => {} });
  await server.call('POST', '/v4/logs', { project: 'p', config, session_reference_id: 's' });
  await expect.poll(async () => (await scrape(server)).value('humanloop_logs_deleted_total{by="retention"}')).toBe(1);
  expect((await scrape(server)).value('humanloop_retention_runs_total{result="ok"}')).toBeGreaterThan(0);
});

for (const binaries of findPostgres().slice(0, 1)) {
  describe(binaries.name, () => {
    let cluster: PostgresCluster;
    beforeAll(async () => {
      cluster = await startPostgres(binaries);
    });
    afterAll(() => cluster?.stop());
    const toOptions = async () => ({ database: await cluster.createSchema() });

    describeMetrics('PostgreSQL', toOptions);

    test('connections, turns, and a database that is away', async () => {
      const server = await startTestServer({ ...(await toOptions()), onError: () => {} });
      await Promise.all(Array.from({ length: 20 }, () => server.call('POST', '/v4/logs', { project: 'p', config })));
      const busy = await scrape(server);
      expect(busy.value('humanloop_write_turns_total')).toBeGreaterThan(0);
      expect(busy.value('humanloop_write_queue_requests')).toBe(0);
      expect(busy.value('humanloop_database_connections_max{pool="write"}')).toBeGreaterThan(0);
      expect(busy.value('humanloop_database_connections_waiting{pool="read"}')).toBe(0);
      await cluster.kill();
      expect((await server.call('POST', '/v4/logs', { project: 'p', config })).status).toBe(503);
      const away = await scrape(server);
      expect(away.value('humanloop_store_ready')).toBe(0);
      expect(away.value('humanloop_store_errors_total{reason="unreachable"}')).toBeGreaterThan(0);
      expect(away.value(`${CALLS}{method="POST",route="/v4/logs",status="503"}`)).toBe(1);
      await cluster.start();
      await expect.poll(async () => (await scrape(server)).value('humanloop_store_ready')).toBe(1);
    });
  });
}

test('whatever a label says, the text can be read', () => {
  const registry = new Registry();
  const counter = registry.counter('x_total', 'With \\ and\nlines.');
  counter.add({ name: 'a"b\\c\nd' });
  registry.histogram('h_seconds', 'H.', [0.1, 1]).series({ of: '}' })(1e300);
  registry.measured('gauge', 'g', 'G.', () => [{ value: 1e21 }]);
  registry.counter('none_total', 'Without a series.');
  expect([...readPrometheusText(registry.write()).keys()]).toEqual(['x_total', 'h_seconds', 'g']);
});

test.each([
  ['a sample without a family', 'a 1\n'],
  ['a family twice', '# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\na 1\n'],
  ['a series twice', '# HELP a A.\n# TYPE a gauge\na 1\na 2\n'],
  ['a counter without _total', '# HELP a A.\n# TYPE a counter\na 1\n'],
  ['a quote in a label', '# HELP a A.\n# TYPE a gauge\na{b="c"d"} 1\n'],
  ['no number', '# HELP a A.\n# TYPE a gauge\na undefined\n'],
  [
    'buckets that do not add up',
    '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
])('the reader of this test refuses %s', (_, text) => {
  expect(() => readPrometheusText(text)).toThrow();
});
