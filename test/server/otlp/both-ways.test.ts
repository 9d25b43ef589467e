/** Spans that come by the v4 API and by OTLP at once, clocks that differ between services, and very large requests. */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { BasicTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect, onTestFinished, test } from 'vitest';
import { readLogs } from '../../../scripts/read-logs.ts';
import { HumanloopSpanProcessor } from '../../../src/index.ts';
import { watchTurns } from '../../support/effort.ts';
import { startTestServer } from '../../support/start-test-server.ts';
import { encode } from './otlp-messages.ts';

type TestServer = Awaited<ReturnType<typeof startTestServer>>;

const CALL = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };
const said = (role: string, content: string) => JSON.stringify([{ role, parts: [{ type: 'text', content }] }]);

/** An agent above plumbing above a call, as the app's SDK has them. */
function traceOf(provider: BasicTracerProvider): void {
  const tracer = provider.getTracer('app');
  const agent = tracer.startSpan('agent', {
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'guide', 'session.id': 's-1' },
  });
  const plumbing = tracer.startSpan('POST', {}, trace.setSpan(ROOT_CONTEXT, agent));
  const call = tracer.startSpan(
    'chat',
    {
      attributes: {
        ...{ ...CALL, 'gen_ai.response.id': 'r1', 'gen_ai.usage.output_tokens': 3 },
        ...{ 'gen_ai.input.messages': said('user', 'why?'), 'gen_ai.output.messages': said('assistant', 'because') },
      },
    },
    trace.setSpan(ROOT_CONTEXT, plumbing),
  );
  for (const span of [call, plumbing, agent]) span.end();
}

test.each([
  ['v4 first', ['v4', 'otlp']],
  ['OTLP first', ['otlp', 'v4']],
  ['at once', ['v4+otlp']],
  ['again and again', ['otlp', 'v4+otlp', 'otlp']],
])('spans that come both ways, %s: each is one log', async (_, steps) => {
  const server = await startTestServer();
  const spans: ReadableSpan[] = [];
  const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, project: 'app', quiet: true });
  const provider = new BasicTracerProvider({
    spanProcessors: [
      processor,
      {
        onStart: () => {},
        onEnd: (span) => void spans.push(span),
        forceFlush: async () => {},
        shutdown: async () => {},
      },
    ],
  });
  onTestFinished(() => provider.shutdown());
  const sendOtlp = async () => {
    // Each span in a request of its own, children first.
    const requests = spans.map(async (span) => {
      const response = await fetch(`${server.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-humanloop-project': 'app' },
        body: Uint8Array.from(JsonTraceSerializer.serializeRequest([span])!),
      });
      expect([response.status, await response.json()]).toEqual([200, {}]);
    });
    await Promise.all(requests);
  };
  if (steps[0] === 'otlp') {
    // The processor does not send by itself before it is flushed, for the time that this takes.
    traceOf(provider);
    await sendOtlp();
  } else traceOf(provider);
  for (const step of steps) {
    const isBoth = step === 'v4+otlp';
    await Promise.all([
      ...(step === 'v4' || isBoth ? [processor.forceFlush()] : []),
      ...(step === 'otlp' || isBoth ? [sendOtlp()] : []),
    ]);
  }
  await processor.forceFlush();
  expect(processor.stats().dropped).toEqual({});
  const logs = await readLogs(server.baseUrl, new Date(0));
  expect(logs).toHaveLength(2);
  const [agent, call] = ['agent', 'chat'].map((name) => logs.find(({ metadata }) => metadata?.['span_name'] === name));
  expect(call).toMatchObject({
    ...{ parent_id: agent?.id, output: 'because', output_tokens: 3, session_reference_id: 's-1', project: 'app' },
    messages: [{ content: 'why?' }],
  });
  expect(agent).toMatchObject({ config: { type: 'agent' }, session_reference_id: 's-1' });
});

interface Times {
  readonly start: number;
  readonly end: number;
}

const NANOS = 1_000_000_000n;
const HOUR = 3_600;

async function sendTree(server: TestServer, parent: Times, child: Times): Promise<void> {
  const nanos = (seconds: number) => String(BigInt(Math.round(seconds * 1_000)) * (NANOS / 1_000n));
  const span = (spanId: string, parentSpanId: string | undefined, times: Times, attributes: object) => ({
    ...{ traceId: 'a'.repeat(32), spanId, parentSpanId, name: 'span' },
    ...{ startTimeUnixNano: nanos(times.start), endTimeUnixNano: nanos(times.end) },
    attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  });
  const spans = [
    span('b'.repeat(16), 'c'.repeat(16), child, CALL),
    span('c'.repeat(16), undefined, parent, { 'gen_ai.operation.name': 'invoke_agent' }),
  ];
  for (const each of spans) {
    const body = { resourceSpans: [{ scopeSpans: [{ spans: [each] }] }] };
    expect(await server.call('POST', '/v1/traces', body)).toMatchObject({ status: 200, body: {} });
  }
}

const NOW = 1_700_000_000;

test.each<[string, Times, Times, number | undefined]>([
  ['starts before its parent', { start: NOW, end: NOW + 2 }, { start: NOW - 0.5, end: NOW + 1 }, 1.5],
  ['is hours behind', { start: NOW, end: NOW + 2 }, { start: NOW - 5 * HOUR, end: NOW - 5 * HOUR + 1 }, 1],
  ['is hours ahead', { start: NOW, end: NOW + 2 }, { start: NOW + 5 * HOUR, end: NOW + 5 * HOUR + 1 }, 1],
  ['outlives its parent', { start: NOW, end: NOW + 2 }, { start: NOW + 1, end: NOW + 60 }, 59],
  ['ends before it starts', { start: NOW, end: NOW + 2 }, { start: NOW + 1, end: NOW - 1 }, 0],
  ['has no times', { start: NOW, end: NOW + 2 }, { start: 0, end: 0 }, undefined],
])('a call that %s hangs under its agent, and the session can be read', async (_, parent, child, duration) => {
  const server = await startTestServer();
  await sendTree(server, parent, child);
  const logs = await readLogs(server.baseUrl, new Date(0));
  const agent = logs.find(({ config }) => config?.type === 'agent');
  const call = logs.find(({ config }) => config?.type === 'model');
  expect(call).toMatchObject({ parent_id: agent?.id, session_reference_id: 'a'.repeat(32) });
  expect(call?.duration ?? undefined).toBe(duration);
  const { body: list } = await server.call('GET', '/viewer/api/sessions?size=10');
  expect(list.sessions).toHaveLength(1);
  const { status } = await server.call('GET', `/viewer/api/sessions/${list.sessions[0].id}`);
  expect(status).toBe(200);
});

/** Calls of one trace, each below another one. */
function requestOf(traceId: string, count: number): Uint8Array {
  const spans = Array.from({ length: count }, (_, index) => ({
    ...{ traceId, spanId: (index + 1).toString(16).padStart(16, '0'), name: 'chat' },
    ...(index > 0 && { parentSpanId: (Math.floor((index - 1) / 5) + 1).toString(16).padStart(16, '0') }),
    ...{ startTimeUnixNano: String(NOW) + String(index).padStart(9, '0'), endTimeUnixNano: `${NOW + 1}000000000` },
    attributes: Object.entries({ ...CALL, 'gen_ai.output.messages': said('assistant', `answer ${index}`) }).map(
      ([key, stringValue]) => ({ key, value: { stringValue } }),
    ),
  }));
  return encode('TracesData', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

test('5,000 spans in one request are stored, and hold up no other request', async () => {
  const server = await startTestServer();
  const send = (body: Uint8Array) =>
    fetch(`${server.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Uint8Array.from(body),
    });
  // The first requests run code that is not compiled yet.
  for (const digit of ['1', '2', '3']) await send(requestOf(digit.repeat(32), 400));
  const body = requestOf('e'.repeat(32), 5_000);
  const { result: response, longestMillis, wholeMillis } = await watchTurns(() => send(body));
  expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
  const { body: page } = await server.call('GET', '/viewer/api/sessions?size=10');
  expect(page.sessions.map(({ logs }: { logs: number }) => logs).sort()).toEqual([400, 400, 400, 5_000]);
  // Decoding is one step, and each transaction has some hundred spans.
  expect(longestMillis).toBeLessThan(wholeMillis / 5);
});
