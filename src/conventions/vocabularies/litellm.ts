/**
 * LiteLLM: GenAI conventions with some operations of its own, and what the proxy knows about the caller in
 * `metadata.*`. The raw request span below each call repeats it in Python's notation.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, objectOf, omitUndefined, stringOf, unlessEmpty } from '../values/attributes.ts';
import { toPlainJson } from '../values/plain-json.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['atext_completion', 'model'],
  ['anthropic_messages', 'model'],
  ['agenerate_content', 'model'],
]);

const CALLER = ['user_api_key_alias', 'user_api_key_team_alias', 'user_api_key_user_id', 'user_api_key_org_alias'];

export const liteLlm: Convention = {
  name: 'litellm',
  signs: { keys: ['hidden_params'], scopes: ['litellm'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const isOwn = scopeOf(span).name === 'litellm' || attributes['hidden_params'] !== undefined;
    if (!isOwn) return undefined;
    if (span.name === 'raw_gen_ai_request') return 'plumbing';
    const kind = genAi.classify(span);
    return kind === 'generic' ? (KINDS.get(attributes['gen_ai.operation.name']) ?? kind) : kind;
  },

  read({ attributes }: SpanSlice): Reading {
    const isStreaming = booleanOf(attributes['llm.is_streaming']);
    return omitUndefined<Reading>({
      other: isStreaming === undefined ? undefined : { stream: isStreaming },
      metadata: omitUndefined<Record<string, unknown>>({
        user: stringOf(attributes['metadata.user_api_key_end_user_id']) ?? stringOf(attributes['llm.user']),
      }),
      contentMetadata: readCaller(attributes),
    });
  },
};

/** Reads names and ids of the caller, never the key or its hash. */
function readCaller(attributes: Attributes): Record<string, unknown> | undefined {
  const found: Record<string, unknown> = {};
  for (const key of CALLER) {
    const value = stringOf(attributes[`metadata.${key}`]);
    if (value !== undefined && value !== 'None') found[key] = value;
  }
  const requester = objectOf(attributes['metadata.requester_metadata']) ?? {};
  return unlessEmpty(
    omitUndefined<Record<string, unknown>>({ ...(toPlainJson(requester) as Record<string, unknown>), ...found }),
  );
}
