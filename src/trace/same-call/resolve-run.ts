/** Applies `same-call.ts` to the logs of one trace that are due together (a run). */

import { findAncestor, type SpanNode } from '../span-node.ts';
import { type CallSpan, callSpanOf } from './call-span.ts';
import { resolveDuplicates } from './same-call.ts';

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
