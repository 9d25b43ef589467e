/** What the SDK's limits have taken from a span, and how the SDK that is there can be told otherwise. */
import { trace } from '@opentelemetry/api';
import type { SpanSlice } from '../../otel/span-slice.ts';

interface LimitedSpan extends SpanSlice {
  /** All versions of the SDK have it, none in its types. */
  readonly _spanLimits?: { readonly attributeValueLengthLimit?: unknown; readonly attributeCountLimit?: unknown };
}

/** A value that the SDK accepts for a limit, and that no span of an LLM reaches. */
const COUNT = 4096;
/** Providers of SDK 1 and 2, which read OpenTelemetry's variables. The provider of SDK 3 does not. */
const READS_VARIABLES = /^(Basic|Node|Web)TracerProvider$/;

/** Whether the limits may have taken anything: the functions below have something to look at. */
export function isLimited(span: SpanSlice): boolean {
  const limit = (span as LimitedSpan)._spanLimits?.attributeValueLengthLimit;
  return (typeof limit === 'number' && limit !== Number.POSITIVE_INFINITY) || span.droppedAttributesCount !== 0;
}

/** Returns a warning about attributes that are missing. */
export function explainDropped(span: SpanSlice): string | undefined {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped !== 'number' || dropped <= 0) return undefined;
  const limit = (span as LimitedSpan)._spanLimits?.attributeCountLimit;
  const variable = setVariable(limit, 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT');
  const isFromSdk = variable === undefined && readsVariables(span);
  const remedy = variable
    ? `raise ${variable}`
    : `set ${isFromSdk ? 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, or ' : ''}spanLimits.attributeCountLimit of the tracer provider`;
  const count = dropped === 1 ? '1 attribute' : `${dropped} attributes`;
  const above = typeof limit === 'number' ? limit : 128;
  return `the SDK dropped ${count} of the span '${span.name}', so that its log is incomplete: ${remedy}, to ${Math.max(COUNT, above * 4)} for example; it is ${above} now`;
}

/** Returns a warning about an attribute that is cut. Only a limit that is known shows that a text was cut. */
export function explainCut(span: SpanSlice): string | undefined {
  const limit = (span as LimitedSpan)._spanLimits?.attributeValueLengthLimit;
  if (typeof limit !== 'number' || !Number.isFinite(limit) || limit <= 0) return undefined;
  const cut = Object.entries(span.attributes).find(([, value]) => isOfLength(value, limit));
  if (!cut) return undefined;
  const variable = setVariable(limit, 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT');
  const remedy = variable ? `unset ${variable}` : 'remove spanLimits.attributeValueLengthLimit of the tracer provider';
  return `the SDK cut the attribute ${cut[0]} of the span '${span.name}' to ${limit} characters, so that its log is incomplete: ${remedy}`;
}

function isOfLength(value: unknown, length: number): boolean {
  return Array.isArray(value)
    ? value.some((part) => isOfLength(part, length))
    : typeof value === 'string' && value.length === length;
}

/** Returns the variable that sets this limit. */
function setVariable(limit: unknown, ...names: readonly string[]): string | undefined {
  const env = globalThis.process?.env ?? {};
  return names.find((name) => env[name]?.trim() && Number(env[name]) === limit);
}

/** Where no provider is registered, a field that spans of SDK 1 and 2 have tells the SDKs apart. */
function readsVariables(span: SpanSlice): boolean {
  const provider = registeredProvider();
  return provider ? READS_VARIABLES.test(provider.constructor.name) : '_attributeValueLengthLimit' in span;
}

/** Returns the provider that is registered for the process, without the proxy around it. */
export function registeredProvider(): object | undefined {
  const provider = trace.getTracerProvider() as { getDelegate?(): object };
  const delegate = provider.getDelegate?.() ?? provider;
  return delegate.constructor.name === 'NoopTracerProvider' ? undefined : delegate;
}
