import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogEntry } from '../../src/delivery/ledger/log-entry.ts';
import { createNode } from '../../src/trace/create-node.ts';
import { fileTrace, unfileTrace } from '../../src/trace/filed-trace.ts';
import { makePlumbing } from '../../src/trace/same-call/resolver-host.ts';
import { createTrace, type SpanNode, type ToolFacts, type Trace } from '../../src/trace/span-node.ts';
import { createLedger, deliveredLog, offeredLog, sendReady, updatedLog } from '../delivery/offered-logs.ts';
import { makeTrace, type PlannedNode } from './make-trace.ts';

const TOOL: ToolFacts = {
  name: 'tool',
  mcpRole: undefined,
  scope: 'scope',
  arguments: new Map(),
  output: undefined,
  hasError: false,
};

/** Any forest, in any order: `up` names a span before it, and `order` where it stands. */
const plans: fc.Arbitrary<PlannedNode[]> = fc
  .array(
    fc.record({
      up: fc.nat(),
      fate: fc.constantFrom('none', 'delivered', 'dropped', 'unseen', 'remote', 'awaited', 'elsewhere'),
      order: fc.nat(),
    }),
    { maxLength: 40 },
  )
  .map((spans) => {
    const places = spans.map((_, index) => index).sort((a, b) => (spans[a]?.order ?? 0) - (spans[b]?.order ?? 0));
    return places.map((index): PlannedNode => {
      const { up, fate } = spans[index] as (typeof spans)[number];
      const isPlaceholder = ['unseen', 'remote', 'awaited', 'elsewhere'].includes(fate);
      return { fate, parent: isPlaceholder ? -1 : places.indexOf((up % (index + 1)) - 1) };
    });
  });

/** Spans in the order of their ids: filed, parents come first. */
function picture(trace: Trace) {
  const nodes = [...trace.nodes.values()].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
  return {
    context: trace.context,
    nodes: nodes.map(({ spanId, parent, state, isNoLog, entry }) => ({
      spanId,
      parent: parent?.spanId,
      state,
      isNoLog,
      log: entry && [
        entry.referenceId,
        entry.state,
        entry.isFinal,
        entry.isElsewhere,
        entry.effectiveParent?.referenceId,
      ],
    })),
  };
}

test('what a late span finds in a filed trace is what it would have found in the trace', () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const trace = makeTrace('t'.repeat(32), plan);
      const filed = fileTrace(trace);
      expect(filed).toBeDefined();
      // An id and a code for each span, which is filed once.
      expect(filed!.spans).toHaveLength(2 * plan.length);
      expect(picture(unfileTrace(filed!))).toEqual(picture(trace));
      expect(unfileTrace(fileTrace(unfileTrace(filed!))!)).toEqual(unfileTrace(filed!));
    }),
  );
});

test('a filing that failed half-way leaves nothing behind for the next, in which spans may have another order', () => {
  fc.assert(
    fc.property(plans, fc.nat(), (plan, at) => {
      const trace = makeTrace('t'.repeat(32), plan);
      const undecided = createNode(trace, 'undecided', 'retired', undefined);
      const nodes = [...trace.nodes.entries()].filter(([, node]) => node !== undecided);
      const half = at % (nodes.length + 1);
      trace.nodes.clear();
      for (const [id, node] of nodes.slice(0, half)) trace.nodes.set(id, node);
      trace.nodes.set('undecided', undecided);
      expect(fileTrace(trace)).toBeUndefined();
      trace.nodes.clear();
      for (const [id, node] of nodes.reverse()) trace.nodes.set(id, node);
      const filed = fileTrace(trace)!;
      expect(filed.spans).toHaveLength(2 * plan.length);
      expect(picture(unfileTrace(filed))).toEqual(picture(trace));
    }),
  );
});

test('while details are kept, it finds what a judgement and a span of the same call are compared with, too', () => {
  const details = fc.record({
    kind: fc.constantFrom(undefined, 'model', 'tool', 'agent', 'generic'),
    callId: fc.option(fc.string(), { nil: undefined }),
    callerId: fc.option(fc.string(), { nil: undefined }),
    tool: fc.option(fc.constant(TOOL), { nil: undefined }),
  });
  const detailsOf = (trace: Trace) =>
    Object.fromEntries(
      [...trace.nodes.values()].map(({ spanId, kind, callId, callerId, tool }) => [
        spanId,
        { kind, callId, callerId, tool },
      ]),
    );
  fc.assert(
    fc.property(plans, fc.infiniteStream(details), (plan, stream) => {
      const trace = makeTrace('t'.repeat(32), plan);
      for (const node of trace.nodes.values()) Object.assign(node, stream.next().value);
      const filed = fileTrace(trace, true)!;
      expect(detailsOf(unfileTrace(filed))).toEqual(detailsOf(trace));
      expect(picture(unfileTrace(filed))).toEqual(picture(trace));
    }),
  );
});

const nodeOfAnother = () => createNode(createTrace('another'), 'span', 'due', undefined);
const JUDGED = new Set(['{}']);
test.each<[string, (node: SpanNode) => void]>([
  ['is plumbing of another log', (node) => (node.keeper = { entry: undefined })],
  ['has the log of another one', (node) => makePlumbing(nodeOfAnother(), node)],
  ['was judged', (node) => (node.judged = JUDGED)],
  ['was updated', (node) => (node.overrides = { output: 'text' })],
  ['got an event', (node) => (node.events = [{ name: 'event', time: [0, 0] }])],
  ['absorbed another', (node) => (node.absorbed = { reading: {}, bytes: 0 })],
  ['is a request to an MCP server', (node) => (node.trace.requests = [node])],
  [
    'stands for an agent whose first call is known',
    (node) => Object.assign(node, { state: 'remote', firstCall: { model: 'm', startSeconds: 0 } }),
  ],
  [
    'has a log that the app has updated',
    (node) => {
      const { ledger } = createLedger();
      const entry = offeredLog(ledger, 'log');
      ledger.override(entry, { output: 'text' });
      for (const sent of sendReady(ledger)) ledger.stored(sent, sent.desired);
      node.entry = entry;
    },
  ],
])('a trace with a span that %s is filed only where details may be forgotten', (_, change) => {
  const trace = makeTrace('t'.repeat(32), [
    { parent: -1, fate: 'delivered' },
    { parent: 0, fate: 'none' },
  ]);
  expect(fileTrace(trace, true)).toBeDefined();
  change(trace.nodes.get('span-1') as SpanNode);
  expect(fileTrace(trace, true)).toBeUndefined();
  expect(fileTrace(trace)).toBeDefined();
});

test('an ancestor that the trace has forgotten is kept, as long as a span still hangs under it', () => {
  const trace = makeTrace('t'.repeat(32), [
    { parent: -1, fate: 'delivered' },
    { parent: 0, fate: 'none' },
  ]);
  trace.nodes.delete('span-0');
  const [parent, child] = [...unfileTrace(fileTrace(trace)!).nodes.values()];
  expect(child?.parent).toBe(parent);
  expect(parent?.entry).toMatchObject({ referenceId: `${'t'.repeat(32)}-span-0`, state: 'delivered' });
});

test.each<[string, () => LogEntry | undefined]>([
  ['is not delivered', () => offeredLog(createLedger().ledger, 'log')],
  ['can still change', () => deliveredLog(createLedger().ledger, 'log', undefined, { isFinal: false })],
  ['has an update under way', () => updatedLog()],
  ['is not judged yet', () => undefined],
])('a trace with a log that %s is not filed', (_, createEntry) => {
  const trace = makeTrace('t'.repeat(32), [
    { parent: -1, fate: 'none' },
    { parent: 0, fate: 'delivered' },
  ]);
  expect(fileTrace(trace)).toBeDefined();
  const node = trace.nodes.get('span-1') as SpanNode;
  node.entry = createEntry();
  expect(fileTrace(trace)).toBeUndefined();
});

test('a trace that cannot be filed costs no more than the spans up to the first that forbids it: it is tried often', () => {
  const trace = createTrace('t'.repeat(32));
  const root = createNode(trace, 'forgotten while open', 'retired', undefined);
  for (let index = 0; index < 3; index++) createNode(trace, `span-${index}`, 'retired', root).isNoLog = true;
  const seen: string[] = [];
  const nodes = [...trace.nodes.values()];
  trace.nodes.values = function* () {
    for (const node of nodes) {
      seen.push(node.spanId);
      yield node;
    }
    return undefined;
  };
  expect(fileTrace(trace)).toBeUndefined();
  expect(seen).toEqual(['forgotten while open']);
});
