/** Decides which spans are logs, and under which other log each of them hangs. */

import type { LogKind } from '../conventions/convention.ts';
import { classifySpan } from '../conventions/index.ts';
import { callHook } from '../host/call-hook.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import type { SpanNode } from './span-node.ts';

const SAMPLED = 1;

/** Returns what log a span is, as far as is known by now, or undefined if it is none. */
export type Select = (span: SpanSlice) => LogKind | undefined;

export function createSelect({ conventions, include }: Pick<ResolvedOptions, 'conventions' | 'include'>): Select {
  return (span) => {
    if ((span.spanContext().traceFlags & SAMPLED) === 0) return undefined;
    const kind = classifySpan(span, conventions)?.kind;
    const isLog = kind !== undefined;
    const isIncluded = include ? (callHook('include', () => include(span, isLog)) ?? isLog) : isLog;
    return isIncluded ? (kind ?? 'generic') : undefined;
  };
}

/**
 * Whether a span is a log. For an open span `true` is final and `false` is not: many instrumentations set everything at
 * the end. A stub is a log, and so is the span that completes it, whatever it turns out to be.
 */
export function isLog(node: SpanNode, select: Select): boolean {
  if (node.kind) return true;
  if (node.isNoLog) return false;
  const mustBeLog = node.entry !== undefined || node.state === 'stub';
  if (!node.span) return mustBeLog;
  node.kind = select(node.span) ?? (mustBeLog ? 'generic' : undefined);
  if (node.kind === undefined && node.state !== 'open') node.isNoLog = true;
  return node.kind !== undefined;
}
