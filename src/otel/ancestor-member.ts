/**
 * The member of `tracestate` by which services hand on where their logs hang: `humanloop=<16 hex digits>`, the span id of
 * the nearest log above. It has no content, names no session and no user, and passes through services that only obey
 * W3C Trace Context.
 *
 * What comes from outside is not trusted: anything but a span id is ignored, and it can only name a span of the trace
 * that it came with.
 */
import type { TraceState } from '@opentelemetry/api';

/**
 * Where a log goes whose trace comes from another process.
 * - `link`  under the log that is named, else at the top; the server may know the remote span, and hang it there
 * - `top`   at the top, whatever is named
 * - `name`  under the log that is named, else under the remote span itself, whose log the server may know
 */
export type RemoteParent = 'link' | 'top' | 'name';

export const TRACE_STATE_HEADER = 'tracestate';

const KEY = 'humanloop';
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
/** The bounds of W3C Trace Context, 3.3.1. */
const MAX_MEMBERS = 32;
const MAX_LENGTH = 512;
/** If there is no room, members that are longer than this are left out first, as W3C Trace Context has it. */
const LONG_MEMBER = 128;

/** Returns the span id that the member names; undefined if there is no valid one. */
export function readAncestor(traceState: TraceState | undefined): string | undefined {
  return traceState ? readMember(traceState) : undefined;
}

export function isSpanId(value: unknown): value is string {
  return typeof value === 'string' && SPAN_ID.test(value);
}

/** The object is that of an SDK, or of an app's sampler. */
function readMember(traceState: TraceState): string | undefined {
  try {
    const value: unknown = traceState.get(KEY);
    return isSpanId(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the header with the member in front, and as many of the others as there is room for. */
export function writeAncestor(spanId: string, traceState: TraceState | undefined): string {
  const others = (traceState?.serialize() ?? '').split(',').map((member) => member.trim());
  const members = [`${KEY}=${spanId}`, ...others.filter((member) => member && !member.startsWith(`${KEY}=`))];
  const isTooLong = () => members.join(',').length > MAX_LENGTH;
  for (let at = members.length - 1; at > 0 && isTooLong(); at--) {
    if ((members[at] as string).length > LONG_MEMBER) members.splice(at, 1);
  }
  while (members.length > MAX_MEMBERS || isTooLong()) members.pop();
  return members.join(',');
}
