/** Random forests of spans, and a network that fails as each of them says: what the properties of this folder share. */
import { type Context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base';
import fc from 'fast-check';
import type { TransportRequest } from '../../src/transport/transport.ts';
import type { LogRequest } from '../../src/wire/v4.ts';
import type { Fault, StrictEndpointOptions } from '../support/strict-endpoint.ts';

/** Of each property. Thousands of them are a matter of a minute. */
export const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);
/** Long enough to find the smallest failure, too. */
export const PROPERTY_TIMEOUT_MILLIS = 120_000 + 150 * RUNS;

const FAULTS: readonly Fault[] = [
  'unsent',
  'lostBefore',
  'lostAfter',
  'lostHalfway',
  '429',
  '500',
  '500After',
  '503',
  'html',
  'cutAnswer',
];

export interface PlannedSpan {
  /** Index of an earlier span of the trace, or -1. */
  readonly parent: number;
  readonly isLog: boolean;
  /** Its children see it as a span of another process. */
  readonly isRemote?: boolean;
  /** What befalls the requests whose first log is this span's, one after the other. */
  readonly trouble: readonly Trouble[];
}

interface Trouble {
  readonly fault: Fault | undefined;
  readonly delayMillis: number;
}

const trouble: fc.Arbitrary<Trouble> = fc.record({
  fault: fc.option(fc.constantFrom(...FAULTS), { freq: 3, nil: undefined }),
  delayMillis: fc.constantFrom(0, 0, 1, 4),
});

/** Traces with any forest in each, but the first span of a trace is a root. `more` is planned for each span, too. */
export function plannedTraces<More extends object>(
  more: fc.Arbitrary<More>,
  { maxTraces = 6, maxSpans = 14 } = {},
): fc.Arbitrary<(PlannedSpan & More)[][]> {
  const own = fc.record({
    parent: fc.oneof(fc.nat(), fc.constant('previous' as const)),
    isLog: fc.boolean(),
    trouble: fc.array(trouble, { maxLength: 3 }),
  });
  const span = fc.tuple(own, more).map(([first, second]) => ({ ...first, ...second }));
  const spans = fc.array(span, { minLength: 1, maxLength: maxSpans, size: 'max' });
  const forest = spans.map((planned) =>
    planned.map((each, index) => ({ ...each, parent: placeOf(each.parent, index) })),
  );
  return fc.array(forest, { minLength: 1, maxLength: maxTraces });
}

function placeOf(parent: number | 'previous', index: number): number {
  return parent === 'previous' || index === 0 ? index - 1 : (parent % (index + 1)) - 1;
}

/** A span that was started, as planned. */
export interface PlantedSpan<Planned extends PlannedSpan> {
  readonly planned: Planned;
  readonly name: string;
  readonly span: Span;
  readonly reference: string;
  /** Index of its trace. */
  readonly trace: number;
  /** Known above it, nearest first. */
  readonly ancestors: readonly PlantedSpan<Planned>[];
}

/** Starts all spans in their order, so parents first. */
export function plant<Planned extends PlannedSpan>(
  traces: readonly (readonly Planned[])[],
  processor: Pick<SpanProcessor, 'onStart' | 'onEnd'>,
  attributesOf: (planned: Planned, trace: number, index: number) => { name: string; attributes: object },
): PlantedSpan<Planned>[][] {
  const spanProcessor = { forceFlush: async () => undefined, shutdown: async () => undefined, ...processor };
  const tracer = new BasicTracerProvider({ spanProcessors: [spanProcessor] }).getTracer('test');
  return traces.map((forest, traceIndex) => {
    const planted: PlantedSpan<Planned>[] = [];
    for (const [index, planned] of forest.entries()) {
      const { name, attributes } = attributesOf(planned, traceIndex, index);
      const parent = planted[planned.parent];
      const span = tracer.startSpan(name, { attributes: { ...attributes } }, contextOf(parent, planted[0]));
      const ancestors = parent ? [parent, ...parent.ancestors] : [];
      planted.push({ planned, name, span, reference: referenceOf(span), trace: traceIndex, ancestors });
    }
    return planted;
  });
}

/** A later root of a trace is caused by another process. */
function contextOf(parent: PlantedSpan<PlannedSpan> | undefined, first: PlantedSpan<PlannedSpan> | undefined): Context {
  if (parent?.planned.isRemote) {
    return trace.setSpanContext(ROOT_CONTEXT, { ...parent.span.spanContext(), isRemote: true });
  }
  if (parent) return trace.setSpan(ROOT_CONTEXT, parent.span);
  if (!first) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { ...first.span.spanContext(), spanId: 'f'.repeat(16), isRemote: true });
}

export function kindOf({ isLog }: PlannedSpan): Record<string, string> {
  return isLog
    ? { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' }
    : { 'http.request.method': 'GET' };
}

export function endSpan({ planned, span }: PlantedSpan<PlannedSpan>): void {
  if (planned.isLog) {
    const answer = [{ role: 'assistant', parts: [{ type: 'text', content: outputOf(span) }] }];
    span.setAttribute('gen_ai.output.messages', JSON.stringify(answer));
  }
  span.end();
}

export function outputOf(span: Span): string {
  return `output of ${span.spanContext().spanId}`;
}

function referenceOf(span: Span): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

/** Each request has its trouble from its own first log, in whatever order requests are sent. */
export function troubleOf(spans: () => readonly PlantedSpan<PlannedSpan>[]): StrictEndpointOptions {
  const left = new Map<string, Trouble[]>();
  const delays = new WeakMap<TransportRequest, number>();
  const next = (request: TransportRequest): Trouble | undefined => {
    const reference = firstReferenceOf(request);
    const key = `${request.method} ${reference}`;
    if (!left.has(key)) {
      const of = spans().find((planted) => planted.reference === reference);
      left.set(key, [...(of?.planned.trouble ?? [])]);
    }
    return left.get(key)?.shift();
  };
  return {
    nextFault: (request) => {
      const { fault, delayMillis = 0 } = next(request) ?? {};
      delays.set(request, delayMillis);
      return fault;
    },
    nextDelayMillis: (request) => delays.get(request) ?? 0,
  };
}

function firstReferenceOf({ method, path, body }: TransportRequest): string | undefined {
  if (method === 'PATCH') return new URLSearchParams(path.split('?')[1]).get('reference_id') ?? undefined;
  const [first] = JSON.parse(Buffer.from(body as Uint8Array).toString()) as LogRequest[];
  return first?.reference_id ?? undefined;
}
