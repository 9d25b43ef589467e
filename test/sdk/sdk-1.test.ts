/** SDK 1.30, whose spans say `parentSpanId` and `instrumentationLibrary`. */
import { BatchSpanProcessor, NodeTracerProvider, SimpleSpanProcessor, type SpanProcessor } from 'sdk-trace-node-1';
import { testSdk } from './sdk-contract.ts';

testSdk<SpanProcessor>({
  createProvider: (processor) => new NodeTracerProvider({ spanProcessors: [processor] }),
  fromHumanloop: (processor) => processor,
  batch: (exporter) => new BatchSpanProcessor(exporter),
  simple: (exporter) => new SimpleSpanProcessor(exporter),
});
