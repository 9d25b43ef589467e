import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogEntry } from '../../src/delivery/log-entry.ts';
import { fileTrace, unfileTrace } from '../../src/trace/filed-trace.ts';
import { createNode, createTrace, referenceOf, type SpanNode, type Trace } from '../../src/trace/span-node.ts';

interface Planned {
  /** Index of a span before it, or -1. */
  readonly parent: number;
  readonly fate: 'none' | 'delivered' | 'dropped';
}

const plans: fc.Arbitrary<Planned[]> = fc
  .array(fc.record({ up: fc.nat(), fate: fc.constantFrom('none', 'delivered', 'dropped') }), { maxLength: 40 })
  .map((spans) => spans.map(({ up, fate }, index) => ({ parent: (up % (index + 1)) - 1, fate })));

function traceOf(plan: readonly Planned[]): Trace {
  const trace = createTrace('t'.repeat(32));
  trace.context = { session: 'session', user: 'user', tags: undefined };
  const nodes: SpanNode[] = [];
  for (const [index, { parent, fate }] of plan.entries()) {
    const node = createNode(trace, `span-${index}`, 'retired', nodes[parent]);
    node.isNoLog = fate === 'none';
    if (fate !== 'none') {
      let above = node.parent;
      while (above && !above.entry) above = above.parent;
      node.entry = new LogEntry(referenceOf(node), above?.entry, trace.logs);
      node.entry.state = fate;
      node.entry.isFinal = true;
    }
    nodes.push(node);
  }
  return trace;
}

function picture(trace: Trace) {
  return {
    context: trace.context,
    nodes: [...trace.nodes.values()].map(({ spanId, parent, state, isNoLog, entry }) => ({
      spanId,
      parent: parent?.spanId,
      state,
      isNoLog,
      log: entry && [entry.referenceId, entry.state, entry.isFinal, entry.effectiveParent?.referenceId],
    })),
  };
}

test('what a late span finds in a filed trace is what it would have found in the trace', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const trace = traceOf(plan);
      const filed = fileTrace(trace);
      expect(filed).toBeDefined();
      expect(picture(unfileTrace(filed!))).toEqual(picture(trace));
    }),
  );
});

test.each<[string, (node: SpanNode, entry: LogEntry) => void]>([
  ['is not delivered', (_, entry) => (entry.state = 'ready')],
  ['can still change', (_, entry) => (entry.isFinal = false)],
  ['has an update under way', (_, entry) => (entry.sequence = 1)],
  ['is not judged yet', (node) => (node.entry = undefined)],
])('a trace with a log that %s is not filed', (_, change) => {
  const trace = traceOf([
    { parent: -1, fate: 'none' },
    { parent: 0, fate: 'delivered' },
  ]);
  expect(fileTrace(trace)).toBeDefined();
  const node = trace.nodes.get('span-1') as SpanNode;
  change(node, node.entry as LogEntry);
  expect(fileTrace(trace)).toBeUndefined();
});
