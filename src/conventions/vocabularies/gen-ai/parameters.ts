/** Request parameters of the GenAI conventions → the fields of a v4 model config. */
import { isObject } from '../../../wire/json.ts';
import type { ModelTool } from '../../../wire/v4.ts';
import { withKnownNames } from '../../content/messages/body-spellings.ts';
import { isSchema, modelToolsAt, toModelTools, toSchema } from '../../content/model-tools.ts';
import { areWords, readRequest } from '../../content/provider-bodies.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import type { Reading, SpanKind } from '../../convention.ts';
import {
  addTo,
  booleanOf,
  integerOf,
  jsonOf,
  nameOf,
  numberOf,
  objectOf,
  stringListOf,
  stringOf,
} from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { groupByIndex } from '../../values/indexed-groups.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const PARAMETERS = new FieldTable<Reading>({
  model: [modelNameOf, 'gen_ai.request.model', 'gen_ai.response.model', 'gen_ai.model_name'],
  provider: [nameOf, 'gen_ai.provider.name', 'gen_ai.system', 'gen_ai.model.provider', 'gen_ai.provider'],
  maxTokens: [integerOf, 'gen_ai.request.max_tokens', 'gen_ai.request.max_completion_tokens'],
  temperature: [numberOf, 'gen_ai.request.temperature'],
  topP: [numberOf, 'gen_ai.request.top_p'],
  presencePenalty: [numberOf, 'gen_ai.request.presence_penalty'],
  frequencyPenalty: [numberOf, 'gen_ai.request.frequency_penalty'],
  seed: [integerOf, 'gen_ai.request.seed', 'gen_ai.openai.request.seed'],
  stop: [stringListOf, 'gen_ai.request.stop_sequences'],
});

const OTHER = new FieldTable<Record<string, unknown>>({
  top_k: [numberOf, 'gen_ai.request.top_k'],
  n: [integerOf, 'gen_ai.request.choice.count', 'gen_ai.request.image.count'],
  stream: [booleanOf, 'gen_ai.request.stream'],
  output_type: [mediaTypeOf, 'gen_ai.output.type'],
  reasoning_effort: [
    stringOf,
    'gen_ai.request.reasoning.level',
    'gen_ai.request.reasoning_effort',
    'gen_ai.reasoning_effort',
    'openai.request.reasoning_effort',
    'gen_ai.openai.request.reasoning_effort',
  ],
  thinking_type: [stringOf, 'gen_ai.request.thinking_type', 'gen_ai.request.thinking.type'],
  thinking_budget_tokens: [numberOf, 'gen_ai.request.thinking.budget_tokens'],
  service_tier: [stringOf, 'openai.request.service_tier', 'gen_ai.openai.request.service_tier'],
  encoding_formats: [stringListOf, 'gen_ai.request.encoding_formats', 'gen_ai.request.encoding_format'],
  dimensions: [integerOf, 'gen_ai.embeddings.dimension.count', 'gen_ai.request.dimensions'],
  retrieval_top_k: [numberOf, 'gen_ai.retrieval.top_k'],
  image_size: [stringOf, 'gen_ai.request.image.size', 'gen_ai.request.image_size'],
  image_quality: [stringOf, 'gen_ai.request.image.quality', 'gen_ai.request.image_quality'],
  image_style: [stringOf, 'gen_ai.request.image.style', 'gen_ai.request.image_style'],
  image_format: [stringOf, 'gen_ai.request.image.format', 'gen_ai.request.image.response_format'],
  image_aspect_ratio: [stringOf, 'gen_ai.request.image.aspect_ratio'],
  image_resolution: [stringOf, 'gen_ai.request.image.resolution'],
  structured_output_schema: [
    (schema) => toPlainJson(jsonOf(schema) ?? schema),
    'gen_ai.request.structured_output_schema',
  ],
});

const TOOLS_KEYS = [
  'gen_ai.tool.definitions',
  'gen_ai.request.available_tools',
  'gen_ai.request.tools',
  'gen_ai.agent.tools',
  'spring.ai.model.request.tool.names',
] as const;

export function readGenAiParameters(fields: SpanFields, kind: SpanKind): Reading {
  if (kind === 'tool') {
    return {
      other: { tool_type: fields.string('gen_ai.tool.type') },
      toolParameters: toSchema(
        schemaAt(fields, 'gen_ai.tool.parameters', 'tool.parameters') ?? fields.json('gen_ai.tool.json_schema'),
      ),
    };
  }
  const reading: Reading = PARAMETERS.read(fields.attributes, fields.keys);
  if (kind === 'model') reading.endpoint = endpointOf(fields);
  reading.responseFormat = readResponseFormat(fields);
  reading.tools = readTools(fields);
  reading.other = OTHER.read(fields.attributes, fields.keys);
  return reading;
}

/** Returns the first schema at these keys, where many apps write the arguments. */
function schemaAt(fields: SpanFields, ...keys: readonly string[]): unknown {
  return keys.map((key) => fields.structure(key)).find(isSchema);
}

function endpointOf({ attributes }: SpanFields): 'chat' | 'complete' {
  const operation = attributes['gen_ai.operation.name'];
  return operation === 'text_completion' || operation === 'text.completions' ? 'complete' : 'chat';
}

/** Returns a type of output that is not text: JSON is the response format, and text is what models write anyway. */
function mediaTypeOf(type: unknown): string | undefined {
  return type === 'image' || type === 'speech' ? type : undefined;
}

function readTools(fields: SpanFields): ModelTool[] | undefined {
  for (const key of TOOLS_KEYS) {
    const tools = modelToolsAt(fields, key);
    if (tools) return tools;
  }
  return fields.attributes[`${FLATTENED_TOOLS}0.name`] === undefined ? undefined : flattenedTools(fields);
}

const FLATTENED_TOOLS = 'gen_ai.request.tools.';

/** AgentOps has the schema of what a tool takes as its arguments. */
function flattenedTools({ attributes }: SpanFields): ModelTool[] | undefined {
  const [tools = []] = groupByIndex(attributes, [FLATTENED_TOOLS]);
  return toModelTools(
    tools.map(({ fields: tool }) => ({ ...tool, parameters: tool['parameters'] ?? tool['arguments'] })),
  );
}

/** Set only if the request asked for JSON: OpenLIT writes `json` for every answer that calls a tool. */
function readResponseFormat({ attributes }: SpanFields): Reading['responseFormat'] {
  const format = attributes['gen_ai.openai.request.response_format'] ?? attributes['openai.request.response_format'];
  const name = stringOf(format) ?? stringOf(objectOf(format)?.['type']);
  const asksJson = attributes['gen_ai.output.type'] === 'json' && attributes['telemetry.sdk.name'] !== 'openlit';
  const hasSchema = attributes['gen_ai.request.structured_output_schema'] !== undefined;
  return asksJson || hasSchema || name?.includes('json') ? { type: 'json_object' } : undefined;
}

/** Gateways write the whole body of the request as the prompt. Attributes win over it. */
export function fillInFromBody(reading: Reading, fields: SpanFields): void {
  const key = fields.firstKey('gen_ai.prompt', 'gen_ai.prompt_json');
  const value = key === undefined ? undefined : fields.attributes[key];
  if (key === undefined || (typeof value === 'string' && !value.startsWith('{'))) return;
  const body = withKnownNames(fields.object(key));
  if (!isObject(body) || stringOf(body['model']) === undefined || areWords(value, body)) return;
  const { other, ...parameters } = readRequest(body);
  addTo(reading, addTo<Reading>({ ...parameters }, reading));
  if (other) reading.other = addTo({ ...other }, reading.other);
}
