/**
 * Tokens, timings, ids and provider metadata of AI SDK spans.
 *
 * On the inner span the tokens are the call's own. On the outer one they are a sum in some versions and the last step's
 * in others, so they go to the metadata.
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
  numberOf,
  objectOf,
  put,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { toPlainObject } from '../../values/plain-json.ts';

type Metadata = Record<string, unknown>;

/** Reads the tokens of a span that is one provider call. */
export function readTokens(attributes: Attributes, into: Reading): void {
  put(into, 'promptTokens', inputTokensOf(attributes));
  put(into, 'outputTokens', outputTokensOf(attributes));
}

/** Reads the structure of a response, no content. The token counts of a wrapper go under `usage`. */
export function readResponseMetadata(
  attributes: Attributes,
  isWrapper: boolean,
  provider: Metadata | undefined,
  into: Metadata,
): void {
  if (isWrapper) {
    const usage: Metadata = {};
    put(usage, 'prompt_tokens', inputTokensOf(attributes));
    put(usage, 'output_tokens', outputTokensOf(attributes));
    readTokenDetails(attributes, provider, usage);
    put(into, 'usage', unlessEmpty(usage));
  } else {
    readTokenDetails(attributes, provider, into);
  }
  put(into, 'response_id', firstString(attributes, 'gen_ai.response.id', 'ai.response.id'));
  put(into, 'response_model', firstString(attributes, 'gen_ai.response.model', 'ai.response.model'));
  put(into, 'response_timestamp', stringOf(attributes['ai.response.timestamp']));
  if (provider) put(into, 'service_tier', stringOf(valueAtPath(provider, 'openai', 'serviceTier')));
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

/** Reads what the provider added to its answer. It may quote the prompt (sources, grounding), so it is content. */
export function readProviderMetadata(attributes: Attributes, damage: Damage): Metadata | undefined {
  const key = 'ai.response.providerMetadata';
  return toPlainObject(objectOf(attributes[key], damage, key));
}

function inputTokensOf(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.input_tokens',
    'ai.usage.inputTokens',
    'gen_ai.usage.prompt_tokens',
    'ai.usage.promptTokens',
    'ai.usage.tokens',
  );
}

function outputTokensOf(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.output_tokens',
    'ai.usage.outputTokens',
    'gen_ai.usage.completion_tokens',
    'ai.usage.completionTokens',
  );
}

/** Versions 3 to 5 give some of these only under the provider's own names. */
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
        (countOf(valueAtPath(provider, 'openai', 'cachedPromptTokens')) ??
          countOf(valueAtPath(provider, 'anthropic', 'cacheReadInputTokens')) ??
          countOf(valueAtPath(provider, 'anthropic', 'usage', 'cache_read_input_tokens')) ??
          countOf(valueAtPath(provider, 'bedrock', 'usage', 'cacheReadInputTokens')) ??
          countOf(valueAtPath(provider, 'google', 'usageMetadata', 'cachedContentTokenCount')))),
  );
  put(
    into,
    'cache_write_tokens',
    firstCount(attributes, 'gen_ai.usage.cache_creation.input_tokens', 'ai.usage.inputTokenDetails.cacheWriteTokens') ??
      (provider &&
        (countOf(valueAtPath(provider, 'anthropic', 'cacheCreationInputTokens')) ??
          countOf(valueAtPath(provider, 'bedrock', 'usage', 'cacheWriteInputTokens')))),
  );
  put(
    into,
    'reasoning_tokens',
    firstCount(attributes, 'ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens') ??
      (provider && countOf(valueAtPath(provider, 'openai', 'reasoningTokens'))),
  );
}

function valueAtPath(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isObject(found) ? found[key] : undefined;
  return found;
}
