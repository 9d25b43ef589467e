/**
 * The part of OpenTelemetry that this package reads.
 *
 * No SDK code is imported. Spans of SDK 1.30 (`instrumentationLibrary`, `parentSpanId`), SDK 2 and SDK 3
 * (`instrumentationScope`, `parentSpanContext`, structured attribute values) all fit `SpanSlice`, and only this file
 * knows the differences.
 */
import type { SpanContext, TraceState } from '@opentelemetry/api';

/** Seconds and nanoseconds since 1970; for a duration, seconds and nanoseconds. */
export type HrTime = readonly [seconds: number, nanoseconds: number];

/** The values are `unknown` on purpose: SDK 3 keeps nested objects, and instrumentations set wrong types. */
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

export interface ResourceSlice {
  readonly attributes: Attributes;
  /** True while the SDK still finds out what the host is. Its attributes are not complete until then. */
  readonly asyncAttributesPending?: boolean;
  /** SDK 1 and 2. */
  waitForAsyncAttributes?(): Promise<void>;
}

/** A span as SDKs hand it to processors and exporters. It is shared with other exporters: never write to it. */
export interface SpanSlice {
  readonly name: string;
  readonly kind: number;
  spanContext(): SpanContext;
  /** SDK 2 and later. */
  readonly parentSpanContext?: {
    readonly spanId: string;
    readonly traceId?: string;
    readonly isRemote?: boolean;
    readonly traceState?: TraceState;
  };
  /** SDK 1. */
  readonly parentSpanId?: string;
  readonly startTime: HrTime;
  readonly endTime: HrTime;
  readonly duration: HrTime;
  /** `false` while the span is open. May be absent on ended spans. */
  readonly ended?: boolean;
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links?: readonly { readonly context?: Partial<SpanContext> }[];
  readonly resource?: ResourceSlice;
  /** SDK 2 and later. */
  readonly instrumentationScope?: InstrumentationScope;
  /** SDK 1. */
  readonly instrumentationLibrary?: InstrumentationScope;
  readonly droppedAttributesCount?: number;
}

/** `SpanStatusCode.OK` and `ERROR` of `@opentelemetry/api`. */
export const STATUS_OK = 1;
export const STATUS_ERROR = 2;

/**
 * An attribute of spans that are recorded for this package alone: they are logs, although no exporter gets them, as they
 * are not sampled.
 */
export const RECORDED_HERE = 'humanloop.recorded';

const NO_SCOPE: InstrumentationScope = { name: '' };

/** Returns the instrumentation scope; one with an empty name if the span has none, or a name that is not text. */
export function scopeOf(
  span: Pick<SpanSlice, 'instrumentationScope' | 'instrumentationLibrary'>,
): InstrumentationScope {
  const scope = span.instrumentationScope ?? span.instrumentationLibrary ?? NO_SCOPE;
  return typeof scope.name === 'string' ? scope : { ...scope, name: '' };
}

/** Returns the id of the parent span; undefined for the root of a trace. */
export function parentSpanIdOf(span: SpanSlice): string | undefined {
  return (span.parentSpanContext?.spanId ?? span.parentSpanId) || undefined;
}

/** Returns a copy of the span with more events, or the span itself if there are none. */
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
    ...(span.links && { links: span.links }),
    ...(span.resource && { resource: span.resource }),
    ...(span.droppedAttributesCount !== undefined && { droppedAttributesCount: span.droppedAttributesCount }),
  };
}

/** Builds an open span with nothing but one GenAI event, so that conventions can read the event by itself. */
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
