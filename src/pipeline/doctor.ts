/**
 * Warns about an app's set-up that makes its logs incomplete, once per process for each fault. It warns only about what
 * is certain; a span that was never recorded cannot be seen.
 */
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { LogKind } from '../conventions/convention.ts';
import { Warnings } from '../host/warnings.ts';
import { parentSpanIdOf, type SpanSlice } from '../otel/span-slice.ts';

const PROBE = createContextKey('humanloop-otel doctor');
const warnings = new Warnings();
/** Kinds of logs that were at the top of their traces. */
const kindsAtTop = new Set<'model' | 'other'>();

/** Warns if the span, which is a log, shows a fault of the set-up. */
export function examine(span: SpanSlice, kind: LogKind): void {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped === 'number' && dropped > 0) {
    warnings.warn(
      'attributes',
      `the SDK dropped ${dropped} attributes of the span '${span.name}', so that its log is incomplete: ` +
        'set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, or spanLimits of the provider, above its default of 128',
    );
  }
  if (!warnings.isSuppressed('context') && parentSpanIdOf(span) === undefined) examineTop(kind);
}

/** Model calls beside agents or tools, all at the top of their traces, show that a context manager is missing. */
function examineTop(kind: LogKind): void {
  kindsAtTop.add(kind === 'model' ? 'model' : 'other');
  if (kindsAtTop.size < 2 || hasContextManager()) return;
  warnings.warn(
    'context',
    'no OpenTelemetry context manager is registered, so that spans are not nested by themselves: ' +
      'call register() of the NodeTracerProvider, or context.setGlobalContextManager()',
  );
}

function hasContextManager(): boolean {
  return context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE) === true);
}
