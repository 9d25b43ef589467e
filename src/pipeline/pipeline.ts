/**
 * The path from spans to requests that the span processor and the exporter share.
 *
 *     start, end → Intake → TraceTracker → due → select → map → redact → encode → Delivery → Transport
 *
 * `start` and `end` only note the span. Everything else runs later, in slices of a few milliseconds between turns of the
 * event loop. All other public methods catch up with what was noted first, so that they see what the app has done before.
 * Nothing here throws into the app.
 */
import { type Context, diag } from '@opentelemetry/api';
import { EVALUATION_EVENT } from '../conventions/content/evaluations.ts';
import { Delivery } from '../delivery/delivery.ts';
import { Drops } from '../delivery/drops.ts';
import { guard, reportFault } from '../host/guard.ts';
import { warnAloud } from '../host/stderr.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ResourceSlice, SpanEvent, SpanSlice } from '../otel/span-slice.ts';
import { Deadline, keepingAlive } from '../scheduling/deadline.ts';
import { nameComponent } from '../telemetry/component.ts';
import { type ComponentState, SelfMetrics, type StateSource } from '../telemetry/self-metrics.ts';
import { SpanCounts } from '../telemetry/span-counts.ts';
import { referenceOf } from '../trace/span-node.ts';
import { noteBaggage } from '../trace/trace-context.ts';
import { TraceTracker } from '../trace/trace-tracker.ts';
import type { Transport } from '../transport/transport.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import { Backlog } from './backlog.ts';
import { createTransport } from './create-transport.ts';
import { examineEnd, examineLate } from './doctor/faults.ts';
import { expectSpans, sawSpan } from './doctor/missing-spans.ts';
import { type UnsentLogs, watchForEnd } from './doctor/unsent-logs.ts';
import { ENDED, Intake, type Notes } from './intake.ts';
import { LogWriter } from './log-writer.ts';
import { PassingOn } from './passing-on.ts';
import { Pressure } from './pressure.ts';
import { dropUnread, loadReaders, loadReadersEarly } from './readers.ts';
import type { Stats } from './stats.ts';

const NOT_WORKED_OFF = 'not all spans were worked off in time';
const NOT_TAKEN_OVER = 'what dead processes left in the spool was not taken over in time';

export class Pipeline implements StateSource, UnsentLogs {
  readonly passingOn: PassingOn;
  readonly #options: ResolvedOptions;
  readonly #tracker: TraceTracker;
  readonly #drops: Drops;
  readonly #delivery: Delivery;
  readonly #writer: LogWriter;
  readonly #backlog: Backlog;
  readonly #pressure: Pressure;
  readonly #intake: Intake;
  readonly #metrics: SelfMetrics;
  readonly #stopWatching: () => void;
  readonly #awaitedResources = new WeakSet<ResourceSlice>();
  /** Spans that were open when the shutdown began, and ended before it was over: their logs may be closed or not. */
  #endedMeanwhile: SpanSlice[] | undefined = [];
  #shutdown: Promise<void> | undefined;

  constructor(options: ResolvedOptions, mode: { awaitsUnseenParents: boolean }, transport?: Transport) {
    this.#options = options;
    this.#tracker = new TraceTracker({ ...options, ...mode });
    this.#drops = new Drops(options.onDrop);
    this.#delivery = new Delivery(transport ?? createTransport(options), this.#drops, {
      ...options,
      counts: new SpanCounts(mode.awaitsUnseenParents),
      isPressed: () => this.#pressure.isHigh,
      isQuiet: () => this.#intake.isQuiet && this.#backlog.isIdle,
    });
    const writer = new LogWriter(this.#delivery, this.#tracker, this.#drops, { ...options, ...mode });
    this.#writer = writer;
    this.#pressure = new Pressure(this.#tracker, this.#delivery, this.#drops, { ...options, isLog: writer.isLog });
    this.passingOn = new PassingOn(this.#tracker, options, () => this.#intake.catchUp());
    expectSpans(options.quiet);
    loadReadersEarly(options.quiet);
    this.#backlog = new Backlog(this.#tracker, {
      catchUp: () => this.#intake.catchUp(),
      work: (run) => writer.workOff(run),
      onIdle: () => {
        this.#delivery.wake();
        this.#metrics.attach();
      },
    });
    this.#intake = new Intake({
      gathers: !options.spool,
      follow: (notes) => this.#follow(notes),
      onGathered: () => this.#backlog.work(),
    });
    const type = mode.awaitsUnseenParents ? 'HumanloopSpanExporter' : 'HumanloopSpanProcessor';
    const component = nameComponent(type, options.baseUrl);
    this.#metrics = new SelfMetrics(component, this.#delivery.counts, this);
    this.#stopWatching = options.spool ? () => undefined : watchForEnd(this, options.quiet);
  }

  get isShutDown(): boolean {
    return this.#shutdown !== undefined;
  }

  /** The spans that are open, or ended and not worked off. */
  *unfinishedSpans(): Generator<SpanSlice> {
    this.#intake.catchUp();
    for (const { span } of this.#tracker.unretiredNodes()) if (span) yield span;
  }

  start(span: SpanSlice, parentContext?: Context): void {
    sawSpan();
    if (!this.#shutdown) this.#intake.start(span, parentContext);
  }

  end(span: SpanSlice): void {
    sawSpan();
    if (this.#shutdown) this.#endTooLate(span);
    else this.#intake.end(span);
  }

  /** Takes late fields that the app set. They are sent even if the log is not known here. */
  update(traceId: string, spanId: string, late: LateFields): void {
    if (this.#shutdown) return;
    this.#intake.catchUp();
    guard(() => this.#writer.overrides.take(traceId, spanId, late));
  }

  /**
   * Adds a log event to the span that it names. If the span's log is already written, only output and evaluations are
   * used.
   */
  addEvent(traceId: string, spanId: string, event: SpanEvent): void {
    if (this.#shutdown) return;
    this.#intake.catchUp();
    if (!loadReaders(this.#options.quiet)) return this.#drops.add('readers_missing', referenceIdOf(traceId, spanId));
    guard(() => {
      if (event.name === EVALUATION_EVENT) return this.#addEvaluation(traceId, spanId, event);
      const node = this.#tracker.find(traceId, spanId);
      if (!node || node.isNoLog) return;
      if (node.state !== 'retired') this.#tracker.addEvent(node, event);
      else if (node.entry) this.#writer.writeEvent(node, node.entry, event);
    });
  }

  #addEvaluation(traceId: string, spanId: string, event: SpanEvent): void {
    if (this.#pressure.usage() <= 1) this.#writer.evaluations.receive(traceId, spanId, event);
    else this.#drops.add('queue_full', referenceIdOf(traceId, spanId), 'feedback');
  }

  stats(): Stats {
    this.#intake.catchUp();
    return { held: this.#tracker.pendingCount, ...this.#delivery.stats(), dropped: this.#drops.counts };
  }

  /** Returns what metrics report of this moment. */
  readState(): ComponentState {
    this.#intake.catchUp();
    const held = this.#tracker.pendingCount;
    const { isExporter, inFlight } = this.#delivery.counts;
    return {
      queueSize: held + this.#delivery.heldCount,
      queueCapacity: this.#options.queue.maxItems,
      // All that an exporter knows of was passed to it.
      inFlight: isExporter ? held + this.#delivery.countUndelivered() : inFlight,
      spool: this.#delivery.spool?.usage(),
    };
  }

  countUnsent(): number {
    this.#intake.catchUp();
    let count = this.#delivery.stats().queued;
    for (const node of this.#tracker.unretiredNodes()) if (!node.entry && this.#writer.isLog(node)) count++;
    return count;
  }

  /**
   * Resolves when the logs of all spans that have ended are acknowledged or dropped.
   *
   * @throws {HumanloopError} (as a rejection) after the time-out.
   */
  flush(timeoutMillis: number): Promise<void> {
    return keepingAlive(this.#flush(new Deadline(timeoutMillis)));
  }

  async #flush(deadline: Deadline): Promise<void> {
    this.#intake.catchUp();
    this.#tracker.releaseAll();
    await deadline.within(this.#backlog.workedOff(), NOT_WORKED_OFF);
    await deadline.within(this.#delivery.recovered(), NOT_TAKEN_OVER);
    await this.#delivery.flush(deadline.leftMillis);
  }

  /**
   * Resolves when the logs of all due spans are acknowledged or dropped; held spans may stay held.
   *
   * @throws {HumanloopError} (as a rejection) after the time-out.
   */
  async flushDue(timeoutMillis: number): Promise<void> {
    const deadline = new Deadline(timeoutMillis);
    await deadline.within(this.#backlog.workedOff(), NOT_WORKED_OFF);
    await this.#delivery.flush(deadline.leftMillis);
  }

  /** Closes the logs of open spans, flushes, and counts what is left as dropped. Idempotent; never rejects. */
  shutdown(timeoutMillis: number): Promise<void> {
    this.#shutdown ??= keepingAlive(this.#close(new Deadline(timeoutMillis)));
    return this.#shutdown;
  }

  async #close(deadline: Deadline): Promise<void> {
    this.#intake.catchUp();
    this.#intake.close();
    try {
      this.#tracker.releaseAll();
      await deadline.within(this.#backlog.workedOff(), NOT_WORKED_OFF);
      this.#backlog.close();
      this.#backlog.add(this.#writer.closeOpen());
      await deadline.within(this.#backlog.workedOff(), 'not all open spans were closed');
      await deadline.within(this.#delivery.recovered(), NOT_TAKEN_OVER);
      await this.#delivery.flushLast(deadline);
    } catch (error) {
      diag.warn('humanloop-otel: shut down before everything was delivered', error);
    }
    for (const node of this.#tracker.unretiredNodes()) {
      if (node.state !== 'open' && !node.entry && this.#writer.isLog(node)) {
        this.#drops.add('shutdown', referenceOf(node));
        this.#delivery.counts.failUnsent('shutdown');
      }
      if (!node.entry) this.#writer.overrides.drop(node);
    }
    this.#metrics.close();
    await this.#delivery.close();
    this.#stopWatching();
    const endedMeanwhile = this.#endedMeanwhile ?? [];
    this.#endedMeanwhile = undefined;
    for (const span of endedMeanwhile) this.#endTooLate(span);
    examineEnd(this.#delivery.counts.processed.succeeded, this.stats());
    const { shutdown: lost = 0 } = this.#drops.counts;
    if (lost > 0) {
      const logs = lost === 1 ? '1 log is' : `${lost} logs are`;
      warnAloud('lost', `${logs} lost, not delivered before the shutdown`, this.#options.quiet);
    }
  }

  /** Follows what was noted. What is held now is held from now on. */
  #follow({ spans, events }: Notes): void {
    if (!loadReaders(this.#options.quiet)) return dropUnread({ spans, events }, this.#drops, this.#delivery.counts);
    const nowMillis = performance.now();
    for (let at = 0; at < spans.length; at++) {
      const event = events[at];
      try {
        if (event === ENDED) this.#followEnd(spans[at] as SpanSlice, nowMillis);
        else this.#followStart(spans[at] as SpanSlice, event);
      } catch (error) {
        reportFault(error);
      }
    }
  }

  #followStart(span: SpanSlice, parentContext: Context | undefined): void {
    const node = this.#tracker.start(span, parentContext);
    if (parentContext) noteBaggage(node, parentContext);
    this.#pressure.boundOpen();
  }

  #followEnd(span: SpanSlice, nowMillis: number): void {
    if (span.resource?.asyncAttributesPending) this.#awaitResource(span.resource);
    const node = this.#tracker.end(span, nowMillis);
    if (this.#delivery.spool && node.state === 'held') this.#backlog.add(this.#writer.drafts.draft(node));
    this.#pressure.relieve();
  }

  /** Lets the work wait until the resource is complete, once: it may never be. */
  #awaitResource(resource: ResourceSlice): void {
    if (!resource.waitForAsyncAttributes || this.#awaitedResources.has(resource)) return;
    this.#awaitedResources.add(resource);
    this.#backlog.postponeUntil(resource.waitForAsyncAttributes());
  }

  #endTooLate(span: SpanSlice): void {
    guard(() => {
      const { traceId, spanId } = span.spanContext();
      const node = this.#tracker.find(traceId, spanId);
      const wasClosed = node?.entry !== undefined;
      if (wasClosed || !this.#writer.isLogSpan(span)) return;
      if (node?.state === 'open' && this.#endedMeanwhile) return void this.#endedMeanwhile.push(span);
      this.#drops.add('shutdown', referenceIdOf(traceId, spanId), 'the span ended after shutdown');
      // The word of the semantic conventions.
      this.#delivery.counts.failUnsent('already_shutdown');
      examineLate(this.#options.quiet);
    });
  }
}
