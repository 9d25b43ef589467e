/**
 * Writes a log as it stands: reads and maps its span, redacts and encodes it, and hands it to the delivery. Called
 * when a span is due, again when one that was posted open has ended, and for what the app says through `update()`.
 */

import { encodeDatapoint } from '../datapoint/encode.ts';
import { type Redacted, runRedact } from '../datapoint/redact.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { type Late, LogEntry } from '../delivery/log-entry.ts';
import type { ResolvedOptions } from '../options.ts';
import { millisOf } from '../otel/hr-time.ts';
import { type SpanEvent, type SpanSlice, spanOfEvent } from '../otel/span-slice.ts';
import { findAncestor, referenceOf, type SpanNode } from '../trace/span-node.ts';
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
    entry.isFinal = this.closesOpenSpans || (span !== undefined && node.state !== 'open');
    entry.version++;
    if (node.overrides) this.update(entry, node.overrides);
    node.overrides = undefined;
    const flags = this.closesOpenSpans ? CLOSING : PLAIN;
    const parent = entry.effectiveParent?.referenceId;
    try {
      const datapoint = this.#map(node, span, parent, flags);
      if (this.#redact) this.#offerRedacted(node, span, entry, datapoint);
      else this.#offer(entry, datapoint);
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
      if (!cleared || node.entry || node.state === 'retired') return;
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
  update(entry: LogEntry, late: Late): void {
    const said = this.#captureContent ? late : withoutText(late);
    if (!this.#redact) return this.#delivery.override(entry, said);
    this.#delivery.expect(entry);
    settle(runRedact(this.#redact, { reference_id: entry.referenceId, ...said }), (result) => {
      this.#delivery.override(entry, result === null ? {} : result === 'failed' ? withoutText(said) : lateOf(result));
    });
  }

  #offer(entry: LogEntry, datapoint: LogRequest): void {
    const { body, late } = encodeDatapoint(datapoint);
    this.#delivery.offer(entry, body, late, this.mayRepeatStubs && datapoint.metadata?.['stub'] === true);
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

  #offerRedacted(node: SpanNode, span: SpanSlice | undefined, entry: LogEntry, datapoint: LogRequest): void {
    const { version } = entry;
    this.#redacted(datapoint, node, span, (cleared) => {
      // Hooks may answer out of order; what was said later holds.
      if (entry.version !== version) return;
      if (cleared) this.#offer(entry, cleared);
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
      step.entry = new LogEntry(referenceOf(step), parent?.entry, step.trace.logs);
      if (step.span) step.entry.startedMillis = millisOf(step.span.startTime) ?? 0;
      this.#delivery.expect(step.entry);
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

function lateOf({ output, error, duration }: LogRequest): Late {
  return { output: output ?? undefined, error: error ?? undefined, duration: duration ?? undefined };
}

/** That it failed is structure, how it failed is content. */
function withoutText({ error, duration }: Late): Late {
  return { duration, error: error === undefined ? undefined : 'error' };
}

function flagged(datapoint: LogRequest): LogRequest {
  return { ...datapoint, metadata: { ...datapoint.metadata, redaction: 'failed' } };
}
