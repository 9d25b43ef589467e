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

/** Another process sends OTLP to the server, too. */
async function sendOtlp(server: Awaited<ReturnType<typeof startTestServer>>): Promise<void> {
  const span = { traceId: 'd'.repeat(32), spanId: 'd'.repeat(16), name: 'GET' };
  const { status } = await server.call('POST', '/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  expect(status).toBe(200);
}

const CALLER = { traceId: 'a'.repeat(32), agent: '1'.repeat(16), tool: '2'.repeat(16), request: '3'.repeat(16) };

/** What an agent in another language sends that calls a service, children first: plumbing, a tool, the agent. */
const CALLER_SPANS = [
  [CALLER.request, CALLER.tool, 'GET', {}],
  [CALLER.tool, CALLER.agent, 'ask', { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'ask' }],
  [CALLER.agent, undefined, 'agent', { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'guide' }],
] as const;

test.each([
  ['before', 'all at once', [[0, 1, 2]], 'name'],
  ['after', 'one by one', [[0], [1], [2]], 'name'],
  ['before', 'all at once', [[0, 1, 2]]],
  ['before', 'one by one', [[0], [1], [2]]],
  ['after', 'all at once', [[0, 1, 2]]],
  ['after', 'one by one', [[0], [1], [2]]],
  ['after', 'parents first', [[2], [1], [0]]],
  ['between', 'one by one', [[0], [1], [2]]],
])(
  'a log that comes %s the spans of its caller, %s, hangs under their log (%s)',
  async (when, _, requests, remoteParent?: string) => {
    const server = await startTestServer();
    await sendOtlp(server);
    const processor = new HumanloopSpanProcessor({
      baseUrl: server.baseUrl,
      project: 'node',
      remoteParent: remoteParent as undefined,
    });
    const provider = new NodeTracerProvider({ spanProcessors: [processor] });
    onTestFinished(() => provider.shutdown());
    const sendSpans = async (indexes: readonly number[]) => {
      const spans = indexes.map((index) => {
        const [spanId, parentSpanId, name, attributes] = CALLER_SPANS[index]!;
        const list = Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
        const times = { startTimeUnixNano: '1700000000000000000', endTimeUnixNano: '1700000001000000000' };
        return { traceId: CALLER.traceId, spanId, parentSpanId, name, kind: 3, ...times, attributes: list };
      });
      expect((await server.call('POST', '/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] })).status).toBe(
        200,
      );
    };
    const sendLog = async () => {
      const caller = { traceId: CALLER.traceId, spanId: CALLER.request, traceFlags: 1, isRemote: true };
      const context = trace.setSpanContext(ROOT_CONTEXT, caller);
      provider.getTracer('app').startSpan('chat', { attributes: MODEL_CALL }, context).end();
      await processor.forceFlush();
    };
    const [first = [], ...others] = requests;
    if (when === 'before') await sendLog();
    await sendSpans(first);
    if (when === 'between') await sendLog();
    for (const request of others) await sendSpans(request);
    if (when === 'after') await sendLog();

    const logs = await readLogs(server.baseUrl, new Date(0));
    expect(logs).toHaveLength(3);
    const tool = logs.find(({ reference_id }) => reference_id === `${CALLER.traceId}-${CALLER.tool}`);
    const call = logs.find(({ project }) => project === 'node');
    expect(call).toMatchObject({ parent_id: tool?.id, session_reference_id: CALLER.traceId });
    expect(tool?.parent_reference_id).toBe(`${CALLER.traceId}-${CALLER.agent}`);
  },
);
