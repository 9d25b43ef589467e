/** When spans that have ended are worked off, on a fake clock: the intake and the backlog together. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SpanSlice } from '../../src/otel/span-slice.ts';
import { Backlog, type BacklogOptions } from '../../src/pipeline/backlog.ts';
import { ENDED, Intake } from '../../src/pipeline/intake.ts';
import type { SpanNode } from '../../src/trace/span-node.ts';
import { TraceTracker } from '../../src/trace/trace-tracker.ts';
import { makeSpan } from '../conventions/span.ts';

/** A lone trace is worked off within this time after its last span's end. */
const LONE_MILLIS = 31;
/** Whatever comes, an ended span is worked off within this time. */
const GATHER_MILLIS = 107;
const HOLD_MILLIS = 1_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function spanOf(trace: number, span: number, parent?: number): SpanSlice {
  const traceId = String(trace).padStart(32, '0');
  return makeSpan(
    {},
    {
      traceId,
      spanId: String(span).padStart(16, '0'),
      ...(parent !== undefined && { parentSpanContext: { spanId: String(parent).padStart(16, '0') } }),
    },
  );
}

function start(options: Partial<BacklogOptions> & { gathers?: boolean } = {}) {
  const tracker = new TraceTracker({ holdMillis: HOLD_MILLIS, missingParent: 'stub', awaitsUnseenParents: false });
  const runs: { readonly atMillis: number; readonly nodes: readonly SpanNode[] }[] = [];
  const backlog = new Backlog(tracker, {
    catchUp: () => intake.catchUp(),
    *work(run) {
      runs.push({ atMillis: performance.now(), nodes: [...run] });
      for (const node of run) tracker.retire(node);
      yield;
    },
    onIdle: () => undefined,
    ...options,
  });
  const intake = new Intake({
    gathers: options.gathers ?? true,
    follow({ spans, events }) {
      for (const [at, span] of spans.entries()) {
        if (events[at] === ENDED) tracker.end(span, performance.now());
        else tracker.start(span);
      }
    },
    onGathered: () => backlog.work(),
  });
  const begin = (span: SpanSlice) => intake.start(span, undefined);
  const end = (span: SpanSlice) => intake.end(span);
  const worked = () => runs.flatMap(({ nodes }) => nodes.map(({ spanId }) => Number(spanId)));
  return { tracker, intake, backlog, runs, begin, end, worked };
}

describe('due spans', () => {
  it('are worked off together, trace by trace, when nothing has come for a moment', () => {
    const { runs, end } = start();
    end(spanOf(1, 1));
    vi.advanceTimersByTime(10);
    end(spanOf(2, 2));
    end(spanOf(2, 3));
    const lastMillis = performance.now();
    vi.advanceTimersByTime(12);
    expect(runs).toEqual([]);
    vi.advanceTimersByTime(LONE_MILLIS);
    expect(runs.map(({ nodes }) => nodes.length)).toEqual([1, 2]);
    expect(runs[0]!.atMillis - lastMillis).toBeLessThanOrEqual(LONE_MILLIS);
  });

  it('gather as long as more comes, but not for ever', () => {
    const { runs, end } = start();
    const startMillis = performance.now();
    for (let span = 1; runs.length === 0; span++) {
      end(spanOf(span, span));
      vi.advanceTimersByTime(10);
    }
    const waitedMillis = runs[0]!.atMillis - startMillis;
    expect(waitedMillis).toBeGreaterThan(90);
    expect(waitedMillis).toBeLessThanOrEqual(GATHER_MILLIS);
    expect(runs.length).toBeGreaterThan(8);
  });

  it('do not gather if there are many, or with a spool', () => {
    const many = start();
    for (let span = 0; span < 250; span++) {
      many.begin(spanOf(span, span));
      many.end(spanOf(span, span));
    }
    vi.advanceTimersByTime(0);
    expect(many.worked()).toHaveLength(250);
    const atOnce = start({ gathers: false });
    atOnce.end(spanOf(1, 1));
    vi.advanceTimersByTime(0);
    expect(atOnce.worked()).toEqual([1]);
  });

  it('that end between two slices are known in the next one, and worked off without another wait', () => {
    let aheadMillis = 0;
    const read = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => read() + aheadMillis);
    const late = spanOf(2, 2);
    const known: boolean[] = [];
    const { tracker, runs, end } = start({
      *work(run) {
        runs.push({ atMillis: performance.now(), nodes: [...run] });
        for (let step = 0; step < 2; step++) {
          known.push(tracker.find(late.spanContext().traceId, late.spanContext().spanId) !== undefined);
          // The slice is over.
          aheadMillis = 5;
          yield;
          aheadMillis = 0;
        }
        for (const node of run) tracker.retire(node);
      },
    });
    for (let span = 1_000; span < 1_500; span++) end(spanOf(1, span));
    vi.advanceTimersToNextTimer();
    expect(known).toEqual([false]);
    end(late);
    vi.advanceTimersToNextTimer();
    expect(known).toEqual([false, true]);
    for (let span = 2_000; span < 2_500; span++) end(spanOf(3, span));
    for (let turn = 0; turn < 5; turn++) vi.advanceTimersToNextTimer();
    expect(runs.map(({ nodes }) => nodes.length)).toEqual([500, 1, 500]);
  });

  it('of many small traces do not keep the app waiting, though none of them takes a slice', () => {
    let aheadMillis = 0;
    const read = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => read() + aheadMillis);
    const { tracker, runs, end } = start({
      // biome-ignore lint/correctness/useYield: a trace that is so small.
      *work(run) {
        runs.push({ atMillis: performance.now(), nodes: [...run] });
        for (const node of run) tracker.retire(node);
        aheadMillis += 1;
      },
    });
    for (let trace = 0; trace < 500; trace++) end(spanOf(trace, trace));
    vi.advanceTimersToNextTimer();
    expect(runs.length).toBeGreaterThanOrEqual(4);
    expect(runs.length).toBeLessThan(8);
    // A turn for each slice.
    for (let turn = 0; turn < 125; turn++) vi.advanceTimersToNextTimer();
    expect(runs).toHaveLength(500);
  });

  it('are worked off when their hold time is over, even if nothing else happens', () => {
    const { tracker, end, worked } = start();
    tracker.start(spanOf(1, 1));
    end(spanOf(1, 2, 1));
    vi.advanceTimersByTime(HOLD_MILLIS - 1);
    expect(worked()).toEqual([]);
    vi.advanceTimersByTime(LONE_MILLIS + 2);
    expect(worked()).toEqual([2]);
  });

  it('of a large trace are worked off in runs', () => {
    const { tracker, runs, end } = start();
    tracker.start(spanOf(1, 0));
    for (let span = 1; span < 2_500; span++) end(spanOf(1, span, 0));
    end(spanOf(1, 0));
    vi.advanceTimersByTime(GATHER_MILLIS + 1);
    expect(runs.map(({ nodes }) => nodes.length)).toEqual([1_000, 1_000, 500]);
  });
});

it('keeps no list of what was noted or worked off: V8 may have counted it among old objects', () => {
  const lists: (readonly unknown[])[] = [];
  const { tracker, begin, end, intake } = start({
    *work(run) {
      lists.push(run);
      for (const node of run) tracker.retire(node);
      yield;
    },
  });
  begin(spanOf(1, 1));
  for (let span = 2; span < 5; span++) end(spanOf(1, span, 1));
  end(spanOf(1, 1));
  intake.catchUp();
  const node = tracker.find(spanOf(1, 1).spanContext().traceId, spanOf(1, 1).spanContext().spanId);
  vi.advanceTimersByTime(LONE_MILLIS);
  expect(lists.map(({ length }) => length)).toEqual([0]);
  expect(node?.waiters).toBeUndefined();
  for (let span = 2_000; span < 3_500; span++) end(spanOf(2, span));
  vi.advanceTimersByTime(LONE_MILLIS);
  expect(lists.map(({ length }) => length)).toEqual([0, 0, 0]);
});

describe('workedOff', () => {
  it('resolves when all spans that were due at the call are worked off, and all jobs', async () => {
    const { backlog, end, worked } = start();
    const steps: string[] = [];
    end(spanOf(1, 1));
    backlog.add(
      (function* () {
        steps.push(`job after ${worked().length}`);
        yield;
      })(),
    );
    const done = backlog.workedOff().then(() => steps.push('done'));
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(steps).toEqual(['job after 1', 'done']);
  });

  it('works off a job once', async () => {
    let caughtUpCount = 0;
    const { backlog } = start({ catchUp: () => caughtUpCount++ });
    const createJob = function* () {
      yield;
    };
    const workOff = () => Promise.all([backlog.workedOff(), vi.advanceTimersByTimeAsync(1)]);
    await workOff();
    const withoutJobs = caughtUpCount;
    for (let job = 0; job < 10; job++) backlog.add(createJob());
    await workOff();
    expect(caughtUpCount).toBe(2 * withoutJobs + 20);
    await workOff();
    expect(caughtUpCount).toBe(3 * withoutJobs + 20);
  });

  it('does not wait for held spans, or for work that is added by what it waited for', async () => {
    const { tracker, backlog, end, worked } = start();
    tracker.start(spanOf(1, 1));
    end(spanOf(1, 2, 1));
    await Promise.all([backlog.workedOff(), vi.advanceTimersByTimeAsync(1)]);
    expect(worked()).toEqual([]);
  });

  it('resolves for each caller, even if it is called during the work', async () => {
    const waiting: Promise<void>[] = [];
    const started = start({
      *work(run) {
        for (const node of run) started.tracker.retire(node);
        if (waiting.length < 3) waiting.push(started.backlog.workedOff());
        yield;
      },
    });
    started.end(spanOf(1, 1));
    started.end(spanOf(2, 2));
    waiting.push(started.backlog.workedOff());
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(waiting);
    expect(waiting).toHaveLength(3);
  });
});

it('sets no timer after it is closed', async () => {
  const { tracker, backlog, end, worked } = start();
  tracker.start(spanOf(1, 1));
  end(spanOf(1, 2, 1));
  backlog.close();
  await vi.advanceTimersByTimeAsync(10 * HOLD_MILLIS);
  expect([worked(), vi.getTimerCount()]).toEqual([[], 0]);
  tracker.releaseAll();
  await Promise.all([backlog.workedOff(), vi.advanceTimersByTimeAsync(1)]);
  expect(worked()).toEqual([2]);
});

it('works off each ended span once, soon after it is due, whatever happens in any order', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('end' as const), trace: fc.nat(3), parent: fc.nat(2) }),
    fc.record({ kind: fc.constant('wait' as const), millis: fc.nat(300) }),
    fc.record({ kind: fc.constant('flush' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { tracker, backlog, runs, end, worked } = start();
      // The first two spans of a trace stay open, so that spans that end below them are held.
      for (let trace = 0; trace < 4; trace++) {
        for (let parent = 0; parent < 2; parent++) tracker.start(spanOf(trace, trace * 10 + parent));
      }
      const endedAtMillis = new Map<number, number>();
      let next = 100;
      for (const planned of steps) {
        if (planned.kind === 'wait') vi.advanceTimersByTime(planned.millis);
        else if (planned.kind === 'flush') void backlog.workedOff();
        else {
          const isRoot = planned.parent === 2;
          end(spanOf(planned.trace, next, isRoot ? undefined : planned.trace * 10 + planned.parent));
          endedAtMillis.set(next++, performance.now());
        }
      }
      vi.advanceTimersByTime(HOLD_MILLIS + 2 * GATHER_MILLIS);
      expect(worked().sort((a, b) => a - b)).toEqual([...endedAtMillis.keys()]);
      for (const { atMillis, nodes } of runs) {
        for (const { spanId } of nodes) {
          const waitedMillis = atMillis - endedAtMillis.get(Number(spanId))!;
          expect(waitedMillis).toBeLessThanOrEqual(HOLD_MILLIS + GATHER_MILLIS + 2);
        }
      }
      backlog.close();
    }),
  );
});

describe('work that is postponed', () => {
  it('starts when what it waits for is settled, and a flush waits with it', async () => {
    const { backlog, end, worked } = start();
    let settle = () => {};
    backlog.postponeUntil(new Promise<void>((resolve) => (settle = resolve)));
    end(spanOf(1, 1));
    const flushed = backlog.workedOff();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(worked()).toEqual([]);
    settle();
    await vi.advanceTimersByTimeAsync(0);
    await flushed;
    expect(worked()).toEqual([1]);
  });

  it('starts after five seconds at the latest, and if the promise is rejected', async () => {
    const { backlog, end, worked } = start();
    backlog.postponeUntil(new Promise(() => {}));
    end(spanOf(1, 1));
    await vi.advanceTimersByTimeAsync(5_001);
    expect(worked()).toEqual([1]);
    backlog.postponeUntil(Promise.reject(new Error('no detector')));
    end(spanOf(2, 2));
    await vi.advanceTimersByTimeAsync(GATHER_MILLIS + 1);
    expect(worked()).toEqual([1, 2]);
  });
});
