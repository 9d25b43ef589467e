/** The states of spans: which wait, which are due, which are remembered. No clock and no network. */
import { describe, expect, test } from 'vitest';
import { rememberedEntry } from '../../src/delivery/ledger/earlier-logs.ts';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { findAncestor, referenceOf, type SpanNode } from '../../src/trace/span-node.ts';
import { TraceTracker } from '../../src/trace/trace-tracker.ts';

const TRACE = 't'.repeat(32);
const HOLD_MILLIS = 100;

interface SpanOptions {
  readonly traceId?: string;
  readonly isRemote?: boolean;
}

/** Of these, only ids are read here. */
function span(spanId: string, parent?: string, { traceId = TRACE, isRemote = false }: SpanOptions = {}): SpanSlice {
  return {
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    ...(parent !== undefined && { parentSpanContext: { spanId: parent, isRemote } }),
  } as SpanSlice;
}

const isLog = (node: SpanNode) => node.entry !== undefined || node.state === 'stub' || /^log/.test(node.spanId);
const isLogThatCame = (node: SpanNode) => isLog(node) && (node.span !== undefined || node.entry !== undefined);

class Followed {
  readonly tracker: TraceTracker;

  constructor(options: { awaitsUnseenParents?: boolean; missingParent?: 'stub' | 'root' } = {}) {
    this.tracker = new TraceTracker({
      holdMillis: HOLD_MILLIS,
      awaitsUnseenParents: false,
      missingParent: 'stub',
      ...options,
    });
  }

  start(...args: Parameters<typeof span>): void {
    this.tracker.start(span(...args));
  }

  end(nowMillis: number, ...args: Parameters<typeof span>): void {
    this.tracker.end(span(...args), nowMillis);
  }

  state(spanId: string): string | undefined {
    return this.tracker.find(TRACE, spanId)?.state;
  }

  /** Names of the spans that are due at this time, in their order. They stay due. */
  takeDue(nowMillis = 0): string[] {
    this.tracker.releaseOverdue(nowMillis);
    return this.tracker.takeDue().flatMap((nodes) => nodes.map(({ spanId }) => spanId));
  }

  /** Works off what is due as the pipeline does. Returns what was written and under what. */
  work(nowMillis = 0): string[] {
    this.tracker.releaseOverdue(nowMillis);
    const written: string[] = [];
    for (const node of this.tracker.takeDue().flat()) {
      if (isLog(node) && !this.tracker.place(node, isLogThatCame)) continue;
      if (isLog(node)) written.push(write(node));
      this.tracker.retire(node);
    }
    return written;
  }
}

function write(node: SpanNode): string {
  if (node.entry) return `${node.spanId} again`;
  node.trace.context ??= { session: 's', user: undefined, tags: undefined };
  const parent = findAncestor(node, (step) => step.entry !== undefined || step.state === 'stub' || isLogThatCame(step));
  if (parent && !parent.entry) write(parent);
  node.entry = rememberedEntry(referenceOf(node), parent?.entry, node.trace.logs, 'delivered');
  return parent ? `${node.spanId} under ${parent.spanId}` : `${node.spanId} at the top`;
}

describe('with a processor', () => {
  test('a trace is due as a whole, with its root', () => {
    const spans = new Followed();
    spans.start('root');
    spans.start('middle', 'root');
    spans.start('leaf', 'middle');
    spans.end(0, 'leaf', 'middle');
    spans.end(1, 'middle', 'root');
    expect(['root', 'middle', 'leaf'].map((id) => spans.state(id))).toEqual(['open', 'held', 'held']);
    expect(spans.tracker).toMatchObject({ openCount: 1, pendingCount: 2, dueCount: 0 });
    expect(spans.takeDue()).toEqual([]);
    spans.end(2, 'root');
    expect(spans.tracker).toMatchObject({ openCount: 0, pendingCount: 3, dueCount: 3 });
    expect(spans.takeDue().sort()).toEqual(['leaf', 'middle', 'root']);
    expect(spans.tracker.dueCount).toBe(0);
    expect(spans.takeDue()).toEqual([]);
  });

  test('a child that ends after its parent is due at once', () => {
    const spans = new Followed();
    spans.start('root');
    spans.start('child', 'root');
    spans.end(0, 'root');
    expect(spans.takeDue()).toEqual(['root']);
    spans.end(1, 'child', 'root');
    expect(spans.takeDue()).toEqual(['child']);
  });

  test('what is held long enough releases its open ancestors for all that ends below them', () => {
    const spans = new Followed();
    spans.start('root');
    spans.start('middle', 'root');
    spans.start('first', 'middle');
    spans.start('second', 'middle');
    spans.start('third', 'root');
    spans.end(0, 'first', 'middle');
    spans.end(50, 'second', 'middle');
    expect(spans.tracker.nextReleaseMillis).toBe(HOLD_MILLIS);
    expect(spans.takeDue(HOLD_MILLIS - 1)).toEqual([]);
    expect(spans.takeDue(HOLD_MILLIS)).toEqual(['first', 'second']);
    expect(spans.tracker.nextReleaseMillis).toBeUndefined();
    expect(spans.state('root')).toBe('open');
    spans.end(110, 'third', 'root');
    expect(spans.takeDue()).toEqual(['third']);
  });

  test('what starts below a released span and is still open is waited for', () => {
    const spans = new Followed();
    spans.start('root');
    spans.start('first', 'root');
    spans.end(0, 'first', 'root');
    expect(spans.takeDue(HOLD_MILLIS)).toEqual(['first']);
    spans.start('middle', 'root');
    spans.start('leaf', 'middle');
    spans.end(200, 'leaf', 'middle');
    expect(spans.takeDue(200)).toEqual([]);
    spans.end(210, 'middle', 'root');
    expect(spans.takeDue(210)).toEqual(['middle', 'leaf']);
  });

  test('releases the oldest when asked, or all', () => {
    const spans = new Followed();
    for (const name of ['a', 'b', 'c']) {
      spans.start(`root ${name}`);
      spans.start(name, `root ${name}`);
      spans.end(0, name, `root ${name}`);
    }
    spans.tracker.releaseOldest(1);
    expect(spans.takeDue()).toEqual(['a']);
    spans.tracker.releaseAll();
    expect(spans.takeDue()).toEqual(['b', 'c']);
  });

  test('nothing waits for a parent that never started here, and none is made up', () => {
    const spans = new Followed();
    spans.start('child', 'elsewhere');
    spans.end(0, 'child', 'elsewhere');
    expect(spans.takeDue()).toEqual(['child']);
    expect(spans.tracker.find(TRACE, 'elsewhere')).toBeUndefined();
  });

  test('a span that ends again is due again', () => {
    const spans = new Followed();
    spans.start('log');
    spans.end(0, 'log');
    spans.end(0, 'log');
    expect(spans.work()).toEqual(['log at the top']);
    spans.end(1, 'log');
    expect(spans.tracker.pendingCount).toBe(1);
    expect(spans.work()).toEqual(['log again']);
  });

  test('what was added to an open span is weighed with it when it ends, and let go when it is worked off', () => {
    const followed = new Followed();
    const { tracker } = followed;
    followed.end(0, 'log');
    const ownBytes = tracker.bytes;
    followed.work();
    expect(tracker.bytes).toBe(0);
    followed.start('log-2');
    const node = tracker.find(TRACE, 'log-2') as SpanNode;
    tracker.addEvent(node, { name: 'event', time: [0, 0], attributes: { text: 'x'.repeat(1_000) } });
    tracker.absorb(node, {}, 500);
    const addedBytes = tracker.bytes;
    expect(addedBytes).toBeGreaterThan(1_500);
    followed.end(0, 'log-2');
    expect(tracker.bytes).toBe(addedBytes + ownBytes);
    followed.work();
    expect(tracker.bytes).toBe(0);
    followed.end(0, 'log-2');
    expect(tracker.bytes).toBe(ownBytes);
  });

  test('a trace with logs is remembered, and one that says nothing to a late span is not', () => {
    const spans = new Followed();
    spans.start('log');
    spans.start('other', 'log');
    for (const id of ['other', 'log']) spans.end(0, id);
    spans.work();
    expect(spans.state('other')).toBe('retired');
    expect(spans.tracker.find(TRACE, 'other')?.span).toBeUndefined();
    spans.start('log 2', 'other');
    spans.end(1, 'log 2', 'other');
    expect(spans.work()).toEqual(['log 2 under log']);

    const plain = new Followed();
    plain.start('http');
    plain.end(0, 'http');
    plain.work();
    expect(plain.state('http')).toBeUndefined();
  });

  test('open spans that never end are given up, oldest trace first, and what waited for them is due', () => {
    const spans = new Followed();
    for (const traceId of ['a', 'b']) {
      spans.start(`log ${traceId}`, undefined, { traceId });
      spans.start('child', `log ${traceId}`, { traceId });
      spans.end(0, 'child', `log ${traceId}`, { traceId });
    }
    const forgotten: string[] = [];
    spans.tracker.forgetOldestOpen(1, (node) => forgotten.push(node.spanId));
    expect(forgotten).toEqual(['log a']);
    expect(spans.tracker.openCount).toBe(1);
    expect(spans.takeDue()).toEqual(['child']);
    spans.end(1, 'log a', undefined, { traceId: 'a' });
    expect(spans.takeDue()).toEqual(['log a']);
  });

  test('names what is not worked off yet', () => {
    const spans = new Followed();
    for (const id of ['root', 'child', 'done']) spans.start(id, id === 'child' ? 'root' : undefined);
    spans.end(0, 'child', 'root');
    spans.end(0, 'done');
    spans.work();
    expect([...spans.tracker.unretiredNodes()].map(({ spanId }) => spanId)).toEqual(['root', 'child']);
  });

  test('of a trace without end the oldest ended spans are forgotten, and open ones are not', () => {
    const spans = new Followed();
    spans.start('root');
    spans.start('first', 'root');
    spans.end(0, 'first', 'root');
    expect(spans.work(HOLD_MILLIS)).toEqual([]);
    for (let count = 0; count < 10_000; count++) {
      spans.start(`span ${count}`, 'root');
      spans.end(HOLD_MILLIS, `span ${count}`, 'root');
      if (count % 100 === 0) spans.work();
    }
    expect(spans.state('first')).toBeUndefined();
    expect(spans.state('span 9999')).toBe('due');
    expect(spans.state('root')).toBe('open');
    expect(spans.tracker.hasForgotten).toBe(true);
    expect(spans.tracker.find(TRACE, 'root')?.trace.nodes.size).toBeLessThanOrEqual(10_000);
  });
});

describe('with an exporter', () => {
  const followed = (missingParent: 'stub' | 'root' = 'stub') =>
    new Followed({ awaitsUnseenParents: true, missingParent });

  test('a child waits for its unseen parent, and for what is unseen above that', () => {
    const spans = followed();
    spans.end(0, 'log leaf', 'middle');
    expect(spans.takeDue()).toEqual([]);
    expect(spans.state('middle')).toBe('unseen');
    expect(spans.tracker).toMatchObject({ openCount: 0, pendingCount: 1 });
    spans.end(50, 'middle', 'root');
    expect(spans.takeDue(50)).toEqual([]);
    spans.end(60, 'root');
    expect(spans.takeDue(60).sort()).toEqual(['log leaf', 'middle', 'root']);
  });

  test('spans of one turn are known together, in whatever order they come', () => {
    const spans = followed('root');
    spans.end(0, 'log', 'server');
    spans.end(0, 'server', 'client', { isRemote: true });
    spans.end(0, 'client', 'log agent');
    expect(spans.tracker.dueCount).toBeGreaterThan(0);
    expect(spans.work(0)).toEqual([]);
    spans.end(50, 'log agent');
    expect(spans.work(50).sort()).toEqual(['log agent at the top', 'log under log agent']);
  });

  test('each span waits for its own time', () => {
    const spans = followed('root');
    spans.end(0, 'log 1', 'log parent');
    spans.end(60, 'log 2', 'log parent');
    expect(spans.work(HOLD_MILLIS)).toEqual(['log 1 at the top']);
    expect(spans.tracker.nextReleaseMillis).toBe(160);
    spans.end(150, 'log parent');
    expect(spans.work(150)).toEqual(['log parent at the top', 'log 2 under log parent']);
  });

  test('a span that is no log waits too, and what comes below it waits for its own time again', () => {
    for (const missingParent of ['stub', 'root'] as const) {
      const spans = followed(missingParent);
      spans.end(0, 'http', 'log agent');
      expect(spans.work(HOLD_MILLIS)).toEqual([]);
      expect(spans.state('http')).toBe('retired');
      expect(spans.state('log agent')).toBe('unseen');
      spans.end(500, 'log', 'http');
      expect(spans.work(500 + HOLD_MILLIS - 1)).toEqual([]);
      spans.end(599, 'log agent');
      expect(spans.work(599).sort()).toEqual(['log agent at the top', 'log under log agent']);
    }
  });

  test('a stub is a log from then on: nothing waits for it any more, nor does it', () => {
    const spans = followed();
    spans.end(0, 'log 1', 'parent');
    spans.end(60, 'log 2', 'parent');
    spans.end(60, 'http', 'parent');
    expect(spans.work(HOLD_MILLIS)).toEqual(['log 1 under parent']);
    expect(spans.state('parent')).toBe('stub');
    expect(spans.work(HOLD_MILLIS)).toEqual(['log 2 under parent']);
    spans.end(200, 'log 3', 'http');
    expect(spans.work(200)).toEqual(['log 3 under parent']);
    spans.end(300, 'parent', 'log grandparent');
    expect(spans.work(300)).toEqual(['parent again']);
    spans.end(400, 'log 4', 'parent');
    expect(spans.work(400)).toEqual(['log 4 under parent']);
    expect(spans.state('log grandparent')).toBe('unseen');
  });

  test('at the top of its session it does not keep others waiting', () => {
    const spans = followed('root');
    spans.end(0, 'log 1', 'parent');
    expect(spans.work(HOLD_MILLIS)).toEqual(['log 1 at the top']);
    spans.end(200, 'log 2', 'log 1');
    expect(spans.work(200)).toEqual(['log 2 under log 1']);
    spans.end(200, 'log 3', 'parent');
    expect(spans.work(200)).toEqual([]);
  });

  test.each(['stub', 'root'] as const)(
    'a log whose time is over goes with the logged ancestor that still waits (%s)',
    (missingParent) => {
      const spans = followed(missingParent);
      spans.end(0, 'log leaf', 'http');
      spans.end(0, 'http', 'log middle');
      spans.end(60, 'log middle', 'root');
      expect(spans.work(HOLD_MILLIS)).toEqual([]);
      expect(spans.state('log leaf')).toBe('held');
      expect(spans.tracker.pendingCount).toBe(2);
      spans.end(150, 'root', 'log top');
      expect(spans.work(150)).toEqual([]);
      spans.end(155, 'log top');
      expect(spans.work(155).sort()).toEqual([
        'log leaf under log middle',
        'log middle under log top',
        'log top at the top',
      ]);
    },
  );

  test('so does a chain of thousands of them', () => {
    const spans = followed('root');
    const depth = 9_000;
    for (let index = 0; index < depth; index++) spans.end(index, `log ${index}`, `log ${index + 1}`);
    for (let nowMillis = HOLD_MILLIS; nowMillis < depth; nowMillis += 1_000) expect(spans.work(nowMillis)).toEqual([]);
    const written = spans.work(depth + HOLD_MILLIS).concat(spans.work());
    expect(written).toHaveLength(depth);
    expect(spans.tracker.find(TRACE, 'log 0')?.entry?.parent?.referenceId).toBe(`${TRACE}-log 1`);
    expect(spans.tracker.find(TRACE, `log ${depth - 1}`)?.entry?.parent).toBeUndefined();
  });

  test('a flush takes along the ancestor that came while it was under way', () => {
    const spans = followed('root');
    spans.end(0, 'log', 'log parent');
    spans.tracker.releaseAll();
    const due = spans.tracker.takeDue().flat();
    spans.end(1, 'log parent', 'root');
    expect(due.map((node) => spans.tracker.place(node, isLogThatCame))).toEqual([true]);
    expect(spans.state('log parent')).toBe('due');
    spans.end(2, 'log 2', 'log parent 2');
    spans.takeDue();
    spans.end(3, 'log parent 2', 'root');
    expect(spans.work(2 + HOLD_MILLIS)).toEqual([]);
  });

  test('a remote parent is not waited for, and known when it comes', () => {
    const spans = followed();
    spans.end(0, 'http', 'client', { isRemote: true });
    expect(spans.state('client')).toBe('remote');
    spans.end(0, 'log 1', 'http');
    expect(spans.work(0)).toEqual(['log 1 at the top']);
    spans.end(10, 'client', 'log agent');
    spans.end(10, 'log agent');
    spans.end(20, 'log 2', 'http');
    expect(spans.work(20).sort()).toEqual(['log 2 under log agent', 'log agent at the top']);
  });

  test('a remote parent that a span of this process names is waited for', () => {
    const spans = followed();
    spans.end(0, 'http', 'client', { isRemote: true });
    expect(spans.work(0)).toEqual([]);
    spans.end(10, 'log 1', 'client');
    spans.end(10, 'log 2', 'http');
    expect(spans.state('client')).toBe('unseen');
    expect(spans.work(10)).toEqual([]);
    spans.end(20, 'client');
    expect(spans.work(20).sort()).toEqual(['log 1 at the top', 'log 2 at the top']);
  });

  test('a trace at rest keeps its links, with and without logs', () => {
    const spans = followed();
    spans.end(0, 'http', 'log agent');
    spans.work(HOLD_MILLIS);
    expect([...spans.tracker.unretiredNodes()]).toEqual([]);
    spans.end(200, 'log agent');
    expect(spans.work(200)).toEqual(['log agent at the top']);
    spans.end(1_000, 'log', 'http');
    expect(spans.work(1_000)).toEqual(['log under log agent']);
  });

  test('a parent that never comes does not collect all that has ever waited for it', () => {
    const spans = followed();
    for (let count = 0; count < 1_000; count++) {
      spans.end(count * 10, `http ${count}`, 'parent');
      spans.work(count * 10);
    }
    expect(spans.tracker.find(TRACE, 'parent')?.waiters?.length).toBeLessThanOrEqual(HOLD_MILLIS / 10 + 1);
  });

  test('of a trace without end placeholders are forgotten too, unless somebody waits for them', () => {
    const spans = followed();
    spans.end(0, 'http', 'parent');
    spans.work(HOLD_MILLIS);
    for (let count = 0; count < 5_000; count++) spans.end(200, `http ${count}`, `parent ${count}`);
    expect(spans.tracker.hasForgotten).toBe(true);
    expect(spans.state('parent')).toBeUndefined();
    expect(spans.state('parent 0')).toBe('unseen');
    spans.work(200 + HOLD_MILLIS);
    for (let count = 0; count < 5_000; count++) spans.end(400, `other ${count}`, `other parent ${count}`);
    expect(spans.state('parent 0')).toBeUndefined();
  });
});
