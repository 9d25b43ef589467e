/** Spans of SDK 1 have other names for the parent and the scope. */
import { type Context, ROOT_CONTEXT, type Span, type Tracer, trace } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import * as sdk1 from 'sdk-trace-node-1';
import { expect, test } from 'vitest';
import { HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, CHAT, outputOf, QUICK, referenceOf } from '../support/traced-app.ts';

interface TestedSdk {
  readonly name: string;
  processed(processor: HumanloopSpanProcessor): Tracer;
  exported(exporter: HumanloopSpanExporter): { tracer: Tracer; flush(): Promise<void> };
}

const SDKS: TestedSdk[] = [
  {
    name: '1.30',
    processed: (processor) => new sdk1.NodeTracerProvider({ spanProcessors: [processor] }).getTracer('the scope', '7'),
    exported: (exporter) => {
      const batch = new sdk1.BatchSpanProcessor(exporter, { maxExportBatchSize: 2 });
      const tracer = new sdk1.NodeTracerProvider({ spanProcessors: [batch] }).getTracer('the scope', '7');
      return { tracer, flush: () => batch.forceFlush() };
    },
  },
  {
    name: '2',
    processed: (processor) => new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('the scope', '7'),
    exported: (exporter) => {
      const batch = new BatchSpanProcessor(exporter, { maxExportBatchSize: 2 });
      const tracer = new BasicTracerProvider({ spanProcessors: [batch] }).getTracer('the scope', '7');
      return { tracer, flush: () => batch.forceFlush() };
    },
  },
];

/** Root, agent, a span between, a call that fails. Ends children first. */
function playTrace(tracer: Tracer): { root: Span; agent: Span; call: Span } {
  const root = tracer.startSpan('root', { attributes: { ...AGENT, 'session.id': 's' } }, ROOT_CONTEXT);
  const agent = tracer.startSpan('agent', { attributes: AGENT }, below(root));
  const between = tracer.startSpan('GET', {}, below(agent));
  const call = tracer.startSpan('call', { attributes: { ...CHAT, ...outputOf('said') } }, below(between));
  call.recordException(new Error('it broke'));
  call.setStatus({ code: 2, message: 'it broke' });
  for (const span of [call, between, agent, root]) span.end();
  return { root, agent, call };
}

test.each(SDKS)('17: SDK $name, processor and exporter: the same tree', async ({ processed, exported }) => {
  const server = await startMisbehavingV4();
  const options = { ...QUICK, baseUrl: server.baseUrl };
  const processor = new HumanloopSpanProcessor(options);
  const exporter = new HumanloopSpanExporter(options);
  const batched = exported(exporter);
  const traces = [playTrace(processed(processor)), playTrace(batched.tracer)];
  await Promise.all([processor.forceFlush(), batched.flush()]);
  await exporter.forceFlush();
  for (const { root, agent, call } of traces) {
    const logOf = (span: Span) => server.logs.get(referenceOf(span));
    expect(logOf(root)?.parent_reference_id).toBeUndefined();
    expect(logOf(agent)?.parent_reference_id).toBe(referenceOf(root));
    expect(logOf(call)).toMatchObject({
      parent_reference_id: referenceOf(agent),
      session_reference_id: 's',
      output: 'said',
      error: expect.stringContaining('it broke'),
      metadata: { scope: 'the scope@7', span_name: 'call' },
    });
  }
  expect(server.logs.size).toBe(6);
  expect(server.breaches).toEqual([]);
  for (const { logged, dropped } of [processor.stats(), exporter.stats()]) {
    expect({ logged, dropped }).toEqual({ logged: 3, dropped: {} });
  }
  await Promise.all([processor.shutdown(), exporter.shutdown()]);
});

function below(span: Span): Context {
  return trace.setSpan(ROOT_CONTEXT, span);
}
