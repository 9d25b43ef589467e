/** When the first piece of a streamed answer came, by the event that an instrumentation adds to the span. */
import { millisOf } from '../../../otel/hr-time.ts';
import type { SpanSlice } from '../../../otel/span-slice.ts';

/** OpenInference has one event for the first piece, OpenLLMetry one for each piece. */
const EVENTS: ReadonlySet<string> = new Set(['First Token Stream Event', 'llm.content.completion.chunk']);

/** Returns whole milliseconds since the span's start; undefined if no event tells. */
export function millisToFirstChunk({ events, startTime }: SpanSlice): number | undefined {
  const first = events.find(({ name }) => EVENTS.has(name));
  const atMillis = first && millisOf(first.time);
  const startMillis = millisOf(startTime);
  if (atMillis === undefined || startMillis === undefined || atMillis < startMillis) return undefined;
  return atMillis - startMillis;
}
