/**
 * Sentry's AI spans: GenAI conventions with messages in OpenAI's form, and the answer apart in `gen_ai.response.text` and
 * `gen_ai.response.tool_calls`. Its HTTP spans come from the same scope.
 */
import type { Attributes, SpanSlice } from '../otel.ts';
import { type Damage, defined, definedOrNone, integerOf, listOf, textOf } from './attributes.ts';
import type { Convention, Reading, SpanKind } from './convention.ts';
import { damageMetadata } from './damage.ts';
import { genAi } from './gen-ai.ts';
import { MessageReader, messageText } from './messages.ts';
import { textOrJson } from './plain-json.ts';

const CALLS = 'gen_ai.response.tool_calls';

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
      metadata: { ...readShortened(attributes), ...damageMetadata(damage) },
      contentMetadata: definedOrNone<Record<string, unknown>>({ choices }),
    });
  },
};

function readAnswer(attributes: Attributes, damage: Damage): Reading & { choices?: string[] } {
  const calls = listOf(attributes[CALLS], damage, CALLS) ?? [];
  const [text, ...others] = readTexts(attributes);
  if (text === undefined && calls.length === 0) return {};
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
