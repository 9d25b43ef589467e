/** Delivered and dropped logs as OpenTelemetry metrics. */
import { context } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor } from '../../src/index.ts';
import { registerMeterProvider } from '../support/collect-metrics.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

test('metrics count delivered logs, and dropped ones by reason', async () => {
  const collect = registerMeterProvider();
  const server = await startMisbehavingV4({ refuses: (log) => log.environment === 'refused' });
  for (const environment of ['refused', 'fine']) {
    const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, environment });
    const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('app');
    for (let call = 0; call < 3; call++)
      tracer.startSpan('chat', { attributes: CHAT, root: true }, context.active()).end();
    await processor.shutdown();
  }
  const counts = Object.entries(await collect())
    .filter(([name]) => name.startsWith('humanloop.'))
    .map(([name, { points }]) => [name, points.map(({ attributes, value }) => [attributes, value])]);
  expect(Object.fromEntries(counts)).toEqual({
    'humanloop.exporter.logs.delivered': [[{}, 3]],
    'humanloop.exporter.logs.dropped': [[{ reason: 'rejected' }, 3]],
  });
});
