/**
 * From spans to requests: the one path that the span processor and the exporter share.
 *
 *     start, end → TraceTracker → due → select → map → redact → encode → Delivery → Transport
 *
 * `start` and `end` only note the span. All else runs later, in slices of a few milliseconds between turns of the
 * event loop. Nothing here throws into the app.
 */
import { type Context, diag } from '@opentelemetry/api';
import { Delivery } from '../delivery/delivery.ts';
import { Drops } from '../delivery/drops.ts';
import { type Late, LogEntry } from '../delivery/log-entry.ts';
import { UPDATES_PER_CONNECTION } from '../delivery/sender.ts';
import { HumanloopError } from '../errors.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { estimateBytes, estimateEventBytes } from '../trace/estimate-bytes.ts';
import { createSelect, isLog, type Select } from '../trace/select-spans.ts';
import { referenceOf, type SpanNode } from '../trace/span-node.ts';
import { noteBaggage, noteContext } from '../trace/trace-context.ts';
import { TraceTracker } from '../trace/trace-tracker.ts';
import { createGzipTransport } from '../transport/gzip-transport.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport } from '../transport/transport.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import { Backlog } from './backlog.ts';
import { LogWriter } from './log-writer.ts';
import { createMapLog } from './map-log.ts';

/** At this share of a bound, what is held longest is sent early, so that nothing has to be dropped. */
const PRESSURE = 0.75;
const RELEASED_AT_ONCE = 1_000;
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
  /** Logs that shutdown left in the spool for the next start; 0 before. */
  readonly spooled: number;
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
  readonly #backlog: Backlog;
  #heldBytes = 0;
  #shutdown: Promise<void> | undefined;

  constructor(options: ResolvedOptions, mode: { awaitsUnseenParents: boolean }, transport?: Transport) {
    this.#options = options;
    const { holdMillis, missingParent } = options;
    this.#tracker = new TraceTracker({ holdMillis, missingParent, ...mode });
    const select = createSelect(options);
    this.#select = select;
    this.#isLog = (node) => isLog(node, select);
    this.#drops = new Drops(options.onDrop);
    this.#delivery = new Delivery(transport ?? createTransport(options), this.#drops, {
      ...options,
      isPressed: () => this.#usage() > PRESSURE,
    });
    this.#writer = new LogWriter(this.#delivery, createMapLog(options), options, this.#isLog);
    this.#backlog = new Backlog(this.#tracker, this.#writer, this.#isLog, options, (node, isTraceDone) =>
      // An exporter cannot know that nothing else of a trace comes.
      this.#retire(node, isTraceDone && !mode.awaitsUnseenParents),
    );
  }

  get isShutDown(): boolean {
    return this.#shutdown !== undefined;
  }

  /** Those that are open, or ended and not worked off. */
  *unsettledSpans(): Generator<SpanSlice> {
    for (const { span } of this.#tracker.unretiredNodes()) if (span) yield span;
  }

  start(span: SpanSlice, parentContext?: Context): void {
    if (this.#shutdown) return;
    guard(() => {
      const { trace } = this.#tracker.start(span);
      if (parentContext) noteBaggage(trace, parentContext);
      if (this.#tracker.openCount > this.#options.queue.maxItems) this.#forgetOldestOpen();
    });
  }

  end(span: SpanSlice): void {
    if (this.#shutdown) return this.#endTooLate(span);
    guard(() => {
      const node = this.#tracker.end(span, performance.now());
      this.#heldBytes -= node.estimatedBytes;
      node.estimatedBytes = estimateBytes(span);
      this.#heldBytes += node.estimatedBytes;
      if (this.#delivery.spool && node.state === 'held') this.#backlog.draft(node);
      this.#relieve();
      this.#backlog.schedule();
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
      const entry = node?.entry ?? deliveredElsewhere(referenceIdOf(traceId, spanId));
      this.#writer.update(entry, late);
    });
  }

  /** An event that belongs to a span and did not come on it. Of a log that is written already it can bring the output. */
  addEvent(traceId: string, spanId: string, event: SpanEvent): void {
    if (this.#shutdown) return;
    guard(() => {
      const node = this.#tracker.find(traceId, spanId);
      if (!node || node.isNoLog) return;
      if (node.state === 'retired') {
        if (node.entry) this.#writer.writeEvent(node, node.entry, event);
        return;
      }
      node.events ??= [];
      node.events.push(event);
      const bytes = estimateEventBytes(event);
      node.estimatedBytes += bytes;
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
    await this.#backlog.worked();
    await inTime(this.#delivery.recovered(), deadlineMillis - performance.now());
    await this.#delivery.flush(deadlineMillis - performance.now());
  }

  /** Resolves when all that is due is acknowledged or dropped; what is held may stay held. */
  async settle(timeoutMillis: number): Promise<void> {
    await this.#backlog.worked();
    await this.#delivery.flush(timeoutMillis);
  }

  /** Closes what is still open, flushes, counts what is left as dropped. Idempotent. */
  shutdown(timeoutMillis: number): Promise<void> {
    this.#shutdown ??= keepingAlive(this.#close(timeoutMillis));
    return this.#shutdown;
  }

  async #close(timeoutMillis: number): Promise<void> {
    const deadlineMillis = performance.now() + timeoutMillis;
    try {
      this.#tracker.releaseAll();
      await inTime(this.#backlog.worked(), timeoutMillis);
      const open = [...this.#tracker.unretiredNodes(), ...this.#writer.stubs];
      await inTime(this.#backlog.closeOpen(open), deadlineMillis - performance.now());
      await inTime(this.#delivery.recovered(), deadlineMillis - performance.now());
      await this.#delivery.flush(deadlineMillis - performance.now());
    } catch (error) {
      diag.warn('humanloop-otel: shut down before everything was delivered', error);
    }
    for (const node of this.#tracker.unretiredNodes()) {
      if (node.state !== 'open' && !node.entry && this.#isLog(node)) this.#drops.add('shutdown', referenceOf(node));
    }
    await this.#delivery.close();
  }

  #retire(node: SpanNode, isTraceDone: boolean): void {
    this.#heldBytes -= node.estimatedBytes;
    node.estimatedBytes = 0;
    if (!isTraceDone) noteContext(node, this.#options.session);
    if (node.draftedAs && !node.entry) this.#delivery.spool?.forget(referenceOf(node));
    this.#tracker.retire(node);
  }

  /** A part at once, so that it is seldom done. */
  #forgetOldestOpen(): void {
    this.#tracker.forgetOldestOpen(Math.ceil(this.#options.queue.maxItems / 10), (node) => {
      noteContext(node, this.#options.session);
      if (node.entry) this.#delivery.finish(node.entry);
      if (this.#isLog(node)) this.#drops.add('span_forgotten', referenceOf(node), 'open for too long');
    });
    this.#backlog.schedule();
  }

  #endTooLate(span: SpanSlice): void {
    guard(() => {
      const { traceId, spanId } = span.spanContext();
      const wasClosed = this.#tracker.find(traceId, spanId)?.entry !== undefined;
      if (wasClosed || !this.#select(span)) return;
      this.#drops.add('shutdown', referenceIdOf(traceId, spanId), 'the span ended after shutdown');
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

function createTransport(options: ResolvedOptions): Transport {
  const transport = createHttpTransport({
    ...options,
    connections: options.concurrency,
    pipelining: UPDATES_PER_CONNECTION,
  });
  return options.compression === 'gzip' ? createGzipTransport(transport) : transport;
}

/** A log that this process has not sent, or has forgotten: only an update can reach it. */
function deliveredElsewhere(referenceId: string): LogEntry {
  const entry = new LogEntry(referenceId, undefined, []);
  entry.state = 'delivered';
  entry.isFinal = true;
  return entry;
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
