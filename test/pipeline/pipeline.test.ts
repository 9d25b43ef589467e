/** `start` and `end` only note the span; all that the app can ask afterwards knows it all the same. On a fake clock. */
import { ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it, vi } from 'vitest';
import { type HumanloopOptions, resolveOptions } from '../../src/options.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { TransportRequest } from '../../src/transport/transport.ts';
import { StrictEndpoint } from '../support/strict-endpoint.ts';
import { inVirtualTime, type VirtualTime } from './virtual-time.ts';

const CHAT = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' };

/** Plays with a pipeline and a tracer whose spans it follows. */
async function play(run: (stage: Awaited<ReturnType<typeof setUp>>, time: VirtualTime) => Promise<void>) {
  await inVirtualTime({ seed: 1, isBusy: false }, async (time) => {
    const stage = setUp();
    await run(stage, time);
    await time.until(stage.pipeline.shutdown(1_000));
    expect(stage.endpoint.breaches).toEqual([]);
  });
}

function setUp(given: HumanloopOptions = {}) {
  const sent: { readonly atMillis: number; readonly request: TransportRequest }[] = [];
  const endpoint = new StrictEndpoint({
    nextFault(request) {
      sent.push({ atMillis: performance.now(), request });
      return undefined;
    },
  });
  const pipeline = new Pipeline(resolveOptions(given, {}), { awaitsUnseenParents: false }, endpoint);
  const spanProcessor = {
    onStart: (span: Parameters<Pipeline['start']>[0], context: Parameters<Pipeline['start']>[1]) =>
      pipeline.start(span, context),
    onEnd: (span: Parameters<Pipeline['end']>[0]) => pipeline.end(span),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const tracer = new BasicTracerProvider({ spanProcessors: [spanProcessor] }).getTracer('test');
  const endedChat = (parent?: Span) => {
    const context = parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const span = tracer.startSpan('chat', { attributes: CHAT }, context);
    span.end();
    return { span, ...span.spanContext(), reference: referenceOf(span) };
  };
  return { endpoint, pipeline, tracer, sent, endedChat };
}

function referenceOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

describe('what is asked in the same turn as a span starts and ends knows it', () => {
  it('stats', () =>
    play(async ({ pipeline, endedChat }) => {
      endedChat();
      expect(pipeline.stats().held).toBe(1);
    }));

  it('unfinishedSpans', () =>
    play(async ({ pipeline, tracer, endedChat }) => {
      const open = tracer.startSpan('open');
      const { span } = endedChat();
      expect([...pipeline.unfinishedSpans()]).toEqual([open, span]);
    }));

  it('update', () =>
    play(async ({ pipeline, endpoint, endedChat }, time) => {
      const { traceId, spanId, reference } = endedChat();
      pipeline.update(traceId, spanId, { output: 'of the app' });
      await time.until(pipeline.flush(1_000));
      expect(endpoint.logs.get(reference)?.output).toBe('of the app');
      expect(endpoint.requests.map(({ method }) => method)).toEqual(['POST']);
    }));

  it('addEvent', () =>
    play(async ({ pipeline, endpoint, endedChat }, time) => {
      const { traceId, spanId, reference } = endedChat();
      const attributes = {
        'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"hi"}]}]',
      };
      pipeline.addEvent(traceId, spanId, { name: 'gen_ai.client.inference.operation.details', attributes });
      await time.until(pipeline.flush(1_000));
      expect(endpoint.logs.get(reference)?.output).toBe('hi');
    }));

  it('flush, also for what an open parent holds', () =>
    play(async ({ pipeline, endpoint, tracer, endedChat }, time) => {
      const { reference } = endedChat(tracer.startSpan('open', { attributes: CHAT }));
      await time.until(pipeline.flush(1_000));
      expect(endpoint.logs.has(reference)).toBe(true);
    }));

  it('flushDue', () =>
    play(async ({ pipeline, endpoint, endedChat }, time) => {
      const { reference } = endedChat();
      await time.until(pipeline.flushDue(1_000));
      expect(endpoint.logs.has(reference)).toBe(true);
    }));

  it('shutdown, which closes what is open', () =>
    play(async ({ pipeline, endpoint, tracer, endedChat }, time) => {
      const open = tracer.startSpan('open', { attributes: CHAT });
      const { reference } = endedChat(open);
      await time.until(pipeline.shutdown(1_000));
      expect(pipeline.stats()).toMatchObject({ held: 0, logged: 2, dropped: {} });
      expect(endpoint.logs.get(reference)?.error).toBeUndefined();
      expect(endpoint.logs.get(referenceOf(open))?.error).toMatch('before shutdown');
      expect(vi.getTimerCount()).toBe(0);
    }));
});

it('sends a lone trace, with all its levels, soon after its last end', () =>
  play(async ({ tracer, endpoint, sent, endedChat }, time) => {
    const agent = tracer.startSpan('agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } });
    await time.pass(1_000);
    endedChat(agent);
    await time.pass(1_000);
    expect(sent).toEqual([]);
    const endedAtMillis = performance.now();
    agent.end();
    await time.pass(50);
    expect([...endpoint.logs.values()].map(({ parent_reference_id }) => parent_reference_id !== undefined)).toEqual([
      false,
      true,
    ]);
    expect((sent[0]?.atMillis ?? 0) - endedAtMillis).toBeLessThanOrEqual(40);
  }));

it('sends the rest of a burst soon after it', () =>
  play(async ({ endpoint, endedChat }, time) => {
    for (let count = 0; count < 260; count++) endedChat();
    await time.pass(60);
    expect(endpoint.logs.size).toBe(260);
  }));

it('gathers the logs of a busy app into few requests', () =>
  play(async ({ pipeline, sent, endedChat }, time) => {
    for (let millis = 0; millis < 1_000; millis += 5) {
      endedChat();
      await time.pass(5);
    }
    expect(sent.length).toBeLessThan(8);
    await time.until(pipeline.flush(1_000));
    expect(pipeline.stats().logged).toBe(200);
  }));

it('reads a span as it is when the tracker catches up: a later processor may complete it in its own onEnd', () =>
  play(async ({ pipeline, endpoint, tracer }, time) => {
    const span = tracer.startSpan('call');
    span.end();
    Object.assign((span as unknown as { attributes: object }).attributes, CHAT);
    await time.until(pipeline.flush(1_000));
    expect(endpoint.logs.has(referenceOf(span))).toBe(true);
  }));

it('follows the other spans if one cannot be handled, and throws nothing into the app', () =>
  play(async ({ pipeline, endpoint, endedChat }, time) => {
    const before = endedChat();
    const broken = Object.create(before.span as object, {
      spanContext: {
        value: () => {
          throw new Error('no context');
        },
      },
    }) as Parameters<Pipeline['end']>[0];
    pipeline.start(broken);
    const between = endedChat();
    pipeline.end(broken);
    const after = endedChat();
    await time.until(pipeline.flush(1_000));
    expect([...endpoint.logs.keys()].sort()).toEqual([before, between, after].map(({ reference }) => reference).sort());
  }));
