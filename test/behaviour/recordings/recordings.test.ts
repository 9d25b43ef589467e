/** What is true of every recording that goes through the whole package to a server, in any order of its spans. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HumanloopSpanProcessor, type LogRequest } from '../../../src/index.ts';
import type { SpanSlice } from '../../../src/otel/span-slice.ts';
import {
  loadRecording,
  RECORDINGS,
  type RecordedSpan,
  type Recording,
  recordingNames,
  toSpans,
  toStartedSpan,
} from '../../conventions/recordings.ts';
import { type MisbehavingV4, startMisbehavingV4 } from '../../support/misbehaving-v4.ts';
import { usedTokens } from './stated-usage.ts';

interface Subject {
  readonly name: string;
  readonly started: readonly SpanSlice[];
  readonly spans: readonly SpanSlice[];
  readonly expected: readonly LogRequest[];
  readonly tokenKeys: Recording['$tokenKeys'];
}

const ON_ALL = { timeout: 240_000 };

const SUBJECTS: readonly Subject[] = recordingNames().map((name) => {
  const recording = loadRecording(name);
  return {
    name,
    started: parentsFirst(recording.spans).map(toStartedSpan),
    spans: toSpans(recording),
    tokenKeys: recording.$tokenKeys,
    expected: inOrder(JSON.parse(readFileSync(`${RECORDINGS}${name}.expected.json`, 'utf8')) as LogRequest[]),
  };
});

test('each recording arrives as its expected datapoints, parents first, each once', ON_ALL, async () => {
  const server = await startMisbehavingV4();
  for (const subject of SUBJECTS) {
    const logs = await deliver(server, subject, subject.spans);
    expect(logs, subject.name).toEqual(subject.expected);
  }
  expect(server.breaches).toEqual([]);
});

test('the tokens of the logs are those of the calls, each once', ON_ALL, async () => {
  const server = await startMisbehavingV4();
  for (const subject of SUBJECTS) {
    const logs = await deliver(server, subject, subject.spans);
    expect(tokensOf(logs), subject.name).toEqual(usedTokens(subject.spans, subject.tokenKeys));
  }
});

test('spans that end in any order give the same logs', ON_ALL, async () => {
  const subject = fc.constantFrom(...SUBJECTS.filter(({ spans }) => spans.length > 1));
  const shuffled = subject.chain((each) =>
    fc.tuple(fc.constant(each), fc.shuffledSubarray([...each.spans], { minLength: each.spans.length })),
  );
  const server = await startMisbehavingV4();
  await fc.assert(
    fc.asyncProperty(shuffled, async ([each, spans]) => {
      const logs = await deliver(server, each, spans);
      expect(logs).toEqual(each.expected);
      expect(server.breaches).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

/** Starts copies of all spans, since each span is logged once, and ends them in the given order. */
async function deliver(server: MisbehavingV4, subject: Subject, spans: readonly SpanSlice[]): Promise<LogRequest[]> {
  server.logs.clear();
  const processor = new HumanloopSpanProcessor({ baseUrl: server.baseUrl, project: 'recordings' });
  for (const span of subject.started) processor.onStart({ ...span });
  for (const span of spans) processor.onEnd({ ...span });
  await processor.forceFlush();
  await processor.shutdown();
  expect(processor.stats().dropped, subject.name).toEqual({});
  return inOrder([...server.logs.values()]);
}

/** Recordings have their spans in the order of their ends. */
function parentsFirst(spans: readonly RecordedSpan[]): RecordedSpan[] {
  const depthOf = (span: RecordedSpan): number => {
    const parent = spans.find(({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId);
    return parent ? depthOf(parent) + 1 : 0;
  };
  return spans.toSorted((a, b) => depthOf(a) - depthOf(b));
}

function inOrder(logs: readonly LogRequest[]): LogRequest[] {
  return logs.toSorted((a, b) => String(a.reference_id).localeCompare(String(b.reference_id)));
}

function tokensOf(logs: readonly LogRequest[]): { prompt: number; output: number } {
  return {
    prompt: logs.reduce((sum, log) => sum + (log.prompt_tokens ?? 0), 0),
    output: logs.reduce((sum, log) => sum + (log.output_tokens ?? 0), 0),
  };
}
