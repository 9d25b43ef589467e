/** What the propagator writes to a request, with the propagators and providers of real SDKs. */
import {
  type Context,
  createTraceState,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import {
  CompositePropagator,
  suppressTracing,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core';
import { BasicTracerProvider, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider as NodeTracerProvider1 } from 'sdk-trace-node-1';
import { expect, onTestFinished, test } from 'vitest';
import { HumanloopPropagator as EdgePropagator } from '../../src/edge/index.ts';
import { HumanloopError, HumanloopPropagator, HumanloopSpanExporter, HumanloopSpanProcessor } from '../../src/index.ts';
import { startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithProcessor, CHAT, referenceOf } from '../support/traced-app.ts';

const TOOL = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'weather' };
const MCP = { 'mcp.method.name': 'tools/call', 'gen_ai.tool.name': 'weather' };
const UPSTREAM = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };

function inject(processor: HumanloopSpanProcessor, context: Context): Record<string, string> {
  const own = new HumanloopPropagator(processor);
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), own];
  const carrier: Record<string, string> = {};
  new CompositePropagator({ propagators }).inject(context, carrier, defaultTextMapSetter);
  return carrier;
}

const within = (span: Span, context = ROOT_CONTEXT) => trace.setSpan(context, span);
const idOf = (span: Span) => span.spanContext().spanId;
const memberOf = (span: Span) => `humanloop=${idOf(span)}`;

async function startApp(options = {}) {
  return appWithProcessor(await startMisbehavingV4(), options);
}

test('a request carries the span id of the nearest log at or above the active span, and nothing else', async () => {
  const app = await startApp();
  const server = app.startOther('POST /chat');
  const agent = app.start('agent', { parent: server, attributes: AGENT });
  const request = app.startOther('GET', { parent: agent });
  for (const span of [agent, request]) {
    const { traceparent, ...rest } = inject(app.client, within(span));
    expect(traceparent).toContain(idOf(span));
    expect(rest).toEqual({ tracestate: memberOf(agent) });
  }
  expect(Object.keys(inject(app.client, within(server)))).toEqual(['traceparent']);
});

test.each<[string, (processor: HumanloopSpanProcessor) => TracerProvider]>([
  ['SDK 1', (processor) => new NodeTracerProvider1({ spanProcessors: [processor] })],
  ['SDK 2', (processor) => new BasicTracerProvider({ spanProcessors: [processor] })],
])('%s: other members are kept, and without a log above so is ours', async (_, createProvider) => {
  const { baseUrl } = await startMisbehavingV4();
  const processor = new HumanloopSpanProcessor({ baseUrl });
  onTestFinished(() => processor.shutdown());
  const tracer = createProvider(processor).getTracer('app');
  const traceState = createTraceState(`vendor=1,humanloop=${'c'.repeat(16)}`);
  const caller = trace.setSpanContext(ROOT_CONTEXT, { ...UPSTREAM, traceState });
  const server = tracer.startSpan('POST', { kind: SpanKind.SERVER }, caller);
  expect(inject(processor, within(server))['tracestate']).toBe(
    `vendor=1,humanloop=${'c'.repeat(16)}`.replace(/(.*),(.*)/, '$2,$1'),
  );
  const agent = tracer.startSpan('agent', { attributes: AGENT }, within(server));
  expect(inject(processor, within(agent))['tracestate']).toBe(`${memberOf(agent)},vendor=1`);
  agent.end();
  server.end();
});

test('an open span that looked like a log stays one, whatever it turns out to be', async () => {
  const app = await startApp({ include: (span: { attributes: object }) => 'step' in span.attributes });
  const step = app.startOther('step', { attributes: { step: true } });
  expect(inject(app.client, within(step))['tracestate']).toBe(memberOf(step));
  // A span cannot lose an attribute, but the predicate of an app can change its mind.
  Object.defineProperty(step, 'attributes', { value: {} });
  step.end();
  await app.flush();
  expect(app.log(step)).toMatchObject({ config: { type: 'generic' } });
});

test('what the log becomes is decided at its end, not by the request', async () => {
  const app = await startApp();
  const span = app.start('call', { attributes: { 'gen_ai.operation.name': 'chat' } });
  inject(app.client, within(span));
  span.setAttributes({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'agent' });
  span.end();
  await app.flush();
  expect(app.log(span)?.config?.type).not.toBe('model');
});

test('two instrumentations of one call: a request in the inner span does not make two logs of it', async () => {
  const app = await startApp();
  const messages = { 'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Oslo"}]}]' };
  const outer = app.provider.getTracer('framework').startSpan('chat', { attributes: CHAT });
  const inner = app.provider.getTracer('client').startSpan('chat', { attributes: CHAT }, within(outer));
  expect(inject(app.client, within(inner))['tracestate']).toBe(memberOf(inner));
  for (const span of [inner, outer]) span.setAttributes(messages).end();
  await app.flush();
  expect(app.server.logs.size).toBe(1);
});

test('a request to an MCP server names the tool around it, which has the log of the call', async () => {
  const app = await startApp();
  const tool = app.start('execute_tool weather', { attributes: TOOL });
  const request = app.startOther('tools/call weather', { parent: tool, attributes: MCP });
  expect(inject(app.client, within(request))['tracestate']).toBe(memberOf(tool));
  request.end();
  tool.end();
  await app.flush();
  expect([...app.server.logs.keys()]).toEqual([referenceOf(tool)]);
});

test('a log that was dropped is not named', async () => {
  const app = await startApp({
    redact: (log: { reference_id?: unknown }) => (String(log.reference_id).endsWith(dropped) ? null : log),
  });
  let dropped = 'none';
  const agent = app.start('agent', { attributes: AGENT });
  const inner = app.startOther('inner', { parent: agent, attributes: AGENT });
  dropped = idOf(inner);
  inner.end();
  agent.end();
  await app.flush();
  const late = app.startOther('late', { parent: inner });
  expect(inject(app.client, within(late))['tracestate']).toBe(memberOf(agent));
  late.end();
});

test('spans that are not sampled, and requests that are not traced, carry what they would without it', async () => {
  const traceState = createTraceState('vendor=1');
  const sampler = {
    shouldSample: (_context: Context, _traceId: string, name: string) => ({
      decision: name === 'out' ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED,
    }),
    toString: () => 'test',
  };
  const app = appWithProcessor(await startMisbehavingV4(), {}, { sampler });
  const agent = app.start('agent', { attributes: AGENT });
  const out = app.startOther('out', { parent: agent });
  expect(inject(app.client, within(out))['tracestate']).toBeUndefined();
  expect(inject(app.client, suppressTracing(within(agent)))).toEqual({});
  expect(inject(app.client, ROOT_CONTEXT)).toEqual({});
  const unknown = trace.setSpanContext(ROOT_CONTEXT, { ...UPSTREAM, traceState });
  expect(inject(app.client, unknown)['tracestate']).toBe('vendor=1');
  for (const span of [out, agent]) span.end();
});

test('the session goes into baggage only if that is asked for, and beside what is there', async () => {
  const baggage = propagation.createBaggage({ tenant: { value: 'a, b' } });
  const context = propagation.setBaggage(ROOT_CONTEXT, baggage);
  for (const [propagateSession, expected] of [
    [false, 'tenant=a%2C%20b'],
    [true, 'session.id=chat%20%C3%BC,tenant=a%2C%20b'],
  ] as const) {
    const app = await startApp({ propagateSession });
    const agent = app.start('agent', { attributes: { ...AGENT, 'session.id': 'chat ü' } });
    const carrier = inject(app.client, within(agent, context));
    expect(carrier['baggage']).toBe(expected);
    const received = propagation.getBaggage(
      new W3CBaggagePropagator().extract(ROOT_CONTEXT, carrier, { get: (from, key) => from[key], keys: Object.keys }),
    );
    expect(received?.getEntry('session.id')?.value).toBe(propagateSession ? 'chat ü' : undefined);
    expect(received?.getEntry('tenant')?.value).toBe('a, b');
    agent.end();
  }
});

test('a session without a name is not sent, nor one that is in the baggage, or too long', async () => {
  const app = await startApp({ propagateSession: true });
  const agent = app.start('agent', { attributes: AGENT });
  expect(inject(app.client, within(agent))['baggage']).toBeUndefined();
  const named = app.start('named', { attributes: { ...AGENT, 'session.id': 'mine' } });
  const baggage = propagation.createBaggage({ 'session.id': { value: 'of the app' } });
  const context = within(named, propagation.setBaggage(ROOT_CONTEXT, baggage));
  expect(inject(app.client, context)['baggage']).toBe('session.id=of%20the%20app');
  const long = app.start('long', { attributes: { ...AGENT, 'session.id': 'x'.repeat(5_000) } });
  expect(inject(app.client, within(long))['baggage']).toBeUndefined();
  for (const span of [agent, named, long]) span.end();
});

test('it never throws, also after shutdown', async () => {
  const app = await startApp({
    include: () => {
      throw new Error('of the app');
    },
  });
  const agent = app.start('agent', { attributes: AGENT });
  const failing = {
    set: () => {
      throw new Error('of the carrier');
    },
  };
  const own = new HumanloopPropagator(app.client);
  expect(() => own.inject(within(agent), {}, failing)).not.toThrow();
  const hostile = {
    get: () => {
      throw new Error('state');
    },
    serialize: () => {
      throw new Error('state');
    },
  };
  const broken = trace.setSpanContext(ROOT_CONTEXT, { ...agent.spanContext(), traceState: hostile as never });
  expect(() => own.inject(broken, {}, defaultTextMapSetter)).not.toThrow();
  expect(own.extract(broken)).toBe(broken);
  agent.end();
  await app.client.shutdown();
  expect(Object.keys(inject(app.client, within(agent)))).toEqual(['traceparent']);
});

test('it needs a span processor, and does nothing in edge runtimes', () => {
  const exporter = new HumanloopSpanExporter({ baseUrl: 'http://127.0.0.1:9/v4' });
  for (const wrong of [undefined, null, {}, exporter]) {
    expect(() => new HumanloopPropagator(wrong as never)).toThrow(HumanloopError);
    expect(() => new HumanloopPropagator(wrong as never)).toThrow(
      /^argument processor: expected a HumanloopSpanProcessor/,
    );
  }
  const edge: Pick<HumanloopPropagator, 'inject' | 'extract' | 'fields'> = new EdgePropagator();
  expect(edge.extract(ROOT_CONTEXT)).toBe(ROOT_CONTEXT);
  expect(edge.fields()).toEqual([]);
});
