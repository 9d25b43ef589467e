/** Puts together what a log says, from what its span and other spans of the same call say. */
import type { LogKind, Reading } from '../../../conventions/convention.ts';
import { readSpan } from '../../../conventions/index.ts';
import { readDatapoint, spanOfDatapoint } from '../../../datapoint/from-datapoint.ts';
import { type Identity, toDatapoint } from '../../../datapoint/to-datapoint.ts';
import type { SpanEvent, SpanSlice } from '../../../otel/span-slice.ts';
import { filledWith, withoutOwnUsage, withUsageOf } from '../../../trace/same-call/merge-readings.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import type { Recipe, WrittenContext } from './skeletons/skeleton.ts';
import { isOfAnotherTrace } from './skeletons/span-name.ts';

/** The log says what its span says. */
export const OWN_CONTENT: Recipe = {
  fillers: [],
  usageOf: undefined,
  errorOf: undefined,
  isWrapper: false,
  calledBy: undefined,
  model: undefined,
  provider: undefined,
  hasEvents: false,
};

/** What a span says by itself, as the datapoint it is without the others. */
export interface OwnLog {
  readonly kind: LogKind;
  readonly datapoint: LogRequest;
  /** Content that came in log events. */
  readonly events: readonly SpanEvent[];
}

export interface Composition {
  readonly traceId: string;
  readonly spanId: string;
  readonly kind: LogKind;
  readonly own: OwnLog;
  readonly recipe: Recipe;
  /** Returns undefined if what another span says is not there any more. */
  readonly find: (spanId: string) => OwnLog | undefined;
  readonly identity: Identity;
  readonly context: WrittenContext;
}

export function compose({ traceId, spanId, kind, own, recipe, find, identity, context }: Composition): LogRequest {
  const { datapoint } = own;
  let reading = readingOf(own);
  const counted = recipe.usageOf === undefined ? undefined : find(recipe.usageOf);
  if (counted) reading = withUsageOf(reading, readingOf(counted));
  for (const fillerId of recipe.fillers) {
    const filler = find(fillerId);
    if (!filler) continue;
    const { error, ...rest } = readingOf(filler);
    const isWhole = fillerId === recipe.errorOf || isOfAnotherTrace(fillerId);
    reading = filledWith(reading, error && isWhole ? { ...rest, error } : rest);
  }
  if (recipe.isWrapper) reading = withoutOwnUsage(reading);
  if (recipe.model !== undefined) {
    reading = { ...reading, model: recipe.model };
    if (recipe.provider !== undefined) reading.provider ??= recipe.provider;
  }
  const settings = {
    project: datapoint.project as string,
    environment: datapoint.environment ?? undefined,
    source: datapoint.source as string,
    captureContent: true,
  };
  return toDatapoint(spanOfDatapoint(datapoint, traceId, spanId), kind, reading, identity, settings, context);
}

/** What the span says, with the content that came in log events filled in. */
export function readingOf({ datapoint, kind, events }: OwnLog): Reading {
  const reading = readDatapoint(datapoint, kind);
  return events.length === 0 ? reading : filledWith(reading, readEvents(events, kind));
}

const OPERATIONS: Readonly<Record<LogKind, string>> = {
  model: 'chat',
  tool: 'execute_tool',
  agent: 'invoke_agent',
  generic: 'chat',
};

/** Takes only what events are there for: the content of a call. */
export function readEvents(events: readonly SpanEvent[], kind: LogKind): Reading {
  const span: SpanSlice = {
    name: '',
    kind: 0,
    spanContext: () => ({ traceId: '', spanId: '', traceFlags: 1 }),
    startTime: [0, 0],
    endTime: [0, 0],
    duration: [0, 0],
    ended: true,
    status: { code: 0 },
    attributes: { 'gen_ai.operation.name': OPERATIONS[kind] },
    events,
  };
  const { messages, output, outputMessage, tools, inputs, finishReason, contentMetadata } = readSpan(span);
  const reading: Reading = {};
  if (messages !== undefined) reading.messages = messages;
  if (output !== undefined) reading.output = output;
  if (outputMessage !== undefined) reading.outputMessage = outputMessage;
  if (tools !== undefined) reading.tools = tools;
  if (inputs !== undefined) reading.inputs = inputs;
  if (finishReason !== undefined) reading.finishReason = finishReason;
  if (contentMetadata !== undefined) reading.contentMetadata = contentMetadata;
  return reading;
}
