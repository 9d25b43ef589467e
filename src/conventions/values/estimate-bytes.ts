/** What holding values costs, roughly. It runs in `span.end`, so it adds up lengths and looks no deeper than it must. */
import type { SpanEvent } from '../../otel/span-slice.ts';

/** A key with a small value. */
const ENTRY_BYTES = 50;
/** Below this depth a structured value counts as one small value: what is nested deeper is seldom large. */
const MAX_DEPTH = 4;

/** Returns the bytes of an attribute: its key and its value. A value that throws when it is read counts as small. */
export function estimateEntryBytes(value: unknown): number {
  if (typeof value === 'string') return ENTRY_BYTES + value.length;
  if (typeof value !== 'object') return ENTRY_BYTES;
  try {
    return ENTRY_BYTES + bytesOf(value, MAX_DEPTH);
  } catch {
    return ENTRY_BYTES;
  }
}

export function estimateEventBytes({ attributes }: SpanEvent): number {
  let bytes = ENTRY_BYTES;
  for (const key in attributes) bytes += estimateEntryBytes(attributes[key]);
  return bytes;
}

function bytesOf(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth === 0) return 0;
  let bytes = 0;
  for (const child of Object.values(value)) bytes += ENTRY_BYTES / 5 + bytesOf(child, depth - 1);
  return bytes;
}
