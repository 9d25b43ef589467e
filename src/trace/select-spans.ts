/** Decides which spans are logs, and under which other log each of them hangs. */

import type { LogKind } from '../conventions/convention.ts';
import { type Classified, classifySpan } from '../conventions/index.ts';
import { callHook } from '../host/call-hook.ts';
import type { ResolvedOptions } from '../options.ts';
import { RECORDED_HERE, type SpanSlice } from '../otel/span-slice.ts';
import type { SpanNode } from './span-node.ts';

const SAMPLED = 1;

/** What log a span is. `recognitions` are absent if only the app takes it for a log. */
export type Selected = { readonly kind: LogKind } & Partial<Classified>;

/** What log a span is, as far as it is known by now, or `undefined` if it is none. `signs` are those of its census. */
export type Select = (span: SpanSlice, signs?: number) => Selected | undefined;

export function createSelect({ conventions, include }: Pick<ResolvedOptions, 'conventions' | 'include'>): Select {
  return (span, signs) => {
    if ((span.spanContext().traceFlags & SAMPLED) === 0 && span.attributes[RECORDED_HERE] !== true) return undefined;
    const classified = classifySpan(span, conventions, signs);
    const isLog = classified !== undefined;
    const isIncluded = include ? ask(include, span, isLog) : isLog;
    return isIncluded ? (classified ?? { kind: 'generic' }) : undefined;
  };
}

/** What log a span is now. Decides nothing: an open span may turn out to be another one. */
export function kindNow(node: SpanNode, select: Select): LogKind | undefined {
  const { kind, isNoLog, span, signs } = node;
  if (kind || isNoLog) return kind;
  return (span && select(span, signs)?.kind) ?? (mustBeLog(node) ? 'generic' : undefined);
}

/** Whether an open span may turn out to be the call of a model. Some are known by their instrumentation only. */
export function mayBecomeCall({ span }: SpanNode, select: Select): boolean {
  const selected = span && select(span);
  return selected?.kind === 'model' || selected?.convention === 'scope';
}

/** A function of its own, since V8 makes a scope at each call of a function in which a hook is wrapped. */
function ask(include: NonNullable<ResolvedOptions['include']>, span: SpanSlice, isLog: boolean): boolean {
  return callHook('include', () => include(span, isLog)) ?? isLog;
}

/**
 * Returns a function that tells whether a span is a log. For an open span `true` is final and `false` is not: many
 * instrumentations set everything at the end. A stub is a log, and so is the span that completes it, or that another
 * service was given as a log, whatever it turns out to be.
 */
export function createIsLog(select: Select): (node: SpanNode) => boolean {
  return (node) => {
    if (node.kind) return true;
    if (node.isNoLog) return false;
    if (!node.span) return mustBeLog(node);
    const selected = select(node.span, node.signs);
    node.kind = selected?.kind ?? (mustBeLog(node) ? 'generic' : undefined);
    if (node.state !== 'open') {
      node.isNoLog = node.kind === undefined;
      node.recognitions = selected?.recognitions;
    }
    return node.kind !== undefined;
  };
}

function mustBeLog({ entry, state, isNamed }: SpanNode): boolean {
  return entry !== undefined || state === 'stub' || isNamed;
}
