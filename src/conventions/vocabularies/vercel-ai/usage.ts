/**
 * Tokens, timings, ids and provider metadata of AI SDK spans.
 *
 * On the inner span the tokens are the call's own. On the outer one they are a sum in some versions and the last step's
 * in others, so they go to the metadata.
 */
import { isObject } from '../../../wire/json.ts';
import { type Usage, UsageTable, usageOfBody } from '../../content/usage.ts';
import { addTo, costOf, nameOf, numberOf, stringOf } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

type Metadata = Record<string, unknown>;

const USAGE = new UsageTable(
  {
    promptTokens: [
      'gen_ai.usage.input_tokens',
      'ai.usage.inputTokens',
      'gen_ai.usage.prompt_tokens',
      'ai.usage.promptTokens',
      'ai.usage.input_tokens',
      'ai.usage.tokens',
    ],
    outputTokens: [
      'gen_ai.usage.output_tokens',
      'ai.usage.outputTokens',
      'gen_ai.usage.completion_tokens',
      'ai.usage.completionTokens',
      'ai.usage.output_tokens',
    ],
    total_tokens: ['ai.usage.totalTokens', 'ai.usage.total_tokens'],
    cache_read_tokens: [
      'gen_ai.usage.cache_read.input_tokens',
      'ai.usage.inputTokenDetails.cacheReadTokens',
      'ai.usage.cachedInputTokens',
    ],
    cache_write_tokens: ['gen_ai.usage.cache_creation.input_tokens', 'ai.usage.inputTokenDetails.cacheWriteTokens'],
    reasoning_tokens: ['ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens'],
  },
  ['ai.usage.', 'gen_ai.usage.'],
);

const RESPONSE = new FieldTable<Metadata>({
  response_id: [nameOf, 'gen_ai.response.id', 'ai.response.id'],
  response_model: [nameOf, 'gen_ai.response.model', 'ai.response.model'],
  response_timestamp: [stringOf, 'ai.response.timestamp'],
  time_to_first_chunk_ms: [numberOf, 'ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk'],
  time_to_finish_ms: [numberOf, 'ai.response.msToFinish'],
  output_tokens_per_second: [
    numberOf,
    'ai.response.avgOutputTokensPerSecond',
    'ai.response.avgCompletionTokensPerSecond',
  ],
});

export function readUsage({ attributes, keys }: SpanFields, provider: Metadata | undefined): Usage {
  const usage = USAGE.read(attributes, keys);
  return provider ? addTo(addTo({}, detailsInProviderMetadata(provider)), usage) : usage;
}

/**
 * Returns details of the tokens that versions 3 to 5 do not give by themselves, and the cost that a gateway adds, in the
 * words of any provider: at its own key, or in its usage there.
 */
export function detailsInProviderMetadata(provider: Metadata): Usage {
  const found: { -readonly [K in keyof Usage]: Usage[K] } = {};
  for (const name in provider) {
    const own = provider[name];
    if (!isObject(own)) continue;
    const usage = isObject(own['usage']) ? own['usage'] : isObject(own['usageMetadata']) ? own['usageMetadata'] : {};
    const {
      promptTokens: _prompt,
      outputTokens: _output,
      total_tokens: _total,
      ...details
    } = {
      ...usageOfBody({ usage }),
      ...usageOfBody({ usage: own }),
    };
    const total_cost = costOf(usage['cost'] ?? own['cost']);
    addTo(found, addTo<Usage>({ ...details, ...(total_cost && { total_cost }) }, found));
  }
  return found;
}

export function serviceTierIn(provider: Metadata | undefined): string | undefined {
  const own = provider?.['openai'];
  return isObject(own) ? stringOf(own['serviceTier']) : undefined;
}

/** Reads the structure of a response, no content. */
export function readResponseMetadata({ attributes, keys }: SpanFields, provider: Metadata | undefined): Metadata {
  return {
    service_tier: serviceTierIn(provider),
    ...RESPONSE.read(attributes, keys),
  };
}

/** Reads what the provider added to its answer. It may quote the prompt (sources, grounding), so it is content. */
export function readProviderMetadata(fields: SpanFields): Metadata | undefined {
  return toPlainObject(fields.object('ai.response.providerMetadata'));
}

/** Version 7 writes `{"openai":{}}` if the provider added nothing. */
export function hasEntries(provider: Record<string, unknown>): boolean {
  for (const key in provider) {
    const value = provider[key];
    if (!isObject(value) || Object.keys(value).length > 0) return true;
  }
  return false;
}
