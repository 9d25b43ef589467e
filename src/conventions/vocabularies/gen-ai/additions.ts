/**
 * Attributes of the GenAI conventions that an app sets on a call of another vocabulary, without what the conventions know
 * a call by: most often the tokens. The span stays what it is.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../../convention.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from './gen-ai.ts';

const KEYS: readonly string[] = [
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.usage.prompt_tokens',
  'gen_ai.usage.completion_tokens',
  'gen_ai.usage.cost',
  'gen_ai.response.id',
  'gen_ai.response.model',
  'gen_ai.response.finish_reasons',
  'gen_ai.request.temperature',
  'gen_ai.request.max_tokens',
];

export const genAiAdditions: Convention = {
  name: genAi.name,
  isAddition: true,
  signs: { keys: KEYS },

  classify(span: SpanSlice): SpanKind | undefined {
    const isSaid = KEYS.some((key) => span.attributes[key] !== undefined);
    return isSaid && genAi.classify(span) === undefined ? 'generic' : undefined;
  },

  /** The tokens on steps are sums over calls that have logs of their own. */
  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return kind === 'model' ? genAi.read(span, kind, fields) : {};
  },
};
