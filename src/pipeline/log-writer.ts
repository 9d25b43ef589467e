/**
 * Writes logs: selects the spans that are logs, reads them, resolves duplicates, maps, redacts, encodes, and passes the
 * result to the delivery.
 *
 * All spans of a run are selected before the first is written, and all are written before the first is retired: the
 * session of a child may be on an ancestor. Where there may be duplicates, all are read first, too. A log is
 * written again when a span that was posted open ends, and when the parent comes that a stub stands for.
 */
import type { TraceContext } from '../conventions/context.ts';
import type { Reading } from '../conventions/convention.ts';
import { type EncodedDatapoint, encodeDatapoint } from '../datapoint/encode.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { Drops } from '../delivery/drops.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import type { Offer } from '../delivery/ledger/offer.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { type SpanEvent, type SpanSlice, spanOfEvent } from '../otel/span-slice.ts';
import { letGo } from '../scheduling/let-go.ts';
import type { ResolverHost } from '../trace/same-call/resolver-host.ts';
import { createIsLog, createSelect, type Select } from '../trace/select-spans.ts';
import { anySpan, findCaller, referenceOf, type SpanNode, type Trace } from '../trace/span-node.ts';
import { decideContext, namesContext, noteContext } from '../trace/trace-context.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import { referenceIdOf } from '../wire/reference-id.ts';
import type { LogRequest } from '../wire/v4.ts';
import { calledModelInto, passOnFirstCall, withAgentsModel, withCalledModel } from './agent-model.ts';
import { examine, examineContinued, examineSkipped } from './doctor/faults.ts';
import { Drafts } from './drafts.ts';
import { Entries } from './entries.ts';
import { Evaluations } from './evaluations.ts';
import { forEachSpan } from './for-each-span.ts';
import {
  createMapLog,
  createMapShort,
  flagsOf,
  type MapFlags,
  type MapLog,
  type MapShort,
  type SpanLog,
  type StubLog,
} from './map-log.ts';
import { Overrides } from './overrides.ts';
import { type Pass, passOver } from './passes.ts';
import { absorb, lateFieldsFor, readNode } from './read-node.ts';
import { Redaction } from './redaction.ts';
import { createRun, type Run } from './run.ts';
import { RunReader } from './run-reader.ts';
import { Stubs } from './stubs.ts';

export interface LogWriterOptions extends ResolvedOptions {
  /** True for an exporter, which cannot know whether more of a trace will come. */
  readonly awaitsUnseenParents: boolean;
}

export class LogWriter {
  /** Returns true if the span is a log, as far as it is known now. */
  readonly isLog: (node: SpanNode) => boolean;
  readonly evaluations: Evaluations;
  readonly drafts: Drafts;
  readonly overrides: Overrides;
  readonly #delivery: Delivery;
  readonly #tracker: TraceTracker;
  readonly #options: LogWriterOptions;
  readonly #select: Select;
  readonly #map: MapLog;
  readonly #mapShort: MapShort | undefined;
  readonly #redaction: Redaction;
  readonly #reader: RunReader;
  readonly #entries: Entries;
  /** The logs that were mapped in this turn of the event loop. At its end the delivery takes them together. */
  readonly #offers: Offer[] = [];
  readonly #stubs = new Stubs((entry) => this.#delivery.finish(entry));

  constructor(delivery: Delivery, tracker: TraceTracker, drops: Drops, options: LogWriterOptions) {
    this.#delivery = delivery;
    this.#tracker = tracker;
    this.#options = options;
    this.#select = createSelect(options);
    this.isLog = createIsLog(this.#select);
    this.#entries = new Entries(delivery, {
      isLog: this.isLog,
      write: (ancestor, flags) => this.#write(ancestor, flags),
    });
    this.#map = createMapLog(options);
    this.#mapShort = createMapShort(options);
    this.#redaction = new Redaction(this.#map, options);
    this.overrides = new Overrides(delivery, tracker, drops, this.#redaction);
    this.drafts = new Drafts({
      spool: delivery.spool,
      redaction: this.#redaction,
      session: options.session,
      isLog: this.isLog,
      describe: (node, span, parent) => this.#describe(node, span, parent, this.#read(node, span)),
    });
    this.evaluations = new Evaluations(delivery, tracker, drops, this.#redaction, this.isLog);
    const host: ResolverHost = {
      select: this.#select,
      read: this.#readEnded,
      logOf: (traceId, spanId) =>
        tracker.find(traceId, spanId) ?? { entry: delivery.assumeDelivered(referenceIdOf(traceId, spanId)) },
      unretiredNodes: () => tracker.unretiredNodes(),
      absorb: (node, reading, bytes) => absorb(tracker, node, reading, bytes),
      fillIn: (entry, node, lacking) => {
        const late = node.span && node.reading && lateFieldsFor(this.#mapLate(node, node.span, node.reading), lacking);
        if (late) this.overrides.send(entry, late);
      },
      holdWith: (node, open) => tracker.holdWith(node, open, performance.now()),
    };
    this.#reader = new RunReader(host, { ...options, readsShort: this.#mapShort !== undefined });
  }

  /** The same for a span without a node. */
  isLogSpan(span: SpanSlice): boolean {
    return this.#select(span) !== undefined;
  }

  /**
   * Works off spans of one trace that are due together. Most runs are done when it returns. If one is not, the result
   * does the rest, and yields after small steps.
   */
  workOff(nodes: readonly SpanNode[]): Generator<void> | undefined {
    return passOver(createRun(nodes), this.#passes);
  }

  readonly #passes: readonly Pass[] = [
    (run) => forEachSpan(run.nodes, this.#sortOut, run),
    (run) => {
      run.areCompared = this.#reader.compares(run.logs);
      return forEachSpan(run.logs, this.#reader.read, run.areCompared);
    },
    (run) => {
      this.#reader.resolve(run.logs, run.areCompared, run.heldAgain);
      return forEachSpan(run.nodes, this.#relate, run);
    },
    // The hook may take any time.
    (run) => forEachSpan(run.logs, this.#place, run, this.#options.redact ? 0 : undefined),
    (run) => forEachSpan(run.nodes, this.#retire, run),
    (run) => {
      this.#delivery.counts.processed.succeeded += run.withoutLogCount;
      letGo(run.logs);
      return undefined;
    },
  ];

  readonly #sortOut = (node: SpanNode, { logs, heldAgain }: Run): void => {
    if (!this.isLog(node)) {
      if (node.span) examineSkipped(node.span, this.#options.quiet);
      return;
    }
    if (this.#tracker.holdWithAncestor(node, this.isLog)) heldAgain.add(node);
    else logs.push(node);
  };

  readonly #relate = (node: SpanNode): void => {
    if (node.reading) node.reading = withAgentsModel(node, node.reading, this.#readEnded);
    if (node.kind === 'model' || node.firstCall) passOnFirstCall(node);
    // Whatever is read the short way has no events.
    if (!node.short) this.evaluations.route(node);
  };

  readonly #place = (node: SpanNode, { heldAgain, flags }: Run): void => {
    // Another log has its call, or it waits for another span.
    if (node.isNoLog || heldAgain.has(node)) return;
    if (this.#tracker.place(node, this.isLog)) this.#write(node, flags);
    else heldAgain.add(node);
  };

  /** Writes the logs of open spans and stubs as ended, since their ends will not be seen. */
  *closeOpen(): Generator<void> {
    yield* forEachSpan([...this.#tracker.unretiredNodes(), ...this.#stubs], this.#close, flagsOf(true)) ?? [];
    this.evaluations.giveUpUnseen();
  }

  readonly #close = (node: SpanNode, flags: MapFlags): void => {
    if (!this.isLog(node)) this.evaluations.giveUp(node);
    else if (this.#tracker.place(node, this.isLog)) this.#write(node, flags);
  };

  /** Takes an event of a span whose log is already written. Only its output is used. */
  writeEvent(node: SpanNode, entry: LogEntry, event: SpanEvent): void {
    const span = spanOfEvent(node.trace.traceId, node.spanId, event);
    const { output } = this.#mapLate(node, span, this.#read(node, span));
    if (output) this.overrides.send(entry, { output });
  }

  /** Offers the log as it is now, and before it the open ancestors that it names as parents. */
  #write(node: SpanNode, flags: MapFlags): void {
    const entry = this.#entries.of(node, flags);
    const { span } = node;
    if (span) this.#stubs.delete(node);
    else this.#stubs.add(node);
    const isFinal = flags.isClosing || (span !== undefined && node.state !== 'open');
    if (node.overrides) this.overrides.give(node, entry);
    try {
      const parent = entry.effectiveParent?.referenceId;
      const context = this.#contextOf(node, parent === undefined);
      if (span) examine(span, node.kind ?? 'generic', this.#options.quiet);
      if (node.trace.isContinued) examineContinued(this.#options.quiet);
      const short = this.#writeShort(node, flags, context);
      if (short) return this.#offer(entry, short, isFinal, false);
      const log: SpanLog | StubLog = span
        ? this.#describe(node, span, parent, node.reading ?? this.#read(node, span))
        : { referenceId: entry.referenceId, span, neighbour: anySpan(node.trace) };
      if (log.span) {
        if (log.kind === 'model') node.callId = log.reading.callId;
        this.evaluations.write(node, entry, log.reading.evaluations);
      }
      this.#redaction.map(entry, log, context, flags, (cleared) => {
        if (cleared) this.#offerLog(entry, cleared, isFinal);
        else this.#delivery.drop(entry, 'redacted');
      });
    } catch (error) {
      this.#delivery.drop(
        entry,
        'mapping_failed',
        error instanceof Error ? String(error) : 'a value that is no error was thrown',
      );
    }
  }

  /** Returns the encoded log if its span was read the short way, and nothing was added to what it says. */
  #writeShort(node: SpanNode, { isClosing }: MapFlags, context: TraceContext): EncodedDatapoint | undefined {
    const { span, short, events, absorbed, state } = node;
    if (!this.#mapShort || !span || !short || events || absorbed || isClosing || state === 'open') return undefined;
    if (short.kind === 'model') node.callId = short.responseId;
    node.short = undefined;
    return this.#mapShort(span, calledModelInto(node, short), context, namesContext(node, span));
  }

  #offerLog(entry: LogEntry, datapoint: LogRequest, isFinal: boolean): void {
    // A stub may stand for a parent whose log was sent and then forgotten.
    const mayBeStored = this.#tracker.hasForgotten && datapoint.metadata?.['stub'] === true;
    this.#offer(entry, encodeDatapoint(datapoint), isFinal, mayBeStored);
  }

  #offer(entry: LogEntry, { body, late }: EncodedDatapoint, isFinal: boolean, mayBeStored: boolean): void {
    const count = this.#offers.push({ entry, body, late, isFinal, mayBeStored });
    if (count === 1) queueMicrotask(() => guard(() => this.#delivery.accept(this.#offers.splice(0))));
  }

  /** Lets the span go, unless it is held again. Its trace keeps what it says about the context, and needs no more. */
  readonly #retire = (node: SpanNode, run: Run): void => {
    const { openCount, pendingCount } = node.trace;
    const isTraceDone = openCount === 0 && pendingCount === run.left--;
    if (run.heldAgain.size > 0 && run.heldAgain.has(node)) return;
    if (!node.entry) run.withoutLogCount++;
    if (!isTraceDone || this.#options.awaitsUnseenParents) noteContext(node, this.#options.session);
    if (node.hasRareFields) {
      this.drafts.forget(node);
      this.overrides.settle(node);
    }
    this.#tracker.retire(node);
  };

  /** Maps what is only an update of a log. */
  #mapLate(node: SpanNode, span: SpanSlice, reading: Reading): LogRequest {
    const log = this.#describe(node, span, undefined, reading);
    return this.#map(log, this.#decide(node.trace), flagsOf(false));
  }

  #describe(node: SpanNode, span: SpanSlice, parentReferenceId: string | undefined, reading: Reading): SpanLog {
    return {
      referenceId: referenceOf(node),
      parentReferenceId,
      span,
      kind: node.kind ?? 'generic',
      reading: withCalledModel(node, withAgentsModel(node, reading, this.#readEnded)),
      namesContext: namesContext(node, span),
      isOpen: node.state === 'open',
    };
  }

  readonly #readEnded = (node: SpanNode): Reading | undefined => node.span && this.#read(node, node.span);

  /** Reads the span together with its events that came as log events. */
  #read(node: SpanNode, span: SpanSlice): Reading {
    return readNode(node, span, this.#options.conventions);
  }

  #contextOf(node: SpanNode, isAtTop: boolean): TraceContext {
    const context = this.#decide(node.trace);
    const caller = isAtTop && this.#options.remoteParent === 'link' ? findCaller(node) : undefined;
    return caller === undefined ? context : { ...context, caller };
  }

  #decide(trace: Trace): TraceContext {
    return decideContext(trace, this.#options.session);
  }
}
