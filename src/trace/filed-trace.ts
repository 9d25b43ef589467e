/**
 * A trace in which all is done, in a sixth of the memory: its span ids, the parent of each, and which of them are logs.
 * A late span or an update needs no more.
 */
import { elsewhereEntry, rememberedEntry } from '../delivery/ledger/earlier-logs.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { createNode } from './create-node.ts';
import { createTrace, findAncestor, referenceOf, type SpanNode, type Trace } from './span-node.ts';
import { hasContext } from './trace-context.ts';

type Fate = 'none' | 'delivered' | 'dropped' | 'unseen' | 'remote' | 'elsewhere';

/**
 * What became of the log of a span, `none` if it is not a log, `elsewhere` if another process has it, or which placeholder
 * stands in for the span.
 */
const FATES: readonly Fate[] = ['none', 'delivered', 'dropped', 'unseen', 'remote', 'elsewhere'];

export interface FiledTrace extends Pick<Trace, 'traceId' | 'context' | 'noted' | 'baggageSession'> {
  /**
   * For each span its id, then a code. Parents come before their children. The code packs the place of the parent, from
   * 0, or -1 if there is none, with the fate: (place + 1) * FATES.length + index of the fate.
   */
  readonly spans: readonly (string | number)[];
}

/** Returns undefined if something can still happen to one of its logs, which is found out at once. */
export function fileTrace(trace: Trace): FiledTrace | undefined {
  const { traceId, context, baggageSession } = trace;
  for (const { isDone } of trace.logs) if (!isDone) return undefined;
  const spans: (string | number)[] = [];
  const places = new Places();
  for (const node of trace.nodes.values()) {
    if (places.of(node) < 0 && !fileNode(node, places, spans)) return undefined;
  }
  const noted = hasContext(trace) ? trace.noted : undefined;
  return { traceId, context, noted, baggageSession, spans };
}

/** From here on a map is faster than to look through a list, which takes less memory. */
const MANY_NODES = 32;

/** The nodes in the order in which they are filed. */
class Places {
  readonly #nodes: SpanNode[] = [];
  #byNode: Map<SpanNode, number> | undefined;

  /** Returns the place of a node, from 0; -1 if it has none. A parent mostly has one of the last. */
  of(node: SpanNode): number {
    return this.#byNode ? (this.#byNode.get(node) ?? -1) : this.#nodes.lastIndexOf(node);
  }

  add(node: SpanNode): void {
    const count = this.#nodes.push(node);
    if (count === MANY_NODES) this.#byNode = new Map(this.#nodes.map((known, place) => [known, place]));
    else this.#byNode?.set(node, count - 1);
  }
}

/** Adds a node that has no place yet. Returns false if something can still happen to its log. */
function fileNode(node: SpanNode, places: Places, spans: (string | number)[]): boolean {
  const parentPlace = node.parent ? places.of(node.parent) : -1;
  if (node.parent && parentPlace < 0) return fileWithAncestors(node, places, spans);
  const fate = fateOf(node);
  if (fate === undefined) return false;
  places.add(node);
  spans.push(node.spanId, (parentPlace + 1) * FATES.length + FATES.indexOf(fate));
  return true;
}

/** A parent may have come after its child, or be forgotten and still be reached from its child. */
function fileWithAncestors(node: SpanNode, places: Places, spans: (string | number)[]): boolean {
  const path: SpanNode[] = [];
  for (let step: SpanNode | undefined = node; step && places.of(step) < 0; step = step.parent) path.push(step);
  return path.reverse().every((step) => fileNode(step, places, spans));
}

function fateOf({ entry, isNoLog, state }: SpanNode): Fate | undefined {
  if (entry?.isElsewhere) return 'elsewhere';
  if (entry?.state === 'dropped') return 'dropped';
  if (entry) return entry.isDone ? 'delivered' : undefined;
  if (state === 'awaited') return 'remote';
  if (state === 'unseen' || state === 'remote') return state;
  return isNoLog ? 'none' : undefined;
}

export function unfileTrace({ traceId, context, noted, baggageSession, spans }: FiledTrace): Trace {
  const trace = Object.assign(createTrace(traceId), { context, noted, baggageSession });
  const nodes: SpanNode[] = [];
  for (let at = 0; at < spans.length; at += 2) {
    const code = spans[at + 1] as number;
    const fate = FATES[code % FATES.length] as Fate;
    const state = fate === 'unseen' || fate === 'remote' ? fate : fate === 'elsewhere' ? 'remote' : 'retired';
    const node = createNode(trace, spans[at] as string, state, nodes[Math.floor(code / FATES.length) - 1]);
    node.isNoLog = fate === 'none';
    if (fate === 'elsewhere') node.entry = elsewhereEntry(referenceOf(node));
    if (fate === 'delivered' || fate === 'dropped') {
      node.entry = rememberedEntry(referenceOf(node), parentEntryOf(node), trace.logs, fate);
      // Nothing below a log waits for what is above it.
      node.blocker = undefined;
    }
    nodes.push(node);
  }
  return trace;
}

function parentEntryOf(node: SpanNode): LogEntry | undefined {
  return findAncestor(node, ({ entry }) => entry !== undefined)?.entry;
}
