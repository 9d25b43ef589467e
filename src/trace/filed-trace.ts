/**
 * A trace in which all is done, in a sixth of the memory: who its spans are, under whom, and which of them are logs. That
 * is all that a span which comes late, or an update, has to find.
 */
import { rememberedEntry } from '../delivery/ledger/earlier-logs.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { createNode, createTrace, findAncestor, referenceOf, type SpanNode, type Trace } from './span-node.ts';

type Fate = 'none' | 'delivered' | 'dropped';

/** Of a log, and of a span that is none. In a code they stand beside the index of the parent. */
const FATES: readonly Fate[] = ['none', 'delivered', 'dropped'];

export interface FiledTrace extends Pick<Trace, 'traceId' | 'context' | 'noted' | 'baggageSession'> {
  /** Span id and code in turn, in the order in which the spans started. */
  readonly spans: readonly (string | number)[];
}

/** `undefined` where something may still happen to one of its logs. */
export function fileTrace(trace: Trace): FiledTrace | undefined {
  const { traceId, context, noted, baggageSession } = trace;
  const indices = new Map<SpanNode, number>();
  const spans: (string | number)[] = [];
  for (const node of trace.nodes.values()) {
    const fate = fateOf(node);
    const parentIndex = node.parent ? indices.get(node.parent) : -1;
    // A parent that came after its child, or was forgotten.
    if (fate === undefined || parentIndex === undefined) return undefined;
    indices.set(node, indices.size);
    spans.push(node.spanId, (parentIndex + 1) * FATES.length + FATES.indexOf(fate));
  }
  return { traceId, context, noted, baggageSession, spans };
}

function fateOf({ entry, isNoLog }: SpanNode): Fate | undefined {
  if (!entry) return isNoLog ? 'none' : undefined;
  if (entry.state === 'dropped') return 'dropped';
  return entry.isDone ? 'delivered' : undefined;
}

export function unfileTrace({ traceId, context, noted, baggageSession, spans }: FiledTrace): Trace {
  const trace = Object.assign(createTrace(traceId), { context, noted, baggageSession });
  const nodes: SpanNode[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    const code = spans[at + 1] as number;
    const node = createNode(trace, spans[at] as string, nodes[Math.floor(code / FATES.length) - 1]);
    const fate = FATES[code % FATES.length] as Fate;
    node.state = 'settled';
    node.isNoLog = fate === 'none';
    if (fate !== 'none') node.entry = rememberedEntry(referenceOf(node), parentEntryOf(node), trace.logs, fate);
    nodes.push(node);
  }
  return trace;
}

function parentEntryOf(node: SpanNode): LogEntry | undefined {
  return findAncestor(node, ({ entry }) => entry !== undefined)?.entry;
}
