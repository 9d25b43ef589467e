/**
 * Reading + identity → v4 log request.
 *
 * This is the hot path of every log, so it uses plain assignments and does not check the schema at run time. The types
 * make it valid, and the tests check every recorded datapoint against the schema.
 */

import type { TraceContext } from '../conventions/context.ts';
import type { Evaluation, LogKind, Reading } from '../conventions/convention.ts';
import { type SpanSlice, scopeOf } from '../otel/span-slice.ts';
import { messageText } from '../wire/message-text.ts';
import { REMOTE_PARENT } from '../wire/remote-parent.ts';
import type { LogRequest, LogUpdate } from '../wire/v4.ts';
import { isDeclaredName } from './declared-names.ts';
import { toErrorText } from './error-text.ts';
import { createdAt, durationOf, type TimedSpan } from './span-time.ts';
import { isName, saysContent } from './structure-texts.ts';
import { toConfig } from './to-config.ts';
import { toFeedback } from './to-feedback.ts';
import { withholdContent } from './withhold-content.ts';

export interface Identity {
  readonly referenceId: string;
  readonly sessionReferenceId: string;
  /** Absent for a log at the top of its session. */
  readonly parentReferenceId?: string | undefined;
}

export interface DatapointSettings {
  readonly project: string;
  readonly environment?: string | undefined;
  readonly source: string;
  /** `false` keeps structure, tokens and timing only. */
  readonly captureContent: boolean;
}

/** What is said of a span besides its reading. */
export type DatapointSpan = TimedSpan &
  Pick<SpanSlice, 'name' | 'spanContext' | 'instrumentationScope' | 'instrumentationLibrary'>;

const NO_CONTEXT: TraceContext = {};

export function toDatapoint(
  span: DatapointSpan,
  kind: LogKind,
  reading: Reading,
  identity: Identity,
  settings: DatapointSettings,
  context: TraceContext = NO_CONTEXT,
): LogRequest {
  const read = settings.captureContent ? reading : withholdContent(reading, kind);
  const spanName = settings.captureContent ? nameOf(span) : structureNameOf(span, kind, reading);
  const datapoint: LogRequest = {
    project: settings.project,
    session_reference_id: identity.sessionReferenceId,
    reference_id: identity.referenceId,
    source: settings.source,
    config: toConfig(kind, read, spanName),
    inputs: read.inputs ?? {},
    created_at: createdAt(span),
    metadata: toMetadata(span, kind, read, context, settings.captureContent, spanName),
  };
  if (identity.parentReferenceId !== undefined) datapoint.parent_reference_id = identity.parentReferenceId;
  if (settings.environment !== undefined) datapoint.environment = settings.environment;
  if (read.messages !== undefined) datapoint.messages = read.messages;
  if (read.outputMessage !== undefined) datapoint.output_message = read.outputMessage;
  if (isCall(kind)) setUsage(datapoint, read);
  if (read.providerRequest !== undefined) datapoint.provider_request = read.providerRequest;
  if (read.providerResponse !== undefined) datapoint.provider_response = read.providerResponse;
  if (read.evaluations !== undefined) setFeedback(datapoint, read.evaluations, settings.captureContent);
  setLateFields(datapoint, span, read, settings.captureContent);
  return datapoint;
}

function setFeedback(datapoint: LogRequest, evaluations: readonly Evaluation[], captureContent: boolean): void {
  const feedback = toFeedback(evaluations, captureContent);
  if (feedback.length > 0) datapoint.feedback = feedback;
}

function setLateFields(into: LogUpdate, span: TimedSpan, reading: Reading, captureContent: boolean): void {
  const output = captureContent ? (reading.output ?? messageText(reading.outputMessage)) : undefined;
  if (output !== undefined) into.output = output;
  if (reading.error !== undefined) into.error = toErrorText(reading.error, captureContent);
  const duration = durationOf(span);
  if (duration !== undefined) into.duration = duration;
}

/** Only logs of provider calls have token fields, so that the tokens of a session add up. */
function isCall(kind: LogKind): boolean {
  return kind === 'model' || kind === 'generic';
}

function setUsage(datapoint: LogRequest, { promptTokens, outputTokens, promptCost, outputCost }: Reading): void {
  if (promptTokens !== undefined) datapoint.prompt_tokens = promptTokens;
  if (outputTokens !== undefined) datapoint.output_tokens = outputTokens;
  if (promptCost !== undefined) datapoint.prompt_cost = promptCost;
  if (outputCost !== undefined) datapoint.output_cost = outputCost;
}

/** Copies the app's own entries first, so that none of them can overwrite structure. */
function toMetadata(
  span: DatapointSpan,
  kind: LogKind,
  reading: Reading,
  context: TraceContext,
  captureContent: boolean,
  spanName: string,
): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  copyInto(metadata, reading.contentMetadata);
  copyInto(metadata, reading.metadata);
  if (reading.finishReason !== undefined) metadata['finish_reason'] = reading.finishReason;
  if (isCall(kind)) {
    // Servers of the first v4 versions do not know the token fields.
    if (reading.promptTokens !== undefined) metadata['prompt_tokens'] = reading.promptTokens;
    if (reading.outputTokens !== undefined) metadata['output_tokens'] = reading.outputTokens;
  }
  if (context.user !== undefined) metadata['user'] = context.user;
  if (captureContent && context.tags !== undefined) metadata['tags'] = context.tags;
  if (context.caller !== undefined) metadata[REMOTE_PARENT] = context.caller;
  const scope = scopeOf(span);
  if (scope.name) metadata['scope'] = scope.version ? `${scope.name}@${scope.version}` : scope.name;
  metadata['span_name'] = spanName;
  metadata['trace_id'] = span.spanContext().traceId;
  return metadata;
}

function copyInto(target: Record<string, unknown>, source: Record<string, unknown> | undefined): void {
  for (const key in source) if (key !== '__proto__') target[key] = source[key];
}

/** Returns the span's name; `span` if that is content. */
function structureNameOf(span: DatapointSpan, kind: LogKind, reading: Reading): string {
  const name = nameOf(span);
  return isStructure(name, kind, reading) && !isNamedByContent(span) && !saysContent(name, reading) ? name : UNNAMED;
}

/** Names of spans have an operation before that of the agent or the tool: `invoke_agent Weather`, `agent: Weather`. */
function isStructure(name: string, kind: LogKind, { name: declared }: Reading): boolean {
  const named = name.replace(OPERATION, '');
  // What the span itself calls the tool is its name, and any other name of a span may be a text.
  const isTools = kind === 'tool' && named === declared;
  const isKept = declared === undefined || isDeclaredName(declared, kind === 'tool') || !name.includes(declared);
  return isName(name) && isKept && isDeclaredName(named, isTools);
}

const OPERATION =
  /^(?:\w+[_./][\w./]*(?<!\.)|[A-Z]{3,7}|[Aa]gent|[Tt]ool|[Tt]ask|chat|run|step|[Ff]low|workflow|chain|call):? /;

/** CrewAI's tasks are named after their descriptions, which are prompts, and say so only when they end. */
function isNamedByContent(span: DatapointSpan): boolean {
  return (
    scopeOf(span).name?.startsWith('opentelemetry.instrumentation.crewai') === true && /\.task$/.test(nameOf(span))
  );
}

const UNNAMED = 'span';

/** Returns the span's name; `span` if it has none. */
export function nameOf(span: Pick<SpanSlice, 'name'>): string {
  return typeof span.name === 'string' && span.name !== '' ? span.name.toWellFormed() : UNNAMED;
}
