/**
 * What the AI SDK reports besides the answer: tokens, timings, ids, and the provider's own metadata.
 *
 * Tokens are a call's own on the inner span. On the outer one they are a sum in some versions and the last step's in others, so
 * they are metadata there.
 */
import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { Reading } from '../../convention.ts';
import {
  countOf,
  type Damage,
  firstCount,
  firstNumber,
  firstString,
  noneIfEmpty,
  numberOf,
  objectOf,
  put,
  stringOf,
} from '../../values/attributes.ts';
import { plainObject } from '../../values/plain-json.ts';

type Metadata = Record<string, unknown>;

/** Tokens of the provider call that this span is. */
export function readTokens(attributes: Attributes, into: Reading): void {
  put(into, 'promptTokens', inputTokens(attributes));
  put(into, 'outputTokens', outputTokens(attributes));
}

/** Structure of the response: no content. On a wrapper the token counts stand apart, under `usage`. */
export function readResponseMetadata(
  attributes: Attributes,
  isWrapper: boolean,
  provider: Metadata | undefined,
  into: Metadata,
): void {
  if (isWrapper) {
    const usage: Metadata = {};
    put(usage, 'prompt_tokens', inputTokens(attributes));
    put(usage, 'output_tokens', outputTokens(attributes));
    readTokenDetails(attributes, provider, usage);
    put(into, 'usage', noneIfEmpty(usage));
  } else {
    readTokenDetails(attributes, provider, into);
  }
  put(into, 'response_id', firstString(attributes, 'gen_ai.response.id', 'ai.response.id'));
  put(into, 'response_model', firstString(attributes, 'gen_ai.response.model', 'ai.response.model'));
  put(into, 'response_timestamp', stringOf(attributes['ai.response.timestamp']));
  if (provider) put(into, 'service_tier', stringOf(entry(provider, 'openai', 'serviceTier')));
  put(
    into,
    'time_to_first_chunk_ms',
    firstNumber(attributes, 'ai.response.msToFirstChunk', 'ai.stream.msToFirstChunk'),
  );
  put(into, 'time_to_finish_ms', numberOf(attributes['ai.response.msToFinish']));
  put(
    into,
    'output_tokens_per_second',
    firstNumber(attributes, 'ai.response.avgOutputTokensPerSecond', 'ai.response.avgCompletionTokensPerSecond'),
  );
}

/** Whatever the provider added to its answer: it may quote the prompt (sources, grounding), so it is content. */
export function providerMetadata(attributes: Attributes, damage: Damage): Metadata | undefined {
  const key = 'ai.response.providerMetadata';
  return plainObject(objectOf(attributes[key], damage, key));
}

function inputTokens(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.input_tokens',
    'ai.usage.inputTokens',
    'gen_ai.usage.prompt_tokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
  );
}

function outputTokens(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.output_tokens',
    'ai.usage.outputTokens',
    'gen_ai.usage.completion_tokens',
    'ai.usage.completionTokens',
  );
}

/** Versions 3 to 5 give some of these in the provider's own words only. */
function readTokenDetails(attributes: Attributes, provider: Metadata | undefined, into: Metadata): void {
  put(into, 'total_tokens', countOf(attributes['ai.usage.totalTokens']));
  put(
    into,
    'cache_read_tokens',
    firstCount(
      attributes,
      'gen_ai.usage.cache_read.input_tokens',
      'ai.usage.inputTokenDetails.cacheReadTokens',
      'ai.usage.cachedInputTokens',
    ) ??
      (provider &&
        (countOf(entry(provider, 'openai', 'cachedPromptTokens')) ??
          countOf(entry(provider, 'anthropic', 'cacheReadInputTokens')) ??
          countOf(entry(provider, 'anthropic', 'usage', 'cache_read_input_tokens')) ??
          countOf(entry(provider, 'bedrock', 'usage', 'cacheReadInputTokens')) ??
          countOf(entry(provider, 'google', 'usageMetadata', 'cachedContentTokenCount')))),
  );
  put(
    into,
    'cache_write_tokens',
    firstCount(attributes, 'gen_ai.usage.cache_creation.input_tokens', 'ai.usage.inputTokenDetails.cacheWriteTokens') ??
      (provider &&
        (countOf(entry(provider, 'anthropic', 'cacheCreationInputTokens')) ??
          countOf(entry(provider, 'bedrock', 'usage', 'cacheWriteInputTokens')))),
  );
  put(
    into,
    'reasoning_tokens',
    firstCount(attributes, 'ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens') ??
      (provider && countOf(entry(provider, 'openai', 'reasoningTokens'))),
  );
}

function entry(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isObject(found) ? found[key] : undefined;
  return found;
}
