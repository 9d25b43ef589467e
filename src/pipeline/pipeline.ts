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
import type { Late } from '../delivery/log-entry.ts';
import { UPDATES_PER_CONNECTION } from '../delivery/sender.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { Deadline, keepingAlive } from '../scheduling/deadline.ts';
import { referenceOf } from '../trace/span-node.ts';
import { noteBaggage, noteContext } from '../trace/trace-context.ts';
import { TraceTracker } from '../trace/trace-tracker.ts';
import { createGzipTransport } from '../transport/gzip-transport.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport } from '../transport/transport.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import { Backlog } from './backlog.ts';
import { LogWriter } from './log-writer.ts';

/** At this share of a bound, what is held longest is sent early, so that nothing has to be dropped. */
const PRESSURE = 0.75;
const RELEASED_AT_ONCE = 1_000;
const NOT_TAKEN_OVER = 'what dead processes left in the spool was not taken over in time';

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
  readonly #drops: Drops;
  readonly #delivery: Delivery;
  readonly #writer: LogWriter;
  readonly #backlog: Backlog;
  #shutdown: Promise<void> | undefined;

  constructor(options: ResolvedOptions, mode: { awaitsUnseenParents: boolean }, transport?: Transport) {
    this.#options = options;
    this.#tracker = new TraceTracker({ ...options, ...mode });
    this.#drops = new Drops(options.onDrop);
    this.#delivery = new Delivery(transport ?? createTransport(options), this.#drops, {
      ...options,
      isPressed: () => this.#usage() > PRESSURE,
    });
    const stubsMissingParents = mode.awaitsUnseenParents && options.missingParent === 'stub';
    const writer = new LogWriter(this.#delivery, this.#tracker, this.#drops, options, stubsMissingParents);
    this.#writer = writer;
    this.#backlog = new Backlog(this.#tracker, { gathers: !options.spool, work: (run) => writer.workOff(run) });
  }

  get isShutDown(): boolean {
    return this.#shutdown !== undefined;
  }

  /** The spans that are open, or ended and not worked off. */
  *unsettledSpans(): Generator<SpanSlice> {
    for (const { span } of this.#tracker.unsettledNodes()) if (span) yield span;
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
      if (this.#delivery.spool && node.state === 'held') this.#backlog.add(this.#writer.draft(node));
      this.#relieve();
      this.#backlog.schedule();
    });
  }

  /** Takes what the app learns of a log later. If the log is not known here, it is sent as an update all the same. */
  update(traceId: string, spanId: string, late: Late): void {
    if (!this.#shutdown) guard(() => this.#writer.update(traceId, spanId, late));
  }

  /** Takes an event of a span that did not come on it. If the log is written already, it can bring the output. */
  addEvent(traceId: string, spanId: string, event: SpanEvent): void {
    if (this.#shutdown) return;
    guard(() => {
      const node = this.#tracker.find(traceId, spanId);
      if (!node || node.isNoLog) return;
      if (node.state !== 'settled') this.#tracker.addEvent(node, event);
      else if (node.entry) this.#writer.writeEvent(node, node.entry, event);
    });
  }

  stats(): Stats {
    return { held: this.#tracker.pendingCount, ...this.#delivery.stats(), dropped: this.#drops.counts };
  }

  /** Resolves when all that had ended before is acknowledged or dropped. Rejects at the deadline. */
  flush(timeoutMillis: number): Promise<void> {
    return keepingAlive(this.#flush(new Deadline(timeoutMillis)));
  }

  async #flush(deadline: Deadline): Promise<void> {
    this.#tracker.releaseAll();
    await this.#backlog.worked();
    await deadline.within(this.#delivery.recovered(), NOT_TAKEN_OVER);
    await this.#delivery.flush(deadline.leftMillis);
  }

  /** Resolves when all that is due is acknowledged or dropped; what is held may stay held. */
  async flushDue(timeoutMillis: number): Promise<void> {
    await this.#backlog.worked();
    await this.#delivery.flush(timeoutMillis);
  }

  /** Closes what is still open, flushes, and counts what is left as dropped. Idempotent. */
  shutdown(timeoutMillis: number): Promise<void> {
    this.#shutdown ??= keepingAlive(this.#close(new Deadline(timeoutMillis)));
    return this.#shutdown;
  }

  async #close(deadline: Deadline): Promise<void> {
    try {
      this.#tracker.releaseAll();
      await deadline.within(this.#backlog.worked(), 'not all spans were worked off');
      this.#backlog.close();
      this.#backlog.add(this.#writer.closeOpen());
      await deadline.within(this.#backlog.worked(), 'not all open spans were closed');
      await deadline.within(this.#delivery.recovered(), NOT_TAKEN_OVER);
      await this.#delivery.flush(deadline.leftMillis);
    } catch (error) {
      diag.warn('humanloop-otel: shut down before everything was delivered', error);
    }
    for (const node of this.#tracker.unsettledNodes()) {
      if (node.state !== 'open' && !node.entry && this.#writer.isLog(node)) {
        this.#drops.add('shutdown', referenceOf(node));
      }
      if (!node.entry) this.#writer.dropUpdate(node);
    }
    await this.#delivery.close();
  }

  /** Forgets a part of them at once, so that it is seldom done. */
  #forgetOldestOpen(): void {
    this.#tracker.forgetOldestOpen(Math.ceil(this.#options.queue.maxItems / 10), (node) => {
      noteContext(node, this.#options.session);
      if (node.entry) this.#delivery.finish(node.entry);
      if (this.#writer.isLog(node)) this.#drops.add('span_forgotten', referenceOf(node), 'open for too long');
    });
    this.#backlog.schedule();
  }

  #endTooLate(span: SpanSlice): void {
    guard(() => {
      const { traceId, spanId } = span.spanContext();
      const wasClosed = this.#tracker.find(traceId, spanId)?.entry !== undefined;
      if (wasClosed || !this.#writer.isLogSpan(span)) return;
      this.#drops.add('shutdown', referenceIdOf(traceId, spanId), 'the span ended after shutdown');
    });
  }

  /** The fuller of the two bounds, as a share of it. */
  #usage(): number {
    const { queue } = this.#options;
    const items = this.#tracker.pendingCount + this.#delivery.heldCount;
    return Math.max(items / queue.maxItems, (this.#tracker.pendingBytes + this.#delivery.bytes) / queue.maxBytes);
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
