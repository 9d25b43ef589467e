import { elsewhereEntry, rememberedEntry } from '../../src/delivery/ledger/earlier-logs.ts';
import { createNode } from '../../src/trace/create-node.ts';
import {
  createTrace,
  findAncestor,
  referenceOf,
  type SpanNode,
  type SpanState,
  type Trace,
} from '../../src/trace/span-node.ts';

export interface PlannedNode {
  /** Index in the plan, or -1. A parent may come after its child. */
  readonly parent: number;
  readonly fate: 'none' | 'delivered' | 'dropped' | 'unseen' | 'remote' | 'awaited' | 'elsewhere';
}

/** A trace in which all is done. Its spans are named `span-<index>`. */
export function makeTrace(traceId: string, plan: readonly PlannedNode[]): Trace {
  const trace = createTrace(traceId);
  trace.context = { session: 'session', user: 'user', tags: undefined };
  const nodes = plan.map(({ fate }, index) => {
    const node = createNode(trace, `span-${index}`, stateOf(fate), undefined);
    node.isNoLog = fate === 'none';
    if (fate === 'elsewhere') node.entry = elsewhereEntry(referenceOf(node));
    return node;
  });
  for (const [index, { parent }] of plan.entries()) (nodes[index] as SpanNode).parent = nodes[parent];
  for (const node of nodes) setEntry(node, plan);
  return trace;
}

function stateOf(fate: PlannedNode['fate']): SpanState {
  if (fate === 'elsewhere') return 'remote';
  return fate === 'unseen' || fate === 'remote' || fate === 'awaited' ? fate : 'retired';
}

/** Parents first. */
function setEntry(node: SpanNode, plan: readonly PlannedNode[]): void {
  const fateOf = ({ spanId }: SpanNode) => plan[Number(spanId.slice('span-'.length))]?.fate;
  const fate = fateOf(node);
  if (node.entry || (fate !== 'delivered' && fate !== 'dropped')) return;
  const above = findAncestor(node, (step) => ['delivered', 'dropped', 'elsewhere'].includes(String(fateOf(step))));
  if (above) setEntry(above, plan);
  node.entry = rememberedEntry(referenceOf(node), above?.entry, node.trace.logs, fate);
}
