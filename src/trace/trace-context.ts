/** The session, user and tags that all logs of a trace share. They are decided when the first of the logs is written. */
import { type Context, propagation } from '@opentelemetry/api';
import { hasContextSign } from '../conventions/census.ts';
import { idOf, readSession, readTags, readUser, type TraceContext } from '../conventions/context.ts';
import { censusOf } from '../conventions/index.ts';
import { callHook } from '../host/call-hook.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import { isPlaceholder, type SpanNode, type Trace } from './span-node.ts';

/** Read if no span of a trace has a session: an upstream service may have sent it. */
const BAGGAGE_KEYS = ['gen_ai.conversation.id', 'session.id'];

const NOTHING: TraceContext = { session: undefined, user: undefined, tags: undefined };

type ReadSession = (span: SpanSlice) => string | undefined;

/** Decides once and for all: a log's session cannot be changed, and all logs of a trace share one. */
export function decideContext(trace: Trace, session: ReadSession = readSession): TraceContext {
  trace.context ??= findContext(trace, session);
  return trace.context;
}

/** Returns what would be decided now. */
export function findContext(trace: Trace, session: ReadSession = readSession): TraceContext {
  if (trace.context) return trace.context;
  const { session: noted, user, tags } = trace.noted ?? NOTHING;
  const found = { session: noted, user, tags };
  // In the order in which the spans started. A root outranks what was found below it, whichever comes first.
  for (const node of trace.nodes.values()) note(found, node, session);
  found.session ??= trace.baggageSession ?? trace.traceId;
  return found;
}

/** Keeps the session that comes from upstream, with a span whose parent is not here. */
export function noteBaggage({ trace, parent }: SpanNode, context: Context): void {
  if (trace.baggageSession !== undefined || (parent && !isPlaceholder(parent))) return;
  const baggage = propagation.getBaggage(context);
  if (!baggage) return;
  for (const key of BAGGAGE_KEYS) trace.baggageSession ??= idOf(baggage.getEntry(key)?.value);
}

/** Call before releasing a span of a trace without logs: it may be the only one that carries the session. */
export function noteContext(node: SpanNode, session: ReadSession = readSession): void {
  const { trace } = node;
  if (trace.context) return;
  trace.noted ??= { ...NOTHING };
  note(trace.noted, node, session);
}

/** Without logs a trace is remembered only for its session, user and tags; a late span needs nothing else of it. */
export function hasContext({ context, noted }: Trace): boolean {
  return (
    context !== undefined || noted?.session !== undefined || noted?.user !== undefined || noted?.tags !== undefined
  );
}

/** Whether the span has any attribute that names a session, a user, tags or an environment. */
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
    found.session = sessionOf(span, session) ?? found.session;
  }
  if (!bears) return;
  if (outranks || found.user === undefined) found.user = attempt(readUser, span) ?? found.user;
  if (outranks || found.tags === undefined) found.tags = attempt(readTags, span) ?? found.tags;
}

/** The app's `session` option may return what its type forbids, and the server would refuse the log. */
function sessionOf(span: SpanSlice, read: ReadSession): string | undefined {
  const session: unknown = callHook('session', () => read(span));
  return typeof session === 'string' && session ? session : undefined;
}

/** A parent of another process says nothing here. */
function isRoot({ parent }: SpanNode): boolean {
  return parent === undefined || parent.state === 'remote' || parent.state === 'awaited';
}

/** Returns undefined if reading the span throws. */
function attempt<Found>(read: (span: SpanSlice) => Found | undefined, span: SpanSlice): Found | undefined {
  try {
    return read(span);
  } catch {
    return undefined;
  }
}
