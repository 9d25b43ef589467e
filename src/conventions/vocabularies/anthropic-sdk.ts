/**
 * The tracing built into Anthropic's own SDKs and API: GenAI conventions, with stop reason, thinking and tool results under
 * `anthropic.*`. The spans of its calls are HTTP client spans as well. All other requests have a span, too: they count tokens,
 * begin sessions of agents, and list files, and name models and agents without being their calls.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { toStepOutput } from '../content/provider-bodies.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, stringListOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const SCOPES = ['com.anthropic.sdk.', 'com.anthropic.claude-platform'] as const;
const STOP_REASON = 'anthropic.message.stop_reason';

export const anthropicSdk: Convention = {
  name: 'anthropic-sdk',
  title: "Anthropic's SDK",
  packages: ['@anthropic-ai/sdk'],
  // Of an agent that Anthropic runs.
  context: { session: ['anthropic.session.id'] },
  signs: { keys: [STOP_REASON], scopes: SCOPES, names: ['anthropic.messages.'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes, name } = span;
    const { name: scope } = scopeOf(span);
    if (SCOPES.some((beginning) => scope.startsWith(beginning))) {
      return attributes['gen_ai.operation.name'] === undefined ? 'plumbing' : genAi.classify(span);
    }
    const isOwn = name.startsWith('anthropic.messages.') || attributes[STOP_REASON] !== undefined;
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
        content_truncated: booleanOf(attributes['anthropic.content.truncated']),
        compaction_input_tokens: fields.count('anthropic.usage.compaction.input_tokens'),
        compaction_output_tokens: fields.count('anthropic.usage.compaction.output_tokens'),
        toolset_name: fields.firstName('anthropic.toolset.name'),
        thread_id: fields.firstName('anthropic.session.thread.id'),
      },
    };
  },
};
