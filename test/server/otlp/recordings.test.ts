/** All recordings of real spans, sent by OTLP: what is read of them is what the exporter reads. */
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { type SpanSlice, scopeOf } from '../../../src/otel/span-slice.ts';
import * as json from '../../../src/server/otlp/decoding/decode-json.ts';
import * as binary from '../../../src/server/otlp/decoding/decode-protobuf.ts';
import { loadRecording, recordingNames, toDatapoints, toSpans } from '../../conventions/recordings.ts';

/** The span with the fields that SDKs have and recordings leave out. */
function toReadable(span: SpanSlice): ReadableSpan {
  const resource = resourceFromAttributes({ ...span.resource?.attributes } as Record<string, string>);
  return {
    ...span,
    spanContext: () => span.spanContext(),
    links: [],
    resource,
    instrumentationScope: scopeOf(span),
    droppedAttributesCount: span.droppedAttributesCount ?? 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  } as unknown as ReadableSpan;
}

/** By reference, since OTLP groups spans by their resource and scope. */
function byReference(spans: readonly SpanSlice[]) {
  const datapoints = toDatapoints(spans).map((datapoint) => [datapoint.reference_id, datapoint] as const);
  return Object.fromEntries(JSON.parse(JSON.stringify(datapoints)));
}

test.each(recordingNames())('%s', (name) => {
  const spans = toSpans(loadRecording(name));
  const expected = byReference(spans);
  const readable = spans.map(toReadable);
  const protobuf = Buffer.from(ProtobufTraceSerializer.serializeRequest(readable)!);
  expect(byReference(binary.decodeTraces(protobuf).spans.map(({ slice }) => slice))).toEqual(expected);
  const text = Buffer.from(JsonTraceSerializer.serializeRequest(readable)!).toString();
  expect(byReference(json.decodeTraces(JSON.parse(text)).spans.map(({ slice }) => slice))).toEqual(expected);
});
