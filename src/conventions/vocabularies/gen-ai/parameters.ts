/** Request parameters of the GenAI conventions → the fields of a v4 model config. */
import type { Attributes } from '../../../otel/span-slice.ts';
import { toModelTools, toSchema } from '../../content/model-tools.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import type { Reading, SpanKind } from '../../convention.ts';
import {
  type Damage,
  firstString,
  integerOf,
  jsonOf,
  numberOf,
  objectOf,
  put,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { toPlainJson } from '../../values/plain-json.ts';

export function readGenAiParameters(attributes: Attributes, kind: SpanKind, damage: Damage, into: Reading): void {
  if (kind === 'tool') {
    const type = stringOf(attributes['gen_ai.tool.type']);
    if (type !== undefined) into.other = { tool_type: type };
    put(into, 'toolParameters', toSchema(attributes['gen_ai.tool.parameters']));
    return;
  }
  put(
    into,
    'model',
    modelNameOf(attributes['gen_ai.request.model']) ?? modelNameOf(attributes['gen_ai.response.model']),
  );
  put(into, 'provider', firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system'));
  if (kind === 'model') into.endpoint = endpointOf(attributes);
  put(
    into,
    'maxTokens',
    integerOf(attributes['gen_ai.request.max_tokens']) ?? integerOf(attributes['gen_ai.request.max_completion_tokens']),
  );
  put(into, 'temperature', numberOf(attributes['gen_ai.request.temperature']));
  put(into, 'topP', numberOf(attributes['gen_ai.request.top_p']));
  put(into, 'presencePenalty', numberOf(attributes['gen_ai.request.presence_penalty']));
  put(into, 'frequencyPenalty', numberOf(attributes['gen_ai.request.frequency_penalty']));
  put(
    into,
    'seed',
    integerOf(attributes['gen_ai.request.seed']) ?? integerOf(attributes['gen_ai.openai.request.seed']),
  );
  put(into, 'stop', stringListOf(attributes['gen_ai.request.stop_sequences']));
  put(into, 'responseFormat', readResponseFormat(attributes));
  put(into, 'tools', readTools(attributes, damage));
  put(into, 'other', readOther(attributes));
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

/** Set only if the request asked for JSON: OpenLIT writes `json` for every answer that calls a tool. */
function readResponseFormat(attributes: Attributes): Reading['responseFormat'] {
  const format = attributes['gen_ai.openai.request.response_format'] ?? attributes['openai.request.response_format'];
  const name = stringOf(format) ?? stringOf(objectOf(format)?.['type']);
  const asksJson = attributes['gen_ai.output.type'] === 'json' && attributes['telemetry.sdk.name'] !== 'openlit';
  const hasSchema = attributes['gen_ai.request.structured_output_schema'] !== undefined;
  return asksJson || hasSchema || name?.includes('json') ? { type: 'json_object' } : undefined;
}

function readOther(attributes: Attributes): Record<string, unknown> | undefined {
  const schema = attributes['gen_ai.request.structured_output_schema'];
  const other: Record<string, unknown> = {};
  put(other, 'top_k', numberOf(attributes['gen_ai.request.top_k']));
  put(other, 'n', integerOf(attributes['gen_ai.request.choice.count']));
  put(
    other,
    'reasoning_effort',
    firstString(
      attributes,
      'gen_ai.request.reasoning_effort',
      'openai.request.reasoning_effort',
      'gen_ai.openai.request.reasoning_effort',
    ),
  );
  put(other, 'thinking_type', firstString(attributes, 'gen_ai.request.thinking_type', 'gen_ai.request.thinking.type'));
  put(other, 'thinking_budget_tokens', numberOf(attributes['gen_ai.request.thinking.budget_tokens']));
  put(
    other,
    'service_tier',
    firstString(attributes, 'openai.request.service_tier', 'gen_ai.openai.request.service_tier'),
  );
  put(other, 'encoding_formats', stringListOf(attributes['gen_ai.request.encoding_formats']));
  put(other, 'dimensions', integerOf(attributes['gen_ai.embeddings.dimension.count']));
  put(other, 'retrieval_top_k', numberOf(attributes['gen_ai.retrieval.top_k']));
  if (schema !== undefined) other['structured_output_schema'] = toPlainJson(jsonOf(schema) ?? schema);
  return unlessEmpty(other);
}
