/**
 * The tracing built into Anthropic's own SDK: GenAI conventions, with stop reason, thinking and tool results under
 * `anthropic.*`. The spans of its calls are HTTP client spans as well.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { integerOf, omitUndefined, stringListOf, stringOf, unlessEmpty } from '../values/attributes.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SCOPE = 'com.anthropic.sdk.';
const STOP_REASON = 'anthropic.message.stop_reason';

export const anthropicSdk: Convention = {
  name: 'anthropic-sdk',
  signs: { keys: [STOP_REASON], scopes: [SCOPE], names: ['anthropic.messages.'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const isOwn =
      scopeOf(span).name.startsWith(SCOPE) ||
      span.name.startsWith('anthropic.messages.') ||
      span.attributes[STOP_REASON] !== undefined;
    return isOwn ? genAi.classify(span) : undefined;
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    return omitUndefined<Reading>({
      finishReason: toFinishReason(attributes[STOP_REASON]),
      output: toStepOutput(attributes['anthropic.tool_result.content']),
      other: readOther(attributes),
      metadata: omitUndefined<Record<string, unknown>>({
        request_id: stringOf(attributes['anthropic.request.id']),
        service_tier: stringOf(attributes['anthropic.response.service_tier']),
      }),
    });
  },
};

function readOther(attributes: Attributes): Record<string, unknown> | undefined {
  return unlessEmpty(
    omitUndefined<Record<string, unknown>>({
      thinking_type: stringOf(attributes['anthropic.thinking.type']),
      thinking_budget_tokens: integerOf(attributes['anthropic.thinking.budget_tokens']),
      service_tier: stringOf(attributes['anthropic.request.service_tier']),
      beta: stringListOf(attributes['anthropic.beta']),
      stream: attributes['gen_ai.request.stream'] === true ? true : undefined,
    }),
  );
}
