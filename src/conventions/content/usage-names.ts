/** The names of tokens and costs in the words of providers and SDKs. */
import { CACHE_WRITE_NAMES, type CacheWrites } from './cache-writes.ts';

/** What a call has used. Costs are in US dollars. */
export interface Usage {
  readonly promptTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly promptCost?: number | undefined;
  readonly outputCost?: number | undefined;
  /** What has no v4 field. The details of the tokens are parts of the tokens above. */
  readonly total_tokens?: number | undefined;
  readonly cache_read_tokens?: number | undefined;
  readonly cache_write_tokens?: number | undefined;
  readonly reasoning_tokens?: number | undefined;
  readonly input_audio_tokens?: number | undefined;
  readonly output_audio_tokens?: number | undefined;
  readonly input_image_tokens?: number | undefined;
  readonly output_image_tokens?: number | undefined;
  readonly total_cost?: number | undefined;
}

type Read = Usage & CacheWrites;

/** Details in the words of providers and SDKs, nested ones with a dot. Each has a spelling in camel case too. */
export const DETAILS: { readonly [K in keyof Read]?: readonly string[] } = {
  ...CACHE_WRITE_NAMES,
  cache_read_tokens: [
    'cache_read_tokens',
    'cache_read_input_tokens',
    'cached_input_tokens',
    'cached_tokens',
    'cache_read',
    'input_cached_tokens',
    'input_cache_read',
    'cached_prompt_tokens',
    'prompt_cache_hit_tokens',
    'cached_content_token_count',
    'cached_content_tokens',
    'cache_read_input_token_count',
    'cached_input_token_count',
    'num_cached_tokens',
    'input_cache_read_tokens',
    'cache_hit_tokens',
    // The AI SDK's models have each kind of token below its side: `{ inputTokens: { total, cacheRead } }`.
    ...['input_tokens.cached', 'input_tokens.cache_read', 'prompt_tokens.cached', 'input_tokens_cached'],
    ...['input.cached_tokens', 'input.cached', 'input.cache_read', 'tokens.cached'],
    ...below(['cached_tokens', 'cache_read', 'cache_read_tokens'], 'prompt', 'input'),
  ],
  cache_write_tokens: [
    'cache_write_tokens',
    'cache_write_input_tokens',
    'cache_creation_input_tokens',
    'cache_creation_tokens',
    'cache_write',
    'cache_creation',
    'input_cache_creation',
    'cache_write_input_token_count',
    ...['input_cache_write_tokens', 'input_cache_creation_tokens'],
    ...['input_tokens.cache_write', 'input_tokens.cache_creation'],
    ...below(['cache_creation', 'cache_creation_tokens', 'cache_write', 'cache_write_tokens'], 'prompt', 'input'),
  ],
  reasoning_tokens: [
    'reasoning_tokens',
    'reasoning_output_tokens',
    'output_reasoning_tokens',
    'output_reasoning',
    'reasoning',
    'thinking_tokens',
    'thoughts_tokens',
    'thoughts_token_count',
    'reasoning_token_count',
    ...['output_tokens.reasoning', 'output_tokens_reasoning', 'output.reasoning_tokens', 'output.reasoning'],
    ...below(['reasoning_tokens', 'reasoning'], 'completion', 'output'),
  ],
  input_audio_tokens: [
    'input_audio_tokens',
    'audio_input_tokens',
    'prompt_audio_tokens',
    'input_audio',
    'input_tokens.audio',
    ...below(['audio_tokens', 'audio'], 'prompt', 'input'),
  ],
  output_audio_tokens: [
    'output_audio_tokens',
    'audio_output_tokens',
    'completion_audio_tokens',
    'output_audio',
    'output_tokens.audio',
    ...below(['audio_tokens', 'audio'], 'completion', 'output'),
  ],
  input_image_tokens: [
    'input_image_tokens',
    'image_input_tokens',
    'prompt_image_tokens',
    'input_image',
    ...below(['image_tokens', 'image'], 'prompt', 'input'),
  ],
  output_image_tokens: [
    'output_image_tokens',
    'image_output_tokens',
    'completion_image_tokens',
    'output_image',
    ...below(['image_tokens', 'image'], 'completion', 'output'),
  ],
};

/** Whole counts and costs in the words of providers and SDKs, for usage objects of any vocabulary. */
export const WHOLES: { readonly [K in keyof Read]?: readonly string[] } = {
  promptTokens: [
    'prompt_tokens',
    'input_tokens',
    'promptTokenCount',
    'prompt_token_count',
    'promptTokens',
    'inputTokens',
    'inputTokens.total',
    // LangChain4j and Watsonx.
    'inputTokenCount',
    'input_token_count',
    // Cohere and Ollama.
    'tokens.input_tokens',
    // Cohere, Ollama, llama.cpp.
    ...['billed_units.input_tokens', 'prompt_eval_count', 'tokens_evaluated'],
  ],
  outputTokens: [
    'completion_tokens',
    'output_tokens',
    'candidatesTokenCount',
    'candidates_token_count',
    // Gemini's Live API.
    ...['responseTokenCount', 'response_token_count'],
    'completionTokens',
    'outputTokens',
    'outputTokens.total',
    'outputTokenCount',
    'output_token_count',
    'tokens.output_tokens',
    ...['billed_units.output_tokens', 'eval_count', 'tokens_predicted'],
  ],
  total_tokens: ['total_tokens', 'totalTokenCount', 'total_token_count', 'totalTokens'],
  // Perplexity.
  promptCost: ['cost.input_tokens_cost'],
  outputCost: ['cost.output_tokens_cost'],
  // OpenRouter.
  total_cost: ['cost', 'cost.total_cost'],
};

function below(names: readonly string[], ...sides: readonly string[]): string[] {
  return sides.flatMap((side) =>
    ['tokens_details', 'token_details'].flatMap((details) => names.map((name) => `${side}_${details}.${name}`)),
  );
}
