/**
 * An intake that takes each request by itself: spans are linked to the ancestors that come in the same request, else to
 * their direct parent. The reading is that of the exporter.
 */
import { readEnvironment, readSession, readTags, readUser, type TraceContext } from '../../conventions/context.ts';
import { type Classified, classifySpan, readSpan } from '../../conventions/index.ts';
import { toDatapoint } from '../../datapoint/to-datapoint.ts';
import { parentSpanIdOf, type SpanSlice, spanOfEvent } from '../../otel/span-slice.ts';
import { messageText } from '../../wire/message-text.ts';
import { referenceIdOf } from '../../wire/reference-id.ts';
import type { LogRequest } from '../../wire/v4.ts';
import { createPauses } from '../store/heavy-turns.ts';
import { RejectedItemError } from '../store/rejected-item.ts';
import type { Store } from '../store/store.ts';
import type { IntakeResult, OtlpIntake, ReceivedEvent, ReceivedSpan } from './received.ts';
import { Rejections } from './rejections.ts';

export interface IntakeOptions {
  /** `false` stores structure, tokens and timing only. */
  readonly captureContent: boolean;
}

/** Logs that are handed to the store together. */
const PORTION = 500;
const SOURCE = 'opentelemetry';
const DEFAULT_PROJECT = 'default';

interface Span extends ReceivedSpan {
  readonly classified: Classified | undefined;
}

type Trace = Map<string, Span>;

export function createRequestIntake(store: Store, { captureContent }: IntakeOptions): OtlpIntake {
  const map = (
    { slice, projectName = DEFAULT_PROJECT }: Span,
    kind: Classified,
    trace: Trace,
    context: TraceContext,
  ) => {
    const { traceId, spanId } = slice.spanContext();
    const parent = findParent(slice, trace);
    const identity = {
      referenceId: referenceIdOf(traceId, spanId),
      sessionReferenceId: context.session as string,
      parentReferenceId: parent && referenceIdOf(traceId, parent),
    };
    const environment = readEnvironment(slice);
    const settings = { project: projectName, environment, source: SOURCE, captureContent };
    const reading = readSpan(slice, undefined, kind.recognitions);
    return toDatapoint(slice, kind.kind, reading, identity, settings, {
      ...context,
      user: readUser(slice) ?? context.user,
    });
  };

  const complete = async (event: ReceivedEvent): Promise<string | undefined> => {
    const { traceId, spanId, eventName = event.attributes['event.name'], body, attributes, time } = event;
    if (!traceId || !spanId) return 'the log record names no span';
    if (typeof eventName !== 'string' || !eventName.startsWith('gen_ai.'))
      return 'the log record is not a gen_ai event';
    if (!captureContent) return undefined;
    const all = body === undefined ? attributes : { ...attributes, body };
    const reading = readSpan(spanOfEvent(traceId, spanId, { name: eventName, attributes: all, time }));
    const output = reading.output ?? messageText(reading.outputMessage);
    if (output === undefined) return undefined;
    const log = await store.updateLog({ referenceId: referenceIdOf(traceId, spanId) }, { output });
    return log ? undefined : 'the span of the log record is not known';
  };

  return {
    async takeSpans(spans) {
      const logs: LogRequest[] = [];
      const pause = createPauses();
      for (const trace of await tracesOf(spans, pause)) {
        const context = contextOf(trace);
        await pause();
        for (const span of parentsFirst(trace)) {
          await pause();
          if (span.classified) logs.push(map(span, span.classified, trace, context));
        }
      }
      await pause();
      return createLogs(store, logs);
    },

    async takeEvents(events) {
      const rejections = new Rejections();
      for (const event of events) {
        const fault = await complete(event);
        if (fault) rejections.add(fault);
      }
      return resultOf(rejections);
    },
  };
}

/**
 * Leaves out what the store refuses: one log that is too large must not keep the others out. If the store fails in the
 * middle, the sender sends all of it again, and what is there already is found by its reference.
 */
async function createLogs(store: Store, all: readonly LogRequest[]): Promise<IntakeResult> {
  const rejections = new Rejections();
  for (let at = 0; at < all.length; at += PORTION) {
    for (let logs = all.slice(at, at + PORTION); logs.length > 0; ) {
      try {
        await store.createLogs(logs);
        break;
      } catch (error) {
        if (!(error instanceof RejectedItemError)) throw error;
        rejections.add(`${error.field}: ${error.message}`);
        logs = logs.toSpliced(error.index, 1);
      }
    }
  }
  return resultOf(rejections);
}

function resultOf({ count, message }: Rejections): IntakeResult {
  return message === undefined ? { rejected: count } : { rejected: count, message };
}

async function tracesOf(spans: readonly ReceivedSpan[], pause: () => Promise<void>): Promise<Trace[]> {
  const traces = new Map<string, Trace>();
  for (const span of spans) {
    await pause();
    const { traceId, spanId } = span.slice.spanContext();
    const trace = traces.get(traceId) ?? new Map<string, Span>();
    traces.set(traceId, trace.set(spanId, { ...span, classified: classifySpan(span.slice) }));
  }
  return [...traces.values()];
}

/** Returns the id of the nearest ancestor that is a log, or has not come with this request. */
function findParent(span: SpanSlice, trace: Trace): string | undefined {
  const seen = new Set<string>();
  let parent = parentSpanIdOf(span);
  while (parent !== undefined && !seen.has(parent)) {
    const known = trace.get(parent);
    if (!known || known.classified) return parent;
    seen.add(parent);
    parent = parentSpanIdOf(known.slice);
  }
  return undefined;
}

/** By depth; the spans of a circle come last. */
function parentsFirst(trace: Trace): Span[] {
  const depths = new Map<string, number>();
  const depthOf = (id: string): number => {
    const path: string[] = [];
    let step: string | undefined = id;
    while (step !== undefined && trace.has(step) && !depths.has(step) && path.length <= trace.size) {
      path.push(step);
      step = parentSpanIdOf(trace.get(step)!.slice);
    }
    let depth = step === undefined ? 0 : (depths.get(step) ?? 0);
    for (const each of path.reverse()) depths.set(each, ++depth);
    return depth;
  };
  for (const id of trace.keys()) if (!depths.has(id)) depthOf(id);
  return [...trace.entries()].sort(([a], [b]) => depths.get(a)! - depths.get(b)!).map(([, span]) => span);
}

/** A root outranks what is found below it. */
function contextOf(trace: Trace): TraceContext {
  const spans = [...trace.values()].map(({ slice }) => slice);
  const isRoot = (slice: SpanSlice) => parentSpanIdOf(slice) === undefined;
  const ordered = [...spans.filter(isRoot), ...spans.filter((slice) => !isRoot(slice))];
  const first = <Found>(read: (span: SpanSlice) => Found | undefined): Found | undefined => {
    for (const slice of ordered) {
      const found = read(slice);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    session: first(readSession) ?? spans[0]?.spanContext().traceId,
    user: first(readUser),
    tags: first(readTags),
  };
}
