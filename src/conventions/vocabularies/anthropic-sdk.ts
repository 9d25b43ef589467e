/**
 * The tracing built into Anthropic's own SDK: GenAI conventions, with stop reason, thinking and tool results under
 * `anthropic.*`. The spans of its calls are HTTP client spans as well.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { stringListOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SCOPE = 'com.anthropic.sdk.';
const STOP_REASON = 'anthropic.message.stop_reason';

export const anthropicSdk: Convention = {
  name: 'anthropic-sdk',
  title: "Anthropic's SDK",
  packages: ['@anthropic-ai/sdk'],
  signs: { keys: [STOP_REASON], scopes: [SCOPE], names: ['anthropic.messages.'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const isOwn =
      scopeOf(span).name.startsWith(SCOPE) ||
      span.name.startsWith('anthropic.messages.') ||
      span.attributes[STOP_REASON] !== undefined;
    return isOwn ? genAi.classify(span) : undefined;
  },

  read(_span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    return {
      finishReason: toFinishReason(attributes[STOP_REASON]),
      output: toStepOutput(attributes['anthropic.tool_result.content']),
      other: {
        thinking_type: fields.string('anthropic.thinking.type'),
        thinking_budget_tokens: fields.integer('anthropic.thinking.budget_tokens'),
        service_tier: fields.string('anthropic.request.service_tier'),
        beta: stringListOf(attributes['anthropic.beta']),
        stream: attributes['gen_ai.request.stream'] === true ? true : undefined,
      },
      metadata: {
        request_id: fields.string('anthropic.request.id'),
        service_tier: fields.string('anthropic.response.service_tier'),
      },
    };
  },
};
