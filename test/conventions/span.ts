/** Builds a span with the given attributes, and reads it as `[kind, reading]` with all vocabularies. */
import type { Convention, Reading } from '../../src/conventions/convention.ts';
import { classifySpan, readSpan } from '../../src/conventions/index.ts';
import type { Attributes, SpanSlice } from '../../src/otel/span-slice.ts';
import { type RecordedSpan, toSpan } from './recordings.ts';

export type SpanParts = Partial<RecordedSpan> & { scope?: string };

export function makeSpan(attributes: Attributes, { scope, ...more }: SpanParts = {}): SpanSlice {
  return toSpan({
    name: 'span',
    kind: 0,
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    startTime: [1, 0],
    endTime: [2, 0],
    duration: [1, 0],
    status: { code: 0 },
    events: [],
    attributes,
    ...(scope !== undefined && { instrumentationScope: { name: scope } }),
    ...more,
  });
}

/** Returns undefined if the span is not a log. */
export function kindOf(attributes: Attributes, more?: SpanParts): string | undefined {
  return classifySpan(makeSpan(attributes, more))?.kind;
}

/** What one vocabulary says of a span that it recognises, without its own name. */
export function readWith(convention: Convention, span: SpanSlice): Reading {
  const { metadata, ...reading } = readSpan(span, [convention]);
  const { convention: _name, ...said } = metadata ?? {};
  return Object.keys(said).length > 0 ? { ...reading, metadata: said } : reading;
}

export function read(attributes: Attributes, more?: SpanParts): Reading {
  return readSpan(makeSpan(attributes, more));
}

export const CALL_PARIS = {
  id: 'call_1',
  type: 'function',
  function: { name: 'get_weather', arguments: '{"location":"Paris"}' },
};
