/** Tokens, costs, ids and times of the GenAI conventions. */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import type { Reading } from '../../convention.ts';
import { firstCount, firstNumber, firstString, put, stringOf } from '../../values/attributes.ts';

type Metadata = Record<string, unknown>;

/** Reads the input tokens by today's attribute name and all earlier ones. */
export function promptTokensOf(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'gen_ai.response.prompt_tokens',
  );
}

/** Reads the output tokens by today's attribute name and all earlier ones. */
export function outputTokensOf(attributes: Attributes): number | undefined {
  return firstCount(
    attributes,
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'gen_ai.response.completion_tokens',
  );
}

/** Reads a call's own tokens, and its costs if input and output are priced separately. */
export function readUsage({ attributes }: SpanSlice, into: Reading, metadata: Metadata): void {
  const promptTokens = promptTokensOf(attributes);
  const outputTokens = outputTokensOf(attributes);
  // OpenLIT writes 0 and 0 for a stream without usage.
  if (promptTokens !== 0 || outputTokens !== 0) {
    put(into, 'promptTokens', promptTokens);
    put(into, 'outputTokens', outputTokens);
  }
  put(into, 'promptCost', firstNumber(attributes, 'gen_ai.cost.input_cost', 'gen_ai.usage.input_cost'));
  put(into, 'outputCost', firstNumber(attributes, 'gen_ai.cost.output_cost', 'gen_ai.usage.output_cost'));
  readUsageDetails(attributes, metadata);
}

/** Reads an agent's tokens into the metadata: they are sums over its calls, which have logs of their own. */
export function readAggregateUsage({ attributes }: SpanSlice, metadata: Metadata): void {
  const usage: Metadata = {};
  put(usage, 'prompt_tokens', promptTokensOf(attributes));
  put(usage, 'output_tokens', outputTokensOf(attributes));
  readUsageDetails(attributes, usage);
  for (const _key in usage) {
    metadata['usage'] = usage;
    return;
  }
}

/** Reads ids, names and times of the call. */
export function readStructure({ attributes }: SpanSlice, metadata: Metadata): void {
  put(metadata, 'response_id', stringOf(attributes['gen_ai.response.id']));
  put(metadata, 'response_model', modelNameOf(attributes['gen_ai.response.model']));
  put(
    metadata,
    'service_tier',
    firstString(attributes, 'openai.response.service_tier', 'gen_ai.openai.response.service_tier'),
  );
  put(
    metadata,
    'system_fingerprint',
    firstString(
      attributes,
      'openai.response.system_fingerprint',
      'gen_ai.openai.response.system_fingerprint',
      'gen_ai.openai.system_fingerprint',
    ),
  );
  const firstChunk = firstNumber(
    attributes,
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
  );
  if (firstChunk !== undefined) metadata['time_to_first_chunk_ms'] = Math.round(firstChunk * 1e6) / 1e3;
  put(metadata, 'tool_call_id', stringOf(attributes['gen_ai.tool.call.id']));
  put(metadata, 'agent_id', stringOf(attributes['gen_ai.agent.id']));
  put(metadata, 'data_source_id', stringOf(attributes['gen_ai.data_source.id']));
  put(metadata, 'server_address', stringOf(attributes['server.address']));
}

function readUsageDetails(attributes: Attributes, into: Metadata): void {
  put(into, 'total_tokens', firstCount(attributes, 'gen_ai.usage.total_tokens', 'llm.usage.total_tokens'));
  put(
    into,
    'cache_read_tokens',
    firstCount(
      attributes,
      'gen_ai.usage.cache_read.input_tokens',
      'gen_ai.usage.cache_read_input_tokens',
      'gen_ai.usage.cache_read_tokens',
      'gen_ai.usage.details.cache_read_tokens',
      'gen_ai.usage.input_tokens.cached',
    ),
  );
  put(
    into,
    'cache_write_tokens',
    firstCount(
      attributes,
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
      'gen_ai.usage.cache_write_input_tokens',
      'gen_ai.usage.cache_write_tokens',
      'gen_ai.usage.details.cache_write_tokens',
    ),
  );
  put(
    into,
    'reasoning_tokens',
    firstCount(
      attributes,
      'gen_ai.usage.reasoning.output_tokens',
      'gen_ai.usage.reasoning_tokens',
      'gen_ai.usage.output_tokens.reasoning',
      'gen_ai.usage.details.reasoning_tokens',
    ),
  );
  const totalCost = firstNumber(
    attributes,
    'gen_ai.usage.cost',
    'gen_ai.usage.total_cost',
    'operation.cost',
    'gen_ai.cost.total_cost',
  );
  // OpenLIT writes 0 for a price it does not know.
  if (totalCost !== undefined && totalCost !== 0) into['total_cost'] = totalCost;
}
