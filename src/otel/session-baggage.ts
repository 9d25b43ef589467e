/** The `baggage` header with a session id in it, for services that are to log into the same session. */
import { type Baggage, type Context, propagation } from '@opentelemetry/api';

export const BAGGAGE_HEADER = 'baggage';
const SESSION_KEY = 'session.id';
/** What SDKs accept, which W3C Baggage allows. */
const MAX_ENTRY_LENGTH = 4096;
const MAX_LENGTH = 8192;

/**
 * Returns the header with the session id in front of the baggage of the context; undefined if that names a session
 * already, or if the id is too long.
 */
export function writeSession(session: string, context: Context): string | undefined {
  const baggage = propagation.getBaggage(context);
  if (baggage?.getEntry(SESSION_KEY)) return undefined;
  const own = `${SESSION_KEY}=${encodeURIComponent(session)}`;
  if (own.length > MAX_ENTRY_LENGTH) return undefined;
  let header = own;
  for (const entry of encodeEntries(baggage)) {
    if (entry.length <= MAX_ENTRY_LENGTH && header.length + 1 + entry.length <= MAX_LENGTH) header += `,${entry}`;
  }
  return header;
}

function encodeEntries(baggage: Baggage | undefined): string[] {
  const entries = baggage?.getAllEntries() ?? [];
  return entries.map(([key, { value, metadata }]) => {
    const pair = `${encodeURIComponent(key)}=${encodeURIComponent(value)}`;
    return metadata === undefined ? pair : `${pair};${metadata.toString()}`;
  });
}
