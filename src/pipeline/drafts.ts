/**
 * Drafts: what the logs of held spans would be now, in the spool, in case that the process dies before they are written.
 * A draft decides nothing: when the log is written, it is mapped again.
 */
import { encodeDatapoint } from '../datapoint/encode.ts';
import type { Spool } from '../delivery/ledger/spool.ts';
import { guard } from '../host/guard.ts';
import type { ResolvedOptions } from '../options.ts';
import { millisOf } from '../otel/hr-time.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import { findAncestor, referenceOf, type SpanNode } from '../trace/span-node.ts';
import { findContext } from '../trace/trace-context.ts';
import { flagsOf, type SpanLog } from './map-log.ts';
import type { Redaction } from './redaction.ts';

export interface DraftsHost extends Pick<ResolvedOptions, 'session'> {
  readonly spool: Spool | undefined;
  readonly redaction: Redaction;
  /** Returns true if the span is a log, as far as it is known now. */
  isLog(node: SpanNode): boolean;
  /** Reads the span. */
  describe(node: SpanNode, span: SpanSlice, parentReferenceId: string | undefined): SpanLog;
}

export class Drafts {
  readonly #host: DraftsHost;

  constructor(host: DraftsHost) {
    this.#host = host;
  }

  /** Drafts a held span, if it is still held when this is worked off, and its open ancestors as they are now. */
  *draft(node: SpanNode): Generator<void> {
    if (node.state === 'held') guard(() => this.#draft(node));
    yield;
  }

  /** Removes the draft of a span that turned out not to be a log. */
  forget(node: SpanNode): void {
    if (node.draftedAs && !node.entry) this.#host.spool?.forget(referenceOf(node));
  }

  #draft(node: SpanNode): void {
    const { span } = node;
    const { spool, redaction, session } = this.#host;
    if (!span || node.draftedAs === node.state || node.entry || !this.#host.isLog(node)) return;
    node.draftedAs = node.state;
    const parent = findAncestor(node, (above) => this.#host.isLog(above));
    if (parent) this.#draft(parent);
    const parentReferenceId = parent && referenceOf(parent);
    try {
      const log = this.#host.describe(node, span, parentReferenceId);
      redaction.map(node, log, findContext(node.trace, session), flagsOf(false), (cleared) => {
        if (!cleared || node.entry || node.state === 'retired') return;
        const { body, late } = encodeDatapoint(cleared);
        spool?.draft({
          referenceId: log.referenceId,
          parentReferenceId,
          isParentElsewhere: parent?.entry?.isElsewhere,
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
}
