/**
 * Sentry's AI spans: GenAI conventions with messages in OpenAI's form, and the answer split into `gen_ai.response.text`
 * and `gen_ai.response.tool_calls`. Sentry's HTTP spans have the same scope.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader } from '../content/messages.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { type Damage, integerOf, listOf, omitUndefined, stringOf, textOf, unlessEmpty } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { toText } from '../values/plain-json.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const CALLS = 'gen_ai.response.tool_calls';
const FINISH_REASONS = 'gen_ai.response.finish_reasons';

/** Types among the tool calls that are not calls: a stream of the Responses API lists all its items there. */
const NO_CALLS: ReadonlySet<unknown> = new Set(['message', 'reasoning']);

export const sentry: Convention = {
  name: 'sentry',
  signs: { keys: ['sentry.op', 'sentry.origin'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const operation = attributes['sentry.op'];
    const origin = attributes['sentry.origin'];
    if (typeof operation === 'string' && operation.startsWith('gen_ai.')) return genAi.classify(span) ?? 'generic';
    return typeof origin === 'string' && origin.startsWith('auto.ai.') ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const { choices, ...answer } = sentry.classify(span) === 'tool' ? {} : readAnswer(attributes, damage);
    return omitUndefined<Reading>({
      ...answer,
      finishReason: readFinishReason(attributes, answer),
      inputs: inputsOf(attributes['gen_ai.embeddings.input']),
      metadata: { ...readShortened(attributes), ...damageMetadata(damage) },
      contentMetadata: unlessEmpty(omitUndefined<Record<string, unknown>>({ choices })),
    });
  },
};

function readAnswer(attributes: Attributes, damage: Damage): Reading & { choices?: string[] } {
  const items = listOf(attributes[CALLS], damage, CALLS) ?? [];
  const calls = items.filter((item) => !isObject(item) || !NO_CALLS.has(item['type']));
  const [text, ...others] = readTexts(attributes);
  if (calls.length === 0 && (text === undefined || (text === '' && isSilent(attributes)))) return {};
  const [outputMessage] = new MessageReader().readOutput({
    role: 'assistant',
    content: text === undefined || (text === '' && calls.length > 0) ? [] : [{ type: 'text', text }],
    ...(calls.length > 0 && { tool_calls: calls }),
  });
  return {
    ...omitUndefined<Reading>({ outputMessage, output: messageText(outputMessage) }),
    ...(others.length > 0 && { choices: others }),
  };
}

/** Whether the text is `""` because the answer was a refusal or a tool call that is not recorded. */
function isSilent(attributes: Attributes): boolean {
  if (toFinishReason(attributes[FINISH_REASONS]) === 'tool_calls') return true;
  return stringOf(attributes['gen_ai.response.id'])?.startsWith('resp_') === true;
}

/** For the Responses API these are all states that a stream went through, ending with `completed` for any answer. */
function readFinishReason(attributes: Attributes, { outputMessage }: Reading): string | undefined {
  const words = listOf(attributes[FINISH_REASONS])?.filter((word) => word !== 'in_progress' && word !== 'queued');
  const finishReason = toFinishReason(words ?? attributes[FINISH_REASONS]);
  return finishReason === 'stop' && outputMessage?.tool_calls ? 'tool_calls' : finishReason;
}

/** Reads a JSON list with one text per choice, or for a stream the text itself, which may look like a JSON list. */
function readTexts(attributes: Attributes): string[] {
  const value = attributes['gen_ai.response.text'] ?? attributes['gen_ai.response.object'];
  if (value === undefined || value === null) return [];
  const isStreamed = attributes['gen_ai.response.streaming'] === true;
  const list = isStreamed ? undefined : listOf(value);
  return list?.every((item) => typeof item === 'string') ? list.map((item) => textOf(item) ?? '') : [toText(value)];
}

/** Sentry shortens long histories to their last messages; this returns how many it dropped. */
function readShortened(attributes: Attributes): Record<string, unknown> {
  const original = integerOf(attributes['sentry.sdk_meta.gen_ai.input.messages.original_length']);
  const kept = original === undefined ? undefined : listOf(attributes['gen_ai.input.messages'])?.length;
  return original !== undefined && kept !== undefined && original > kept ? { dropped_messages: original - kept } : {};
}
