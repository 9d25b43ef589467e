/** Applies `same-call.ts` to the logs of one trace that are due together (a run). */

import { scopeOf } from '../../otel/span-slice.ts';
import { findAncestor, type SpanNode } from '../span-node.ts';
import { type CallSpan, callSpanOf } from './call-span.ts';
import { resolveDuplicates } from './same-call.ts';

/**
 * Returns false if no call of the run can be told of twice, whatever its spans say: all logs are of one instrumentation,
 * and none that counts something is below another of its kind. Then the logs need not be read before one is written.
 */
export function mayHaveDuplicates(nodes: readonly SpanNode[]): boolean {
  const scope = nodes[0]?.span && scopeOf(nodes[0].span).name;
  for (const node of nodes) {
    if (!node.span || scopeOf(node.span).name !== scope) return true;
    if (node.kind === 'agent') continue;
    for (let step = node.parent; step; step = step.parent) if (isSameSort(step, node)) return true;
  }
  return false;
}

/** A generic log may be a call too: that shows only in what its span says. */
function isSameSort(ancestor: SpanNode, { kind }: SpanNode): boolean {
  if (kind === 'tool') return ancestor.kind === 'tool';
  return ancestor.kind === 'model' || ancestor.kind === 'generic';
}

/** Corrects kind and reading of nodes that report the same call as another. The nodes are logs and have been read. */
export function resolveDuplicatesOfRun(nodes: readonly SpanNode[]): void {
  if (nodes.filter(isCall).length < 2) return;
  const calls = new Map<SpanNode, CallSpan>();
  for (const node of nodes) addCall(node, calls);
  const corrections = resolveDuplicates([...calls.values()]);
  for (const [node, call] of calls) {
    const { kind, reading } = corrections.get(call) ?? call;
    node.kind = kind;
    node.reading = reading;
  }
}

/** Only logs that are calls or have token counts can be counted twice. */
function isCall({ kind, reading }: SpanNode): boolean {
  return kind === 'model' || (kind === 'generic' && reading?.promptTokens !== undefined);
}

/** Creates the calls of a node and its ancestors, parents first, since each needs its parent's. */
function addCall(node: SpanNode, calls: Map<SpanNode, CallSpan>): void {
  const path: SpanNode[] = [];
  let step: SpanNode | undefined = node;
  for (; step && !calls.has(step); step = findAncestor(step, isRead)) path.push(step);
  let parent = step && calls.get(step);
  for (const read of path.reverse()) {
    const { span, kind, reading } = read;
    if (!span || !kind || !reading) continue;
    parent = callSpanOf(span, kind, reading, parent);
    calls.set(read, parent);
  }
}

function isRead({ reading }: SpanNode): boolean {
  return reading !== undefined;
}
