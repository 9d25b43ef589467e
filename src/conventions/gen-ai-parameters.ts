/** Request parameters of the GenAI conventions → the fields of a v4 model config. */
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  defined,
  definedOrNone,
  firstNumber,
  firstString,
  integerOf,
  jsonOf,
  numberOf,
  objectOf,
  stringListOf,
  stringOf,
} from './attributes.ts';
import type { Reading, SpanKind } from './convention.ts';
import { modelName } from './gen-ai-usage.ts';
import { toModelTools, toSchema } from './model-tools.ts';
import { plainJson } from './plain-json.ts';

export function readGenAiParameters(attributes: Attributes, kind: SpanKind, damage: Damage): Reading {
  const model = modelName(attributes['gen_ai.request.model']) ?? modelName(attributes['gen_ai.response.model']);
  const provider = firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system');
  if (kind === 'tool') {
    return defined<Reading>({
      other: toolDetails(attributes),
      toolParameters: toSchema(attributes['gen_ai.tool.parameters']),
    });
  }
  return {
    model,
    provider,
    endpoint: kind === 'model' ? endpointOf(attributes) : undefined,
    maxTokens:
      integerOf(attributes['gen_ai.request.max_tokens']) ??
      integerOf(attributes['gen_ai.request.max_completion_tokens']),
    temperature: numberOf(attributes['gen_ai.request.temperature']),
    topP: numberOf(attributes['gen_ai.request.top_p']),
    presencePenalty: numberOf(attributes['gen_ai.request.presence_penalty']),
    frequencyPenalty: numberOf(attributes['gen_ai.request.frequency_penalty']),
    seed: integerOf(attributes['gen_ai.request.seed']) ?? integerOf(attributes['gen_ai.openai.request.seed']),
    stop: stringListOf(attributes['gen_ai.request.stop_sequences']),
    responseFormat: responseFormat(attributes),
    tools: readTools(attributes, damage),
    other: readOther(attributes),
  } as Reading;
}

function endpointOf(attributes: Attributes): 'chat' | 'complete' {
  const operation = attributes['gen_ai.operation.name'];
  return operation === 'text_completion' || operation === 'text.completions' ? 'complete' : 'chat';
}

function readTools(attributes: Attributes, damage: Damage) {
  for (const key of [
    'gen_ai.tool.definitions',
    'gen_ai.request.available_tools',
    'gen_ai.request.tools',
    'gen_ai.agent.tools',
  ]) {
    const value = attributes[key];
    if (value === undefined) continue;
    const tools = toModelTools(value, damage, key);
    if (tools) return tools;
  }
  return undefined;
}

/** Only where the request asked for JSON: OpenLIT writes `json` for every answer that calls a tool. */
function responseFormat(attributes: Attributes): Reading['responseFormat'] {
  const format = attributes['gen_ai.openai.request.response_format'] ?? attributes['openai.request.response_format'];
  const name = stringOf(format) ?? stringOf(objectOf(format)?.['type']);
  const asksJson = attributes['gen_ai.output.type'] === 'json' && attributes['telemetry.sdk.name'] !== 'openlit';
  const hasSchema = attributes['gen_ai.request.structured_output_schema'] !== undefined;
  return asksJson || hasSchema || name?.includes('json') ? { type: 'json_object' } : undefined;
}

function readOther(attributes: Attributes): Record<string, unknown> | undefined {
  const schema = attributes['gen_ai.request.structured_output_schema'];
  return definedOrNone<Record<string, unknown>>({
    top_k: numberOf(attributes['gen_ai.request.top_k']),
    n: integerOf(attributes['gen_ai.request.choice.count']),
    reasoning_effort: firstString(
      attributes,
      'gen_ai.request.reasoning_effort',
      'openai.request.reasoning_effort',
      'gen_ai.openai.request.reasoning_effort',
    ),
    thinking_type: firstString(attributes, 'gen_ai.request.thinking_type', 'gen_ai.request.thinking.type'),
    thinking_budget_tokens: firstNumber(attributes, 'gen_ai.request.thinking.budget_tokens'),
    service_tier: firstString(attributes, 'openai.request.service_tier', 'gen_ai.openai.request.service_tier'),
    encoding_formats: stringListOf(attributes['gen_ai.request.encoding_formats']),
    dimensions: integerOf(attributes['gen_ai.embeddings.dimension.count']),
    retrieval_top_k: numberOf(attributes['gen_ai.retrieval.top_k']),
    structured_output_schema: schema === undefined ? undefined : plainJson(jsonOf(schema) ?? schema),
  });
}

function toolDetails(attributes: Attributes): Record<string, unknown> | undefined {
  return definedOrNone<Record<string, unknown>>({ tool_type: stringOf(attributes['gen_ai.tool.type']) });
}
