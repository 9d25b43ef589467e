/**
 * Sentry's AI spans: GenAI conventions with messages in OpenAI's form, and the answer apart in `gen_ai.response.text` and
 * `gen_ai.response.tool_calls`. Its HTTP spans come from the same scope.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader } from '../content/messages.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { type Damage, defined, definedOrNone, integerOf, listOf, stringOf, textOf } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { textOrJson } from '../values/plain-json.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const CALLS = 'gen_ai.response.tool_calls';
const FINISH_REASONS = 'gen_ai.response.finish_reasons';

/** A stream of the Responses API puts all its items among the calls. */
const NO_CALLS: ReadonlySet<unknown> = new Set(['message', 'reasoning']);

export const sentry: Convention = {
  name: 'sentry',

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
    return defined<Reading>({
      ...answer,
      finishReason: readFinishReason(attributes, answer),
      inputs: inputsOf(attributes['gen_ai.embeddings.input']),
      metadata: { ...readShortened(attributes), ...damageMetadata(damage) },
      contentMetadata: definedOrNone<Record<string, unknown>>({ choices }),
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
    ...defined<Reading>({ outputMessage, output: messageText(outputMessage) }),
    ...(others.length > 0 && { choices: others }),
  };
}

/** The text is `""` where the answer was a refusal, or a call that is not written down. */
function isSilent(attributes: Attributes): boolean {
  if (toFinishReason(attributes[FINISH_REASONS]) === 'tool_calls') return true;
  return stringOf(attributes['gen_ai.response.id'])?.startsWith('resp_') === true;
}

/** Of the Responses API these are all states that a stream went through, and `completed` whatever was answered. */
function readFinishReason(attributes: Attributes, { outputMessage }: Reading): string | undefined {
  const words = listOf(attributes[FINISH_REASONS])?.filter((word) => word !== 'in_progress' && word !== 'queued');
  const finishReason = toFinishReason(words ?? attributes[FINISH_REASONS]);
  return finishReason === 'stop' && outputMessage?.tool_calls ? 'tool_calls' : finishReason;
}

/** A JSON list with a text per choice, or, when streaming, the text itself, which may look like one. */
function readTexts(attributes: Attributes): string[] {
  const value = attributes['gen_ai.response.text'] ?? attributes['gen_ai.response.object'];
  if (value === undefined || value === null) return [];
  const isStreamed = attributes['gen_ai.response.streaming'] === true;
  const list = isStreamed ? undefined : listOf(value);
  return list?.every((item) => typeof item === 'string') ? list.map((item) => textOf(item) ?? '') : [textOrJson(value)];
}

/** Long histories are shortened to their last messages. */
function readShortened(attributes: Attributes): Record<string, unknown> {
  const original = integerOf(attributes['sentry.sdk_meta.gen_ai.input.messages.original_length']);
  const kept = original === undefined ? undefined : listOf(attributes['gen_ai.input.messages'])?.length;
  return original !== undefined && kept !== undefined && original > kept ? { dropped_messages: original - kept } : {};
}
