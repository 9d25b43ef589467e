/**
 * Writes logs: selects the spans that are logs, reads them, resolves duplicates, maps, redacts, encodes, and passes the
 * result to the delivery.
 *
 * All spans of a run are selected and read before the first is written, and all are written before the first is
 * retired: duplicates are known only when all are read, and the session of a child may be on an ancestor. A log is
 * written again when a span that was posted open ends, and when the parent comes that a stub stands for.
 */
import type { TraceContext } from '../conventions/context.ts';
import type { Reading } from '../conventions/convention.ts';
import { readSpan } from '../conventions/index.ts';
import { encodeDatapoint } from '../datapoint/encode.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { millisOf } from '../otel/hr-time.ts';
import { type SpanEvent, type SpanSlice, spanOfEvent, withEvents } from '../otel/span-slice.ts';
import { resolveDuplicatesOfRun } from '../trace/same-call/resolve-run.ts';
import { createSelect, isLog, type Select } from '../trace/select-spans.ts';
import { findAncestor, referenceOf, type SpanNode, type Trace } from '../trace/span-node.ts';
import { decideContext, findContext, namesContext, noteContext } from '../trace/trace-context.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import type { LateFields } from '../wire/late-fields.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import type { LogRequest } from '../wire/v4.ts';
import { examine, examineSkipped } from './doctor.ts';
import { createMapLog, type MapFlags, type MapLog, type SpanLog, type StubLog } from './map-log.ts';
import { Redaction } from './redaction.ts';

/** Number of small steps between two yields. */
const STEPS_PER_YIELD = 16;
const MAX_STUBS = 10_000;

export interface LogWriterOptions extends ResolvedOptions {
  /** True for an exporter, which cannot know whether more of a trace will come. */
  readonly awaitsUnseenParents: boolean;
}

export class LogWriter {
  readonly #delivery: Delivery;
  readonly #tracker: TraceTracker;
  readonly #drops: Drops;
  readonly #options: LogWriterOptions;
  readonly #select: Select;
  readonly #map: MapLog;
  readonly #redaction: Redaction;
  /** Placeholders whose stubs are sent. */
  readonly #stubs = new Set<SpanNode>();

  constructor(delivery: Delivery, tracker: TraceTracker, drops: Drops, options: LogWriterOptions) {
    this.#delivery = delivery;
    this.#tracker = tracker;
    this.#drops = drops;
    this.#options = options;
    this.#select = createSelect(options);
    this.#map = createMapLog(options);
    this.#redaction = new Redaction(this.#map, options);
  }

  /** Returns true if the span is a log, as far as it is known now. */
  readonly isLog = (node: SpanNode): boolean => isLog(node, this.#select);

  /** The same for a span without a node. */
  isLogSpan(span: SpanSlice): boolean {
    return this.#select(span) !== undefined;
  }

  /** Works off a run. Yields after small steps. */
  *workOff(run: readonly SpanNode[]): Generator<void> {
    let steps = 0;
    const logs: SpanNode[] = [];
    // Logs that wait for a held ancestor that is a log. They become due with it.
    const heldAgain = new Set<SpanNode>();
    for (const node of run) {
      guard(() => {
        if (!this.isLog(node)) {
          if (node.span) examineSkipped(node.span, this.#options.quiet);
          return;
        }
        if (this.#tracker.holdWithAncestor(node, this.isLog)) heldAgain.add(node);
        else logs.push(node);
      });
      if (++steps % STEPS_PER_YIELD === 0) yield;
    }
    for (const node of logs) {
      guard(() => {
        if (node.span) node.reading ??= this.#read(node, node.span);
      });
      yield;
    }
    guard(() => resolveDuplicatesOfRun(logs));
    const flags = flagsOf(false);
    for (const node of logs) {
      guard(() => {
        if (this.#tracker.place(node, this.isLog)) this.#write(node, flags);
        else heldAgain.add(node);
      });
      yield;
    }
    let left = run.length;
    for (const node of run) {
      const { openCount, pendingCount } = node.trace;
      const isTraceDone = openCount === 0 && pendingCount === left--;
      if (!heldAgain.has(node)) guard(() => this.#retire(node, isTraceDone));
      if (++steps % STEPS_PER_YIELD === 0) yield;
    }
  }

  /** Writes the logs of open spans and stubs as ended, since their ends will not be seen. */
  *closeOpen(): Generator<void> {
    const flags = flagsOf(true);
    for (const node of [...this.#tracker.unretiredNodes(), ...this.#stubs]) {
      guard(() => this.isLog(node) && this.#tracker.place(node, this.isLog) && this.#write(node, flags));
      yield;
    }
  }

  /** Drafts a held span in the spool, if it is still held when this is worked off. */
  *draft(node: SpanNode): Generator<void> {
    if (node.state === 'held') guard(() => this.#draft(node));
    yield;
  }

  /** Takes late fields that the app set. They win over the span's. */
  update(traceId: string, spanId: string, late: LateFields): void {
    const node = this.#tracker.find(traceId, spanId);
    if (!node) return this.#override(this.#delivery.assumeDelivered(referenceIdOf(traceId, spanId)), late);
    if (node.entry) return this.#override(node.entry, late);
    node.overrides = { ...node.overrides, ...late };
    if (node.isNoLog && node.state === 'retired') this.dropOverrides(node);
  }

  /** Takes an event of a span whose log is already written. Only its output is used. */
  writeEvent(node: SpanNode, entry: LogEntry, event: SpanEvent): void {
    const span = spanOfEvent(node.trace.traceId, node.spanId, event);
    const log = this.#describe(node, span, undefined, this.#read(node, span));
    const { output } = this.#map(log, this.#decide(node.trace), flagsOf(false));
    if (output) this.#override(entry, { output });
  }

  /** Counts the override of a span that is not a log, or that was forgotten before it was one. */
  dropOverrides(node: SpanNode): void {
    if (node.overrides) this.#drops.add('update_not_a_log', referenceOf(node));
    node.overrides = undefined;
  }

  /** Offers the log as it is now, and before it the open ancestors that it names as parents. */
  #write(node: SpanNode, flags: MapFlags): void {
    const entry = this.#entryOf(node, flags);
    const { span } = node;
    if (span) this.#stubs.delete(node);
    else this.#addStub(node);
    const isFinal = flags.isClosing || (span !== undefined && node.state !== 'open');
    if (node.overrides) this.#override(entry, node.overrides);
    node.overrides = undefined;
    try {
      const context = this.#decide(node.trace);
      const parent = entry.effectiveParent?.referenceId;
      const log: SpanLog | StubLog = span
        ? this.#describe(node, span, parent, node.reading ?? this.#read(node, span))
        : { referenceId: entry.referenceId, span, neighbour: anySpan(node.trace) };
      if (log.span) examine(log.span, log.kind, this.#options.quiet);
      this.#redaction.map(entry, log, context, flags, (cleared) => {
        if (cleared) this.#offer(entry, cleared, isFinal);
        else this.#delivery.drop(entry, 'redacted');
      });
    } catch (error) {
      this.#delivery.drop(entry, 'mapping_failed', String(error));
    }
  }

  #offer(entry: LogEntry, datapoint: LogRequest, isFinal: boolean): void {
    const { body, late } = encodeDatapoint(datapoint);
    // A stub may stand for a parent whose log was sent and then forgotten.
    const mayBeStored = this.#tracker.hasForgotten && datapoint.metadata?.['stub'] === true;
    this.#delivery.offer(entry, { body, late, isFinal, mayBeStored });
  }

  /**
   * Drafts the log of a held span, and those of its open ancestors, as they are now. A draft decides nothing: when the
   * log is written, it is mapped again.
   */
  #draft(node: SpanNode): void {
    const { span } = node;
    if (!span || node.draftedAs === node.state || node.entry || !this.isLog(node)) return;
    node.draftedAs = node.state;
    const parent = findAncestor(node, this.isLog);
    if (parent) this.#draft(parent);
    const parentReferenceId = parent && referenceOf(parent);
    try {
      const log = this.#describe(node, span, parentReferenceId, this.#read(node, span));
      const context = findContext(node.trace, this.#options.session);
      this.#redaction.map(node, log, context, flagsOf(false), (cleared) => {
        if (!cleared || node.entry || node.state === 'retired') return;
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
      // Mapping will fail again when the log is written, and is counted then.
    }
  }

  /** Retires the span. Its trace keeps what it says about the context; nothing else is needed. */
  #retire(node: SpanNode, isTraceDone: boolean): void {
    if (!isTraceDone || this.#options.awaitsUnseenParents) noteContext(node, this.#options.session);
    if (node.draftedAs && !node.entry) this.#delivery.spool?.forget(referenceOf(node));
    this.dropOverrides(node);
    this.#tracker.retire(node);
  }

  /** Returns the entry of the log. Creates it, after those of the ancestors that it can name as parents. */
  #entryOf(node: SpanNode, flags: MapFlags): LogEntry {
    const missing: SpanNode[] = [];
    let parent: SpanNode | undefined = node;
    for (; parent && !parent.entry; parent = findAncestor(parent, this.isLog)) {
      missing.push(parent);
    }
    for (const step of missing.reverse()) {
      step.entry = this.#delivery.expect({
        referenceId: referenceOf(step),
        parent: parent?.entry,
        family: step.trace.logs,
        startedMillis: (step.span && millisOf(step.span.startTime)) ?? 0,
      });
      // Ended ancestors are due themselves. An open one is posted as it is now, so that its child can be sent.
      if (step !== node && (step.state === 'open' || !step.span)) this.#write(step, flags);
      parent = step;
    }
    return node.entry as LogEntry;
  }

  /** Adds a stub. If there are too many, forgets the oldest, which are then not closed at shutdown. */
  #addStub(node: SpanNode): void {
    this.#stubs.add(node);
    for (const oldest of this.#stubs) {
      if (this.#stubs.size <= MAX_STUBS) return;
      this.#stubs.delete(oldest);
      if (oldest.entry) this.#delivery.finish(oldest.entry);
    }
  }

  #override(entry: LogEntry, late: LateFields): void {
    // The hook may be asynchronous: a flush waits for its answer.
    this.#delivery.expectOverride(entry);
    this.#redaction.redactLate(entry.referenceId, late, (cleared) => this.#delivery.override(entry, cleared));
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

  /** Reads the span together with its events that came as log events. */
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
