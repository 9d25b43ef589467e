/** What holding a span costs, roughly. It runs in `span.end`, so it adds up lengths and looks no deeper than it must. */
import type { SpanEvent, SpanSlice } from '../otel/span-slice.ts';

/** An empty span with its contexts, times and resource reference. */
const SPAN_BYTES = 1_000;
const VALUE_BYTES = 50;

/** The bytes of the span and its events. A span whose values throw when they are read counts as an empty one. */
export function estimateBytes(span: SpanSlice): number {
  let bytes = SPAN_BYTES;
  try {
    bytes += ofAttributes(span.attributes);
    for (const event of span.events) bytes += estimateEventBytes(event);
  } catch {
    // Whatever is wrong with it shows when it is read, and is handled there.
  }
  return bytes;
}

export function estimateEventBytes({ attributes }: SpanEvent): number {
  return VALUE_BYTES + (attributes ? ofAttributes(attributes) : 0);
}

function ofAttributes(attributes: Readonly<Record<string, unknown>>): number {
  let bytes = 0;
  for (const key in attributes) bytes += VALUE_BYTES + ofValue(attributes[key], 4);
  return bytes;
}

/** Below the given depth a structured value counts as one small value: what is nested deeper is seldom large. */
function ofValue(value: unknown, depth: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null || depth === 0) return 0;
  let bytes = 0;
  for (const child of Object.values(value)) bytes += VALUE_BYTES / 5 + ofValue(child, depth - 1);
  return bytes;
}
