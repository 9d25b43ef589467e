/**
 * From spans to requests: the one path that the span processor and the exporter share.
 *
 *     start, end → TraceTracker → due → select → map → redact → encode → Delivery → Transport
 *
 * `start` and `end` only note the span. All else runs later, in slices of a few milliseconds between turns of the
 * event loop. Nothing here throws into the app.
 */
import { diag } from '@opentelemetry/api';
import { createHttpTransport } from './client/http-transport.ts';
import type { Transport } from './client/transport.ts';
import { Delivery } from './delivery/delivery.ts';
import { Drops } from './delivery/drops.ts';
import { type Late, LogEntry } from './delivery/log-entry.ts';
import { UPDATES_PER_CONNECTION } from './delivery/sender.ts';
import { HumanloopError } from './errors.ts';
import { LogWriter } from './log-writer.ts';
import { createMapLog } from './map-log.ts';
import type { ResolvedOptions } from './options.ts';
import type { SpanEvent, SpanSlice } from './otel.ts';
import { estimateBytes, estimateEventBytes } from './trace/estimate-bytes.ts';
import { createSelect, isLog, type Select } from './trace/select-spans.ts';
import { referenceOf, type SpanNode } from './trace/span-node.ts';
import { noteContext } from './trace/trace-context.ts';
import { TraceTracker } from './trace/trace-tracker.ts';
import { Turns } from './turns.ts';

/** At this share of a bound, what is held longest is sent early, so that nothing has to be dropped. */
const PRESSURE = 0.75;
const RELEASED_AT_ONCE = 1_000;
/** Small steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;
const MAX_TIMER_MILLIS = 2 ** 31 - 1;

/** Numbers of logs, but for `held`: ended spans of all kinds that wait to be worked off. */
export interface Stats {
  /** Ended spans that wait for an open ancestor or for their turn. */
  readonly held: number;
  /** Logs with something left to send, those in flight included. */
  readonly queued: number;
  /** Requests in flight. */
  readonly inFlight: number;
  /** Logs that the server has acknowledged. */
  readonly logged: number;
  /** Updates by reference that the server has acknowledged. */
  readonly updated: number;
  /** Logs and updates that were sent once more. */
  readonly retried: number;
  /** Given up, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export class Pipeline {
  readonly #options: ResolvedOptions;
  readonly #tracker: TraceTracker;
  readonly #select: Select;
  readonly #isLog: (node: SpanNode) => boolean;
  readonly #drops: Drops;
  readonly #delivery: Delivery;
  readonly #writer: LogWriter;
  readonly #turns = new Turns(() => this.#work());
  /** Called when all that is due by then has been handed to the delivery. */
  #marks: (() => void)[] = [];
  #heldBytes = 0;
  /** Held spans that the spool does not know yet. */
  #drafts: SpanNode[] = [];
  #timer: NodeJS.Timeout | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(options: ResolvedOptions, mode: { awaitsUnseenParents: boolean }, transport?: Transport) {
    this.#options = options;
    this.#tracker = new TraceTracker({ holdMillis: options.holdMillis, ...mode });
    const select = createSelect(options);
    this.#select = select;
    const stubsMissingParents = mode.awaitsUnseenParents && options.missingParent === 'stub';
    this.#isLog = (node) => isLog(node, select, stubsMissingParents);
    this.#drops = new Drops(options.onDrop);
    this.#delivery = new Delivery(
      transport ??
        createHttpTransport({
          ...options,
          connections: options.concurrency,
          pipelining: UPDATES_PER_CONNECTION,
        }),
      this.#drops,
      { ...options, isPressed: () => this.#usage() > PRESSURE },
    );
    this.#writer = new LogWriter(this.#delivery, createMapLog(options), options, this.#isLog);
  }

  get isShutDown(): boolean {
    return this.#shutdown !== undefined;
  }

  start(span: SpanSlice): void {
    if (this.#shutdown) return;
    guard(() => {
      this.#tracker.start(span);
      if (this.#tracker.openCount > this.#options.queue.maxItems) this.#forgetOldestOpen();
    });
  }

  end(span: SpanSlice): void {
    if (this.#shutdown) return this.#endTooLate(span);
    guard(() => {
      const node = this.#tracker.end(span, performance.now());
      this.#heldBytes -= node.heldBytes;
      node.heldBytes = estimateBytes(span);
      this.#heldBytes += node.heldBytes;
      if (this.#delivery.spool && node.state === 'held') this.#drafts.push(node);
      this.#relieve();
      this.#turns.schedule();
    });
  }

  /** What the app learns of a log later. Of a log that is not known here, it is sent as an update all the same. */
  update(traceId: string, spanId: string, late: Late): void {
    if (this.#shutdown) return;
    guard(() => {
      const node = this.#tracker.find(traceId, spanId);
      if (node && !node.entry) {
        node.overrides = { ...node.overrides, ...late };
        return;
      }
      const entry = node?.entry ?? deliveredElsewhere(`${traceId}-${spanId}`);
      this.#writer.update(entry, late);
    });
  }

  /** An event that belongs to a span and did not come on it. Of a log that is written already it can bring the output. */
  addEvent(traceId: string, spanId: string, event: SpanEvent): void {
    if (this.#shutdown) return;
    guard(() => {
      const node = this.#tracker.find(traceId, spanId);
      if (!node || node.isNoLog) return;
      if (node.state === 'settled') {
        if (node.entry) this.#writer.writeEvent(node, node.entry, event);
        return;
      }
      node.events ??= [];
      node.events.push(event);
      const bytes = estimateEventBytes(event);
      node.heldBytes += bytes;
      this.#heldBytes += bytes;
    });
  }

  stats(): Stats {
    return { held: this.#tracker.pendingCount, ...this.#delivery.stats(), dropped: this.#drops.counts };
  }

  /** Resolves when all that had ended before is acknowledged or dropped. Rejects at the deadline. */
  flush(timeoutMillis: number): Promise<void> {
    return keepingAlive(this.#flush(timeoutMillis));
  }

  async #flush(timeoutMillis: number): Promise<void> {
    const deadlineMillis = performance.now() + timeoutMillis;
    this.#tracker.releaseAll();
    await this.#worked();
    await this.#delivery.flush(deadlineMillis - performance.now());
  }

  /** Resolves when all that is due is acknowledged or dropped; what is held may stay held. */
  async settle(timeoutMillis: number): Promise<void> {
    await this.#worked();
    await this.#delivery.flush(timeoutMillis);
  }

  /** Closes what is still open, flushes, counts what is left as dropped. Idempotent. */
  shutdown(timeoutMillis: number): Promise<void> {
    this.#shutdown ??= keepingAlive(this.#close(timeoutMillis));
    return this.#shutdown;
  }

  async #close(timeoutMillis: number): Promise<void> {
    const deadlineMillis = performance.now() + timeoutMillis;
    clearTimeout(this.#timer);
    try {
      this.#tracker.releaseAll();
      await inTime(this.#worked(), timeoutMillis);
      this.#writer.closesOpenSpans = true;
      for (const node of [...this.#tracker.openNodes(), ...this.#writer.stubs]) {
        if (this.#isLog(node)) guard(() => this.#writer.write(node));
      }
      await this.#delivery.flush(deadlineMillis - performance.now());
    } catch (error) {
      diag.warn('humanloop-otel: shut down before everything was delivered', error);
    }
    await this.#delivery.close();
  }

  /** Resolves when all that is due now has been mapped and handed on. */
  #worked(): Promise<void> {
    return new Promise((resolve) => {
      this.#marks.push(resolve);
      this.#turns.schedule();
    });
  }

  /**
   * All that is due, a step at a time. What is due together is judged before any of it is written, and written before
   * any of it is let go: a parent's log depends on its descendants, a child's session on its ancestors.
   */
  *#work(): Generator<void> {
    for (;;) {
      this.#writer.mayRepeatStubs = this.#tracker.hasForgotten;
      this.#tracker.releaseOverdue(performance.now());
      const marks = this.#marks;
      this.#marks = [];
      const due = this.#tracker.takeDue();
      let steps = 0;
      for (const node of due) {
        this.#isLog(node);
        if (++steps % STEPS_PER_LOOK === 0) yield;
      }
      for (const node of due) {
        if (!node.kind && !node.entry) continue;
        this.#writer.write(node);
        yield;
      }
      for (const node of due) {
        this.#settle(node);
        if (++steps % STEPS_PER_LOOK === 0) yield;
      }
      const drafts = this.#drafts;
      this.#drafts = [];
      for (const node of drafts) {
        if (node.state === 'held') this.#writer.draft(node);
        yield;
      }
      for (const reached of marks) reached();
      if (due.length + drafts.length + this.#marks.length === 0) break;
    }
    this.#workAt(this.#tracker.nextReleaseMillis);
  }

  #settle(node: SpanNode): void {
    this.#heldBytes -= node.heldBytes;
    node.heldBytes = 0;
    if (node.trace.openCount > 0) noteContext(node, this.#options.session);
    if (node.isDrafted && !node.entry) this.#delivery.spool?.forget(referenceOf(node));
    this.#tracker.settle(node);
  }

  #workAt(atMillis: number | undefined): void {
    clearTimeout(this.#timer);
    if (atMillis === undefined || this.#shutdown) return;
    this.#timer = setTimeout(() => this.#turns.schedule(), Math.max(0, Math.ceil(atMillis - performance.now())));
    this.#timer.unref();
  }

  /** A part at once, so that it is seldom done. */
  #forgetOldestOpen(): void {
    for (const node of this.#tracker.forgetOldestOpen(Math.ceil(this.#options.queue.maxItems / 10))) {
      if (node.entry) this.#delivery.finish(node.entry);
      if (this.#isLog(node)) this.#drops.add('span_forgotten', referenceOf(node), 'open for too long');
      node.span = undefined;
    }
    this.#turns.schedule();
  }

  #endTooLate(span: SpanSlice): void {
    guard(() => {
      if (!this.#select(span)) return;
      const { traceId, spanId } = span.spanContext();
      this.#drops.add('shutdown', `${traceId}-${spanId}`, 'the span ended after shutdown');
    });
  }

  /** The fuller of the two bounds, as a share of it. */
  #usage(): number {
    const { queue } = this.#options;
    const items = this.#tracker.pendingCount + this.#delivery.heldCount;
    return Math.max(items / queue.maxItems, (this.#heldBytes + this.#delivery.bytes) / queue.maxBytes);
  }

  #relieve(): void {
    if (this.#usage() <= PRESSURE) return;
    this.#tracker.releaseOldest(RELEASED_AT_ONCE);
    while (this.#usage() > 1 && this.#delivery.dropOldestTrace('queue_full'));
  }
}

/** A log that this process has not sent, or has forgotten: only an update can reach it. */
function deliveredElsewhere(referenceId: string): LogEntry {
  const entry = new LogEntry(referenceId, undefined, []);
  entry.state = 'delivered';
  entry.isFinal = true;
  return entry;
}

/** A fault of ours, or of a span that breaks every promise, must not reach the app. */
function guard(step: () => void): void {
  try {
    step();
  } catch (error) {
    diag.error('humanloop-otel: a span could not be handled', error);
  }
}

/**
 * All timers and immediates here are unref'ed. Somebody who awaits a flush at the end of a script must get an answer
 * all the same, and not a process that ends under it; both have a deadline.
 */
async function keepingAlive(work: Promise<void>): Promise<void> {
  const reference = setInterval(() => undefined, MAX_TIMER_MILLIS);
  await work.finally(() => clearInterval(reference));
}

async function inTime(work: Promise<void>, timeoutMillis: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(new HumanloopError(`not done within ${timeoutMillis} ms`)), timeoutMillis);
  });
  await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
