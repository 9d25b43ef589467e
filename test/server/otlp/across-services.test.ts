/** A service with the processor calls one in another language, which sends OTLP: one session, one tree. */
import { defaultTextMapSetter, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { HumanloopPropagator, HumanloopSpanProcessor } from '../../../src/index.ts';
import { startTestServer } from '../../support/start-test-server.ts';

const MODEL_CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o-mini' };
const PYTHON = { request: 'b'.repeat(16), call: 'c'.repeat(16) };

/** What a service in another language sends of a request that has these headers: plumbing, and a call below it. */
function spansOf(headers: Readonly<Record<string, string>>) {
  const [, traceId, parentSpanId] = (headers['traceparent'] ?? '').split('-');
  const attributes = Object.entries(MODEL_CALL).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const times = { startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000001000000000' };
  const common = { traceId, traceState: headers['tracestate'], ...times };
  return [
    { ...common, spanId: PYTHON.request, parentSpanId, name: 'POST /ask', kind: 2, flags: 0x301 },
    { ...common, spanId: PYTHON.call, parentSpanId: PYTHON.request, name: 'chat', kind: 3, flags: 0x101, attributes },
  ];
}

test.each(['before', 'after'])('spans that come %s the log of their caller hang under it', async (order) => {
  const server = await startTestServer();
  const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, project: 'node' });
  const provider = new NodeTracerProvider({ spanProcessors: [processor] });
  onTestFinished(() => provider.shutdown());
  const propagator = new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new HumanloopPropagator(processor)],
  });
  const tracer = provider.getTracer('app');
  const agent = tracer.startSpan('agent', {
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'helper' },
  });
  const request = tracer.startSpan('POST', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, agent));
  const headers: Record<string, string> = {};
  propagator.inject(trace.setSpan(ROOT_CONTEXT, request), headers, defaultTextMapSetter);

  const send = async () => {
    // Children first, each in a request of its own.
    for (const span of spansOf(headers).reverse()) {
      const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
      const answer = await fetch(`${server.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect([answer.status, await answer.json()]).toEqual([200, {}]);
    }
  };
  if (order === 'before') await send();
  request.end();
  agent.end();
  await provider.forceFlush();
  if (order === 'after') await send();

  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs).toHaveLength(2);
  const parent = logs.find(({ parent_reference_id }) => !parent_reference_id);
  const child = logs.find(({ parent_reference_id }) => parent_reference_id);
  expect(child).toMatchObject({
    reference_id: `${agent.spanContext().traceId}-${PYTHON.call}`,
    parent_id: parent?.id,
    session_reference_id: parent?.session_reference_id,
  });
});
