/**
 * The slice of OpenTelemetry that this package reads.
 *
 * No SDK code is imported: a span of SDK 1.30 (`instrumentationLibrary`, `parentSpanId`), of SDK 2 and of SDK 3
 * (`instrumentationScope`, `parentSpanContext`, structured attribute values) all fit `SpanSlice`, and nothing outside
 * this file needs to know which of them it holds.
 */
import type { SpanContext } from '@opentelemetry/api';

/** Seconds and nanoseconds since the epoch, as the SDKs give them. */
export type HrTime = readonly [seconds: number, nanoseconds: number];

/** Attribute values are `unknown` on purpose: SDK 3 keeps nested objects, and instrumentations set wrong types. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface SpanEvent {
  readonly name: string;
  readonly attributes?: Attributes;
  readonly time?: HrTime;
}

export interface InstrumentationScope {
  readonly name: string;
  readonly version?: string;
}

/** A span as the SDKs hand it to processors and exporters. It is shared with other exporters: never write to it. */
export interface SpanSlice {
  readonly name: string;
  readonly kind: number;
  spanContext(): SpanContext;
  /** SDK 2 and later. */
  readonly parentSpanContext?: { readonly spanId: string; readonly traceId?: string; readonly isRemote?: boolean };
  /** SDK 1. */
  readonly parentSpanId?: string;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly duration: HrTime;
  readonly ended?: boolean;
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly resource?: { readonly attributes: Attributes };
  /** SDK 2 and later. */
  readonly instrumentationScope?: InstrumentationScope;
  /** SDK 1. */
  readonly instrumentationLibrary?: InstrumentationScope;
  readonly droppedAttributesCount?: number;
}

export const STATUS_ERROR = 2;

const NO_SCOPE: InstrumentationScope = { name: '' };

export function scopeOf(span: SpanSlice): InstrumentationScope {
  return span.instrumentationScope ?? span.instrumentationLibrary ?? NO_SCOPE;
}

/** The id of the parent span, or `undefined` for the root of a trace. */
export function parentSpanIdOf(span: SpanSlice): string | undefined {
  return (span.parentSpanContext?.spanId ?? span.parentSpanId) || undefined;
}

/** The span with more events than it bears itself. The span stays as it is. */
export function withEvents(span: SpanSlice, events: readonly SpanEvent[] | undefined): SpanSlice {
  if (!events) return span;
  return {
    name: span.name,
    kind: span.kind,
    spanContext: () => span.spanContext(),
    startTime: span.startTime,
    endTime: span.endTime,
    duration: span.duration,
    ended: span.ended ?? true,
    status: span.status,
    attributes: span.attributes,
    events: [...span.events, ...events],
    instrumentationScope: scopeOf(span),
    ...(span.resource && { resource: span.resource }),
    ...(span.droppedAttributesCount !== undefined && { droppedAttributesCount: span.droppedAttributesCount }),
  };
}

/** An open span that bears nothing but one GenAI event, so that conventions can read the event by itself. */
export function spanOfEvent(traceId: string, spanId: string, event: SpanEvent): SpanSlice {
  const time = event.time ?? ([0, 0] as const);
  return {
    name: event.name,
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    startTime: time,
    endTime: time,
    duration: [0, 0],
    ended: false,
    status: { code: 0 },
    attributes: { 'gen_ai.operation.name': 'chat' },
    events: [event],
  };
}
