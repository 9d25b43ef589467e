/**
 * Spans of OpenInference's instrumentations of BeeAI: one for what was run, and below it one for each event of the framework.
 *
 * For JavaScript and the first releases for Python, a call of a model has its messages on the event of its start, and its
 * answer and tokens on that of its success; that of a tool has both on its success. The flattened messages have texts only,
 * the bodies everything. Later releases for Python say all of it on the span of what was run.
 */
import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { SpanKind } from '../../convention.ts';
import { stringOf } from '../../values/attributes.ts';
import type { IndexedGroup } from '../../values/indexed-groups.ts';
import type { RawValue } from './raw-value.ts';

const SCOPES: ReadonlySet<string> = new Set([
  '@arizeai/openinference-instrumentation-beeai',
  'openinference.instrumentation.beeai',
]);
/** The path of an event: `tool.dynamic.weather.success`. */
const PATH = 'target';
/** The same in later releases for Python. */
const LATER_PATH = 'metadata.path';
const OWN_TOOL_EVENT = /^tool\..*\.(?:success|error)$/;
/** Of a class or a tool. */
const NAME = /^[\w-]{1,64}$/;
const CONTENTS = ['input.value', 'output.value', 'tool.parameters'] as const;

type Fields = Record<string, unknown>;

export function isBeeAi(span: SpanSlice): boolean {
  return SCOPES.has(scopeOf(span).name);
}

/** Returns what a span of this kind of OpenInference is. */
export function kindOfBeeAi({ attributes }: SpanSlice, kind: string): SpanKind {
  if (attributes[LATER_PATH] !== undefined) return 'plumbing';
  const path = stringOf(attributes[PATH]);
  if (path === undefined && attributes['tool.name'] !== undefined) return 'tool';
  // A tool that was run has its name only on its events.
  if (path === undefined) return kind === 'LLM' ? 'model' : kind === 'AGENT' ? 'agent' : 'generic';
  if (kind === 'TOOL') return OWN_TOOL_EVENT.test(path) ? 'tool' : 'plumbing';
  if (kind === 'LLM' && /\.(?:success|error)$/.test(path)) return 'model';
  const saysMore = (kind !== 'LLM' || path.endsWith('.start')) && CONTENTS.some((key) => attributes[key] !== undefined);
  return saysMore ? 'generic' : 'plumbing';
}

/** Returns the tool that an event is of, or the class of what was run. */
export function nameOfBeeAi({ attributes }: SpanSlice, kind: string): string | undefined {
  const path = stringOf(attributes[PATH]);
  if (path !== undefined && kind !== 'TOOL') return undefined;
  const name = path === undefined ? stringOf(attributes['source']) : path.split('.').at(-2);
  return name !== undefined && NAME.test(name) ? name : undefined;
}

/** Whether an event reports a failure, which its status does not. */
export function isFailedEvent({ attributes }: SpanSlice): boolean {
  return stringOf(attributes[PATH])?.endsWith('.error') === true;
}

/** Returns no flattened messages where the body has them all. */
export function unlessInBody(groups: readonly IndexedGroup[], { json, isDamaged }: RawValue): readonly IndexedGroup[] {
  const isWhole = Array.isArray(json) || (isObject(json) && json['role'] === 'assistant');
  return isWhole && !isDamaged ? [] : groups;
}

/** Joins the messages of an answer: those of a stream have a piece of it each. */
export function withOneMessage(answer: RawValue): RawValue {
  const { json } = answer;
  if (!Array.isArray(json) || !json.every(isAssistantMessage)) return answer;
  const content: Fields[] = [];
  for (const part of json.flatMap((message) => message.content)) {
    const last = content.at(-1);
    if (isText(last) && isText(part)) last.text += part.text;
    else content.push({ ...part });
  }
  return { ...answer, json: { role: 'assistant', content } };
}

function isAssistantMessage(value: unknown): value is { content: Fields[] } {
  return (
    isObject(value) &&
    value['role'] === 'assistant' &&
    Array.isArray(value['content']) &&
    value['content'].every(isObject)
  );
}

function isText(part: Fields | undefined): part is { text: string } {
  return part?.['type'] === 'text' && typeof part['text'] === 'string';
}
