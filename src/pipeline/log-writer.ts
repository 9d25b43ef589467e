/**
 * Writes logs: selects the spans that are logs, reads them, resolves what tells of one call twice, maps, redacts,
 * encodes, and hands the result to the delivery.
 *
 * What is due together of one trace is selected and read before any of it is written, and written before any of it is
 * retired: which spans tell of the same call shows only when all are read, and the session of a child may stand on an
 * ancestor. A log is written again when the span of one that was posted open has ended, and when a stub's parent comes.
 */
import type { TraceContext } from '../conventions/context.ts';
import type { Reading } from '../conventions/convention.ts';
import { readSpan } from '../conventions/index.ts';
import { encodeDatapoint } from '../datapoint/encode.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import { type Late, LogEntry } from '../delivery/log-entry.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { millisOf } from '../otel/hr-time.ts';
import { type SpanEvent, type SpanSlice, spanOfEvent, withEvents } from '../otel/span-slice.ts';
import { resolveDuplicatesOfRun } from '../trace/same-call/resolve-run.ts';
import { createSelect, isLog, type Select } from '../trace/select-spans.ts';
import { findAncestor, referenceOf, type SpanNode, type Trace } from '../trace/span-node.ts';
import { decideContext, findContext, namesContext, noteContext } from '../trace/trace-context.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import type { LogRequest } from '../wire/v4.ts';
import { examine } from './doctor.ts';
import { createMapLog, type MapFlags, type MapLog, type SpanLog, type StubLog } from './map-log.ts';
import { Redaction } from './redaction.ts';

/** Small steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;
const MAX_STUBS = 10_000;

export class LogWriter {
  readonly #delivery: Delivery;
  readonly #tracker: TraceTracker;
  readonly #drops: Drops;
  readonly #options: ResolvedOptions;
  readonly #select: Select;
  readonly #stubsMissingParents: boolean;
  readonly #map: MapLog;
  readonly #redaction: Redaction;
  /** Logs in place of parents that have not come. */
  readonly #stubs = new Set<SpanNode>();

  /** `stubsMissingParents`: a parent that was not seen in time is a log. */
  constructor(
    delivery: Delivery,
    tracker: TraceTracker,
    drops: Drops,
    options: ResolvedOptions,
    stubsMissingParents: boolean,
  ) {
    this.#delivery = delivery;
    this.#tracker = tracker;
    this.#drops = drops;
    this.#options = options;
    this.#select = createSelect(options);
    this.#stubsMissingParents = stubsMissingParents;
    this.#map = createMapLog(options);
    this.#redaction = new Redaction(this.#map, options);
  }

  /** Whether the span is a log, as far as it is known by now. */
  isLog(node: SpanNode): boolean {
    return isLog(node, this.#select, this.#stubsMissingParents);
  }

  /** The same of a span that is followed no more. */
  isLogSpan(span: SpanSlice): boolean {
    return this.#select(span) !== undefined;
  }

  /** Works off spans of one trace that are due together. */
  *workOff(run: readonly SpanNode[]): Generator<void> {
    let steps = 0;
    const logs: SpanNode[] = [];
    for (const node of run) {
      guard(() => this.isLog(node) && logs.push(node));
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
    for (const node of logs) {
      guard(() => {
        if (node.span) node.reading = this.#read(node, node.span);
      });
      yield;
    }
    guard(() => resolveDuplicatesOfRun(logs));
    const flags = flagsOf(false);
    for (const node of logs) {
      guard(() => this.#write(node, flags));
      yield;
    }
    let left = run.length;
    for (const node of run) {
      const { openCount, pendingCount } = node.trace;
      const isTraceDone = openCount === 0 && pendingCount === left--;
      guard(() => this.#retire(node, isTraceDone));
      if (++steps % STEPS_PER_LOOK === 0) yield;
    }
  }

  /** Writes all that is open as ended, stubs included: nobody will see their ends. */
  *closeOpen(): Generator<void> {
    const flags = flagsOf(true);
    for (const node of [...this.#tracker.unsettledNodes(), ...this.#stubs]) {
      guard(() => this.isLog(node) && this.#write(node, flags));
      yield;
    }
  }

  /** Lets the spool know of a held span, if it is still held when this is worked off. */
  *draft(node: SpanNode): Generator<void> {
    if (node.state === 'held') guard(() => this.#draft(node));
    yield;
  }

  /** Takes what the app says of a log's late fields. It outranks what the span says. */
  update(traceId: string, spanId: string, late: Late): void {
    const node = this.#tracker.find(traceId, spanId);
    if (!node) return this.#override(deliveredElsewhere(referenceIdOf(traceId, spanId)), late);
    if (node.entry) return this.#override(node.entry, late);
    node.overrides = { ...node.overrides, ...late };
    if (node.isNoLog && node.state === 'settled') this.dropUpdate(node);
  }

  /** Takes an event of a span whose log is written already: it can still bring the output. */
  writeEvent(node: SpanNode, entry: LogEntry, event: SpanEvent): void {
    const span = spanOfEvent(node.trace.traceId, node.spanId, event);
    const log = this.#describe(node, span, undefined, this.#read(node, span));
    const { output } = this.#map(log, this.#decide(node.trace), flagsOf(false));
    if (output) this.#override(entry, { output });
  }

  /** Counts what the app said of a span that is not a log, or was let go before it was one. */
  dropUpdate(node: SpanNode): void {
    if (node.overrides) this.#drops.add('update_not_a_log', referenceOf(node));
    node.overrides = undefined;
  }

  /** Hands the log on as it is now, and before it those open ancestors that it names as parents. */
  #write(node: SpanNode, flags: MapFlags): void {
    const entry = this.#entryOf(node, flags);
    const { span } = node;
    if (span) this.#stubs.delete(node);
    else this.#addStub(node);
    entry.isFinal = flags.isClosing || (span !== undefined && node.state !== 'open');
    entry.version++;
    if (node.overrides) this.#override(entry, node.overrides);
    node.overrides = undefined;
    try {
      const context = this.#decide(node.trace);
      const parent = entry.effectiveParent?.referenceId;
      const log: SpanLog | StubLog = span
        ? this.#describe(node, span, parent, node.reading ?? this.#read(node, span))
        : { referenceId: entry.referenceId, span, neighbour: anySpan(node.trace) };
      if (log.span) examine(log.span, log.kind);
      const { version } = entry;
      this.#redaction.map(log, context, flags, (cleared) => {
        // Hooks may answer out of order; what was said later holds.
        if (entry.version !== version) return;
        if (cleared) this.#offer(entry, cleared);
        else this.#delivery.drop(entry, 'redacted');
      });
    } catch (error) {
      this.#delivery.drop(entry, 'mapping_failed', String(error));
    }
  }

  #offer(entry: LogEntry, datapoint: LogRequest): void {
    const { body, late } = encodeDatapoint(datapoint);
    // A stub may stand in for a parent that was sent by its own name, and forgotten since.
    const mayBeStored = this.#tracker.hasForgotten && datapoint.metadata?.['stub'] === true;
    this.#delivery.offer(entry, body, late, mayBeStored);
  }

  /**
   * Lets the spool know of a log that is held back, and of the open ancestors above it, as they are now. That decides
   * nothing: when the log is written, it is mapped again.
   */
  #draft(node: SpanNode): void {
    const { span } = node;
    if (!span || node.draftedAs === node.state || node.entry || !this.isLog(node)) return;
    node.draftedAs = node.state;
    const parent = findAncestor(node, (ancestor) => this.isLog(ancestor));
    if (parent) this.#draft(parent);
    const parentReferenceId = parent && referenceOf(parent);
    try {
      const log = this.#describe(node, span, parentReferenceId, this.#read(node, span));
      const context = findContext(node.trace, this.#options.session);
      this.#redaction.map(log, context, flagsOf(false), (cleared) => {
        if (!cleared || node.entry || node.state === 'settled') return;
        const { body, late } = encodeDatapoint(cleared);
        this.#delivery.spool?.draft({
          referenceId: log.referenceId,
          parentReferenceId,
          body,
          late,
          acknowledged: undefined,
          isDelivered: false,
          isFinal: node.state !== 'open',
          startedMillis: millisOf(span.startTime) ?? 0,
        });
      });
    } catch {
      // It will fail again when the log is written, and be counted then.
    }
  }

  /** Lets the span go. Once its trace has a context, nothing else of it is needed. */
  #retire(node: SpanNode, isTraceDone: boolean): void {
    if (!isTraceDone) noteContext(node, this.#options.session);
    if (node.draftedAs && !node.entry) this.#delivery.spool?.forget(referenceOf(node));
    this.dropUpdate(node);
    this.#tracker.settle(node);
  }

  /** The entry of the log, and before it those of the ancestors that it can name as parents. */
  #entryOf(node: SpanNode, flags: MapFlags): LogEntry {
    const missing: SpanNode[] = [];
    let parent: SpanNode | undefined = node;
    for (; parent && !parent.entry; parent = findAncestor(parent, (ancestor) => this.isLog(ancestor))) {
      missing.push(parent);
    }
    for (const step of missing.reverse()) {
      step.entry = new LogEntry(referenceOf(step), parent?.entry, step.trace.logs);
      if (step.span) step.entry.startedMillis = millisOf(step.span.startTime) ?? 0;
      this.#delivery.expect(step.entry);
      // Ended ancestors come by themselves. An open one is posted as it is, for its child's sake.
      if (step !== node && (step.state === 'open' || !step.span)) this.#write(step, flags);
      parent = step;
    }
    return node.entry as LogEntry;
  }

  /** When there are too many, the oldest are let go: they are merely not closed at shutdown. */
  #addStub(node: SpanNode): void {
    this.#stubs.add(node);
    for (const oldest of this.#stubs) {
      if (this.#stubs.size <= MAX_STUBS) return;
      this.#stubs.delete(oldest);
      if (oldest.entry) this.#delivery.finish(oldest.entry);
    }
  }

  #override(entry: LogEntry, late: Late): void {
    // The hook may answer later: a flush waits for it.
    this.#delivery.expect(entry);
    this.#redaction.clear(entry.referenceId, late, (cleared) => this.#delivery.override(entry, cleared));
  }

  #describe(node: SpanNode, span: SpanSlice, parentReferenceId: string | undefined, reading: Reading): SpanLog {
    return {
      referenceId: referenceOf(node),
      parentReferenceId,
      span,
      kind: node.kind ?? 'generic',
      reading,
      namesContext: namesContext(node, span),
      isOpen: node.state === 'open',
    };
  }

  /** All that is said of a span, on it and in events that came another way. */
  #read(node: SpanNode, span: SpanSlice): Reading {
    return readSpan(withEvents(span, node.events), this.#options.conventions, node.recognitions);
  }

  #decide(trace: Trace): TraceContext {
    return decideContext(trace, this.#options.session);
  }
}

function flagsOf(isClosing: boolean): MapFlags {
  return { withContent: true, isClosing, nowMillis: Date.now() };
}

function anySpan(trace: Trace): SpanSlice | undefined {
  for (const { span } of trace.nodes.values()) if (span) return span;
  return undefined;
}

/** A log that this process has not sent, or has forgotten: only an update can reach it. */
function deliveredElsewhere(referenceId: string): LogEntry {
  const entry = new LogEntry(referenceId, undefined, []);
  entry.state = 'delivered';
  entry.isFinal = true;
  return entry;
}
