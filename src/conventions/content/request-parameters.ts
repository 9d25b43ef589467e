/**
 * Parameters of a request, under the names of any provider.
 *
 * OpenInference gives them as `llm.invocation_parameters`: the request without its messages. Its OpenAI Agents bridge
 * gives the response instead.
 */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import type { Reading } from '../convention.ts';
import {
  type Damage,
  firstString,
  firstValue,
  integerOf,
  numberOf,
  objectOf,
  put,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';

/** Parameters with a field of their own, and what other files read: content, user and metadata. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'model',
  'model_name',
  'user',
  'metadata',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxOutputTokens',
  'maxTokens',
  'temperature',
  'top_p',
  'topP',
  'presence_penalty',
  'presencePenalty',
  'frequency_penalty',
  'frequencyPenalty',
  'seed',
  'stop',
  'stop_sequences',
  'stopSequences',
  'response_format',
  'responseMimeType',
  'response_mime_type',
  'text',
  'tools',
  'functions',
  'messages',
  'input',
  'contents',
  'prompt',
  'system',
  'systemInstruction',
  'system_instruction',
  'instructions',
]);

/** Fields that are not parameters, if a response stands in place of the request. */
const RESPONSE_ONLY: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created_at',
  'completed_at',
  'status',
  'error',
  'incomplete_details',
  'output',
  'output_text',
  'usage',
  'metadata',
  'service_tier',
]);

const NESTED = ['config', 'generationConfig', 'generation_config', 'inferenceConfig'] as const;

/** Returns OpenInference's parameters with nested generation configs flattened; undefined if there are none. */
export function readInvocationParameters(attributes: Attributes, damage: Damage): Record<string, unknown> | undefined {
  const parameters = objectOf(attributes['llm.invocation_parameters'], damage, 'llm.invocation_parameters');
  if (!parameters || !NESTED.some((key) => isObject(parameters[key]))) return parameters;
  const open: Record<string, unknown> = Object.assign({}, ...NESTED.map((key) => parameters[key]).filter(isObject));
  for (const key in parameters) if (!NESTED.some((name) => name === key)) open[key] = parameters[key];
  return open;
}

/**
 * Whether the parameters are really a response of the Responses API, as OpenInference's OpenAI Agents bridge writes.
 */
export function isResponseBody(parameters: Record<string, unknown> | undefined): boolean {
  return parameters !== undefined && stringOf(parameters['id']) !== undefined && 'created_at' in parameters;
}

export function readModelAndProvider(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  app: Record<string, unknown> | undefined,
  into: Reading,
): void {
  put(
    into,
    'model',
    modelNameOf(attributes['llm.request.model_name']) ??
      modelNameOf(parameters?.['model']) ??
      modelNameOf(parameters?.['model_name']) ??
      modelNameOf(attributes['gen_ai.request.model']) ??
      modelNameOf(attributes['llm.model_name']) ??
      modelNameOf(app?.['ls_model_name']),
  );
  put(into, 'provider', firstString(attributes, 'llm.provider', 'llm.system') ?? stringOf(app?.['ls_provider']));
}

/** LangChain's callbacks write `unknown` for a model they do not see. */
export function modelNameOf(value: unknown): string | undefined {
  const name = stringOf(value);
  return name === 'unknown' ? undefined : name;
}

const MAX_TOKENS_KEYS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxOutputTokens',
  'maxTokens',
] as const;
const STOP_KEYS = ['stop', 'stop_sequences', 'stopSequences'] as const;

/** Reads into `into` and returns it. `attributes` may have some of them as `llm.*`. */
export function readParameters(
  attributes: Attributes,
  parameters: Record<string, unknown>,
  into: Reading = {},
): Reading {
  const presence = parameters['presence_penalty'] ?? parameters['presencePenalty'];
  const frequency = parameters['frequency_penalty'] ?? parameters['frequencyPenalty'];
  const stop = firstValue(parameters, STOP_KEYS) ?? attributes['llm.chat.stop_sequences'];
  put(into, 'maxTokens', integerOf(firstValue(parameters, MAX_TOKENS_KEYS)));
  put(into, 'temperature', numberOf(parameters['temperature']));
  put(into, 'topP', numberOf(parameters['top_p'] ?? parameters['topP']));
  put(into, 'presencePenalty', numberOf(presence ?? attributes['llm.presence_penalty']));
  put(into, 'frequencyPenalty', numberOf(frequency ?? attributes['llm.frequency_penalty']));
  put(into, 'seed', integerOf(parameters['seed']));
  put(into, 'stop', stringOf(stop) ?? stringListOf(stop));
  put(into, 'responseFormat', readResponseFormat(parameters));
  put(into, 'other', readOtherParameters(parameters));
  return into;
}

function readResponseFormat(parameters: Record<string, unknown>): Reading['responseFormat'] {
  if ((parameters['responseMimeType'] ?? parameters['response_mime_type']) === 'application/json') {
    return { type: 'json_object' };
  }
  const format = objectOf(parameters['response_format']) ?? objectOf(objectOf(parameters['text'])?.['format']);
  if (format?.['type'] === 'json_object') return { type: 'json_object' };
  if (format?.['type'] !== 'json_schema') return undefined;
  // The Responses API has name and schema beside the type; chat completions have them one level below.
  const { type: _type, ...flat } = format;
  const schema = toPlainObject(objectOf(format['json_schema']) ?? flat);
  return { type: 'json_schema', ...(schema && { json_schema: schema }) };
}

/** Gemini's names for parameters on which the others agree. */
const COMMON_NAMES: ReadonlyMap<string, string> = new Map([
  ['topK', 'top_k'],
  ['candidateCount', 'n'],
  ['candidate_count', 'n'],
]);

function readOtherParameters(parameters: Record<string, unknown>): Record<string, unknown> | undefined {
  const fromResponse = isResponseBody(parameters);
  const other: Record<string, unknown> = {};
  for (const key in parameters) {
    if (READ_ELSEWHERE.has(key) || (fromResponse && RESPONSE_ONLY.has(key)) || key === '__proto__') continue;
    const value = parameters[key];
    if (!isEmpty(value)) put(other, COMMON_NAMES.get(key) ?? key, toPlainJson(value));
  }
  return unlessEmpty(other);
}

/** Responses list parameters that were not set: `"reasoning": {"effort": null}`. */
function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  for (const key in value) if (value[key] !== null) return false;
  return true;
}
