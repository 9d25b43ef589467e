/**
 * Tells what in an app's set-up costs it parts of its logs: one line each, once per process, through `diag.warn`. Only
 * what can be told for sure is told; a span that was never recorded is seen by nobody.
 */
import { context, createContextKey, diag, ROOT_CONTEXT } from '@opentelemetry/api';
import type { LogKind } from './conventions/convention.ts';
import { parentSpanIdOf, type SpanSlice } from './otel.ts';

const PROBE = createContextKey('humanloop-otel doctor');
const said = new Set<string>();
/** Kinds of logs that were at the top of their traces. */
const kindsAtTop = new Set<'model' | 'other'>();

/** Looks at a span that is a log. */
export function examine(span: SpanSlice, kind: LogKind): void {
  const dropped = span.droppedAttributesCount;
  if (typeof dropped === 'number' && dropped > 0) {
    sayOnce(
      'attributes',
      `the SDK dropped ${dropped} attributes of the span '${span.name}', so that its log is incomplete: ` +
        'set OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, or spanLimits of the provider, above its default of 128',
    );
  }
  if (!said.has('context') && parentSpanIdOf(span) === undefined) examineTop(kind);
}

/** Model calls beside agents or tools, all at the top and without a context manager, lack what would nest them. */
function examineTop(kind: LogKind): void {
  kindsAtTop.add(kind === 'model' ? 'model' : 'other');
  if (kindsAtTop.size < 2 || hasContextManager()) return;
  sayOnce(
    'context',
    'no OpenTelemetry context manager is registered, so that spans are not nested by themselves: ' +
      'call register() of the NodeTracerProvider, or context.setGlobalContextManager()',
  );
}

function hasContextManager(): boolean {
  return context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE) === true);
}

function sayOnce(topic: string, line: string): void {
  if (said.has(topic)) return;
  said.add(topic);
  diag.warn(`humanloop-otel: ${line}`);
}
