/** SDK 1.30, whose spans have `parentSpanId` and `instrumentationLibrary`. */
import { BatchSpanProcessor, NodeTracerProvider, SimpleSpanProcessor, type SpanProcessor } from 'sdk-trace-node-1';
import { testSdk } from './sdk-contract.ts';
import { testTypes } from './type-contract.ts';

testSdk<SpanProcessor>({
  createProvider: (processor) => new NodeTracerProvider({ spanProcessors: [processor] }),
  fromHumanloop: (processor) => processor,
  // Small batches, so that children come in earlier batches than their parents.
  batch: (exporter) => new BatchSpanProcessor(exporter, { maxExportBatchSize: 2 }),
  simple: (exporter) => new SimpleSpanProcessor(exporter),
});

testTypes(['sdk-trace-node-1']);
