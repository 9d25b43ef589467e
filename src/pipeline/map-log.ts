/** Maps what is known of a span to the datapoint that its log is now. Pure, apart from the app's function `project`. */
import { environmentIn, readEnvironment, readUser, type TraceContext } from '../conventions/context.ts';
import type { LogKind, Reading } from '../conventions/convention.ts';
import type { ShortReading } from '../conventions/short-way.ts';
import type { EncodedDatapoint } from '../datapoint/encode.ts';
import { projectOf } from '../datapoint/project.ts';
import { createdAt } from '../datapoint/span-time.ts';
import { type DatapointSettings, toDatapoint } from '../datapoint/to-datapoint.ts';
import { type ShortSettings, writeShort } from '../datapoint/write-short.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Attributes, SpanSlice } from '../otel/span-slice.ts';
import type { LogRequest } from '../wire/v4.ts';

const NOT_ENDED = 'span did not end before shutdown';

/** A span that is a log, as it is now. */
export interface SpanLog {
  readonly referenceId: string;
  readonly parentReferenceId: string | undefined;
  readonly span: SpanSlice;
  readonly kind: LogKind;
  readonly reading: Reading;
  /** The span itself names a session, a user, tags or an environment. */
  readonly namesContext: boolean;
  /** The span has not ended. */
  readonly isOpen: boolean;
}

/** A stub: the log of a parent that did not come in time. An update completes it if the parent comes later. */
export interface StubLog {
  readonly referenceId: string;
  readonly span: undefined;
  /** Any span of the same trace, to choose the project. */
  readonly neighbour: SpanSlice | undefined;
}

export interface MapFlags {
  /** If false, content is left out, whatever the options say. */
  readonly withContent: boolean;
  /** The app shuts down: the ends of spans that are open now will not be seen. */
  readonly isClosing: boolean;
  /** Unix milliseconds, for logs that have no end time or no start time. */
  readonly nowMillis: number;
}

/** Returns the flags of a log that is mapped now. */
export function flagsOf(isClosing: boolean): MapFlags {
  return { withContent: true, isClosing, nowMillis: Date.now() };
}

/** Returns the datapoint. `context` is that of the log's trace; its session must be decided. */
export type MapLog = (log: SpanLog | StubLog, context: TraceContext, flags: MapFlags) => LogRequest;

/** Returns the datapoint of a span that was read the short way; undefined if it has to be read again, the long way. */
export type MapShort = (
  span: SpanSlice,
  reading: ShortReading,
  context: TraceContext,
  namesContext: boolean,
) => EncodedDatapoint | undefined;

/** Returns undefined if the options need the datapoint as an object. */
export function createMapShort(
  options: Pick<ResolvedOptions, 'project' | 'serviceName' | 'environment' | 'source' | 'captureContent' | 'redact'>,
): MapShort | undefined {
  const { captureContent, redact } = options;
  if (redact || !captureContent) return undefined;
  const settingsOf = createShortSettings(options);
  return (span, reading, context, namesContext) =>
    writeShort(span, reading, context.session as string, settingsOf(span), contextOf(span, namesContext, context));
}

/** Returns a function that returns the same object for the spans of one resource, unless they say something themselves. */
function createShortSettings(
  options: Pick<ResolvedOptions, 'project' | 'serviceName' | 'environment' | 'source'>,
): (span: SpanSlice) => ShortSettings {
  const { project, environment, source } = options;
  const settingsOf = (span: SpanSlice): ShortSettings => ({
    project: projectOf(options, span),
    environment: environment ?? readEnvironment(span),
    source,
  });
  if (typeof project === 'function') return settingsOf;
  let ofResource: Attributes | undefined;
  let shared: ShortSettings | undefined;
  return (span) => {
    // Also what was put on the span after its keys were looked through: it must not be that of others.
    if (environment === undefined && environmentIn(span.attributes) !== undefined) return settingsOf(span);
    const attributes = span.resource?.attributes;
    if (shared === undefined || attributes !== ofResource) shared = settingsOf(span);
    ofResource = attributes;
    return shared;
  };
}

export function createMapLog(
  options: Pick<ResolvedOptions, 'project' | 'serviceName' | 'environment' | 'source' | 'captureContent'>,
): MapLog {
  const { environment, source } = options;
  const settingsOf = (span: SpanSlice | undefined, { withContent }: MapFlags): DatapointSettings => ({
    project: projectOf(options, span),
    environment: environment ?? (span && readEnvironment(span)),
    source,
    captureContent: withContent && options.captureContent,
  });
  return (log, context, flags) => {
    if (!log.span) return toStub(log, context, settingsOf(log.neighbour, flags), flags);
    const { referenceId, parentReferenceId, span, kind, reading, namesContext } = log;
    const identity = { referenceId, sessionReferenceId: context.session as string, parentReferenceId };
    const own = contextOf(span, namesContext, context);
    const datapoint = toDatapoint(span, kind, reading, identity, settingsOf(span, flags), own);
    return flags.isClosing && log.isOpen ? closed(datapoint, span, flags.nowMillis) : datapoint;
  };
}

/** The user of a log may be another one than its trace's. */
function contextOf(span: SpanSlice, namesContext: boolean, context: TraceContext): TraceContext {
  const user = (namesContext ? readUser(span) : undefined) ?? context.user;
  return user === context.user ? context : { ...context, user };
}

function toStub(
  { referenceId }: StubLog,
  { session }: TraceContext,
  { project, environment, source }: DatapointSettings,
  { isClosing, nowMillis }: MapFlags,
): LogRequest {
  return {
    project,
    session_reference_id: session as string,
    reference_id: referenceId,
    source,
    config: { type: 'generic', name: 'missing parent' },
    created_at: new Date(nowMillis).toISOString(),
    metadata: { stub: true },
    ...(environment !== undefined && { environment }),
    ...(isClosing && { error: NOT_ENDED }),
  };
}

function closed(datapoint: LogRequest, span: SpanSlice, nowMillis: number): LogRequest {
  const duration = Math.max(0, (nowMillis - Date.parse(createdAt(span))) / 1000);
  return { ...datapoint, error: datapoint.error ?? NOT_ENDED, duration };
}
