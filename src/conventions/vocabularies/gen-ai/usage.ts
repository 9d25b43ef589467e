/** Tokens, costs, ids and times of the GenAI conventions, by today's attribute names and all earlier ones. */
import type { Attributes } from '../../../otel/span-slice.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import { type Usage, UsageTable, usageOfBody } from '../../content/usage.ts';
import {
  addTo,
  booleanOf,
  costOf,
  countOf,
  integerOf,
  nameOf,
  numberOf,
  objectOf,
  stringOf,
  tokenOf,
  wordOf,
} from '../../values/attributes.ts';
import { millisOfSeconds } from '../../values/elapsed.ts';
import { FieldTable } from '../../values/field-table.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { usageObjectOf } from '../../values/usage-object.ts';

const USAGE = new UsageTable(
  {
    promptTokens: [
      'gen_ai.usage.input_tokens',
      'gen_ai.usage.prompt_tokens',
      'gen_ai.response.prompt_tokens',
      'gen_ai.response.input_tokens',
      'llm.usage.prompt_tokens',
      // LangChain4j's observation.
      'input_tokens',
    ],
    outputTokens: [
      'gen_ai.usage.output_tokens',
      'gen_ai.usage.completion_tokens',
      'gen_ai.response.completion_tokens',
      'gen_ai.response.output_tokens',
      'llm.usage.completion_tokens',
      'output_tokens',
    ],
    promptCost: [
      'gen_ai.cost.input_cost',
      'gen_ai.usage.input_cost',
      'gen_ai.usage.prompt_cost',
      'gen_ai.usage.cost.input',
      'gen_ai.cost.input',
      'gen_ai.usage.input_cost_usd',
      // Sentry's, in dollars.
      'gen_ai.cost.input_tokens',
      'gen_ai.cost.prompt',
      'gen_ai.usage.input_tokens_cost',
      'gen_ai.usage.cost_details.input',
      'llm.usage.input_cost',
    ],
    outputCost: [
      'gen_ai.cost.output_cost',
      'gen_ai.usage.output_cost',
      'gen_ai.usage.completion_cost',
      'gen_ai.usage.cost.output',
      'gen_ai.cost.output',
      'gen_ai.usage.output_cost_usd',
      'gen_ai.cost.output_tokens',
      'gen_ai.cost.completion',
      'gen_ai.usage.output_tokens_cost',
      'gen_ai.usage.cost_details.output',
      'llm.usage.output_cost',
    ],
    total_tokens: ['gen_ai.usage.total_tokens', 'llm.usage.total_tokens'],
    cache_read_tokens: [
      'gen_ai.usage.cache_read.input_tokens',
      'gen_ai.usage.cache_read_input_tokens',
      'gen_ai.usage.cache_read_tokens',
      'gen_ai.usage.details.cache_read_tokens',
      'gen_ai.usage.input_tokens.cached',
    ],
    cache_write_tokens: [
      'gen_ai.usage.cache_write.input_tokens',
      'gen_ai.usage.cache_creation.input_tokens',
      'gen_ai.usage.cache_creation_input_tokens',
      'gen_ai.usage.cache_write_input_tokens',
      'gen_ai.usage.cache_write_tokens',
      'gen_ai.usage.details.cache_write_tokens',
      'gen_ai.usage.input_tokens.cache_write',
    ],
    reasoning_tokens: [
      'gen_ai.usage.reasoning.output_tokens',
      'gen_ai.usage.reasoning_tokens',
      'gen_ai.usage.output_tokens.reasoning',
      'gen_ai.usage.details.reasoning_tokens',
    ],
    input_audio_tokens: ['gen_ai.usage.audio.input_tokens'],
    output_audio_tokens: ['gen_ai.usage.audio.output_tokens'],
    input_image_tokens: ['gen_ai.usage.image.input_tokens'],
    output_image_tokens: ['gen_ai.usage.image.output_tokens'],
    total_cost: [
      'gen_ai.usage.cost',
      'gen_ai.usage.cost.amount',
      'gen_ai.usage.total_cost',
      'operation.cost',
      'gen_ai.cost.total_cost',
      'gen_ai.cost.amount',
      'gen_ai.usage.cost.total',
      'gen_ai.usage.cost_usd',
      'gen_ai.cost.total',
      'gen_ai.cost.usd',
      'gen_ai.cost.total_tokens',
      'gen_ai.usage.cost.usd',
      'gen_ai.usage.total_cost_usd',
      'gen_ai.usage.costs.total',
      'gen_ai.usage.cost_details.total',
      'gen_ai.usage.estimated_cost',
      'gen_ai.usage.estimated_cost_usd',
      'gen_ai.cost',
      'gen_ai.response.cost',
      'gen_ai.request.cost',
      'gen_ai.client.operation.cost',
      'llm.usage.cost',
      'llm.usage.total_cost',
      'llm.cost.total',
      'llm.cost_usd',
    ],
  },
  ['gen_ai.usage.', 'gen_ai.usage.details.', 'gen_ai.usage.experimental.', 'gen_ai.response.usage.', 'llm.usage.'],
);

/** Of VS Code's Copilot, which tells this time in milliseconds. */
const FIRST_TOKEN_MILLIS = 'first_token_millis';

const STRUCTURE = new FieldTable<Record<string, unknown>>({
  response_id: [nameOf, 'gen_ai.response.id'],
  response_model: [modelNameOf, 'gen_ai.response.model'],
  response_status: [wordOf, 'gen_ai.response.status'],
  previous_response_id: [nameOf, 'gen_ai.request.previous_response.id'],
  stream_cursor: [tokenOf, 'gen_ai.request.stream_cursor'],
  realtime_session_id: [nameOf, 'gen_ai.realtime_session.id'],
  conversation_compacted: [booleanOf, 'gen_ai.conversation.compacted'],
  api_type: [wordOf, 'openai.api.type'],
  service_tier: [stringOf, 'openai.response.service_tier', 'gen_ai.openai.response.service_tier'],
  system_fingerprint: [
    stringOf,
    'openai.response.system_fingerprint',
    'gen_ai.openai.response.system_fingerprint',
    'gen_ai.openai.system_fingerprint',
  ],
  time_to_first_chunk_ms: [
    millisOfSeconds,
    'gen_ai.response.time_to_first_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
    'gen_ai.server.time_to_first_token',
    'gen_ai.latency.time_to_first_token',
    'gen_ai.response.time_to_first_token',
    // The command line's; the editor's is in milliseconds.
    'github.copilot.time_to_first_chunk',
  ],
  [FIRST_TOKEN_MILLIS]: [numberOf, 'copilot_chat.time_to_first_token'],
  cost_currency: [currencyOf, 'gen_ai.usage.cost.currency', 'gen_ai.usage.cost_currency', 'gen_ai.cost.currency'],
  cost_source: [wordOf, 'gen_ai.usage.cost.source'],
  prompt_name: [nameOf, 'gen_ai.prompt.name'],
  prompt_version: [versionOf, 'gen_ai.prompt.version'],
  prompt_id: [nameOf, 'gen_ai.prompt.id'],
  tool_call_id: [nameOf, 'gen_ai.tool.call.id', 'gen_ai.tool.call_id'],
  workflow_name: [nameOf, 'gen_ai.workflow.name'],
  agent_name: [nameOf, 'gen_ai.agent.name'],
  agent_id: [nameOf, 'gen_ai.agent.id'],
  agent_version: [versionOf, 'gen_ai.agent.version'],
  guardrail_triggered: [booleanOf, 'gen_ai.guardrail.triggered'],
  handoff_from: [nameOf, 'gen_ai.handoff.from_agent'],
  handoff_to: [nameOf, 'gen_ai.handoff.to_agent'],
  is_nested: [booleanOf, 'gen_ai.invocation.is_nested'],
  skill_name: [nameOf, 'gen_ai.skill.name'],
  skill_resource_name: [nameOf, 'gen_ai.skill.resource.name'],
  exit_code: [integerOf, 'process.exit.code'],
  data_source_id: [nameOf, 'gen_ai.data_source.id'],
  bedrock_knowledge_base_id: [nameOf, 'aws.bedrock.knowledge_base.id'],
  bedrock_guardrail_id: [nameOf, 'aws.bedrock.guardrail.id'],
  memory_store_id: [nameOf, 'gen_ai.memory.store.id'],
  memory_store_name: [nameOf, 'gen_ai.memory.store.name'],
  memory_record_id: [nameOf, 'gen_ai.memory.record.id', 'gen_ai.memory.id'],
  memory_operation: [wordOf, 'gen_ai.memory.operation'],
  memory_record_count: [countOf, 'gen_ai.memory.record.count'],
  server_address: [nameOf, 'server.address'],
});

export function readGenAiUsage({ attributes, keys }: SpanFields): Usage {
  const usage: { -readonly [K in keyof Usage]: Usage[K] } = USAGE.read(attributes, keys);
  const whole = attributes['gen_ai.usage'] ?? attributes['llm.usage'];
  if (whole !== undefined) addTo(usage, addTo(usageOfBody({ usage: whole }) ?? {}, usage));
  const details = detailsIn(attributes, keys);
  if (details) addTo(usage, addTo(usageOfBody({ usage: details }) ?? {}, usage));
  usage.total_cost ??= costOf(structuredCost(attributes)?.['amount'] ?? estimatedCost(attributes)?.[0]);
  // OpenLIT writes 0 for a price it does not know.
  return usage.total_cost === 0 ? { ...usage, total_cost: undefined } : usage;
}

const DETAILS = /^gen_ai\.usage\.(\w+_details)$/;

/** Returns details that are an object each, or its JSON: `gen_ai.usage.prompt_tokens_details`. */
function detailsIn(attributes: Attributes, keys: readonly string[]): Record<string, unknown> | undefined {
  let details: Record<string, unknown> | undefined;
  for (const key of keys) {
    if (!key.endsWith('details')) continue;
    if (key === 'gen_ai.usage.details') details = { ...details, ...usageObjectOf(attributes[key]) };
    const name = DETAILS.exec(key)?.[1];
    if (name !== undefined) details = { ...details, [name]: usageObjectOf(attributes[key]) };
  }
  return details;
}

/** Reads ids, names and times of the call. */
export function readStructure({ attributes, keys }: SpanFields): Record<string, unknown> {
  const structure = STRUCTURE.read(attributes, keys);
  if (structure[FIRST_TOKEN_MILLIS] !== undefined) {
    structure['time_to_first_chunk_ms'] ??= structure[FIRST_TOKEN_MILLIS];
    structure[FIRST_TOKEN_MILLIS] = undefined;
  }
  structure['cost_currency'] ??= currencyOf(structuredCost(attributes)?.['currency'] ?? estimatedCost(attributes)?.[1]);
  return structure;
}

/** `unknown` is no currency. */
function currencyOf(value: unknown): string | undefined {
  const word = wordOf(value);
  return word?.toLowerCase() === 'unknown' ? undefined : word;
}

/** Returns a cost that is one structured value, or its JSON. */
function structuredCost(attributes: Attributes): Record<string, unknown> | undefined {
  const cost = attributes['gen_ai.usage.cost'];
  return cost === undefined || typeof cost === 'number' ? undefined : objectOf(cost);
}

/** Quarkus writes the amount and its currency in one text: `0.0021USD`. */
function estimatedCost(attributes: Attributes): readonly [string, string] | undefined {
  const cost = attributes['gen_ai.client.estimated_cost'];
  const [, amount, currency] =
    typeof cost === 'string' ? (/^(\d{1,20}(?:\.\d{1,40})?)([A-Z]{3})$/.exec(cost) ?? []) : [];
  return amount === undefined || currency === undefined ? undefined : [amount, currency];
}

function versionOf(value: unknown): number | string | undefined {
  return typeof value === 'number' ? value : nameOf(value);
}
