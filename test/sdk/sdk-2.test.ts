/** SDK 2, with its providers for Node and with NodeSDK. */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, SimpleSpanProcessor, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { expect, test } from 'vitest';
import { readLogs } from '../../scripts/read-logs.ts';
import { HumanloopSpanProcessor } from '../../src/processors/span-processor.ts';
import { startTestServer } from '../support/start-test-server.ts';
import { testSdk } from './sdk-contract.ts';
import { testTypes } from './type-contract.ts';

testSdk<SpanProcessor>({
  createProvider: (processor) => new NodeTracerProvider({ spanProcessors: [processor] }),
  fromHumanloop: (processor) => processor,
  // Small batches, so that children come in earlier batches than their parents.
  batch: (exporter) => new BatchSpanProcessor(exporter, { maxExportBatchSize: 2 }),
  simple: (exporter) => new SimpleSpanProcessor(exporter),
});

testTypes(['@opentelemetry/sdk-trace-base']);

test('NodeSDK: one line of set-up, and the project is the service name', async () => {
  const server = await startTestServer();
  const sdk = new NodeSDK({
    serviceName: 'my-service',
    spanProcessors: [new HumanloopSpanProcessor({ baseUrl: server.baseUrl })],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  const tracer = trace.getTracer('app');
  await tracer.startActiveSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }, async (agent) => {
    await Promise.resolve();
    tracer.startSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }).end();
    agent.end();
  });
  tracer.startSpan('GET', {}, ROOT_CONTEXT).end();
  await sdk.shutdown();
  trace.disable();
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs).toHaveLength(2);
  expect(logs.filter(({ parent_id }) => parent_id)).toHaveLength(1);
  const { body } = await server.call('GET', '/v4/projects');
  expect(body.records.map(({ name }: { name: string }) => name)).toEqual(['my-service']);
});
