/**
 * LiteLLM: GenAI conventions with some operations of its own, and what the proxy knows about the caller in
 * `metadata.*`. The raw request span below each call repeats it in Python's notation.
 */
import { type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, unlessEmpty } from '../values/attributes.ts';
import { toPlainObject } from '../values/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['atext_completion', 'model'],
  ['anthropic_messages', 'model'],
  ['agenerate_content', 'model'],
]);

const CALLER = ['user_api_key_alias', 'user_api_key_team_alias', 'user_api_key_user_id', 'user_api_key_org_alias'];

export const liteLlm: Convention = {
  name: 'litellm',
  title: 'LiteLLM',
  signs: { keys: ['hidden_params'], scopes: ['litellm'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn = scopeOf(span).name === 'litellm' || attributes['hidden_params'] !== undefined;
    if (!isOwn) return undefined;
    if (span.name === 'raw_gen_ai_request') return 'plumbing';
    const kind = genAi.classify(span);
    return kind === 'generic' ? (KINDS.get(attributes['gen_ai.operation.name']) ?? kind) : kind;
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    return {
      endpoint: kind === 'model' ? endpointOf(fields) : undefined,
      other: { stream: booleanOf(fields.attributes['llm.is_streaming']) },
      metadata: { user: fields.firstString('metadata.user_api_key_end_user_id', 'llm.user') },
      contentMetadata: readCaller(fields),
    };
  },
};

/** Its function for chats is called `completion`. */
function endpointOf({ attributes }: SpanFields): 'chat' | 'complete' {
  const type = attributes['llm.request.type'] ?? attributes['gen_ai.operation.name'];
  return type === 'text_completion' || type === 'atext_completion' ? 'complete' : 'chat';
}

/** Reads names and ids of the caller, never the key or its hash. */
function readCaller(fields: SpanFields): Record<string, unknown> | undefined {
  const found: Record<string, unknown> = {};
  for (const key of CALLER) {
    const value = fields.string(`metadata.${key}`);
    if (value !== 'None') found[key] = value;
  }
  return unlessEmpty({ ...toPlainObject(fields.object('metadata.requester_metadata')), ...unlessEmpty(found) });
}
