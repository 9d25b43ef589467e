/** Decides for logs of one trace that are due together which of them tell of the same call. */

import { findAncestor, type SpanNode } from '../span-node.ts';
import { type CallSpan, callSpanOf } from './call-span.ts';
import { settleCalls } from './same-call.ts';

/** The nodes are logs, each with its reading: what turns out to be no call of its own gets another kind and reading. */
export function settleRun(nodes: readonly SpanNode[]): void {
  if (nodes.filter(isCall).length < 2) return;
  const calls = new Map<SpanNode, CallSpan>();
  for (const node of nodes) callOf(node, calls);
  const settled = settleCalls([...calls.values()]);
  for (const [node, call] of calls) {
    const { kind, reading } = settled.get(call) ?? call;
    node.kind = kind;
    node.reading = reading;
  }
}

/** Only what has counts of its own, or is taken for a call, can be counted twice. */
function isCall({ kind, reading }: SpanNode): boolean {
  return kind === 'model' || (kind === 'generic' && reading?.promptTokens !== undefined);
}

/** Parents first, so that each finds its own. */
function callOf(node: SpanNode, calls: Map<SpanNode, CallSpan>): void {
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
