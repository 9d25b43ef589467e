/**
 * The parameters of a request, under the names of any provider: vocabularies that give a whole request body, or what a
 * framework passed on to its provider, all read them here.
 */
import { isObject } from '../../wire/json.ts';
import type { Reading } from '../convention.ts';
import {
  booleanOf,
  firstValue,
  integerOf,
  nameOf,
  numberOf,
  objectOf,
  omitUndefined,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import { javaMapIn } from '../values/printed/java-map.ts';
import { printedCountsIn } from '../values/printed/printed-counts.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { isUnset } from '../values/unset.ts';
import { fromConverseParameters } from './parts/converse.ts';

type Fields = Record<string, unknown>;

const MAX_TOKENS_KEYS = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'maxOutputTokens',
  'maxTokens',
  'maxCompletionTokens',
  // Models on Bedrock and Watsonx.
  'max_tokens_to_sample',
  'max_new_tokens',
  'max_gen_len',
  'maxTokenCount',
  // OpenAI's SDK for .NET.
  'maxOutputTokenCount',
  // Bedrock's agents.
  'maximumLength',
] as const;

/** Parameters with a field of their own, and what other files read: content, user and metadata. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'model',
  'model_name',
  'modelId',
  'user',
  'metadata',
  ...MAX_TOKENS_KEYS,
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
  // Cohere's first API, and models on Bedrock.
  ...['message', 'chat_history', 'preamble', 'documents', 'tool_results', 'inputText', 'toolConfig'],
  // Of embeddings.
  ...['texts', 'inputs', 'images', 'inputImage'],
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

/**
 * Whether the parameters are really a response of the Responses API, as OpenInference's OpenAI Agents bridge writes.
 */
export function isResponseBody(parameters: Fields | undefined): boolean {
  return parameters !== undefined && stringOf(parameters['id']) !== undefined && 'created_at' in parameters;
}

/** LangChain's callbacks write `unknown` for a model they do not see. */
export function modelNameOf(value: unknown): string | undefined {
  const name = nameOf(value);
  return name === 'unknown' ? undefined : name;
}

const CONFIG_KEYS = ['config', 'generationConfig', 'generation_config'] as const;
/** What only Gemini has in a config: elsewhere that is one of the app or its framework. */
const GEMINIS_KEYS = [
  ...['systemInstruction', 'system_instruction', 'maxOutputTokens', 'max_output_tokens', 'responseMimeType'],
  ...['response_mime_type', 'thinkingConfig', 'thinking_config', 'safetySettings', 'safety_settings'],
] as const;

/**
 * Returns a request for Gemini, or for Bedrock's Converse, with the parameters that its API or SDK has a level deeper beside
 * the contents; others as they are.
 */
export function withConfig(request: Fields): Fields {
  if (isConverse(request)) return fromConverse(request);
  const key = CONFIG_KEYS.find((name) => isObject(request[name]));
  if (key === undefined) return request;
  const isGeminis = request['contents'] !== undefined || firstValue(request[key] as Fields, GEMINIS_KEYS) !== undefined;
  if (!isGeminis) return request;
  const { [key]: config, ...rest } = request;
  return { ...(config as Fields), ...rest };
}

/** No other request has one of these; the model has this name in those of some SDKs, too. */
function isConverse({ modelId, inferenceConfig, toolConfig, messages }: Fields): boolean {
  if (isObject(inferenceConfig) || isObject(toolConfig)) return true;
  return typeof modelId === 'string' && Array.isArray(messages);
}

const SPELLED: ReadonlySet<string> = new Set([
  ...['InferenceConfig', 'ToolConfig', 'MaxTokens', 'MaxOutputTokens', 'MaxOutputTokenCount', 'Temperature', 'TopP'],
  ...['TopK', 'StopSequences', 'FrequencyPenalty', 'PresencePenalty', 'Seed', 'ResponseFormat'],
]);

/** Whether parameters have the names that the code of .NET and Go has for them. */
export function areInCapitals(parameters: Fields): boolean {
  let isKnown = false;
  for (const key in parameters) {
    const first = key.charCodeAt(0);
    if (first < CAPITAL_A || first > CAPITAL_Z) return false;
    isKnown ||= SPELLED.has(key);
  }
  return isKnown;
}

const CAPITAL_A = 0x41;
const CAPITAL_Z = 0x5a;

/** Returns parameters with the names of the APIs, whatever language wrote them. */
export function withParameterNames(parameters: Fields): Fields {
  return areInCapitals(parameters) ? fromConverseParameters(parameters) : parameters;
}

function fromConverse({ modelId, inferenceConfig, toolConfig, ...rest }: Fields): Fields {
  const { tools = undefined, toolChoice = undefined } = isObject(toolConfig) ? toolConfig : {};
  return {
    ...(modelId !== undefined && { model: modelId }),
    ...(isObject(inferenceConfig) && inferenceConfig),
    ...(Array.isArray(tools) && { tools }),
    ...(toolChoice !== undefined && { tool_choice: toolChoice }),
    ...rest,
  };
}

/** Returns the parameters at a key: structured, as JSON, or as a language prints them. */
export function parametersAt(fields: SpanFields, key: string): Fields | undefined {
  const value = fields.attributes[key];
  if (value === undefined) return undefined;
  const parameters = fields.object(key) ?? (typeof value === 'string' ? printedIn(value) : undefined);
  return parameters && withParameterNames(parameters);
}

/** A map is known by its keys. Of anything else only numbers are, and a text among them may name some, too. */
function printedIn(text: string): Fields | undefined {
  const map = javaMapIn(text);
  return map ? withScalars(map) : unlessEmpty(numbersOfParameters(printedCountsIn(text)));
}

/** Java prints numbers and texts alike. */
function withScalars(map: Fields): Fields {
  const fields: Fields = {};
  for (const key in map) fields[key] = numberOf(map[key]) ?? booleanOf(map[key]) ?? map[key];
  return fields;
}

const NUMBERS: ReadonlySet<string> = new Set([
  ...MAX_TOKENS_KEYS,
  ...['temperature', 'top_p', 'topP', 'top_k', 'topK', 'seed', 'n', 'candidateCount', 'candidate_count'],
  ...['presence_penalty', 'presencePenalty', 'frequency_penalty', 'frequencyPenalty'],
]);
const CONFIGS: ReadonlySet<string> = new Set([...CONFIG_KEYS, 'inferenceConfig']);

function numbersOfParameters(counts: Fields | undefined): Fields {
  const numbers: Fields = {};
  for (const key in counts) {
    const name = key.slice(0, 1).toLowerCase() + key.slice(1);
    const value = counts[key];
    if (typeof value === 'number' && NUMBERS.has(name)) numbers[key] = value;
    else if (isObject(value) && CONFIGS.has(name)) numbers[key] = numbersOfParameters(value);
  }
  return numbers;
}

const STOP_KEYS = ['stop', 'stop_sequences', 'stopSequences'] as const;

/** Reads the parameters of a request body, whatever provider or framework it is for. */
export function readRequestParameters(request: Fields): Reading {
  const stop = firstValue(request, STOP_KEYS);
  return withoutUnset(
    omitUndefined<Reading>({
      maxTokens: integerOf(firstValue(request, MAX_TOKENS_KEYS)),
      temperature: numberOf(request['temperature']),
      topP: numberOf(request['top_p'] ?? request['topP']),
      presencePenalty: numberOf(request['presence_penalty'] ?? request['presencePenalty']),
      frequencyPenalty: numberOf(request['frequency_penalty'] ?? request['frequencyPenalty']),
      seed: integerOf(request['seed']),
      stop: stringOf(stop) ?? stringListOf(stop),
      responseFormat: readResponseFormat(request),
      other: readOtherParameters(request),
    }),
  );
}

/** Leaves out parameters in whose place an SDK has a word for none. */
export function withoutUnset(reading: Reading): Reading {
  const { stop, other, maxTokens } = reading;
  // Without a limit.
  if (maxTokens !== undefined && maxTokens < 0) reading.maxTokens = undefined;
  if (stop !== undefined && (Array.isArray(stop) ? stop.every(isUnset) : isUnset(stop))) reading.stop = undefined;
  for (const key in other) {
    const value = other[key];
    if (isUnset(value) || (Array.isArray(value) && value.length > 0 && value.every(isUnset))) {
      reading.other = unlessEmpty({ ...reading.other, [key]: undefined });
    }
  }
  return reading;
}

function readResponseFormat(parameters: Fields): Reading['responseFormat'] {
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

function readOtherParameters(parameters: Fields): Fields | undefined {
  const fromResponse = isResponseBody(parameters);
  const other: Fields = {};
  for (const key in parameters) {
    if (READ_ELSEWHERE.has(key) || (fromResponse && RESPONSE_ONLY.has(key)) || key === '__proto__') continue;
    const value = parameters[key];
    if (!isEmpty(value)) other[COMMON_NAMES.get(key) ?? key] = toPlainJson(value);
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
