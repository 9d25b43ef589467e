/**
 * Warns about an app's set-up that makes its logs incomplete, once per process for each fault. It warns only about what
 * is certain. `missing-spans.ts` does the same where no span comes.
 */
import { context, createContextKey, diag, ROOT_CONTEXT, TraceFlags } from '@opentelemetry/api';
import type { LogKind } from '../../conventions/convention.ts';
import { classifySpan } from '../../conventions/index.ts';
import { warnAloud } from '../../host/stderr.ts';
import { Warnings } from '../../host/warnings.ts';
import { hasPropagator } from '../../otel/propagator-probe.ts';
import { parentSpanIdOf, type SpanSlice } from '../../otel/span-slice.ts';
import { explainUnsampled } from './missing-spans.ts';
import { explainCut, explainDropped, isLimited } from './span-limits.ts';

const PROBE = createContextKey('humanloop-otel doctor');
const LIMITS = [
  ['dropped attributes', explainDropped],
  ['cut attributes', explainCut],
] as const;
const warnings = new Warnings();
/** Kinds of logs that were at the top of their traces. */
const kindsAtTop = new Set<'model' | 'other'>();
let isPropagatorSeen = false;

/** Warns if the span, which is a log, shows a fault of the set-up. */
export function examine(span: SpanSlice, kind: LogKind, isQuiet: boolean): void {
  if (isLimited(span)) examineLimits(span, isQuiet);
  if (parentSpanIdOf(span) === undefined && !warnings.isSuppressed('context')) examineTop(kind, isQuiet);
}

function examineLimits(span: SpanSlice, isQuiet: boolean): void {
  for (const [topic, explain] of LIMITS) {
    const message = warnings.isSuppressed(topic) ? undefined : explain(span);
    if (message && warnings.mayWarn(topic)) warnAloud(topic, message, isQuiet);
  }
}

/** Warns if the span is no log only because it is not sampled. */
export function examineSkipped(span: SpanSlice, isQuiet: boolean): void {
  const isSampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  if (isSampled || warnings.isSuppressed('unsampled') || !classifySpan(span)) return;
  if (warnings.mayWarn('unsampled')) warnAloud('unsampled', explainUnsampled(span.name), isQuiet);
}

/** Warns about a log whose trace comes from another service, if the services that this one calls get no parent for theirs. */
export function examineContinued(isQuiet: boolean): void {
  if (isPropagatorSeen || warnings.isSuppressed('propagator')) return;
  isPropagatorSeen = hasPropagator();
  if (isPropagatorSeen || !warnings.mayWarn('propagator')) return;
  warnAloud(
    'propagator',
    'a trace came from another service, but no HumanloopPropagator is registered here, so that the logs of services that ' +
      'this one calls are not below its own: add new HumanloopPropagator(processor) as the last of the propagators, such ' +
      'as those in textMapPropagator of NodeSDK',
    isQuiet,
  );
}

/** Warns about a span that is lost because it ended after the shutdown. */
export function examineLate(isQuiet: boolean): void {
  if (!warnings.mayWarn('late')) return;
  warnAloud('late', 'a span ended after the shutdown, and is lost: shut down when the last span has ended', isQuiet);
}

/** An app without LLM calls is no fault: only who asks `diag` for it learns at the end that no span was a log. */
export function examineEnd(
  spanCount: number,
  { logged, spooled, dropped }: { logged: number; spooled: number; dropped: object },
): void {
  if (spanCount === 0 || logged + spooled + Object.keys(dropped).length > 0) return;
  diag.info(
    `humanloop-otel: no log was made, since none of ${spanCount} spans is one of an LLM that is known and sampled: ` +
      'npx humanloop-otel check says which packages are seen',
  );
}

/** Model calls beside agents or tools, all at the top of their traces, show that a context manager is missing. */
function examineTop(kind: LogKind, isQuiet: boolean): void {
  kindsAtTop.add(kind === 'model' ? 'model' : 'other');
  if (kindsAtTop.size < 2 || hasContextManager() || !warnings.mayWarn('context')) return;
  warnAloud(
    'context',
    'no OpenTelemetry context manager is registered, so that spans are not nested by themselves: ' +
      'call register() of the NodeTracerProvider, or context.setGlobalContextManager()',
    isQuiet,
  );
}

function hasContextManager(): boolean {
  return context.with(ROOT_CONTEXT.setValue(PROBE, true), () => context.active().getValue(PROBE) === true);
}
