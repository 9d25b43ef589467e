/** A span read and written the short way and the long way. */
import type { TraceContext } from '../../../src/conventions/context.ts';
import { classifySpan, readSpan, shortWayOf } from '../../../src/conventions/index.ts';
import { bodyText, outputText } from '../../../src/datapoint/body.ts';
import { type EncodedDatapoint, encodeDatapoint } from '../../../src/datapoint/encode.ts';
import { toDatapoint } from '../../../src/datapoint/to-datapoint.ts';
import { writeShort } from '../../../src/datapoint/write-short.ts';
import { encodeWave } from '../../../src/delivery/encode-wave.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import { createLedger, expectLog, sendReady } from '../../delivery/offered-logs.ts';

const SETTINGS = { project: 'pröject', environment: 'test', source: 'opentelemetry', captureContent: true };
const CONTEXT: TraceContext = { session: 'a "session"', user: 'someone', tags: ['a', 'b’'], caller: 'ab'.repeat(8) };

export function writeLong(span: SpanSlice): EncodedDatapoint {
  const kind = classifySpan(span)?.kind ?? 'generic';
  const identity = { referenceId: 'log', sessionReferenceId: CONTEXT.session as string };
  return encodeDatapoint(toDatapoint(span, kind, readSpan(span), identity, SETTINGS, CONTEXT));
}

/** Returns undefined if the span is left to the long way. */
export function writeShortly(span: SpanSlice): EncodedDatapoint | undefined {
  const { recognitions, kind } = classifySpan(span) ?? {};
  const reading = kind && shortWayOf(recognitions)?.(span, kind);
  return reading ? writeShort(span, reading, CONTEXT.session as string, SETTINGS, CONTEXT) : undefined;
}

/** Returns what the server gets of the log. */
export function contentOf({ body, late }: EncodedDatapoint): unknown {
  return { ...JSON.parse(bodyText(body)), ...late, output: outputText(late.output) };
}

/** Returns the body of a request with these logs. */
export function waveOf(...datapoints: readonly EncodedDatapoint[]): Buffer {
  const { ledger } = createLedger();
  for (const datapoint of datapoints) {
    ledger.accept([{ entry: expectLog(ledger, 'log'), ...datapoint, isFinal: true, mayBeStored: false }]);
  }
  return encodeWave(sendReady(ledger));
}
