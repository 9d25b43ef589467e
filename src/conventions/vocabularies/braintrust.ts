/**
 * Braintrust: what its SDKs for Go, Ruby, Java and .NET write, and what its OpenTelemetry endpoint takes from any app.
 *
 * Each field is the JSON of one attribute (`braintrust.metrics`), or flattened (`braintrust.metrics.prompt_tokens`).
 * `braintrust.metadata` mixes the parameters of a request, ids of the answer, and what the app adds. The processor of
 * Braintrust puts `braintrust.parent` on every span of an app, so that key says nothing about a span.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import {
  jsonValueAt,
  readAnswer,
  readRequest,
  structuredOf,
  structureTextAt,
  toolOutputAt,
  toStepOutput,
} from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { joinChunks } from '../content/streams/stream-chunks.ts';
import {
  AMONG_OTHERS,
  IN_BODY,
  ownUsage,
  type Usage,
  type UsageNames,
  UsageTable,
  usageDetails,
  usageSums,
} from '../content/usage.ts';
import type { Convention, Evaluation, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, numberOf, stringListOf, stringOf, unlessEmpty, wordOf } from '../values/attributes.ts';
import { millisOfSeconds } from '../values/elapsed.ts';
import { fieldsBelow, groupByIndex } from '../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import { unflatten } from '../values/nested-keys.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectAt } from '../values/usage-object.ts';
import { genAi } from './gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
]);

const SPAN_ATTRIBUTES = 'braintrust.span_attributes';
const TYPE = 'braintrust.span_attributes.type';
const METRICS = 'braintrust.metrics';
const TOKENS = ['braintrust.metrics.prompt_tokens', 'braintrust.metrics.completion_tokens'] as const;

const CONTENT = ['braintrust.input_json', 'braintrust.input', 'braintrust.output_json', 'braintrust.output'] as const;
const FLAT_CONTENT = ['braintrust.input.', 'braintrust.output.'] as const;

export const braintrust: Convention = {
  name: 'braintrust',
  title: 'Braintrust (Go, and attributes that apps set)',
  signs: { keys: [SPAN_ATTRIBUTES, TYPE, ...CONTENT], prefixes: FLAT_CONTENT },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const type = typeOf(attributes);
    if (type === undefined && !hasContent(attributes)) return undefined;
    if (isEmbedding(span)) return 'generic';
    if (type !== undefined) return KINDS.get(type) ?? 'generic';
    return genAi.classify(span) ?? (countsTokens(attributes) ? 'model' : 'generic');
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const about = objectAt(fields, SPAN_ATTRIBUTES);
    const metadata = objectAt(fields, 'braintrust.metadata');
    const metrics = addTo(flatObjectAt(fields, METRICS), usageObjectAt(fields, METRICS));
    const isCall = kind === 'model' || isEmbedding(span);
    const usage = (isCall ? USAGE : SUMS).read(metrics);
    const reading = isCall ? readCall(fields, kind, metadata, usage) : readStep(fields, kind, metadata);
    if (kind !== 'model') reading.name = stringOf(about['name']) ?? span.name;
    reading.error = readError(span, { finishReason: reading.finishReason });
    reading.evaluations = readScores(objectAt(fields, 'braintrust.scores'));
    reading.metadata = addTo<Fields>(isCall ? usageDetails(usage) : usageSums(usage), {
      ...reading.metadata,
      braintrust_parent: fields.string('braintrust.parent'),
      span_type: kind === 'generic' ? wordOf(about['type']) : undefined,
      purpose: wordOf(about['purpose']),
      time_to_first_chunk_ms: millisOfSeconds(metrics['time_to_first_token']),
    });
    reading.contentMetadata = addTo<Fields>(reading.contentMetadata ?? {}, {
      origin: toPlainObject(fields.object('braintrust.origin')),
      expected: toPlainJson(contentAt(fields, 'braintrust.expected')),
      tags: stringListOf(fields.attributes['braintrust.tags']),
      metrics: otherMetrics(metrics),
    });
    return reading;
  },
};

/**
 * A quote within a JSON string is escaped, so a name with such words in it does not match. Text that was encoded twice
 * begins with a quote, and what Python prints with a single one.
 */
const TYPE_IN_JSON = /"type"\s*:\s*"(\w+)"|^"\{.*?\\"type\\"\s*:\s*\\"(\w+)\\"|^\{'(?:.*?')?type':\s*'(\w+)'/;

function typeOf(attributes: Attributes): string | undefined {
  const value = attributes[SPAN_ATTRIBUTES];
  if (typeof value === 'string') {
    const [, type, typeWithin = type, printed = typeWithin] = TYPE_IN_JSON.exec(value) ?? [];
    return printed ?? nameOf(attributes[TYPE]);
  }
  return nameOf(isObject(value) ? value['type'] : attributes[TYPE]);
}

/** The SDKs give embeddings the type `llm`, so they are known by their names: `openai.embeddings.create`. */
function isEmbedding({ name, attributes }: SpanSlice): boolean {
  if (typeof name !== 'string' || !/embed(?!ded)/i.test(name)) return false;
  const type = typeOf(attributes);
  return type === 'llm' || (type === undefined && countsTokens(attributes));
}

function hasContent(attributes: Attributes): boolean {
  if (CONTENT.some((key) => attributes[key] !== undefined)) return true;
  for (const key in attributes) if (FLAT_CONTENT.some((prefix) => key.startsWith(prefix))) return true;
  return false;
}

function countsTokens(attributes: Attributes): boolean {
  const metrics = attributes[METRICS];
  if (typeof metrics === 'string') return /\b(?:prompt|completion)_tokens\b/.test(metrics);
  if (isObject(metrics)) return 'prompt_tokens' in metrics || 'completion_tokens' in metrics;
  return TOKENS.some((key) => attributes[key] !== undefined);
}

function readCall(fields: SpanFields, kind: SpanKind, metadata: Fields, usage: Usage): Reading {
  const input = contentAt(fields, 'braintrust.input');
  const output = withChoices(contentAt(fields, 'braintrust.output'));
  const { parameters, structure, others } = sortMetadata(metadata);
  const reading = addTo<Reading>(readRequest(parameters), {
    model: nameOf(metadata['model']),
    provider: nameOf(metadata['provider']),
    callId: nameOf(metadata['id']),
    metadata: structure,
    contentMetadata: others,
  });
  addTo(reading, ownUsage(usage));
  // The output of an embedding is its vectors, or their length.
  if (kind !== 'model') return addTo(reading, { inputs: inputsOf(input) });
  const reader = new MessageReader();
  const system = reader.readSystem(metadata['instructions'] ?? metadata['system']);
  const messages = [...system, ...(input === undefined ? [] : reader.read(input))];
  const text = structureTextAt(fields, fields.firstKey('braintrust.output_json', 'braintrust.output'));
  const answer = readAnswer(output, reader, usage.outputTokens, text);
  const { callId = answer.callId } = reading;
  addTo(reading, {
    endpoint: /(?<!chat)\/completions$/.test(nameOf(metadata['endpoint']) ?? '') ? 'complete' : 'chat',
    messages: messages.length > 0 ? messages : undefined,
    finishReason: toFinishReason(metadata['stop_reason'] ?? metadata['finish_reason']),
    ...answer,
    callId,
  });
  reading.contentMetadata = addTo(addTo(others, metadataOfMessages(reader)), answer.contentMetadata);
  return reading;
}

/** The answer of OpenAI is written without what is around its list of choices. Ollama streams messages alike. */
function withChoices(output: unknown): unknown {
  const isList = Array.isArray(output) && output.length > 0 && joinChunks(output) === output;
  return isList && output.every((item) => isObject(item) && isObject(item['message'])) ? { choices: output } : output;
}

/** Reads tools, functions, tasks, evaluations and scorers. */
function readStep(fields: SpanFields, kind: SpanKind, metadata: Fields): Reading {
  const result = kind === 'tool' ? fields.firstKey('braintrust.output_json', 'braintrust.output') : undefined;
  return {
    inputs: inputsOf(contentAt(fields, 'braintrust.input')),
    output: result ? toolOutputAt(fields, result) : toStepOutput(contentAt(fields, 'braintrust.output')),
    contentMetadata: toPlainObject(metadata) ?? {},
  };
}

/** What the SDKs copy out of a request. Names that are not in this list are the app's own. */
const PARAMETERS: ReadonlySet<string> = new Set(
  `model temperature top_p topP top_k topK n candidateCount seed stop stop_sequences stopSequences max_tokens
  max_completion_tokens max_output_tokens maxOutputTokens presence_penalty presencePenalty frequency_penalty
  frequencyPenalty response_format responseMimeType text tools functions tool_choice function_call parallel_tool_calls
  logit_bias logprobs top_logprobs reasoning reasoning_effort thinking truncation verbosity stream stream_options store
  dimensions encoding_format`.split(/\s+/),
);

/** What is read into a field of its own, or says the same of every call. */
const READ_ELSEWHERE: ReadonlySet<string> = new Set([
  'provider',
  'endpoint',
  'object',
  'created',
  'instructions',
  'system',
  'stop_reason',
  'finish_reason',
  'usage',
]);

/** The answer's id, and what the provider says about itself, by their names in the log's metadata. */
const STRUCTURE: ReadonlyMap<string, string> = new Map([
  ['id', 'response_id'],
  ['service_tier', 'service_tier'],
  ['system_fingerprint', 'system_fingerprint'],
]);

function sortMetadata(metadata: Fields): { parameters: Fields; structure: Fields; others: Fields } {
  const [parameters, structure, others]: [Fields, Fields, Fields] = [{}, {}, {}];
  for (const [key, value] of Object.entries(metadata)) {
    const name = STRUCTURE.get(key);
    if (name !== undefined) structure[name] = nameOf(value);
    else if (PARAMETERS.has(key)) parameters[key] = value;
    else if (!READ_ELSEWHERE.has(key)) addTo(others, { [key]: toPlainJson(value) });
  }
  return { parameters, structure, others };
}

const NAMES: UsageNames = {
  promptTokens: ['prompt_tokens'],
  outputTokens: ['completion_tokens'],
  total_tokens: ['tokens', 'total_tokens'],
  cache_read_tokens: ['prompt_cached_tokens'],
  cache_write_tokens: ['prompt_cache_creation_tokens'],
  reasoning_tokens: ['completion_reasoning_tokens'],
  total_cost: ['estimated_cost'],
};
const USAGE = new UsageTable(NAMES, IN_BODY);
/** Metrics of a step are the app's own too: `{ cost, eval_count }`. */
const SUMS = new UsageTable(NAMES, AMONG_OTHERS);

/** Returns the app's own measurements. The span has its times itself. */
function otherMetrics(metrics: Fields): Fields | undefined {
  const own = Object.entries(metrics).filter(
    ([key]) => !/tokens$|^(?:start|end|time_to_first_token|estimated_cost)$/.test(key),
  );
  return unlessEmpty(Object.fromEntries(own.map(([key, value]) => [key, toPlainJson(value)])));
}

function readScores(scores: Fields): Evaluation[] | undefined {
  const evaluations: Evaluation[] = [];
  for (const [name, value] of Object.entries(scores)) {
    // A scorer that has nothing to say writes null.
    const score = numberOf(value);
    if (score !== undefined && name !== '') evaluations.push({ name, score });
  }
  return evaluations.length > 0 ? evaluations : undefined;
}

/** Returns an object from the JSON at a key, and from keys that begin with it. */
function objectAt(fields: SpanFields, key: string): Fields {
  return addTo(flatObjectAt(fields, key), fields.object(key));
}

function flatObjectAt(fields: SpanFields, key: string): Fields {
  const flat = fieldsBelow(fields.attributes, `${key}.`) ?? {};
  for (const name in flat) flat[name] = structuredOf(flat[name]);
  return flat;
}

/** Returns what is at `<key>_json`, else at `key`, else the list of messages that was flattened below it. */
function contentAt(fields: SpanFields, key: string): unknown {
  const value = jsonValueAt(fields, `${key}_json`) ?? jsonValueAt(fields, key);
  if (value !== undefined) return value;
  const [messages = []] = groupByIndex(fields.attributes, [`${key}.`]);
  return messages.length > 0 ? messages.map((message) => unflatten(message.fields, '')) : undefined;
}
