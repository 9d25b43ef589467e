/**
 * How an OpenInference LLM span was called: `llm.invocation_parameters`, tools, model names.
 *
 * The parameters are the request without its messages, in the words of the provider; the OpenAI Agents bridge gives the
 * response instead.
 */
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  defined,
  firstString,
  firstValue,
  integerOf,
  isObject,
  numberOf,
  objectOf,
  stringListOf,
  stringOf,
} from './attributes.ts';
import type { Reading } from './convention.ts';
import { plainJson, plainObject } from './plain-json.ts';

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
  if (!parameters) return undefined;
  const nested = NESTED.map((key) => parameters[key]).filter(isObject);
  if (nested.length === 0) return parameters;
  const flat = Object.fromEntries(Object.entries(parameters).filter(([key]) => !NESTED.some((name) => name === key)));
  return Object.assign({}, ...nested, flat);
}

/** The OpenAI Agents bridge puts the Responses API's answer here. */
export function isResponse(parameters: Record<string, unknown> | undefined): boolean {
  return parameters !== undefined && stringOf(parameters['id']) !== undefined && 'created_at' in parameters;
}

export function readModelName(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  app: Record<string, unknown> | undefined,
): Reading {
  const names = [
    attributes['llm.request.model_name'],
    parameters?.['model'],
    parameters?.['model_name'],
    attributes['gen_ai.request.model'],
    attributes['llm.model_name'],
    app?.['ls_model_name'],
  ];
  return defined<Reading>({
    model: names.map(stringOf).find((name) => name !== undefined && name !== 'unknown'),
    provider: firstString(attributes, 'llm.provider', 'llm.system') ?? stringOf(app?.['ls_provider']),
  });
}

export function readParameters(attributes: Attributes, parameters: Record<string, unknown>): Reading {
  const first = (...keys: string[]) => firstValue(parameters, keys);
  const stop = first('stop', 'stop_sequences', 'stopSequences') ?? attributes['llm.chat.stop_sequences'];
  return defined<Reading>({
    maxTokens: integerOf(
      first('max_tokens', 'max_completion_tokens', 'max_output_tokens', 'maxOutputTokens', 'maxTokens'),
    ),
    temperature: numberOf(first('temperature')),
    topP: numberOf(first('top_p', 'topP')),
    presencePenalty: numberOf(first('presence_penalty', 'presencePenalty') ?? attributes['llm.presence_penalty']),
    frequencyPenalty: numberOf(first('frequency_penalty', 'frequencyPenalty') ?? attributes['llm.frequency_penalty']),
    seed: integerOf(first('seed')),
    stop: stringOf(stop) ?? stringListOf(stop),
    responseFormat: responseFormat(parameters),
    other: otherParameters(parameters),
  });
}

function responseFormat(parameters: Record<string, unknown>): Reading['responseFormat'] {
  const format = objectOf(parameters['response_format']) ?? objectOf(objectOf(parameters['text'])?.['format']);
  if (format?.['type'] === 'json_object') return { type: 'json_object' };
  if (format?.['type'] !== 'json_schema') return undefined;
  // The Responses API has name and schema beside the type, chat completions one level below.
  const { type: _type, ...flat } = format;
  const schema = plainObject(objectOf(format['json_schema']) ?? flat);
  return { type: 'json_schema', ...(schema && { json_schema: schema }) };
}

function otherParameters(parameters: Record<string, unknown>): Record<string, unknown> | undefined {
  const fromResponse = isResponse(parameters);
  const entries = Object.entries(parameters).flatMap(([key, value]) => {
    if (isEmpty(value) || READ_ELSEWHERE.has(key) || (fromResponse && RESPONSE_ONLY.has(key))) return [];
    return [[key, plainJson(value)] as const];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

/** Responses spell out what was not asked for: `"reasoning": {"effort": null}`. */
function isEmpty(value: unknown): boolean {
  return value === null || (isObject(value) && Object.values(value).every((item) => item === null));
}
