/**
 * Tells what in an app's set-up costs it parts of its logs: one line each, once per process, through `diag.warn`. Only
 * what can be told for sure is told; a span that was never recorded is seen by nobody.
 */

import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import type { LogKind } from '../conventions/convention.ts';
import { Warnings } from '../host/warnings.ts';
import { parentSpanIdOf, type SpanSlice } from '../otel/span-slice.ts';

const PROBE = createContextKey('humanloop-otel doctor');
const warnings = new Warnings();
/** Kinds of logs that were at the top of their traces. */
const kindsAtTop = new Set<'model' | 'other'>();

/** Looks at a span that is a log. */
export function examine(span: SpanSlice, kind: LogKind): void {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped === 'number' && dropped > 0) {
    warnings.warn(
      'attributes',
      `the SDK dropped ${dropped} attributes of the span '${span.name}', so that its log is incomplete: ` +
        'set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, or spanLimits of the provider, above its default of 128',
    );
  }
  if (!warnings.has('context') && parentSpanIdOf(span) === undefined) examineTop(kind);
}

/** Model calls beside agents or tools, all at the top and without a context manager, lack what would nest them. */
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
