/** From a span in its trace to the datapoint that it is now. */

import { hasContextAttribute, readUser } from '../conventions/context.ts';
import type { Reading } from '../conventions/convention.ts';
import { readSpan } from '../conventions/index.ts';
import { createdAt } from '../datapoint/span-time.ts';
import { type DatapointSettings, type Identity, toDatapoint } from '../datapoint/to-datapoint.ts';
import { callHook } from '../host/call-hook.ts';
import type { ResolvedOptions } from '../options.ts';
import { type SpanSlice, withEvents } from '../otel/span-slice.ts';
import { referenceOf, type SpanNode, type Trace } from '../trace/span-node.ts';
import { decideContext, findContext } from '../trace/trace-context.ts';
import type { LogRequest } from '../wire/v4.ts';
import { examine } from './doctor.ts';

const UNKNOWN_PROJECT = 'unknown_service';

export interface MapFlags {
  readonly withContent: boolean;
  /** The app shuts down: a span that is open now will not be seen to end. */
  readonly isClosing: boolean;
  /** What is decided once for a trace may still change: the log is not sent yet. */
  readonly isDraft?: boolean;
}

/** `span` is `undefined` for a parent that did not come. */
export type MapLog = (
  node: SpanNode,
  span: SpanSlice | undefined,
  parentReferenceId: string | undefined,
  flags: MapFlags,
  reading?: Reading,
) => LogRequest;

export function createMapLog(options: ResolvedOptions): MapLog {
  const { project, environment, source, conventions } = options;
  return (node, span, parentReferenceId, { withContent, isClosing, isDraft }, reading = node.reading) => {
    const context = (isDraft ? findContext : decideContext)(node.trace, options.session);
    const settings: DatapointSettings = {
      project: projectOf(project, span ?? anySpan(node.trace)),
      environment,
      source,
      captureContent: withContent && options.captureContent,
    };
    const identity: Identity = {
      referenceId: referenceOf(node),
      sessionReferenceId: context.session as string,
      parentReferenceId,
    };
    if (!span) return stub(identity, settings, isClosing);
    const user = (hasContextAttribute(span) ? readUser(span) : undefined) ?? context.user;
    const kind = node.kind ?? 'generic';
    examine(span, kind);
    const own = user === context.user ? context : { ...context, user };
    const datapoint = toDatapoint(span, kind, reading ?? readNode(node, span, conventions), identity, settings, own);
    return isClosing && node.state === 'open' ? closed(datapoint, createdAt(span)) : datapoint;
  };
}

/** All that is said of a span, on it and in events that came another way. */
export function readNode(node: SpanNode, span: SpanSlice, conventions: ResolvedOptions['conventions']): Reading {
  return readSpan(withEvents(span, node.events), conventions);
}

function anySpan(trace: Trace): SpanSlice | undefined {
  for (const { span } of trace.nodes.values()) if (span) return span;
  return undefined;
}

function projectOf(project: ResolvedOptions['project'], span: SpanSlice | undefined): string {
  if (typeof project === 'string') return project;
  const chosen = span && project && callHook('project', () => project(span));
  if (typeof chosen === 'string' && chosen) return chosen;
  const name = span?.resource?.attributes['service.name'];
  return typeof name === 'string' && name ? name : UNKNOWN_PROJECT;
}

/** Stands in for a parent that did not come in time, and is completed by update should it come. */
function stub(identity: Identity, settings: DatapointSettings, isClosing: boolean): LogRequest {
  return {
    project: settings.project,
    session_reference_id: identity.sessionReferenceId,
    reference_id: identity.referenceId,
    source: settings.source,
    config: { type: 'generic', name: 'missing parent' },
    created_at: new Date().toISOString(),
    metadata: { stub: true },
    ...(settings.environment !== undefined && { environment: settings.environment }),
    ...(isClosing && { error: NOT_ENDED }),
  };
}

const NOT_ENDED = 'span did not end before shutdown';

function closed(datapoint: LogRequest, start: string): LogRequest {
  const duration = Math.max(0, (Date.now() - Date.parse(start)) / 1000);
  return { ...datapoint, error: datapoint.error ?? NOT_ENDED, duration };
}
