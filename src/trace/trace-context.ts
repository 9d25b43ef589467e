/** What holds for every log of a trace: its session, its user, its tags. Decided when the first of them is written. */
import { type Context, propagation } from '@opentelemetry/api';
import { hasContextSign } from '../conventions/census.ts';
import { readSession, readTags, readUser, type TraceContext } from '../conventions/context.ts';
import { censusOf } from '../conventions/index.ts';
import { callHook } from '../host/call-hook.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import type { SpanNode, Trace } from './span-node.ts';

/** Read where no span of a trace bears a session: an upstream service may have sent it along. */
const BAGGAGE_KEYS = ['gen_ai.conversation.id', 'session.id'];

type ReadSession = (span: SpanSlice) => string | undefined;

/** It stands once it is decided: a log's session cannot be changed, and all logs of a trace share one. */
export function decideContext(trace: Trace, session: ReadSession = readSession): TraceContext {
  trace.context ??= findContext(trace, session);
  return trace.context;
}

/** What would be decided now. */
export function findContext(trace: Trace, session: ReadSession = readSession): TraceContext {
  if (trace.context) return trace.context;
  const found = { ...trace.noted };
  // In the order in which the spans started; a root, which is asked last, outranks what was found below it.
  for (const wantsRoot of [false, true]) {
    for (const node of trace.nodes.values()) if (isRoot(node) === wantsRoot) note(found, node, session);
  }
  found.session ??= trace.baggageSession ?? trace.traceId;
  return found;
}

/** Of the first span that starts here: what it inherits, all others of the trace inherit too. */
export function noteBaggage(trace: Trace, context: Context): void {
  if (trace.nodes.size > 1) return;
  const baggage = propagation.getBaggage(context);
  if (!baggage) return;
  for (const key of BAGGAGE_KEYS) trace.baggageSession ??= baggage.getEntry(key)?.value || undefined;
}

/** Before a span is let go whose trace has no log yet: what it says may be said nowhere else. */
export function noteContext(node: SpanNode, session: ReadSession = readSession): void {
  const { trace } = node;
  if (trace.context) return;
  trace.noted ??= { session: undefined, user: undefined, tags: undefined };
  note(trace.noted, node, session);
}

/** Nothing else of a trace without logs could be missed by a span that comes late. */
export function hasContext({ context, noted }: Trace): boolean {
  return (
    context !== undefined || noted?.session !== undefined || noted?.user !== undefined || noted?.tags !== undefined
  );
}

/** Whether the span has any attribute that names a session, a user or tags. */
export function namesContext({ signs }: SpanNode, span: SpanSlice): boolean {
  return hasContextSign(signs ?? censusOf(span).signs);
}

function note(found: TraceContext, node: SpanNode, session: ReadSession): void {
  const { span } = node;
  if (!span) return;
  const bears = namesContext(node, span);
  if (!bears && session === readSession) return;
  const outranks = isRoot(node);
  if (outranks || found.session === undefined) {
    found.session = nonEmpty(callHook('session', () => session(span))) ?? found.session;
  }
  if (!bears) return;
  if (outranks || found.user === undefined) found.user = attempt(readUser, span) ?? found.user;
  if (outranks || found.tags === undefined) found.tags = attempt(readTags, span) ?? found.tags;
}

/** An app's reader may give what its type forbids, and the server would refuse the log for it. */
function nonEmpty(session: unknown): string | undefined {
  return typeof session === 'string' && session ? session : undefined;
}

function isRoot(node: SpanNode): boolean {
  return node.parent === undefined;
}

/** A span that breaks every promise says nothing. */
function attempt<Found>(read: (span: SpanSlice) => Found | undefined, span: SpanSlice): Found | undefined {
  try {
    return read(span);
  } catch {
    return undefined;
  }
}
