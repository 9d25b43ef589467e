/** Maps what is known of a span to the datapoint that its log is now. Pure, apart from the app's function `project`. */
import { readUser, type TraceContext } from '../conventions/context.ts';
import type { LogKind, Reading } from '../conventions/convention.ts';
import { projectOf } from '../datapoint/project.ts';
import { createdAt } from '../datapoint/span-time.ts';
import { type DatapointSettings, toDatapoint } from '../datapoint/to-datapoint.ts';
import type { ResolvedOptions } from '../options.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import type { LogRequest } from '../wire/v4.ts';

const NOT_ENDED = 'span did not end before shutdown';

/** A span that is a log, as it is now. */
export interface SpanLog {
  readonly referenceId: string;
  readonly parentReferenceId: string | undefined;
  readonly span: SpanSlice;
  readonly kind: LogKind;
  readonly reading: Reading;
  /** The span itself names a session, a user or tags. */
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

/** Returns the datapoint. `context` is that of the log's trace; its session must be decided. */
export type MapLog = (log: SpanLog | StubLog, context: TraceContext, flags: MapFlags) => LogRequest;

export function createMapLog(
  options: Pick<ResolvedOptions, 'project' | 'serviceName' | 'environment' | 'source' | 'captureContent'>,
): MapLog {
  const { environment, source } = options;
  const settingsOf = (span: SpanSlice | undefined, { withContent }: MapFlags): DatapointSettings => ({
    project: projectOf(options, span),
    environment,
    source,
    captureContent: withContent && options.captureContent,
  });
  return (log, context, flags) => {
    if (!log.span) return toStub(log, context, settingsOf(log.neighbour, flags), flags);
    const { referenceId, parentReferenceId, span, kind, reading, namesContext } = log;
    const identity = { referenceId, sessionReferenceId: context.session as string, parentReferenceId };
    const user = (namesContext ? readUser(span) : undefined) ?? context.user;
    const own = user === context.user ? context : { ...context, user };
    const datapoint = toDatapoint(span, kind, reading, identity, settingsOf(span, flags), own);
    return flags.isClosing && log.isOpen ? closed(datapoint, span, flags.nowMillis) : datapoint;
  };
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
