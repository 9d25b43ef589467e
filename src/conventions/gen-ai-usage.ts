/** What the GenAI conventions report besides content: tokens, costs, ids and times. */
import type { SpanSlice } from '../otel.ts';
import { defined, firstCount, firstNumber, firstString, stringOf, textOf } from './attributes.ts';

/** Tokens as reported, by today's names and all the earlier ones. Costs where both parts are known apart. */
export function readUsage(span: SpanSlice) {
  const { attributes } = span;
  const promptTokens = firstCount(
    attributes,
    'gen_ai.usage.input_tokens',
    'gen_ai.usage.prompt_tokens',
    'gen_ai.response.prompt_tokens',
  );
  const outputTokens = firstCount(
    attributes,
    'gen_ai.usage.output_tokens',
    'gen_ai.usage.completion_tokens',
    'gen_ai.response.completion_tokens',
  );
  const totalCost = firstNumber(
    attributes,
    'gen_ai.usage.cost',
    'gen_ai.usage.total_cost',
    'operation.cost',
    'gen_ai.cost.total_cost',
  );
  const details = {
    total_tokens: firstCount(attributes, 'gen_ai.usage.total_tokens', 'llm.usage.total_tokens'),
    cache_read_tokens: firstCount(
      attributes,
      'gen_ai.usage.cache_read.input_tokens',
      'gen_ai.usage.cache_read_input_tokens',
      'gen_ai.usage.cache_read_tokens',
      'gen_ai.usage.details.cache_read_tokens',
      'gen_ai.usage.input_tokens.cached',
    ),
    cache_write_tokens: firstCount(
      attributes,
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
      'gen_ai.usage.cache_write_input_tokens',
      'gen_ai.usage.cache_write_tokens',
      'gen_ai.usage.details.cache_write_tokens',
    ),
    reasoning_tokens: firstCount(
      attributes,
      'gen_ai.usage.reasoning.output_tokens',
      'gen_ai.usage.reasoning_tokens',
      'gen_ai.usage.output_tokens.reasoning',
      'gen_ai.usage.details.reasoning_tokens',
    ),
    // 0 is what OpenLIT writes for a price it does not know.
    total_cost: totalCost === 0 ? undefined : totalCost,
  };
  const aggregate = defined<Record<string, unknown>>({
    prompt_tokens: promptTokens,
    output_tokens: outputTokens,
    ...details,
  });
  return {
    own: {
      promptTokens,
      outputTokens,
      promptCost: firstNumber(
        attributes,
        'gen_ai.cost.input_cost',
        'gen_ai.usage.input_cost',
        'gen_ai.cost.input_tokens',
      ),
      outputCost: firstNumber(
        attributes,
        'gen_ai.cost.output_cost',
        'gen_ai.usage.output_cost',
        'gen_ai.cost.output_tokens',
      ),
    },
    details,
    aggregate: Object.keys(aggregate).length > 0 ? aggregate : undefined,
  };
}

/** Ids, names and times of the call. */
export function readStructure(span: SpanSlice): Record<string, unknown> {
  const { attributes } = span;
  const firstChunk = firstNumber(
    attributes,
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
  );
  return {
    response_id: stringOf(attributes['gen_ai.response.id']),
    response_model: modelName(attributes['gen_ai.response.model']),
    service_tier: firstString(attributes, 'openai.response.service_tier', 'gen_ai.openai.response.service_tier'),
    system_fingerprint: firstString(
      attributes,
      'openai.response.system_fingerprint',
      'gen_ai.openai.response.system_fingerprint',
      'gen_ai.openai.system_fingerprint',
    ),
    time_to_first_chunk_ms: firstChunk === undefined ? undefined : Math.round(firstChunk * 1e6) / 1e3,
    tool_call_id: stringOf(attributes['gen_ai.tool.call.id']),
    agent_id: stringOf(attributes['gen_ai.agent.id']),
    data_source_id: stringOf(attributes['gen_ai.data_source.id']),
    server_address: textOf(attributes['server.address']) || undefined,
  };
}

/** LangChain's callbacks write `unknown` for a model they do not see. */
export function modelName(value: unknown): string | undefined {
  const name = stringOf(value);
  return name === 'unknown' ? undefined : name;
}
