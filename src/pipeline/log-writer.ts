/**
 * Writes a log as it stands: reads and maps its span, redacts and encodes it, and hands it to the delivery. Called
 * when a span is due, again when one that was posted open has ended, and for what the app says through `update()`.
 */

import { encodeDatapoint } from '../datapoint/encode.ts';
import { type Redacted, runRedact } from '../datapoint/redact.ts';
import type { Delivery } from '../delivery/delivery.ts';
import type { LogEntry } from '../delivery/ledger/log-entry.ts';
import type { ResolvedOptions } from '../options.ts';
import { millisOf } from '../otel/hr-time.ts';
import { type SpanEvent, type SpanSlice, spanOfEvent } from '../otel/span-slice.ts';
import { findAncestor, referenceOf, type SpanNode } from '../trace/span-node.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { LogRequest } from '../wire/v4.ts';
import type { MapFlags, MapLog } from './map-log.ts';

const MAX_STUBS = 10_000;
const PLAIN: MapFlags = { withContent: true, isClosing: false };
const CLOSING: MapFlags = { withContent: true, isClosing: true };
const DRAFT: MapFlags = { withContent: true, isClosing: false, isDraft: true };

export class LogWriter {
  readonly #delivery: Delivery;
  readonly #map: MapLog;
  readonly #redact: ResolvedOptions['redact'];
  readonly #captureContent: boolean;
  readonly #isLog: (node: SpanNode) => boolean;
  /** How often a log was given to the redact hook. */
  readonly #versions = new WeakMap<LogEntry, number>();
  /** Posted in place of a parent that had not come. */
  readonly stubs = new Set<SpanNode>();
  /** Open spans are written as ended: nobody will see their end. */
  closesOpenSpans = false;
  /** Spans were forgotten: a parent that stands in for one may have been sent by its own name before. */
  mayRepeatStubs = false;

  constructor(
    delivery: Delivery,
    map: MapLog,
    { redact, captureContent }: Pick<ResolvedOptions, 'redact' | 'captureContent'>,
    isLog: (node: SpanNode) => boolean,
  ) {
    this.#delivery = delivery;
    this.#map = map;
    this.#redact = redact;
    this.#captureContent = captureContent;
    this.#isLog = isLog;
  }

  /** Hands the log on as it is now, and before it those open ancestors that it names as parents. */
  write(node: SpanNode): void {
    const entry = this.#entryOf(node);
    const { span } = node;
    if (span) this.stubs.delete(node);
    else this.#addStub(node);
    const isFinal = this.closesOpenSpans || (span !== undefined && node.state !== 'open');
    if (node.overrides) this.update(entry, node.overrides);
    node.overrides = undefined;
    const flags = this.closesOpenSpans ? CLOSING : PLAIN;
    const parent = entry.effectiveParent?.referenceId;
    try {
      const datapoint = this.#map(node, span, parent, flags);
      if (this.#redact) this.#offerRedacted(node, span, entry, datapoint, isFinal);
      else this.#offer(entry, datapoint, isFinal);
    } catch (error) {
      this.#delivery.drop(entry, 'mapping_failed', String(error));
    }
  }

  /**
   * Lets the spool know of a log that is held back, and of the open ancestors above it, as they are now. Nothing is
   * decided by that: when it is written, it is written anew.
   */
  draft(node: SpanNode): void {
    const { span } = node;
    if (!span || node.draftedAs === node.state || node.entry || !this.#isLog(node)) return;
    node.draftedAs = node.state;
    const parent = findAncestor(node, this.#isLog);
    if (parent) this.draft(parent);
    const parentReferenceId = parent && referenceOf(parent);
    let datapoint: LogRequest;
    try {
      datapoint = this.#map(node, span, parentReferenceId, DRAFT);
    } catch {
      // It will fail once more when it is written, and be counted then.
      return;
    }
    this.#redacted(datapoint, node, span, (cleared) => {
      if (!cleared || node.entry || node.state === 'settled') return;
      const { body, late } = encodeDatapoint(cleared);
      this.#delivery.spool?.draft({
        referenceId: referenceOf(node),
        parentReferenceId,
        body,
        late,
        acknowledged: undefined,
        isDelivered: false,
        isFinal: node.state !== 'open',
        startedMillis: millisOf(span.startTime) ?? 0,
      });
    });
  }

  /** An event of a span whose log is written: it can still bring the output. */
  writeEvent(node: SpanNode, entry: LogEntry, event: SpanEvent): void {
    const span = spanOfEvent(node.trace.traceId, node.spanId, event);
    const { output } = this.#map(node, span, undefined, PLAIN);
    if (output) this.update(entry, { output });
  }

  /** What the app itself says of the late fields. */
  update(entry: LogEntry, late: LateFields): void {
    const said = this.#captureContent ? late : withoutText(late);
    if (!this.#redact) return this.#delivery.override(entry, said);
    this.#delivery.expectOverride(entry);
    settle(runRedact(this.#redact, { reference_id: entry.referenceId, ...said }), (result) => {
      this.#delivery.override(entry, result === null ? {} : result === 'failed' ? withoutText(said) : lateOf(result));
    });
  }

  #offer(entry: LogEntry, datapoint: LogRequest, isFinal: boolean): void {
    const mayBeStored = this.mayRepeatStubs && datapoint.metadata?.['stub'] === true;
    const { body, late } = encodeDatapoint(datapoint);
    this.#delivery.offer(entry, { body, late, isFinal, mayBeStored });
  }

  /** The oldest are let go: they are merely not closed at shutdown. */
  #addStub(node: SpanNode): void {
    this.stubs.add(node);
    for (const oldest of this.stubs) {
      if (this.stubs.size <= MAX_STUBS) return;
      this.stubs.delete(oldest);
      if (oldest.entry) this.#delivery.finish(oldest.entry);
    }
  }

  #offerRedacted(
    node: SpanNode,
    span: SpanSlice | undefined,
    entry: LogEntry,
    datapoint: LogRequest,
    isFinal: boolean,
  ): void {
    const version = (this.#versions.get(entry) ?? 0) + 1;
    this.#versions.set(entry, version);
    this.#redacted(datapoint, node, span, (cleared) => {
      // Hooks may answer out of order; what was said later holds.
      if (this.#versions.get(entry) !== version) return;
      if (cleared) this.#offer(entry, cleared, isFinal);
      else this.#delivery.drop(entry, 'redacted');
    });
  }

  /** `null` where the hook withholds the log. A hook that fails clears nothing but the structure. */
  #redacted(
    datapoint: LogRequest,
    node: SpanNode,
    span: SpanSlice | undefined,
    use: (cleared: LogRequest | null) => void,
  ): void {
    if (!this.#redact) return use(datapoint);
    const parent = datapoint.parent_reference_id ?? undefined;
    const { reading } = node;
    const flags = { ...(this.closesOpenSpans ? CLOSING : PLAIN), withContent: false };
    settle(runRedact(this.#redact, datapoint), (result) => {
      use(result === 'failed' ? flagged(this.#map(node, span, parent, flags, reading)) : result);
    });
  }

  #entryOf(node: SpanNode): LogEntry {
    const missing: SpanNode[] = [];
    let parent: SpanNode | undefined = node;
    for (; parent && !parent.entry; parent = findAncestor(parent, this.#isLog)) missing.push(parent);
    for (const step of missing.reverse()) {
      step.entry = this.#delivery.expect({
        referenceId: referenceOf(step),
        parent: parent?.entry,
        family: step.trace.logs,
        startedMillis: (step.span && millisOf(step.span.startTime)) ?? 0,
      });
      // Ended ancestors come by themselves. An open one is posted as it is, for its child's sake.
      if (step !== node && (step.state === 'open' || !step.span)) this.write(step);
      parent = step;
    }
    return node.entry as LogEntry;
  }
}

/** At once where the hook is synchronous. */
function settle(result: Redacted | Promise<Redacted>, use: (result: Redacted) => void): void {
  if (result instanceof Promise) void result.then(use);
  else use(result);
}

function lateOf({ output, error, duration }: LogRequest): LateFields {
  return { output: output ?? undefined, error: error ?? undefined, duration: duration ?? undefined };
}

/** That it failed is structure, how it failed is content. */
function withoutText({ error, duration }: LateFields): LateFields {
  return { duration, error: error === undefined ? undefined : 'error' };
}

function flagged(datapoint: LogRequest): LogRequest {
  return { ...datapoint, metadata: { ...datapoint.metadata, redaction: 'failed' } };
}
