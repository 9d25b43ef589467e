/**
 * Session, user and tags of a call, and the environment that it ran in. Any span of a trace may carry them, HTTP spans
 * too, so these readers only look up the keys that the vocabularies use.
 */
import type { Attributes, SpanSlice } from '../otel/span-slice.ts';
import { isObject } from '../wire/json.ts';
import type { ContextKeys } from './convention.ts';
import { CONVENTIONS } from './table.ts';
import { jsonOf, nameOf, stringListOf, stringOf, tokenOf } from './values/attributes.ts';
import { isUnset } from './values/unset.ts';

/** What holds for each log of a trace. */
export interface TraceContext {
  /** The session's reference. */
  session?: string | undefined;
  user?: string | undefined;
  tags?: readonly string[] | undefined;
  /** Of a log at the top: the span of another process that it is below. */
  caller?: string | undefined;
}

/** Those that no vocabulary has to itself. They win over those that the vocabularies declare. */
const COMMON: Required<ContextKeys> = {
  session: [
    'gen_ai.conversation.id',
    'session.id',
    // LangWatch, Laminar, VoltAgent.
    'langwatch.thread.id',
    'lmnr.association.properties.session_id',
    'voltagent.conversation_id',
    // Weave.
    'wandb.thread_id',
    // NeMo Agent Toolkit, and its first name.
    'nat.conversation.id',
    'aiq.conversation.id',
  ],
  user: ['user.id', 'enduser.id', 'langwatch.user.id', 'lmnr.association.properties.user_id'],
  tags: ['tag.tags', 'langwatch.labels', 'lmnr.association.properties.tags', 'latitude.tags'],
  environment: ['deployment.environment.name', 'deployment.environment'],
};

const SESSION_KEYS = keysOf('session');
const USER_KEYS = keysOf('user');
const TAGS_KEYS = keysOf('tags');
/** What a vocabulary calls the environment is more specific than what the process is deployed as. */
const ENVIRONMENT_KEYS = [...declaredKeys('environment'), ...COMMON.environment];

function keysOf(sort: keyof typeof COMMON): readonly string[] {
  return [...COMMON[sort], ...declaredKeys(sort)];
}

function declaredKeys(sort: keyof typeof COMMON): readonly string[] {
  return [...new Set(CONVENTIONS.flatMap(({ context }) => context?.[sort] ?? []))];
}

/** All logs of a trace repeat its tags, and each part of what a server remembers of it. */
const MAX_TAGS = 1_000;
/** Of these together. */
const MAX_TAGS_CHARS = 20_000;
const COMMA = 0x2c;

const CONTEXT_KEYS: ReadonlySet<string> = new Set([
  ...[...SESSION_KEYS, ...USER_KEYS, ...TAGS_KEYS, 'metadata'],
  ...ENVIRONMENT_KEYS,
]);

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
  return metadata && firstIdOf(metadata, IDS_IN_METADATA);
}

/** Returns the id of the end user that the span itself names. */
export function readUser(span: SpanSlice): string | undefined {
  return firstId(span.attributes, USER_KEYS);
}

/** Returns the tags that the app put on the span or its trace. If these are too many, the last one says how many are left out. */
export function readTags(span: SpanSlice): string[] | undefined {
  for (const key of TAGS_KEYS) {
    const value = span.attributes[key];
    if (value === undefined) continue;
    const tags = isJoined(value) ? splitTags(value) : stringListOf(value);
    if (tags) return boundTags(tags, isJoined(value) ? countTags(value, tags) : tags.length);
  }
  return undefined;
}

function splitTags(text: string): string[] {
  return text.split(',', MAX_TAGS).map((tag) => tag.trim());
}

/** A text of megabytes can have millions: those that are left out are counted, and not split off. */
function countTags(text: string, { length }: readonly string[]): number {
  if (length < MAX_TAGS) return length;
  let count = 1;
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) === COMMA) count += 1;
  return count;
}

/** Keeps those that have room. `count` is of all, of which the first are here. */
function boundTags(tags: string[], count: number): string[] {
  const kept: string[] = [];
  let freeChars = MAX_TAGS_CHARS;
  for (const tag of tags) {
    if (kept.length === MAX_TAGS) break;
    if (tag.length > freeChars) continue;
    freeChars -= tag.length;
    kept.push(tag);
  }
  const leftOut = count - kept.length;
  if (leftOut > 0) kept.push(`… [${leftOut} ${leftOut === 1 ? 'tag' : 'tags'} left out by humanloop-otel]`);
  return kept;
}

/** A list as JSON, which may have been encoded twice, or a tuple as Python writes it. */
const WRITTEN_LIST = /^\s*(?:"\s*)?[[(]/;

/** LangSmith joins tags with commas. */
function isJoined(value: unknown): value is string {
  return typeof value === 'string' && value.includes(',') && !WRITTEN_LIST.test(value);
}

/** Returns the environment that the span, or else its resource, names: `production`, `staging`. */
export function readEnvironment({ attributes, resource }: SpanSlice): string | undefined {
  return environmentIn(attributes) ?? (resource && environmentIn(resource.attributes));
}

/** Returns the environment that these attributes, of a span or of a resource, name. */
export function environmentIn(attributes: Attributes): string | undefined {
  for (const key of ENVIRONMENT_KEYS) {
    const value = attributes[key];
    if (value === undefined) continue;
    // Langfuse and Sentry allow no other names.
    const name = tokenOf(value);
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
    if (id !== undefined) return id;
  }
  return undefined;
}

const IDS_IN_METADATA = [
  ...['session_id', 'thread_id', 'conversation_id'],
  ...['sessionId', 'threadId', 'conversationId'],
] as const;

function firstIdOf(metadata: Record<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const id = idOf(metadata[name]);
    if (id !== undefined) return id;
  }
  return undefined;
}

/**
 * What stands in the place of an id if none was given: `default` of Spring AI, LangChain4j and many apps, `-1` of agentUniverse, .NET's
 * empty `Guid`. Sessions of all who have none would be one. What an app may have chosen (`0`, `1`, `anonymous`) is an id.
 */
const NO_ID = /^(?:default|__default__|unknown|unspecified|-{1,2}|-1|nan|-?infinity|0{8}(?:-?0{4}){3}-?0{12})$/i;

/** Returns an id as text, unless it stands for none. MLflow writes ids as JSON strings, with quotes. */
export function idOf(value: unknown): string | undefined {
  const text = typeof value === 'bigint' || typeof value === 'number' ? `${value}` : stringOf(value);
  const id = nameOf(text?.startsWith('"') ? (stringOf(jsonOf(text)) ?? text) : text)?.trim();
  return id === undefined || NO_ID.test(id) || isUnset(id) ? undefined : id;
}

/** OpenInference's `metadata` is JSON; it is parsed only if it may contain an id. */
function openInferenceMetadata(attributes: Attributes): Record<string, unknown> | undefined {
  const metadata = attributes['metadata'];
  if (isObject(metadata)) return metadata;
  if (typeof metadata !== 'string' || !/"(session|thread|conversation)(_id|Id)"/.test(metadata)) return undefined;
  const parsed = jsonOf(metadata);
  return isObject(parsed) ? parsed : undefined;
}
