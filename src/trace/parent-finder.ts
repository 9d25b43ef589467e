/**
 * Finds the node above a span that has come. What is not known is a placeholder: for an exporter, a parent that may come
 * later; for both, the log that another service has named from which the trace comes.
 */
import type { Context } from '@opentelemetry/api';
import { roleInMcp } from '../conventions/vocabularies/mcp.ts';
import { elsewhereEntry } from '../delivery/ledger/earlier-logs.ts';
import type { RemoteParent } from '../otel/ancestor-member.ts';
import { parentSpanIdOf, type SpanSlice } from '../otel/span-slice.ts';
import { isElsewhere, referenceOf, type SpanNode, type SpanState, type Trace } from './span-node.ts';
import { isContinued, upstreamOf } from './upstream.ts';

/** `SpanKind.SERVER` and `CONSUMER` of `@opentelemetry/api`. */
const KIND_SERVER = 1;
const KIND_CONSUMER = 4;

export interface ParentFinderOptions {
  /** True for an exporter: a parent that was not seen yet may still come. */
  readonly awaitsUnseenParents: boolean;
  readonly remoteParent: RemoteParent;
  readonly createNode: (trace: Trace, spanId: string, state: SpanState, parent: SpanNode | undefined) => SpanNode;
}

export class ParentFinder {
  readonly #options: ParentFinderOptions;

  constructor(options: ParentFinderOptions) {
    this.#options = options;
  }

  /** `parentContext` is what the span was started in, if that is known. */
  find(trace: Trace, span: SpanSlice, spanId: string, parentContext?: Context): SpanNode | undefined {
    const parentSpanId = parentSpanIdOf(span);
    if (!parentSpanId || parentSpanId === spanId) return undefined;
    const known = trace.nodes.get(parentSpanId);
    if (!this.#options.awaitsUnseenParents) return known ?? this.#findUpstream(trace, span, parentContext);
    const isRemote = this.#hasRemoteParent(span);
    if (!known) {
      const upstream = this.#findUpstream(trace, span, parentContext);
      if (upstream?.spanId === parentSpanId) return upstream;
      const mayBeHere = span.kind === KIND_SERVER && roleInMcp(span) !== undefined;
      const state = !isRemote ? 'unseen' : mayBeHere && !upstream ? 'awaited' : 'remote';
      return this.#options.createNode(trace, parentSpanId, state, upstream);
    }
    // A child of this process names it as its own, so it belongs to this process after all.
    if ((known.state === 'remote' || known.state === 'awaited') && !isRemote) {
      known.state = 'unseen';
      if (isElsewhere(known)) known.entry = undefined;
    }
    return known;
  }

  /**
   * Spans of SDK 1 do not say it. One that receives a request has a remote parent if another service has named a log of the
   * trace.
   */
  #hasRemoteParent(span: SpanSlice): boolean {
    const { kind, parentSpanContext } = span;
    if (parentSpanContext) return parentSpanContext.isRemote === true;
    if (kind !== KIND_SERVER && kind !== KIND_CONSUMER) return false;
    return upstreamOf(span, undefined, this.#options.remoteParent) !== undefined;
  }

  /** Returns the placeholder of the log that another service has named, or the node of that span if it is of this process. */
  #findUpstream(trace: Trace, span: SpanSlice, parentContext: Context | undefined): SpanNode | undefined {
    const { awaitsUnseenParents, remoteParent, createNode } = this.#options;
    // Only a processor can name what is above a request, and be without the propagator for it.
    trace.isContinued ||= !awaitsUnseenParents && remoteParent !== 'top' && isContinued(span, parentContext);
    const spanId = upstreamOf(span, parentContext, remoteParent);
    if (spanId === undefined || spanId === span.spanContext().spanId) return undefined;
    const known = trace.nodes.get(spanId);
    if (known) return known;
    const node = createNode(trace, spanId, 'remote', undefined);
    node.entry = elsewhereEntry(referenceOf(node));
    return node;
  }
}
