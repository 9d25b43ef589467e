/**
 * Session, user and tags of a call, and the environment that it ran in. Any span of a trace may carry them, HTTP spans
 * too, so these readers only look up the keys that the vocabularies use.
 */
import type { Attributes, SpanSlice } from '../otel/span-slice.ts';
import { isObject } from '../wire/json.ts';
import { jsonOf, nameOf, stringListOf, stringOf, tokenOf } from './values/attributes.ts';

/** What holds for each log of a trace. */
export interface TraceContext {
  /** The session's reference. */
  session?: string | undefined;
  user?: string | undefined;
  tags?: readonly string[] | undefined;
}

/** Highest precedence first. */
const SESSION_KEYS: readonly string[] = [
  'gen_ai.conversation.id',
  'session.id',
  'langfuse.session.id',
  'ai.telemetry.metadata.sessionId',
  'ai.telemetry.metadata.conversationId',
  'ai.telemetry.metadata.chatId',
  'ai.telemetry.metadata.threadId',
  'ai.telemetry.metadata.session_id',
  'ai.telemetry.metadata.conversation_id',
  'ai.telemetry.metadata.thread_id',
  'ai.settings.context.sessionId',
  'ai.settings.context.conversationId',
  'ai.settings.context.chatId',
  'ai.settings.context.threadId',
  'ai.settings.context.session_id',
  'traceloop.association.properties.session_id',
  'traceloop.association.properties.sessionId',
  'traceloop.association.properties.chat_id',
  'traceloop.association.properties.conversation_id',
  'traceloop.association.properties.thread_id',
  'langsmith.metadata.session_id',
  'langsmith.metadata.thread_id',
  'langsmith.metadata.conversation_id',
  'mastra.metadata.sessionId',
  'mastra.metadata.threadId',
  'mastra.metadata.thread_id',
  'mastra.thread.id',
  'mastra.threadId',
  'mastra.resource.id',
  'mastra.resourceId',
  'gcp.vertex.agent.session_id',
  'mlflow.trace.session',
  'spring.ai.chat.client.conversation.id',
];

/** What Spring AI calls the conversation of everybody who names none. */
const NO_CONVERSATION = 'default';

const USER_KEYS: readonly string[] = [
  'user.id',
  'enduser.id',
  'langfuse.user.id',
  'ai.telemetry.metadata.userId',
  'ai.telemetry.metadata.user_id',
  'ai.settings.context.userId',
  'traceloop.association.properties.user_id',
  'traceloop.association.properties.userId',
  'langsmith.metadata.user_id',
  'mastra.metadata.userId',
  'mlflow.trace.user',
  'gen_ai.request.user',
  'llm.user',
];

const TAGS_KEYS: readonly string[] = ['tag.tags', 'langfuse.trace.tags', 'mastra.tags', 'langsmith.span.tags'];

/** Looked up on the span first, then on its resource. */
const ENVIRONMENT_KEYS: readonly string[] = [
  'langfuse.environment',
  'sentry.environment',
  'gen_ai.environment',
  'deployment.environment.name',
  'deployment.environment',
];

const CONTEXT_KEYS: ReadonlySet<string> = new Set([...SESSION_KEYS, ...USER_KEYS, ...TAGS_KEYS, 'metadata']);

/** Whether this file reads the attribute. Most spans have none of them: `census.ts` tells which have. */
export function isContextKey(key: string): boolean {
  return CONTEXT_KEYS.has(key);
}

/** Returns the id of the conversation or session that the span itself names, also if it is a number. */
export function readSession(span: SpanSlice): string | undefined {
  const { attributes } = span;
  const found = firstId(attributes, SESSION_KEYS);
  if (found !== undefined) return found;
  const metadata = openInferenceMetadata(attributes);
  return metadata && (idOf(metadata['session_id']) ?? idOf(metadata['thread_id']) ?? idOf(metadata['conversation_id']));
}

/** Returns the id of the end user that the span itself names. */
export function readUser(span: SpanSlice): string | undefined {
  return firstId(span.attributes, USER_KEYS);
}

/** Returns the tags that the app put on the span or its trace. */
export function readTags(span: SpanSlice): string[] | undefined {
  const { attributes } = span;
  const tags =
    stringListOf(attributes['tag.tags']) ??
    stringListOf(attributes['langfuse.trace.tags']) ??
    stringListOf(attributes['mastra.tags']);
  if (tags) return tags;
  const joined = stringOf(attributes['langsmith.span.tags']);
  return joined?.split(',').map((tag) => tag.trim());
}

/** Returns the environment that the span, or else its resource, names: `production`, `staging`. */
export function readEnvironment({ attributes, resource }: SpanSlice): string | undefined {
  return environmentIn(attributes) ?? (resource && environmentIn(resource.attributes));
}

function environmentIn(attributes: Attributes): string | undefined {
  for (const key of ENVIRONMENT_KEYS) {
    // Langfuse and Sentry allow no other names.
    const name = tokenOf(attributes[key]);
    // Langfuse and OpenLIT write this where none was chosen.
    if (name !== undefined && name !== 'default') return name;
  }
  return undefined;
}

function firstId(attributes: Attributes, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = attributes[key];
    if (value === undefined) continue;
    const id = idOf(value);
    if (id !== undefined && (id !== NO_CONVERSATION || !key.startsWith('spring.'))) return id;
  }
  return undefined;
}

/** An id as text. MLflow writes ids as JSON strings, with quotes. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  const text = stringOf(value);
  const id = text?.startsWith('"') ? (stringOf(jsonOf(text)) ?? text) : text;
  return nameOf(id);
}

/** OpenInference's `metadata` is JSON; it is parsed only if it may contain an id. */
function openInferenceMetadata(attributes: Attributes): Record<string, unknown> | undefined {
  const metadata = attributes['metadata'];
  if (isObject(metadata)) return metadata;
  if (typeof metadata !== 'string' || !/"(session|thread|conversation)_id"/.test(metadata)) return undefined;
  const parsed = jsonOf(metadata);
  return isObject(parsed) ? parsed : undefined;
}
