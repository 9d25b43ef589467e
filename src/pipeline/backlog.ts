/**
 * Works off the spans that are due, in slices between turns of the event loop.
 *
 * What is due together of one trace is judged and read before any of it is written, and written before any of it is let
 * go: which spans tell of the same call shows only when all are read, and a child's session may stand on an ancestor.
 */
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { Turns } from '../scheduling/turns.ts';
import { settleRun } from '../trace/same-call/settle-run.ts';
import type { SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import type { LogWriter } from './log-writer.ts';
import { readNode } from './map-log.ts';

/** Small steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;
/** Of a larger trace, parts of this size are looked at by themselves: all readings of a part are in memory. */
const MAX_RUN = 1_000;
/**
 * How long due spans gather. In an app that does other things between its spans, one trace alone finds no code and no
 * data in the processor's caches, and costs twice what it costs as one of twenty.
 */
const GATHER_MILLIS = 100;
/** So many due spans need not gather longer. */
const GATHERED = 250;

export class Backlog {
  readonly #tracker: TraceTracker;
  readonly #writer: LogWriter;
  readonly #isLog: (node: SpanNode) => boolean;
  readonly #conventions: ResolvedOptions['conventions'];
  readonly #retire: (node: SpanNode, isTraceDone: boolean) => void;
  readonly #turns = new Turns(() => this.#work());
  /** Called when all that is due by then has been handed to the delivery. */
  #marks: (() => void)[] = [];
  /** Held spans that the spool does not know yet. */
  #drafts: SpanNode[] = [];
  /** Open spans that are to be written as ended. */
  #closing: SpanNode[] = [];
  readonly #gatherMillis: number;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMillis = Number.POSITIVE_INFINITY;
  /** A timer is set for what has become due. */
  #isGathering = false;

  /**
   * `retire` is called for each span that is worked off, and told whether nothing else of its trace is open or due. With
   * a spool nothing gathers: what has ended is to reach the disk.
   */
  constructor(
    tracker: TraceTracker,
    writer: LogWriter,
    isLog: (node: SpanNode) => boolean,
    { conventions, spool }: Pick<ResolvedOptions, 'conventions' | 'spool'>,
    retire: (node: SpanNode, isTraceDone: boolean) => void,
  ) {
    this.#tracker = tracker;
    this.#writer = writer;
    this.#isLog = isLog;
    this.#conventions = conventions;
    this.#retire = retire;
    this.#gatherMillis = spool ? 0 : GATHER_MILLIS;
  }

  /** Something may be due. */
  schedule(): void {
    const { dueCount } = this.#tracker;
    if (dueCount + this.#drafts.length === 0) {
      if (!this.#timer) this.#workAt(this.#tracker.nextReleaseMillis);
    } else if (dueCount >= GATHERED || this.#gatherMillis === 0) {
      this.#turns.schedule();
    } else if (!this.#isGathering) {
      this.#workAt(performance.now() + this.#gatherMillis);
      this.#isGathering = true;
    }
  }

  draft(node: SpanNode): void {
    this.#drafts.push(node);
  }

  /** Resolves when all that is due now has been mapped and handed on. */
  worked(): Promise<void> {
    return new Promise((resolve) => {
      this.#marks.push(resolve);
      this.#turns.schedule();
    });
  }

  /** Writes open spans as ended. No more time-outs are watched: everything was released before. */
  closeOpen(nodes: SpanNode[]): Promise<void> {
    this.#clearTimer();
    this.#writer.closesOpenSpans = true;
    this.#closing = nodes;
    return this.worked();
  }

  *#work(): Generator<void> {
    for (;;) {
      this.#writer.mayRepeatStubs = this.#tracker.hasForgotten;
      this.#tracker.releaseOverdue(performance.now());
      const marks = this.#marks;
      this.#marks = [];
      for (const due of this.#tracker.takeDue()) {
        for (const run of partsOf(due)) yield* this.#workOff(run);
      }
      const closing = this.#closing.splice(0);
      yield* this.#write(closing);
      const drafts = this.#drafts.splice(0);
      for (const node of drafts) {
        if (node.state === 'held') guard(() => this.#writer.draft(node));
        yield;
      }
      for (const reached of marks) reached();
      // Whatever was done here was done in turns, between which somebody may have asked for more.
      if (this.#marks.length + this.#drafts.length === 0) break;
    }
    this.schedule();
  }

  *#workOff(run: readonly SpanNode[]): Generator<void> {
    let steps = 0;
    const logs: SpanNode[] = [];
    const heldAgain = new Set<SpanNode>();
    for (const node of run) {
      guard(() => {
        if (!this.#isLog(node)) return;
        if (this.#tracker.holdWithAncestor(node, this.#isLog)) heldAgain.add(node);
        else logs.push(node);
      });
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
    for (const node of logs) {
      guard(() => {
        if (node.span) node.reading ??= readNode(node, node.span, this.#conventions);
      });
      yield;
    }
    guard(() => settleRun(logs));
    yield* this.#write(logs, heldAgain);
    let left = run.length;
    for (const node of run) {
      const { openCount, pendingCount } = node.trace;
      if (!heldAgain.has(node)) guard(() => this.#retire(node, openCount === 0 && pendingCount === left));
      left--;
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
  }

  *#write(nodes: readonly SpanNode[], heldAgain?: Set<SpanNode>): Generator<void> {
    for (const node of nodes) {
      guard(() => {
        if (!this.#isLog(node)) return;
        if (this.#tracker.place(node, this.#isLog)) this.#writer.write(node);
        else heldAgain?.add(node);
      });
      yield;
    }
  }

  /** At the latest: a timer that fires sooner does no harm. */
  #workAt(atMillis: number | undefined): void {
    if (atMillis === undefined || atMillis >= this.#timerAtMillis || this.#writer.closesOpenSpans) return;
    this.#clearTimer();
    this.#timerAtMillis = atMillis;
    this.#timer = setTimeout(
      () => {
        this.#clearTimer();
        this.#turns.schedule();
      },
      Math.max(0, Math.ceil(atMillis - performance.now())),
    );
    this.#timer.unref();
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMillis = Number.POSITIVE_INFINITY;
    this.#isGathering = false;
  }
}

function* partsOf(due: readonly SpanNode[]): Generator<readonly SpanNode[]> {
  if (due.length <= MAX_RUN) return yield due;
  for (let start = 0; start < due.length; start += MAX_RUN) yield due.slice(start, start + MAX_RUN);
}
