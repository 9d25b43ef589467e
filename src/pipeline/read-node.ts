/** Reads the span of a node, together with what came another way: as log events, and on other spans of the same call. */
import type { Convention, Reading } from '../conventions/convention.ts';
import { readSpan } from '../conventions/index.ts';
import { type SpanSlice, withEvents } from '../otel/span-slice.ts';
import { filledWith } from '../trace/same-call/merge-readings.ts';
import type { Lacking } from '../trace/same-call/resolver-host.ts';
import type { SpanNode } from '../trace/span-node.ts';
import type { TraceTracker } from '../trace/trace-tracker.ts';
import type { LateFields } from '../wire/late-fields.ts';
import type { LogRequest } from '../wire/v4.ts';

export function readNode(node: SpanNode, span: SpanSlice, conventions: readonly Convention[] | undefined): Reading {
  const reading = readSpan(withEvents(span, node.events), conventions, node.recognitions);
  return node.absorbed ? filledWith(reading, node.absorbed.reading) : reading;
}

/** Adds what another span says about the same call to a log that is not written yet. The newest span counts most. */
export function absorb(tracker: TraceTracker, node: SpanNode, reading: Reading, bytes: number): void {
  // An attempt that failed before does not make the call fail.
  const { error: _error, ...before } = node.absorbed?.reading ?? {};
  tracker.absorb(node, filledWith(reading, before), bytes);
  if (node.reading) node.reading = filledWith(node.reading, reading);
}

/** Returns the late fields of a datapoint that another log lacks; undefined if there are none. */
export function lateFieldsFor({ output, error }: LogRequest, lacking: Lacking): LateFields | undefined {
  const late: LateFields = {};
  if (lacking.output && output) late.output = output;
  if (lacking.error && error) late.error = error;
  return Object.keys(late).length > 0 ? late : undefined;
}
