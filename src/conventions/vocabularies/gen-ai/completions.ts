/** Answers under a key of their own, of any vocabulary: a text, JSON that the model has written, or the body of an answer. */
import { isObject } from '../../../wire/json.ts';
import { fromRareAnswer } from '../../content/messages/rare-answers.ts';
import { isAnswer, structuredOf } from '../../content/provider-bodies.ts';
import { joinChunks } from '../../content/streams/stream-chunks.ts';
import { unquotedText } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import { startsInCode } from '../../values/printed/printed-objects.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { contentAt } from './content-at.ts';

export const COMPLETIONS = [
  'gen_ai.completion',
  'gen_ai.content.completion',
  'gen_ai.completion_json',
  'gen_ai.agent.invocation_output',
  'gen_ai.agent.final_result',
  'gen_ai.agent.output_result',
  'gen_ai.output.text',
  'trace_output',
  'promptfoo.response.body',
] as const;

/** Many apps write the answer as Sentry does. Its own has more to be read (`sentry.ts`). */
const COMPLETIONS_OF_APPS = [...COMPLETIONS, 'gen_ai.response.text'] as const;

/** Whether Sentry's own reader reads the span: its SDK marks the spans of an app, too. */
export function isSentrys({ attributes }: SpanFields): boolean {
  const { 'sentry.op': operation, 'sentry.origin': origin } = attributes;
  return (
    (typeof operation === 'string' && operation.startsWith('gen_ai.')) ||
    (typeof origin === 'string' && origin.startsWith('auto.ai.'))
  );
}

/** Returns the answer at a key with any text in it. */
export function completionAt(fields: SpanFields): unknown {
  const keys = isSentrys(fields) ? COMPLETIONS : COMPLETIONS_OF_APPS;
  const value = contentAt(fields, ...keys);
  const key = fields.firstKey(...keys);
  const text = key && typeof value === 'object' ? fields.attributes[key] : undefined;
  return openCompletion(typeof text === 'string' ? unlessOwnJson(text, value) : value);
}

/** JSON that is no answer of a provider is what the model said. Lists of texts may be answers. */
export function unlessOwnJson(said: unknown, value = typeof said === 'string' ? structuredOf(said) : said): unknown {
  if (typeof said !== 'string' || typeof value !== 'object') return value;
  const text = unquotedText(said);
  if (!/^\s*[{[]/.test(text) && !startsInCode(text)) return value;
  if (isAnswer(value) || isCompletion(value) || (Array.isArray(value) && value.every(isText))) return value;
  const answer = fromRareAnswer(joinChunks(value));
  return answer === value || !isAnswer(answer) ? { role: 'assistant', content: [{ type: 'text', text }] } : value;
}

function isText(item: unknown): item is string {
  return typeof item === 'string';
}

/** What OpenRouter and Anthropic's first API have in an answer. */
const COMPLETION_KEYS: ReadonlySet<string> = new Set([
  ...['completion', 'reasoning', 'rawRequest', 'rawResponse', 'tool_calls', 'finish_reason'],
  ...['stop_reason', 'stop', 'type', 'id', 'model', 'log_id', 'exception', 'truncated'],
]);

/**
 * OpenRouter's answer, `{ completion, reasoning, … }`, and that of Anthropic's first API, `{ completion, stop_reason, … }`. With
 * any other key the object is what the model said.
 */
function openCompletion(output: unknown): unknown {
  if (!isCompletion(output)) return output;
  if (!Object.keys(output).every((key) => COMPLETION_KEYS.has(key))) {
    return { role: 'assistant', content: [{ type: 'text', text: toText(output) }] };
  }
  const { completion: content, reasoning, tool_calls, finish_reason, stop_reason } = output;
  return { role: 'assistant', content, reasoning, tool_calls, finish_reason, stop_reason };
}

function isCompletion(output: unknown): output is Record<string, unknown> {
  if (!isObject(output) || typeof output['completion'] !== 'string' || output['role'] !== undefined) return false;
  return 'reasoning' in output || 'stop_reason' in output;
}
