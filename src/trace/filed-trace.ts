/**
 * A trace in which all is done, in a sixth of the memory: its span ids, the parent of each, and what log it is. A late
 * span or an update needs no more. For a while it also has the details that a late judgement or a late span of the same
 * call is compared with.
 */
import { elsewhereEntry, rememberedEntry } from '../delivery/ledger/earlier-logs.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { createNode } from './create-node.ts';
import {
  createTrace,
  findAncestor,
  isPlaceholder,
  referenceOf,
  type SpanNode,
  type SpanState,
  type ToolFacts,
  type Trace,
} from './span-node.ts';
import { hasContext } from './trace-context.ts';

/**
 * What became of the log of a span, `none` if it is not a log, `elsewhere` if another process has it, or which placeholder
 * stands in for the span.
 */
const FATES = ['none', 'delivered', 'dropped', 'unseen', 'remote', 'awaited', 'elsewhere'] as const;
type Fate = (typeof FATES)[number];
/** All of them: a kind that is not here does not compile where it is filed. */
const KINDS = [undefined, 'model', 'tool', 'agent', 'generic'] as const;
const CODES_PER_PLACE = FATES.length * KINDS.length;

/** What few spans of a trace have besides. */
interface SpanDetails {
  /** Of the span, among those that are filed. */
  readonly place: number;
  readonly callId: string | undefined;
  readonly callerId: string | undefined;
  readonly tool: ToolFacts | undefined;
}

export interface FiledTrace extends Pick<Trace, 'traceId' | 'context' | 'noted' | 'baggageSession'> {
  /**
   * For each span its id, then a code. Parents come before their children. The code packs the place of the parent, from
   * 0, or -1 if there is none, with fate and kind: ((place + 1) * FATES.length + fate) * KINDS.length + kind.
   */
  readonly spans: readonly (string | number)[];
  details: readonly SpanDetails[] | undefined;
}

/** What is filed of a trace so far. */
interface Filing {
  /** Each at its place. */
  readonly nodes: SpanNode[];
  readonly spans: (string | number)[];
  readonly keepsAll: boolean;
}

/**
 * Returns undefined if something can still happen to one of its logs, which is found out at once. With `keepsAll`, also
 * if anything would be forgotten that something late may need.
 */
export function fileTrace(trace: Trace, keepsAll = false): FiledTrace | undefined {
  const { traceId, context, baggageSession } = trace;
  if (isUnderWay(trace) || (keepsAll && trace.requests)) return undefined;
  const filing: Filing = { nodes: [], spans: [], keepsAll };
  for (const node of trace.nodes.values()) if (!file(node, filing)) return undefined;
  const noted = hasContext(trace) ? trace.noted : undefined;
  const details = keepsAll ? detailsOf(filing.nodes) : undefined;
  return { traceId, context, noted, baggageSession, spans: filing.spans, details };
}

/** Whether something can still happen to one of its logs. */
export function isUnderWay({ logs }: Trace): boolean {
  for (let at = 0; at < logs.length; at++) if (!logs[at]?.isDone) return true;
  return false;
}

/** Files a node after its parent. Returns false if one of them cannot be filed. */
function file(node: SpanNode, filing: Filing): boolean {
  const { nodes, spans, keepsAll } = filing;
  if (hasPlace(node, nodes)) return true;
  const { parent } = node;
  if (parent && !hasPlace(parent, nodes) && !fileAncestors(parent, filing)) return false;
  const fate = fateOf(node);
  if (fate === undefined || (keepsAll && hasMore(node))) return false;
  node.place = nodes.push(node) - 1;
  const parentPlace = parent ? parent.place : -1;
  const code = (parentPlace + 1) * FATES.length + FATES.indexOf(fate);
  spans.push(node.spanId, code * KINDS.length + KINDS.indexOf(node.kind));
  return true;
}

/** A parent may have come after its child, or be forgotten and still be reached from its child. */
function fileAncestors(parent: SpanNode, filing: Filing): boolean {
  const { nodes } = filing;
  const path: SpanNode[] = [];
  for (let step: SpanNode | undefined = parent; step && !hasPlace(step, nodes); step = step.parent) path.push(step);
  return path.reverse().every((step) => file(step, filing));
}

/** What the node says may be left of a filing that failed. */
function hasPlace(node: SpanNode, nodes: readonly SpanNode[]): boolean {
  const { place } = node;
  return place < nodes.length && nodes[place] === node;
}

function detailsOf(nodes: readonly SpanNode[]): SpanDetails[] | undefined {
  let details: SpanDetails[] | undefined;
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[at] as SpanNode;
    const { callId } = node;
    if (callId === undefined && !node.hasRareFields) continue;
    const { callerId, tool } = node;
    if (callId === undefined && callerId === undefined && tool === undefined) continue;
    details ??= [];
    details.push({ place: at, callId, callerId, tool });
  }
  return details;
}

/** Whether the node has what is not filed, and something late may need. */
function hasMore(node: SpanNode): boolean {
  if (node.entry?.isOverridden) return true;
  // The agent that it stands for may come.
  if (node.firstCall !== undefined && isPlaceholder(node)) return true;
  return node.hasRareFields && hasMoreRarely(node);
}

/** A function of its own, which V8 does not compile into `fileTrace` unless it is called often. */
function hasMoreRarely(node: SpanNode): boolean {
  const { keeper, isKeeper, judged, overrides, events, absorbed } = node;
  return (keeper ?? judged ?? overrides ?? events ?? absorbed) !== undefined || isKeeper;
}

function fateOf({ entry, isNoLog, state }: SpanNode): Fate | undefined {
  if (entry?.isElsewhere) return 'elsewhere';
  if (entry?.state === 'dropped') return 'dropped';
  if (entry) return entry.isDone ? 'delivered' : undefined;
  if (state === 'unseen' || state === 'remote' || state === 'awaited') return state;
  return isNoLog ? 'none' : undefined;
}

export function unfileTrace({ traceId, context, noted, baggageSession, spans, details = [] }: FiledTrace): Trace {
  const trace = Object.assign(createTrace(traceId), { context, noted, baggageSession, hasRested: true });
  const nodes: SpanNode[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    const code = spans[at + 1] as number;
    const fate = FATES[Math.floor(code / KINDS.length) % FATES.length] as Fate;
    const parent = nodes[Math.floor(code / CODES_PER_PLACE) - 1];
    const node = createNode(trace, spans[at] as string, stateOf(fate), parent);
    node.kind = KINDS[code % KINDS.length];
    node.isNoLog = fate === 'none';
    if (fate === 'elsewhere') node.entry = elsewhereEntry(referenceOf(node));
    if (fate === 'delivered' || fate === 'dropped') {
      node.entry = rememberedEntry(referenceOf(node), parentEntryOf(node), trace.logs, fate);
      // Nothing below a log waits for what is above it.
      node.blocker = undefined;
    }
    nodes.push(node);
  }
  for (const { place, callId, callerId, tool } of details) {
    Object.assign(nodes[place] as SpanNode, { callId, callerId, tool });
  }
  return trace;
}

function stateOf(fate: Fate): SpanState {
  if (fate === 'elsewhere') return 'remote';
  return fate === 'none' || fate === 'delivered' || fate === 'dropped' ? 'retired' : fate;
}

function parentEntryOf(node: SpanNode): LogEntry | undefined {
  return findAncestor(node, ({ entry }) => entry !== undefined)?.entry;
}
