/**
 * How an OpenInference LLM span was called: `llm.invocation_parameters`, tools, model names.
 *
 * The parameters are the request without its messages, in the words of the provider; the OpenAI Agents bridge gives the
 * response instead.
 */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import type { Reading } from '../convention.ts';
import {
  type Damage,
  firstString,
  firstValue,
  integerOf,
  noneIfEmpty,
  numberOf,
  objectOf,
  put,
  stringListOf,
  stringOf,
} from '../values/attributes.ts';
import { plainJson, plainObject } from '../values/plain-json.ts';

/** Parameters with a field of their own, and what is read elsewhere: content, and whose call it was. */
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

/** Of a response that stands in place of the request: what is no parameter. */
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

/** `undefined` where there are none; nested generation configs are laid open. */
export function invocationParameters(attributes: Attributes, damage: Damage): Record<string, unknown> | undefined {
  const parameters = objectOf(attributes['llm.invocation_parameters'], damage, 'llm.invocation_parameters');
  if (!parameters || !NESTED.some((key) => isObject(parameters[key]))) return parameters;
  const open: Record<string, unknown> = Object.assign({}, ...NESTED.map((key) => parameters[key]).filter(isObject));
  for (const key in parameters) if (!NESTED.some((name) => name === key)) open[key] = parameters[key];
  return open;
}

/** The OpenAI Agents bridge puts the Responses API's answer here. */
export function isResponse(parameters: Record<string, unknown> | undefined): boolean {
  return parameters !== undefined && stringOf(parameters['id']) !== undefined && 'created_at' in parameters;
}

export function readModelName(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  app: Record<string, unknown> | undefined,
  into: Reading,
): void {
  put(
    into,
    'model',
    modelName(attributes['llm.request.model_name']) ??
      modelName(parameters?.['model']) ??
      modelName(parameters?.['model_name']) ??
      modelName(attributes['gen_ai.request.model']) ??
      modelName(attributes['llm.model_name']) ??
      modelName(app?.['ls_model_name']),
  );
  put(into, 'provider', firstString(attributes, 'llm.provider', 'llm.system') ?? stringOf(app?.['ls_provider']));
}

function modelName(value: unknown): string | undefined {
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
  put(into, 'responseFormat', responseFormat(parameters));
  put(into, 'other', otherParameters(parameters));
  return into;
}

function responseFormat(parameters: Record<string, unknown>): Reading['responseFormat'] {
  if ((parameters['responseMimeType'] ?? parameters['response_mime_type']) === 'application/json') {
    return { type: 'json_object' };
  }
  const format = objectOf(parameters['response_format']) ?? objectOf(objectOf(parameters['text'])?.['format']);
  if (format?.['type'] === 'json_object') return { type: 'json_object' };
  if (format?.['type'] !== 'json_schema') return undefined;
  // The Responses API has name and schema beside the type, chat completions one level below.
  const { type: _type, ...flat } = format;
  const schema = plainObject(objectOf(format['json_schema']) ?? flat);
  return { type: 'json_schema', ...(schema && { json_schema: schema }) };
}

/** Gemini's names of what others call by one name. */
const COMMON_NAMES: ReadonlyMap<string, string> = new Map([
  ['topK', 'top_k'],
  ['candidateCount', 'n'],
  ['candidate_count', 'n'],
]);

function otherParameters(parameters: Record<string, unknown>): Record<string, unknown> | undefined {
  const fromResponse = isResponse(parameters);
  const other: Record<string, unknown> = {};
  for (const key in parameters) {
    if (READ_ELSEWHERE.has(key) || (fromResponse && RESPONSE_ONLY.has(key)) || key === '__proto__') continue;
    const value = parameters[key];
    if (!isEmpty(value)) put(other, COMMON_NAMES.get(key) ?? key, plainJson(value));
  }
  return noneIfEmpty(other);
}

/** Responses spell out what was not asked for: `"reasoning": {"effort": null}`. */
function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  for (const key in value) if (value[key] !== null) return false;
  return true;
}
