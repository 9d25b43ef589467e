/**
 * Recordings of real spans, and how a test turns one into the datapoints expected from it.
 *
 * The identity of a log is decided here in the simplest way (nearest ancestor that is a log, session of the trace, root
 * first), so that these tests cover the conventions only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readEnvironment, readSession, readTags, readUser } from '../../src/conventions/context.ts';
import { type Classified, classifySpan, readSpan } from '../../src/conventions/index.ts';
import { providerOf } from '../../src/datapoint/to-config.ts';
import { toDatapoint } from '../../src/datapoint/to-datapoint.ts';
import type { Attributes, HrTime, SpanEvent, SpanSlice } from '../../src/otel/span-slice.ts';
import { lacksModel, withModelOfAgent } from '../../src/trace/agent-above.ts';
import { type CallSpan, callSpanOf } from '../../src/trace/same-call/call-span.ts';
import { resolveDuplicates } from '../../src/trace/same-call/same-call.ts';
import type { LogRequest } from '../../src/wire/v4.ts';

export const RECORDINGS = fileURLToPath(new URL('../fixtures/spans/', import.meta.url));

export interface RecordedSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  parentIsRemote?: boolean;
  traceFlags?: number;
  startTime: HrTime;
  endTime: HrTime;
  duration: HrTime;
  status: { code: number; message?: string };
  attributes: Attributes;
  events: SpanEvent[];
  resource?: { attributes: Attributes };
  instrumentationScope?: { name: string; version?: string };
  droppedAttributesCount?: number;
  $onStart?: { name: string; attributes: Attributes };
}

export interface RecordedLogRecord {
  hrTime: HrTime;
  eventName?: string;
  body?: unknown;
  attributes?: Attributes;
  spanId?: string;
}

export interface Recording {
  /** Path below the folder, without its extension: `vercel-ai/v5-embed`. */
  name: string;
  spans: RecordedSpan[];
  logRecords?: RecordedLogRecord[];
  /** Keys of counted tokens, for tests that read them by none of the vocabularies. */
  $tokenKeys?: { prompt: string[]; output: string[] };
  /** Last words of keys whose texts are structure, and may be sent where content may not. */
  $structure?: string[];
}

/** Returns the names of all recordings, or of those below one folder. */
export function recordingNames(folder = ''): string[] {
  return readdirSync(RECORDINGS + folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json') && !file.endsWith('.expected.json'))
    .map((file) => (folder === '' ? file : `${folder}/${file}`).slice(0, -'.json'.length))
    .sort();
}

export function loadRecording(name: string): Recording {
  const recording = JSON.parse(readFileSync(`${RECORDINGS}${name}.json`, 'utf8')) as Omit<Recording, 'name'>;
  return { ...recording, name };
}

/** Returns the spans as an SDK hands them to an exporter, with content from log records joined as events. */
export function toSpans(recording: Recording): SpanSlice[] {
  return recording.spans.map((span) => {
    const records = recording.logRecords?.filter(({ spanId }) => spanId === span.spanId) ?? [];
    return toSpan({ ...span, events: [...span.events, ...records.map(toEvent)] });
  });
}

/** Returns a span as a processor sees it at its start. */
export function toStartedSpan(recorded: RecordedSpan): SpanSlice {
  const { name, attributes } = recorded.$onStart ?? { name: recorded.name, attributes: {} };
  const span = toSpan({ ...recorded, name, attributes, events: [], status: { code: 0 } });
  return { ...span, ended: false, endTime: [0, 0], duration: [-1, 0] };
}

export function toSpan(recorded: RecordedSpan): SpanSlice {
  const { traceId, spanId, parentSpanId, parentIsRemote, traceFlags = 1, ...span } = recorded;
  return {
    ...span,
    ended: true,
    spanContext: () => ({ traceId, spanId, traceFlags }),
    ...(parentSpanId && {
      parentSpanContext: { spanId: parentSpanId, traceId, ...(parentIsRemote && { isRemote: true }) },
    }),
  };
}

function toEvent(record: RecordedLogRecord): SpanEvent {
  return {
    name: record.eventName ?? String(record.attributes?.['event.name'] ?? record.attributes?.['event_name'] ?? ''),
    // As the log record processor joins them.
    attributes: { ...record.attributes, ...(record.body !== undefined && { body: record.body }) },
    time: record.hrTime,
  };
}

export const SETTINGS = { project: 'recordings', source: 'opentelemetry', captureContent: true };

/** Returns the datapoints of all spans that are logs, in the order in which the spans ended. */
export function toDatapoints(spans: readonly SpanSlice[], settings = SETTINGS): LogRequest[] {
  const byId = new Map(spans.map((span) => [idOf(span), span]));
  const logs = new Map<string, Classified>();
  for (const [id, span] of byId) {
    const classified = classifySpan(span);
    if (classified) logs.set(id, classified);
  }
  const calls = new Map<string, CallSpan>();
  for (const span of rootsFirst(spans, byId)) {
    const classified = logs.get(idOf(span));
    if (!classified) continue;
    const path = ancestors(span, byId).filter((ancestor) => logs.has(idOf(ancestor)));
    const own = readSpan(span);
    const agent = path.find((ancestor) => logs.get(idOf(ancestor))?.kind === 'agent');
    const reading = lacksModel(classified.kind, own) ? withModelOfAgent(own, agent && readSpan(agent)) : own;
    calls.set(idOf(span), callSpanOf(span, classified.kind, reading, path[0] && calls.get(idOf(path[0]))));
  }
  const corrections = new Map([...tracesOf(calls)].flatMap((ofTrace) => [...resolveDuplicates(ofTrace)]));
  for (const [id, call] of calls) if (corrections.get(call)?.kind === 'plumbing') logs.delete(id);
  const modelCalls = [...calls.values()].filter((call) => (corrections.get(call) ?? call).kind === 'model');
  const firstModelBelow = (agent: CallSpan) => {
    const below = modelCalls.filter((call) => call.reading.model && parentsOf(call).includes(agent));
    const [first] = below.sort((a, b) => a.startMillis - b.startMillis);
    const provider = agent.reading.provider ?? (first && (providerOf(first.reading) ?? first.reading.provider));
    return first && { model: first.reading.model, ...(provider && { provider }) };
  };
  return spans.flatMap((span) => {
    const call = calls.get(idOf(span));
    if (!call) return [];
    const { kind, reading: own } = corrections.get(call) ?? call;
    if (kind === 'plumbing') return [];
    const reading = kind === 'agent' && own.model === undefined ? { ...own, ...firstModelBelow(call) } : own;
    const path = ancestors(span, byId);
    const parent = path.find((ancestor) => logs.has(idOf(ancestor)));
    const ofTrace = rootFirst(spans, span, byId);
    const identity = {
      referenceId: idOf(span),
      sessionReferenceId: first(ofTrace, readSession) ?? span.spanContext().traceId,
      ...(parent && { parentReferenceId: idOf(parent) }),
    };
    const context = { user: first(ofTrace, readUser), tags: first(ofTrace, readTags) };
    return [toDatapoint(span, kind, reading, identity, { environment: readEnvironment(span), ...settings }, context)];
  });
}

function parentsOf({ parent }: CallSpan): CallSpan[] {
  return parent ? [parent, ...parentsOf(parent)] : [];
}

function tracesOf(calls: ReadonlyMap<string, CallSpan>): Iterable<CallSpan[]> {
  const traces = new Map<string | undefined, CallSpan[]>();
  for (const [id, call] of calls) {
    const traceId = id.split('-', 1)[0];
    traces.set(traceId, [...(traces.get(traceId) ?? []), call]);
  }
  return traces.values();
}

function idOf(span: SpanSlice): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId}-${spanId}`;
}

function ancestors(span: SpanSlice, byId: ReadonlyMap<string, SpanSlice>): SpanSlice[] {
  const path: SpanSlice[] = [];
  let step: SpanSlice | undefined = span;
  while (step?.parentSpanContext && path.length < 100) {
    step = byId.get(`${step.spanContext().traceId}-${step.parentSpanContext.spanId}`);
    if (step) path.push(step);
  }
  return path;
}

function rootFirst(spans: readonly SpanSlice[], of: SpanSlice, byId: ReadonlyMap<string, SpanSlice>): SpanSlice[] {
  const { traceId } = of.spanContext();
  return rootsFirst(
    spans.filter((span) => span.spanContext().traceId === traceId),
    byId,
  );
}

function rootsFirst(spans: readonly SpanSlice[], byId: ReadonlyMap<string, SpanSlice>): SpanSlice[] {
  return [...spans].sort((a, b) => ancestors(a, byId).length - ancestors(b, byId).length);
}

function first<Value>(spans: readonly SpanSlice[], read: (span: SpanSlice) => Value | undefined): Value | undefined {
  for (const span of spans) {
    const value = read(span);
    if (value !== undefined) return value;
  }
  return undefined;
}
