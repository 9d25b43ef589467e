/**
 * Works off the spans that are due, in slices between turns of the event loop.
 *
 * What is due together of one trace is judged and read before any of it is written, and written before any of it is let
 * go: which spans tell of the same call shows only when all are read, and a child's session may stand on an ancestor.
 */
import { guard } from './guard.ts';
import type { LogWriter } from './log-writer.ts';
import { readNode } from './map-log.ts';
import type { ResolvedOptions } from './options.ts';
import { settleRun } from './trace/settle-run.ts';
import type { SpanNode } from './trace/span-node.ts';
import type { TraceTracker } from './trace/trace-tracker.ts';
import { Turns } from './turns.ts';

/** Small steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;
/** Of a larger trace, parts of this size are looked at by themselves: all readings of a part are in memory. */
const MAX_RUN = 1_000;

export class Backlog {
  readonly #tracker: TraceTracker;
  readonly #writer: LogWriter;
  readonly #isLog: (node: SpanNode) => boolean;
  readonly #conventions: ResolvedOptions['conventions'];
  readonly #settle: (node: SpanNode) => void;
  readonly #turns = new Turns(() => this.#work());
  /** Called when all that is due by then has been handed to the delivery. */
  #marks: (() => void)[] = [];
  /** Held spans that the spool does not know yet. */
  #drafts: SpanNode[] = [];
  /** Open spans that are to be written as ended. */
  #closing: SpanNode[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `settle` is called for each span that is worked off. */
  constructor(
    tracker: TraceTracker,
    writer: LogWriter,
    isLog: (node: SpanNode) => boolean,
    conventions: ResolvedOptions['conventions'],
    settle: (node: SpanNode) => void,
  ) {
    this.#tracker = tracker;
    this.#writer = writer;
    this.#isLog = isLog;
    this.#conventions = conventions;
    this.#settle = settle;
  }

  /** Something may be due. */
  schedule(): void {
    this.#turns.schedule();
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
    clearTimeout(this.#timer);
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
      const due = this.#tracker.takeDue();
      for (const run of runsOf(due)) yield* this.#workOff(run);
      const closing = this.#closing.splice(0);
      yield* this.#write(closing);
      const drafts = this.#drafts.splice(0);
      for (const node of drafts) {
        if (node.state === 'held') guard(() => this.#writer.draft(node));
        yield;
      }
      for (const reached of marks) reached();
      // Whatever was done here was done in turns, between which more may have become due.
      if (due.length + closing.length + drafts.length + this.#marks.length === 0) break;
    }
    this.#workAt(this.#tracker.nextReleaseMillis);
  }

  *#workOff(run: readonly SpanNode[]): Generator<void> {
    let steps = 0;
    const logs: SpanNode[] = [];
    for (const node of run) {
      guard(() => this.#isLog(node) && logs.push(node));
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
    for (const node of logs) {
      guard(() => {
        if (node.span) node.reading = readNode(node, node.span, this.#conventions);
      });
      yield;
    }
    guard(() => settleRun(logs));
    yield* this.#write(logs);
    for (const node of run) {
      guard(() => this.#settle(node));
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
  }

  *#write(nodes: readonly SpanNode[]): Generator<void> {
    for (const node of nodes) {
      guard(() => this.#isLog(node) && this.#writer.write(node));
      yield;
    }
  }

  #workAt(atMillis: number | undefined): void {
    clearTimeout(this.#timer);
    if (atMillis === undefined || this.#writer.closesOpenSpans) return;
    this.#timer = setTimeout(() => this.schedule(), Math.max(0, Math.ceil(atMillis - performance.now())));
    this.#timer.unref();
  }
}

/** Spans become due trace by trace: neighbours of one trace, in parts of at most `MAX_RUN`. */
function* runsOf(due: readonly SpanNode[]): Generator<readonly SpanNode[]> {
  let start = 0;
  for (let end = 1; end <= due.length; end++) {
    const isSame = due[end]?.trace === due[start]?.trace;
    if (isSame && end - start < MAX_RUN) continue;
    yield due.slice(start, end);
    start = end;
  }
}
