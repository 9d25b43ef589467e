/**
 * OpenInference's attributes on a span that does not have its kind: gateways write them beside those of another
 * vocabulary, and hand-written spans forget it. A call is known by its messages or by its model and tokens; input and
 * output alone say something only of a span that the GenAI conventions know.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';
import { KIND, openInference, readOfKind } from './openinference.ts';

const MESSAGES = ['llm.input_messages.', 'llm.output_messages.'] as const;
const TOKENS = ['llm.token_count.prompt', 'llm.token_count.completion'] as const;
const KEYS: readonly string[] = [...TOKENS, 'input.value', 'output.value'];

const KINDS: Readonly<Record<SpanKind, string>> = {
  model: 'LLM',
  tool: 'TOOL',
  agent: 'AGENT',
  generic: 'CHAIN',
  plumbing: 'CHAIN',
};

export const openInferenceWithoutKind: Convention = {
  name: openInference.name,
  title: 'OpenInference without the kind of the span',
  signs: { keys: KEYS, prefixes: MESSAGES },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    if (attributes[KIND] !== undefined || !isSaid(attributes)) return undefined;
    return genAi.classify(span) ?? (isCall(attributes) ? 'model' : undefined);
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = readOfKind(fields, KINDS[kind]);
    return kind === 'model' && fields.attributes['gen_ai.input.messages'] !== undefined
      ? withVariables(reading, fields)
      : reading;
  },
};

/** Beside messages, an object that is no request has the variables of a step, as Dify writes those of its nodes. */
function withVariables(reading: Reading, fields: SpanFields): Reading {
  const { messages = [], inputs, ...others } = reading;
  const variables = fields.object('input.value');
  const [only, ...more] = messages;
  const isOnlyValue = more.length === 0 && only?.role === 'user' && only.content === fields.attributes['input.value'];
  if (variables === undefined || !isOnlyValue) return reading;
  return { ...others, inputs: inputs ?? toPlainObject(variables) };
}

function isSaid(attributes: Attributes): boolean {
  if (KEYS.some((key) => attributes[key] !== undefined)) return true;
  for (const key in attributes) if (MESSAGES.some((prefix) => key.startsWith(prefix))) return true;
  return false;
}

function isCall(attributes: Attributes): boolean {
  if (attributes['llm.model_name'] !== undefined && TOKENS.some((key) => attributes[key] !== undefined)) return true;
  for (const key in attributes) if (key.startsWith('llm.output_messages.')) return true;
  return false;
}
