/** What holds for every log of a trace: its session, its user, its tags. Decided when the first of them is written. */
import { readSession, readTags, readUser } from '../conventions/context.ts';
import type { SpanSlice } from '../otel.ts';
import type { Trace } from './span-node.ts';

export interface DecidedContext {
  /** The conversation or session id that a span of the trace bears, else the trace id. */
  readonly sessionReferenceId: string;
  readonly user: string | undefined;
  readonly tags: readonly string[] | undefined;
}

/** It stands once it is decided: a log's session cannot be changed, and all logs of a trace share one. */
export function contextOf(
  trace: Trace,
  session: ((span: SpanSlice) => string | undefined) | undefined,
): DecidedContext {
  trace.context ??= {
    sessionReferenceId: find(trace, session ?? readSession) || trace.traceId,
    user: find(trace, readUser),
    tags: find(trace, readTags),
  };
  return trace.context;
}

/** Roots first, then in the order in which the spans started. A user's reader that throws has found nothing. */
function find<Found>(trace: Trace, read: (span: SpanSlice) => Found | undefined): Found | undefined {
  for (const wantsRoot of [true, false]) {
    for (const { span, parent } of trace.nodes.values()) {
      if (!span || (parent === undefined) !== wantsRoot) continue;
      try {
        const found = read(span);
        if (found !== undefined) return found;
      } catch {}
    }
  }
  return undefined;
}
