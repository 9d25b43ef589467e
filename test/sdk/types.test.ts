/** The classes fit the interfaces of each SDK. The proof is that this file passes the type check. */
import type { SpanExporter as SpanExporter2, SpanProcessor as SpanProcessor2 } from '@opentelemetry/sdk-trace-base';
import type { SpanExporter as SpanExporter1, SpanProcessor as SpanProcessor1 } from 'sdk-trace-node-1';
import { expect, test } from 'vitest';
import { HumanloopSpanExporter } from '../../src/processors/span-exporter.ts';
import { HumanloopSpanProcessor } from '../../src/processors/span-processor.ts';

test('the classes have the methods that the SDKs call', () => {
  const processor = new HumanloopSpanProcessor() satisfies SpanProcessor1 satisfies SpanProcessor2;
  const exporter = new HumanloopSpanExporter() satisfies SpanExporter1 satisfies SpanExporter2;
  const methods = [processor.onStart, processor.onEnd, processor.forceFlush, processor.shutdown];
  for (const method of [...methods, exporter.export, exporter.forceFlush, exporter.shutdown]) {
    expect(method).toBeTypeOf('function');
  }
});
