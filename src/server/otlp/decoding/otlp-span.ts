/** A span as it was received, in the form that the vocabularies read. The decoders fill in its fields. */
import type { SpanContext, TraceState } from '@opentelemetry/api';
import { MAX_NAME_CHARS } from '../../../conventions/values/attributes.ts';
import type { HrTime, InstrumentationScope, ResourceSlice, SpanEvent, SpanSlice } from '../../../otel/span-slice.ts';
import { W3cTraceState } from './trace-state.ts';

const SAMPLED = 1;
/** Bits of `flags`: whether bit 9 says anything, and whether the parent is in another process. */
const KNOWS_REMOTE = 0x100;
const IS_REMOTE = 0x200;

/** Not a time: a span without an end has no duration. */
const NO_TIME: HrTime = [Number.NaN, Number.NaN];

/** Returns what a log can have of the name of a span or scope. */
export function cutName(name: string): string {
  return name.length > MAX_NAME_CHARS ? name.slice(0, MAX_NAME_CHARS) : name;
}

export class OtlpSpan implements SpanSlice {
  readonly ended = true;
  readonly resource: ResourceSlice;
  readonly instrumentationScope: InstrumentationScope;
  traceId = '';
  spanId = '';
  /** Empty for the root of a trace. */
  parentSpanId = '';
  /** The W3C header's text; empty if there is none. */
  traceStateText = '';
  /** As in OTLP. The low byte is not used: some SDKs leave it empty, and a span that is not sampled is not sent. */
  flags = 0;
  name = '';
  /** As in `@opentelemetry/api`, one less than in OTLP. */
  kind = 0;
  startTime: HrTime = NO_TIME;
  endTime: HrTime = NO_TIME;
  status: { code: number; message?: string } = { code: 0 };
  attributes: Record<string, unknown> = {};
  events: SpanEvent[] = [];
  links: { readonly context: Partial<SpanContext> }[] = [];
  droppedAttributesCount = 0;

  constructor(resource: ResourceSlice, scope: InstrumentationScope) {
    this.resource = resource;
    this.instrumentationScope = scope;
  }

  spanContext(): SpanContext {
    const { traceId, spanId, traceStateText } = this;
    const context: SpanContext = { traceId, spanId, traceFlags: SAMPLED };
    if (traceStateText !== '') context.traceState = new W3cTraceState(traceStateText);
    return context;
  }

  /** The parent's trace state is the span's own: SDKs copy it into each child. */
  get parentSpanContext():
    | { spanId: string; traceId: string; isRemote?: boolean; traceState?: TraceState }
    | undefined {
    const { parentSpanId, traceId, flags, traceStateText } = this;
    if (parentSpanId === '') return undefined;
    const context: { spanId: string; traceId: string; isRemote?: boolean; traceState?: TraceState } = {
      spanId: parentSpanId,
      traceId,
    };
    if ((flags & KNOWS_REMOTE) !== 0) context.isRemote = (flags & IS_REMOTE) !== 0;
    if (traceStateText !== '') context.traceState = new W3cTraceState(traceStateText);
    return context;
  }

  get duration(): HrTime {
    const [startSeconds, startNanos] = this.startTime;
    const [endSeconds, endNanos] = this.endTime;
    const seconds = endSeconds - startSeconds;
    const nanos = endNanos - startNanos;
    return nanos < 0 ? [seconds - 1, nanos + 1e9] : [seconds, nanos];
  }
}
