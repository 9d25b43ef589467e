/** Delivered and dropped logs as OpenTelemetry metrics. */
import { context, metrics } from '@opentelemetry/api';
import { metrics as sdk } from '@opentelemetry/sdk-node';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

test('metrics count delivered logs, and dropped ones by reason', async () => {
  const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE);
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  metrics.setGlobalMeterProvider(new sdk.MeterProvider({ readers: [reader] }));
  onTestFinished(() => metrics.disable());
  const server = await startMisbehavingV4({ refuses: (log) => log.environment === 'refused' });
  for (const environment of ['refused', 'fine']) {
    const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, environment });
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
    for (let call = 0; call < 3; call++)
      tracer.startSpan('chat', { attributes: CHAT, root: true }, context.active()).end();
    await processor.shutdown();
  }
  await reader.forceFlush();
  const points = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics: all }) => all));
  const counts = points.map(({ descriptor, dataPoints }) => [
    descriptor.name,
    dataPoints.map((point) => [point.attributes, point.value]),
  ]);
  expect(Object.fromEntries(counts)).toEqual({
    'humanloop.exporter.logs.delivered': [[{}, 3]],
    'humanloop.exporter.logs.dropped': [[{ reason: 'rejected' }, 3]],
  });
});
