/**
 * One trace over several services: the logs of each hang under those of the one that called it. Services are apps of this
 * process here; `services/services.test.ts` has them in processes of their own, with real HTTP.
 */
import {
  type Context,
  createTraceState,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider as NodeTracerProvider1 } from 'sdk-trace-node-1';
import { expect, test } from 'vitest';
import {
  type HumanloopOptions,
  HumanloopPropagator,
  type HumanloopSpanExporter,
  HumanloopSpanProcessor,
} from '../../src/index.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../support/misbehaving-v4.ts';
import { AGENT, appWithExporter, appWithProcessor, CHAT, referenceOf, type TracedApp } from '../support/traced-app.ts';
import { spoolDirectory, spooledApp, written } from './spool/spooled-app.ts';

type App = TracedApp<HumanloopSpanProcessor | HumanloopSpanExporter>;

const W3C = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
const PATIENT: HumanloopOptions = { holdMillis: 60_000 };

/** What a service sends with a request that is made in this span. */
function headersOf(app: App, span: Span, context = ROOT_CONTEXT): Record<string, string> {
  const own = app.client instanceof HumanloopSpanProcessor ? [new HumanloopPropagator(app.client)] : [];
  const carrier: Record<string, string> = {};
  const propagators = [...W3C, ...own];
  new CompositePropagator({ propagators }).inject(trace.setSpan(context, span), carrier, defaultTextMapSetter);
  return carrier;
}

function contextOf(headers: Record<string, string>): Context {
  return new CompositePropagator({ propagators: W3C }).extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
}

/** Starts the span of a request that comes with these headers. */
function receive(app: App, headers: Record<string, string>): Span {
  return app.provider.getTracer('http').startSpan('POST', { kind: SpanKind.SERVER }, contextOf(headers));
}

const parentOf = (server: MisbehavingV4, span: Span) => server.logs.get(referenceOf(span))?.parent_reference_id;

async function flush(...apps: App[]): Promise<void> {
  for (const app of apps) {
    await app.flush();
    app.expectAccounted();
    expect(app.dropped.size).toBe(0);
  }
}

test.each([
  ['the span processor', appWithProcessor],
  ['the exporter', appWithExporter],
] as const)(
  '%s: the log of a service is below that of its caller, in the same session, and sent at once',
  async (_, create) => {
    const server = await startMisbehavingV4({ allowsUnknownParents: true });
    const [caller, called] = [appWithProcessor(server), create(server, PATIENT) as App];
    const agent = caller.start('agent', { attributes: AGENT });
    const request = caller.startOther('POST', { parent: agent });
    const received = receive(called, headersOf(caller, request));
    const tool = called.start('tool', { parent: received, attributes: AGENT });
    const call = called.start('call', { parent: tool });
    for (const span of [call, tool, received]) span.end();
    await flush(called);
    expect(called.stats.logged).toBe(2);
    expect(parentOf(server, tool)).toBe(referenceOf(agent));
    expect(parentOf(server, call)).toBe(referenceOf(tool));
    for (const span of [request, agent]) span.end();
    await flush(caller);
    const sessions = [agent, tool, call].map((span) => server.logs.get(referenceOf(span))?.session_reference_id);
    expect(new Set(sessions)).toEqual(new Set([agent.spanContext().traceId]));
  },
);

test('the member goes through services that copy the headers, and through those that are traced without us', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const [first, last] = [appWithProcessor(server), appWithProcessor(server)];
  const elsewhere = appWithProcessor(await startMisbehavingV4());
  const agent = first.start('agent', { attributes: AGENT });
  const copied = headersOf(first, agent);
  const between = receive(elsewhere, copied);
  const traced: Record<string, string> = {};
  new W3CTraceContextPropagator().inject(trace.setSpan(ROOT_CONTEXT, between), traced, defaultTextMapSetter);
  expect(traced['traceparent']).not.toBe(copied['traceparent']);
  for (const headers of [copied, traced]) {
    const received = receive(last, headers);
    const call = last.start('call', { parent: received });
    for (const span of [call, received]) span.end();
    await flush(last);
    expect(parentOf(server, call)).toBe(referenceOf(agent));
  }
  between.end();
  agent.end();
  await flush(first);
});

test.each([
  ['another service', true],
  ['a service without us', false],
])('a call back through %s hangs where the call was made, and waits for it as in one service', async (_, isLogged) => {
  const server = await startMisbehavingV4({ allowsUnknownParents: isLogged });
  const app = appWithProcessor(server, PATIENT);
  const other = appWithProcessor(isLogged ? server : await startMisbehavingV4(), PATIENT);
  const agent = app.start('agent', { attributes: AGENT });
  const atOther = receive(other, headersOf(app, agent));
  const tool = isLogged
    ? other.start('tool', { parent: atOther, attributes: AGENT })
    : other.startOther('step', { parent: atOther });
  const headers: Record<string, string> = isLogged ? headersOf(other, tool) : {};
  if (!isLogged)
    new W3CTraceContextPropagator().inject(trace.setSpan(ROOT_CONTEXT, tool), headers, defaultTextMapSetter);
  const back = receive(app, headers);
  const call = app.start('call', { parent: back });
  for (const span of [call, back, tool, atOther]) span.end();
  await flush(other);
  if (!isLogged) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(app.stats.logged).toBe(0);
  }
  agent.end();
  await flush(app);
  expect(parentOf(server, call)).toBe(referenceOf(isLogged ? tool : agent));
  expect(app.stats).toMatchObject({ logged: 2, updated: 0 });
});

test.each([true, false])(
  'an exporter whose trace comes back before the log above has ended does not lose that log (a child of it first: %s)',
  async (isChildFirst) => {
    const server = await startMisbehavingV4({ allowsUnknownParents: true });
    const app = appWithExporter(server, PATIENT, { maxExportBatchSize: 1 });
    const agent = app.start('agent', { attributes: AGENT });
    const request = app.startOther('POST', { parent: agent });
    const { traceId } = request.spanContext();
    const tracestate = `humanloop=${agent.spanContext().spanId}`;
    const back = receive(app, { traceparent: `00-${traceId}-${'e'.repeat(16)}-01`, tracestate });
    const call = app.start('call', { parent: back });
    for (const span of [call, back]) span.end();
    await flush(app);
    expect(parentOf(server, call)).toBe(referenceOf(agent));
    const [late, second] = [app.start('late', { parent: back }), app.start('second', { parent: request })];
    if (isChildFirst) {
      for (const span of [request, late]) span.end();
      await app.provider.forceFlush();
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const span of [second, agent]) span.end();
    } else {
      for (const span of [agent, late, request, second]) span.end();
    }
    await flush(app);
    expect(server.logs.get(referenceOf(agent))).toMatchObject({
      config: { name: 'agent' },
      duration: expect.any(Number),
    });
    expect([late, second].map((span) => parentOf(server, span))).toEqual(Array(2).fill(referenceOf(agent)));
    expect(app.stats).toMatchObject({ logged: 4, updated: 0 });
  },
);

test.each<[string, string | undefined]>([
  ['dropped on the way', undefined],
  ['in upper case', `humanloop=${'AB'.repeat(8)}`],
  ['too long', `humanloop=${'ab'.repeat(9)}`],
  ['too short', `humanloop=${'ab'.repeat(7)}`],
  ['all zero', `humanloop=${'0'.repeat(16)}`],
  ['a reference of another trace', `humanloop=${'c'.repeat(32)}-${'ab'.repeat(8)}`],
  ['not a member', 'humanloop'],
  ['among too many members', `${[...Array(40)].map((_, index) => `v${index}=1`).join()},humanloop=${'ab'.repeat(8)}`],
])('a member that is %s: the log is at the top of the session of its trace', async (_, tracestate) => {
  const server = await startMisbehavingV4();
  for (const app of [appWithProcessor(server, PATIENT), appWithExporter(server, PATIENT)]) {
    const traceId = app.client instanceof HumanloopSpanProcessor ? 'a'.repeat(32) : 'b'.repeat(32);
    const headers = { traceparent: `00-${traceId}-${'d'.repeat(16)}-01`, ...(tracestate && { tracestate }) };
    const received = receive(app, headers);
    const call = app.start('call', { parent: received });
    for (const span of [call, received]) span.end();
    await flush(app);
    expect(server.logs.get(referenceOf(call))).toMatchObject({
      session_reference_id: traceId,
      metadata: { remote_parent: 'd'.repeat(16) },
    });
    expect(parentOf(server, call)).toBeUndefined();
  }
});

test('only a log that has no other place says of which span in another process it is below', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const headers = { traceparent: `00-${'e'.repeat(32)}-${'d'.repeat(16)}-01` };
  const named = { ...headers, tracestate: `humanloop=${'ab'.repeat(8)}` };
  for (const create of [appWithProcessor, appWithExporter]) {
    for (const [remoteParent, given] of [
      ['top', headers],
      ['name', headers],
      ['link', named],
    ] as const) {
      const app = create(server, { ...PATIENT, remoteParent });
      const received = receive(app, given);
      const tool = app.start('tool', { parent: received, attributes: AGENT });
      for (const span of [tool, received]) span.end();
      await flush(app);
      expect(server.logs.get(referenceOf(tool))?.metadata).not.toHaveProperty('remote_parent');
    }
    const app = create(server, PATIENT);
    const received = receive(app, headers);
    const tool = app.start('tool', { parent: received, attributes: AGENT });
    const call = app.start('call', { parent: tool });
    for (const span of [call, tool, received]) span.end();
    await flush(app);
    const says = [tool, call].map((span) => server.logs.get(referenceOf(span))?.metadata?.['remote_parent']);
    expect(says).toEqual(['d'.repeat(16), undefined]);
  }
});

test('a forged member can only place a log under one of its own trace, and never under itself or in a circle', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const app = appWithProcessor(server, { holdMillis: 10 });
  const first = app.start('first', { attributes: AGENT });
  const { traceId } = first.spanContext();
  const forge = (spanId: string) => ({
    traceparent: `00-${traceId}-${'d'.repeat(16)}-01`,
    tracestate: `humanloop=${spanId}`,
  });
  // Below a span that hangs under the first one, and a root cannot be moved any more.
  const second = receive(app, forge(first.spanContext().spanId));
  const third = app.start('third', { parent: second, attributes: AGENT });
  const fourth = receive(app, forge(third.spanContext().spanId));
  const fifth = app.start('fifth', { parent: fourth });
  for (const span of [fifth, fourth, third, second, first]) span.end();
  await flush(app);
  expect([first, third, fifth].map((span) => parentOf(server, span))).toEqual([
    undefined,
    referenceOf(first),
    referenceOf(third),
  ]);
  const broken = (spanId: string, named: string, parentTraceId: string) =>
    Object.create(app.start('broken') as object, {
      spanContext: { value: () => ({ ...own, spanId, traceState: createTraceState(`humanloop=${named}`) }) },
      parentSpanContext: { value: { ...own, traceId: parentTraceId, spanId: 'd'.repeat(16), isRemote: true } },
      ended: { value: true },
    });
  const own = { traceId, traceFlags: TraceFlags.SAMPLED };
  const [itself, other] = ['e'.repeat(16), 'f'.repeat(16)];
  app.client.onEnd(broken(itself, itself, traceId));
  app.client.onEnd(broken(other, 'ab'.repeat(8), 'c'.repeat(32)));
  await app.client.forceFlush();
  for (const spanId of [itself, other]) {
    expect(server.logs.has(`${traceId}-${spanId}`)).toBe(true);
    expect(server.logs.get(`${traceId}-${spanId}`)?.parent_reference_id).toBeUndefined();
  }
});

test.each([
  ['link', undefined, true],
  ['top', undefined, false],
  ['name', 'remote', true],
] as const)('remoteParent: %s', async (remoteParent, unnamed, followsMember) => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  for (const app of [appWithProcessor(server, { remoteParent }), appWithExporter(server, { remoteParent })]) {
    for (const tracestate of [undefined, `humanloop=${'ab'.repeat(8)}`]) {
      const traceId = trace.getSpanContext(trace.setSpan(ROOT_CONTEXT, app.startOther('id')))?.traceId ?? '';
      const remote = 'd'.repeat(16);
      const headers = { traceparent: `00-${traceId}-${remote}-01`, ...(tracestate && { tracestate }) };
      const received = receive(app, headers);
      const call = app.start('call', { parent: received });
      for (const span of [call, received]) span.end();
      await flush(app);
      const named = tracestate ? (followsMember ? 'ab'.repeat(8) : undefined) : unnamed && remote;
      expect(parentOf(server, call)).toBe(named && `${traceId}-${named}`);
    }
  }
});

test('the member is read from the remote parent if a sampler has replaced the trace state', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const sampler = {
    shouldSample: () => ({
      decision: SamplingDecision.RECORD_AND_SAMPLED,
      traceState: createTraceState('sampler=1'),
    }),
    toString: () => 'test',
  };
  const app = appWithProcessor(server, {}, { sampler });
  const traceId = 'c'.repeat(32);
  const received = receive(app, {
    traceparent: `00-${traceId}-${'d'.repeat(16)}-01`,
    tracestate: `humanloop=${'ab'.repeat(8)}`,
  });
  const call = app.start('call', { parent: received });
  // A later request carries it on, although the spans here do not have it.
  expect(headersOf(app, received)['tracestate']).toBe(`humanloop=${'ab'.repeat(8)},sampler=1`);
  for (const span of [call, received]) span.end();
  await flush(app);
  expect(parentOf(server, call)).toBe(`${traceId}-${'ab'.repeat(8)}`);
});

test('SDK 1, whose spans do not have the context of their parent: the member is read from that all the same', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const client = new HumanloopSpanProcessor({ baseUrl: server.baseUrl });
  const traceState = createTraceState('sampler=1');
  const sampler = { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED, traceState }) };
  const provider = new NodeTracerProvider1({
    sampler: { ...sampler, toString: () => 'test' },
    spanProcessors: [client],
  });
  const tracestate = `humanloop=${'ab'.repeat(8)}`;
  const context = contextOf({ traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`, tracestate });
  const call = provider.getTracer('app').startSpan('call', { attributes: CHAT }, context);
  expect(call.spanContext().traceState).toBe(traceState);
  call.end();
  await client.shutdown();
  expect(parentOf(server, call)).toBe(`${'c'.repeat(32)}-${'ab'.repeat(8)}`);
});

test('an ancestor that was not sampled leaves the log at the top', async () => {
  const server = await startMisbehavingV4();
  const caller = appWithProcessor(
    server,
    {},
    { sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }), toString: () => 'none' } },
  );
  const called = appWithProcessor(
    server,
    {},
    { sampler: { shouldSample: () => ({ decision: SamplingDecision.RECORD_AND_SAMPLED }), toString: () => 'all' } },
  );
  const agent = caller.startOther('agent', { attributes: AGENT });
  const call = called.provider
    .getTracer('app')
    .startSpan('call', { attributes: CHAT }, contextOf(headersOf(caller, agent)));
  call.end();
  await flush(called);
  expect(server.logs.has(referenceOf(call))).toBe(true);
  expect(parentOf(server, call)).toBeUndefined();
});

test('a late child, and one whose parent was dropped, hang under the log of the other service', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  const redact: HumanloopOptions['redact'] = (log) => (log.reference_id === dropped ? null : log);
  let dropped = '';
  const app = appWithProcessor(server, { redact });
  const received = receive(app, {
    traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
    tracestate: `humanloop=${'ab'.repeat(8)}`,
  });
  const agent = app.start('agent', { parent: received, attributes: AGENT });
  dropped = referenceOf(agent);
  for (const span of [agent, received]) span.end();
  await app.flush();
  // So many traces that the first is filed.
  for (let count = 0; count < 6_000; count++) app.start('other').end();
  await app.flush();
  const late = [app.start('late', { parent: received }), app.start('later', { parent: agent })];
  for (const span of late) span.end();
  await app.flush();
  expect(late.map((span) => parentOf(server, span))).toEqual(Array(2).fill(`${'c'.repeat(32)}-${'ab'.repeat(8)}`));
});

test('with a spool, a killed process leaves logs of other parents to the next one, which asks for no parent', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true, fault: () => ({ answer: 'hang' }) });
  const directory = spoolDirectory();
  const first = spooledApp(server, directory, PATIENT);
  const received = receive(first, {
    traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
    tracestate: `humanloop=${'ab'.repeat(8)}`,
  });
  const agent = first.start('agent', { parent: received, attributes: AGENT });
  const held = first.start('held', { parent: agent });
  const sent = first.start('sent', { parent: received });
  for (const span of [held, sent]) span.end();
  await written();
  await first.client.shutdown();
  server.fault = undefined;
  const requests = server.requests.length;
  const second = spooledApp(server, directory);
  await second.client.forceFlush();
  const reference = `${'c'.repeat(32)}-${'ab'.repeat(8)}`;
  expect([agent, sent].map((span) => parentOf(server, span))).toEqual([reference, reference]);
  expect(parentOf(server, held)).toBe(referenceOf(agent));
  expect(server.requests.slice(requests).filter(({ url }) => url.includes('ab'.repeat(8)))).toEqual([]);
  expect(second.stats.dropped).toEqual({});
});

test('a session with a name is that of the called service only if it is propagated', async () => {
  const server = await startMisbehavingV4({ allowsUnknownParents: true });
  for (const propagateSession of [true, false]) {
    const [caller, called] = [appWithProcessor(server, { propagateSession }), appWithProcessor(server)];
    const agent = caller.start('agent', { attributes: { ...AGENT, 'session.id': 'conversation 7' } });
    const headers = headersOf(caller, agent);
    const call = called.start('call');
    call.end();
    const context = contextOf(headers);
    expect(propagation.getBaggage(context)?.getEntry('session.id')?.value).toBe(
      propagateSession ? 'conversation 7' : undefined,
    );
    const below = called.provider.getTracer('app').startSpan('below', { attributes: CHAT }, context);
    below.end();
    agent.end();
    await flush(called, caller);
    const session = server.logs.get(referenceOf(below))?.session_reference_id;
    expect(session).toBe(propagateSession ? 'conversation 7' : agent.spanContext().traceId);
    expect(server.logs.get(referenceOf(agent))?.session_reference_id).toBe('conversation 7');
  }
});
