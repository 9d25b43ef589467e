/** Reads the arguments of `update()`. Wrong arguments are ignored with a warning; they never throw or lose the log. */
import { diag, isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import type { LateFields } from '../wire/late-fields.ts';

/** Names a log by its span, the span's context, or its reference id (`<traceId>-<spanId>`). */
export type LogReference = { spanContext(): SpanContext } | SpanContext | string;

/** Returns undefined if the argument does not name a span, or names one that the API created while tracing is off. */
export function readReference(log: LogReference): { traceId: string; spanId: string } | undefined {
  try {
    const [traceId = '', spanId = ''] = typeof log === 'string' ? log.split('-') : idsOf(log);
    if (isSpanContextValid({ traceId, spanId, traceFlags: 0 })) return { traceId, spanId };
    if (typeof log !== 'string') return undefined;
  } catch {
    // Warned about below.
  }
  diag.warn('humanloop-otel: update ignored: expected a span, its context or "<traceId>-<spanId>"');
  return undefined;
}

function idsOf(log: Exclude<LogReference, string>): [traceId: string, spanId: string] {
  const { traceId, spanId } = 'spanContext' in log ? log.spanContext() : log;
  return [traceId, spanId];
}

/** Drops fields of a wrong type, for which the server would refuse the whole log. */
export function readLateFields(fields: LateFields | undefined): LateFields {
  const { output, error, duration } = fields ?? {};
  return {
    ...(isGiven('output', output, typeof output === 'string') && { output }),
    ...(isGiven('error', error, typeof error === 'string') && { error }),
    ...(isGiven('duration', duration, Number.isFinite(duration) && Number(duration) >= 0) && { duration }),
  };
}

function isGiven<Value>(name: keyof LateFields, value: Value | undefined, isValid: boolean): value is Value {
  if (value === undefined || isValid) return value !== undefined;
  const expected = name === 'duration' ? 'seconds, 0 or more' : 'a string';
  diag.warn(`humanloop-otel: update without its ${name}: expected ${expected}, got ${typeof value}`);
  return false;
}
