/**
 * Langfuse: one observation per span, with its whole input and output in one attribute each (text, or JSON of
 * anything).
 *
 * A failed observation has the level ERROR; the span's own status stays unset. Usage is split into parts that add up:
 * `input` excludes cached tokens, `output` excludes reasoning tokens.
 */

import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { textOfDocuments } from '../../content/documents.ts';
import { inputsOf } from '../../content/inputs.ts';
import { withKnownNames } from '../../content/messages/body-spellings.ts';
import { saidIn, textOfState } from '../../content/messages/graph-state.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { fromLangChain } from '../../content/parts/langchain-json.ts';
import {
  isLangChainText,
  jsonValueAt,
  readAnswer,
  readRequest,
  structuredAt,
  structuredOf,
  structureTextAt,
  toolOutputAt,
  toStepOutput,
} from '../../content/provider-bodies.ts';
import { readError } from '../../content/read-error.ts';
import { parametersAt } from '../../content/request-parameters.ts';
import { IN_BODY, ownUsage, type Usage, UsageTable, usageDetails, usageSums } from '../../content/usage.ts';
import type { Convention, ReadError, Reading, SpanKind } from '../../convention.ts';
import { addTo, costOf, countOf, numberOf, stringOf } from '../../values/attributes.ts';
import { millisSinceStart } from '../../values/elapsed.ts';
import { fieldsBelow } from '../../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { usageObjectAt } from '../../values/usage-object.ts';
import { withSystem } from '../gen-ai/content.ts';
import { isWrapped, readWrappedRequest, type WrappedRequest } from './openai.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['generation', 'model'],
  ['agent', 'agent'],
  ['tool', 'tool'],
]);

export const TYPE = 'langfuse.observation.type';
const INPUT = 'langfuse.observation.input';
const OUTPUT = 'langfuse.observation.output';
const PARAMETERS = 'langfuse.observation.model.parameters';
const LEVEL = 'langfuse.observation.level';
const STATUS_MESSAGE = 'langfuse.observation.status_message';
/** LangChain's callbacks put here what LangChain knows of a run. */
const METADATA = 'langfuse.observation.metadata.';

/** The callback of LangChain takes them from the metadata of a run, where LangGraph has the id of its thread. */
function inMetadata(...names: readonly string[]): string[] {
  return names.flatMap((name) => ['trace', 'observation'].map((level) => `langfuse.${level}.metadata.${name}`));
}

export const langfuse: Convention = {
  name: 'langfuse',
  title: 'Langfuse',
  packages: ['@langfuse/otel', '@langfuse/tracing', '@langfuse/openai'],
  context: {
    session: ['langfuse.session.id', ...inMetadata('langfuse_session_id', 'session_id', 'thread_id')],
    user: ['langfuse.user.id', ...inMetadata('langfuse_user_id')],
    tags: ['langfuse.trace.tags', ...inMetadata('langfuse_tags')],
    environment: ['langfuse.environment'],
  },
  signs: { keys: [TYPE] },

  classify(span: SpanSlice): SpanKind | undefined {
    const type = typeOf(span);
    return type === undefined ? undefined : (KINDS.get(type) ?? 'generic');
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    return readObservation(fields, typeOf(span));
  },
};

/** Reads all attributes of Langfuse, as those of an observation of this type. */
export function readObservation(fields: SpanFields, type: unknown): Reading {
  const { span } = fields;
  const usage = readUsage(fields);
  const wrapped = isWrapped(span.name, parametersAt(fields, PARAMETERS));
  const request = readWrappedRequest(wrapped, readAppMetadata(fields));
  const level = levelOf(fields);
  const reading = type === 'generation' ? readGeneration(fields, request, usage.outputTokens) : readStep(fields);
  const isCall = type === 'generation' || type === 'embedding';
  if (isCall) addTo(reading, ownUsage(usage));
  reading.model = fields.firstName('langfuse.observation.model.name');
  if (isCall) reading.provider = fields.firstName(`${METADATA}ls_provider`);
  reading.error = readFailure(fields);
  reading.metadata = {
    prompt_name: fields.string('langfuse.observation.prompt.name'),
    prompt_version: versionOf(fields.attributes['langfuse.observation.prompt.version']),
    level: level === 'DEFAULT' || level === 'ERROR' ? undefined : level,
    version: fields.string('langfuse.version'),
    release: fields.string('langfuse.release'),
    langfuse_environment: fields.string('langfuse.environment'),
    time_to_first_chunk_ms: millisSinceStart(span, fields.attributes['langfuse.observation.completion_start_time']),
    ...(isCall ? usageDetails(usage) : usageSums(usage)),
  };
  reading.contentMetadata = addTo(request.metadata, reading.contentMetadata);
  return reading;
}

/** The SDK for Ruby writes every value as JSON, also a text. */
const RUBY = 'langfuse-rb';

function valueAt(fields: SpanFields, key: string | undefined): unknown {
  return key !== undefined && scopeOf(fields.span).name === RUBY ? jsonValueAt(fields, key) : structuredAt(fields, key);
}

/** The OpenAI wrapper gives embeddings the type `generation`. */
function typeOf({ name, attributes }: SpanSlice): unknown {
  const type = attributes[TYPE];
  if (type !== 'generation') return type;
  const model = attributes['langfuse.observation.model.name'];
  const isEmbedding = name === 'OpenAI.embeddings' || (typeof model === 'string' && /embedding/i.test(model));
  return isEmbedding ? 'embedding' : type;
}

/** The input of a generation is a provider's request, a list of messages, or text. */
function readGeneration(fields: SpanFields, request: WrappedRequest, outputTokens: number | undefined): Reading {
  const reader = new MessageReader();
  const input = withKnownNames(valueAt(fields, INPUT));
  const history = input === undefined ? [] : reader.read(input);
  const messages = withSystem(reader.readSystem(request.instructions), history);
  const parameters = parametersAt(fields, PARAMETERS) ?? {};
  const tools = isObject(input) ? (input['tools'] ?? input['functions']) : undefined;
  // The wrapper writes `""` for answers that it does not know.
  const isUnknown = fields.attributes[OUTPUT] === '' && isWrapped(fields.span.name, parameters);
  const answer = isUnknown
    ? {}
    : readAnswer(valueAt(fields, OUTPUT), reader, outputTokens, structureTextAt(fields, OUTPUT));
  const body = isRequest(input) ? input : {};
  const reading = readRequest(
    addTo(addTo(addTo({ ...body }, withoutFiller(parameters)), { tools }), request.parameters),
  );
  if (messages.length > 0) {
    reading.messages = messages;
    reading.endpoint = fields.span.name === 'OpenAI.completions' ? 'complete' : 'chat';
  }
  reading.finishReason = request.finishReason;
  addTo(reading, answer);
  reading.contentMetadata = addTo(metadataOfMessages(reader), answer.contentMetadata);
  return reading;
}

/** Whether this is the whole body of a request, with its parameters. */
function isRequest(input: unknown): input is Fields {
  if (!isObject(input) || stringOf(input['model'] ?? input['modelId']) === undefined) return false;
  return Array.isArray(input['messages']) || input['contents'] !== undefined;
}

function readStep(fields: SpanFields): Reading {
  const output = fields.firstKey(OUTPUT, 'langfuse.trace.output');
  const parameters = parametersAt(fields, PARAMETERS);
  const isEmbedding = typeOf(fields.span) === 'embedding';
  return {
    name: fields.span.name,
    other: parameters && toPlainObject(withoutFiller(parameters)),
    inputs: inputsOf(valueAt(fields, fields.firstKey(INPUT, 'langfuse.trace.input'))),
    output: isEmbedding || output === undefined ? undefined : readStepOutput(fields, output),
  };
}

/** Steps of LangChain and LangGraph return its objects and messages; what other steps return is the app's own. */
function readStepOutput(fields: SpanFields, key: string): string | undefined {
  const value = fields.attributes[key];
  const text = typeof value === 'string' ? value : '';
  if (fields.attributes[TYPE] === 'retriever' && !isLangChainText(text)) return textOfDocuments(value);
  const isGraphs = fields.attributes[`${METADATA}ls_integration`] !== undefined && text.startsWith('{"messages":');
  if (isGraphs) return textOfState(fields.json(key), true) ?? toStepOutput(value);
  if (isLangChainText(text)) {
    const value = fields.json(key);
    // The message of a tool names the call that it answers.
    return toStepOutput(fields.attributes[TYPE] === 'tool' ? fromLangChain(value) : saidIn(value));
  }
  return scopeOf(fields.span).name === RUBY ? toolOutputAt(fields, key) : toStepOutput(value);
}

/** The OpenAI wrapper writes `"response_format": ""` if none was set. */
function withoutFiller(parameters: Fields): Fields {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== '' && value !== null));
}

const USAGE = new UsageTable(
  {
    promptTokens: ['prompt_tokens', 'promptTokens'],
    outputTokens: ['completion_tokens', 'completionTokens'],
    total_tokens: ['total', 'total_tokens', 'totalTokens'],
    cache_read_tokens: ['input_cached_tokens', 'input_cache_read', 'cache_read_input_tokens'],
    cache_write_tokens: ['input_cache_creation', 'cache_creation_input_tokens'],
    reasoning_tokens: ['output_reasoning_tokens', 'output_reasoning'],
  },
  IN_BODY,
);
const COSTS = new UsageTable({ promptCost: ['input'], outputCost: ['output'], total_cost: ['total'] });

function readUsage(fields: SpanFields): Usage {
  const body = usageObjectAt(fields, 'langfuse.observation.usage_details') ?? {};
  const costs = usageObjectAt(fields, 'langfuse.observation.cost_details') ?? {};
  const usage = USAGE.read(body);
  const { total_tokens: total } = usage;
  const [prompt, output] = agreeing(body, total);
  const outputTokens = output ?? usage.outputTokens;
  const promptTokens =
    prompt ??
    usage.promptTokens ??
    (total !== undefined && outputTokens !== undefined && total >= outputTokens ? total - outputTokens : undefined);
  // If a call has no usage, because it failed, all costs are 0.
  const isPriced = promptTokens !== undefined || Object.values(costs).some((cost) => numberOf(cost) !== 0);
  addTo(usage, { promptTokens, outputTokens });
  return isPriced ? addTo(addTo(usage, COSTS.read(costs)), wholeCosts(costs)) : usage;
}

/**
 * Returns the sums of the parts of both costs where the total says that they add up to it: that of the input has no
 * cached tokens.
 */
function wholeCosts(costs: Fields): Usage | undefined {
  const total = costOf(costs['total']);
  const [promptCost, outputCost] = [sumOf(costs, 'input', costOf), sumOf(costs, 'output', costOf)];
  if (total === undefined || promptCost === undefined || outputCost === undefined) return undefined;
  return Math.abs(promptCost + outputCost - total) <= total * 1e-6 ? { promptCost, outputCost } : undefined;
}

/**
 * Returns prompt and output tokens: the sums of their parts, unless the total says that `input` or `output` already
 * includes the parts beside it. If nothing agrees with the total, the prompt is the total less the output.
 */
function agreeing(usage: Fields, total: number | undefined): readonly [number | undefined, number | undefined] {
  const [prompt, output] = [sumOf(usage, 'input'), sumOf(usage, 'output')];
  if (total === undefined || prompt === undefined || output === undefined) return [prompt, output];
  const [input = prompt, whole = output] = [countOf(usage['input']), countOf(usage['output'])];
  const pairs = [
    [prompt, output],
    [input, output],
    [prompt, whole],
    [input, whole],
  ] as const;
  const pair = pairs.find(([first, second]) => first + second === total);
  return pair ?? (total >= output ? [total - output, output] : [prompt, output]);
}

/** What was cached for a time is a part of what was cached, where that is stated too. */
const CACHED_FOR_A_TIME = /^input_cache_creation_(?:5m|1h)$/;

/** Sums `input`, `input_cached_tokens`, `input_audio_tokens`, …, which are parts of one whole. */
function sumOf(usage: Fields, prefix: string, read = countOf): number | undefined {
  let sum: number | undefined;
  const isCacheStated = Boolean(read(usage['input_cache_creation']));
  for (const [key, value] of Object.entries(usage)) {
    if (isCacheStated && CACHED_FOR_A_TIME.test(key)) continue;
    const count = key.startsWith(prefix) ? read(value) : undefined;
    if (count !== undefined) sum = (sum ?? 0) + count;
  }
  return sum;
}

/** Langfuse writes a number; other tools write a label into the same attribute. */
function versionOf(value: unknown): number | string | undefined {
  return numberOf(value) ?? stringOf(value);
}

/** The SDKs for other languages take it as the app spells it. */
function levelOf({ attributes }: SpanFields): string | undefined {
  return stringOf(attributes[LEVEL])?.toUpperCase();
}

function readFailure(fields: SpanFields): ReadError | undefined {
  if (levelOf(fields) !== 'ERROR') return readError(fields.span);
  const message = fields.string(STATUS_MESSAGE);
  return readError(fields.span, { failed: true, ...(message !== undefined && { message }) });
}

/** The app's metadata has one attribute per key, or one for all keys. Values other than text are JSON. */
function readAppMetadata(fields: SpanFields): Fields {
  const { attributes } = fields;
  const found: Fields = { ...fields.object('langfuse.trace.metadata') };
  addTo(found, fieldsBelow(attributes, 'langfuse.trace.metadata.'));
  addTo(found, fields.object('langfuse.observation.metadata'));
  addTo(found, fieldsBelow(attributes, 'langfuse.observation.metadata.'));
  for (const key in found) found[key] = toPlainJson(structuredOf(found[key]));
  return addTo(found, {
    trace_name: fields.string('langfuse.trace.name'),
    status_message: levelOf(fields) === 'ERROR' ? undefined : fields.string(STATUS_MESSAGE),
  });
}
