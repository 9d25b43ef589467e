/**
 * LangSmith's OpenTelemetry mode: one run per span, with inputs and outputs as JSON in `gen_ai.prompt` and
 * `gen_ai.completion`.
 *
 * It writes most names of the GenAI conventions, some with another meaning, so this file reads them all. Others add its kind
 * to spans with the messages of the conventions, such as Portkey's gateway. A failed run
 * may have the status OK and an exception event.
 */

import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { sumOfCacheWrites } from '../content/cache-writes.ts';
import { textOfDocuments } from '../content/documents.ts';
import { inputsOf } from '../content/inputs.ts';
import { withKnownNames } from '../content/messages/body-spellings.ts';
import { textOfState } from '../content/messages/graph-state.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import {
  rawAnswerOf,
  readAnswer,
  readRequest,
  structuredAt,
  structuredOf,
  structureTextAt,
  toStepOutput,
} from '../content/provider-bodies.ts';
import { lastException, readError } from '../content/read-error.ts';
import { parametersAt } from '../content/request-parameters.ts';
import {
  IN_BODY,
  ownUsage,
  type Usage,
  UsageTable,
  usageDetails,
  usageSums,
  withUsageOfBody,
} from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, countOf, objectOf, stringListOf, stringOf } from '../values/attributes.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectAt, usageObjectOf } from '../values/usage-object.ts';
import { genAi } from './gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map([
  ['llm', 'model'],
  ['tool', 'tool'],
]);

const INPUT = 'gen_ai.prompt';
const OUTPUT = 'gen_ai.completion';
const METADATA = 'langsmith.metadata.';

export const langsmith: Convention = {
  name: 'langsmith',
  title: 'LangSmith',
  packages: ['langsmith'],
  context: {
    session: ['session_id', 'thread_id', 'conversation_id', 'sessionId', 'threadId', 'conversationId'].map(
      (name) => `langsmith.metadata.${name}`,
    ),
    user: ['langsmith.metadata.user_id'],
    tags: ['langsmith.span.tags'],
  },
  signs: { keys: ['langsmith.span.kind', 'langsmith.traceable'] },
  covers: ['gen-ai'],

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = runTypeOf(attributes);
    if (kind === undefined) return attributes['langsmith.traceable'] === undefined ? undefined : 'generic';
    return KINDS.get(kind) ?? 'generic';
  },

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const general = genAi.read(span, genAi.classify(span) ?? 'generic', fields);
    const reading =
      kind === 'model' ? readModelCall(fields, general) : addTo(readStep(fields), stepOf(general, fields));
    const isCall = kind === 'model' || isEmbedding(fields);
    const usage = readUsage(fields, general);
    const { promptTokens, outputTokens } = usage;
    const finishReason = kind === 'model' ? (general.finishReason ?? reading.finishReason) : undefined;
    const { usage: _usage, ...structure } = general.metadata ?? {};
    if (isCall) addTo(reading, ownUsage(usage));
    reading.finishReason = finishReason;
    reading.error = readError(span, { failed: lastException(span) !== undefined, finishReason });
    addTo(structure, isCall ? readCallDetails(fields, usage) : usageSums({ promptTokens, outputTokens }));
    reading.metadata = addTo(structure, { langsmith_project: fields.string('langsmith.trace.session_name') });
    reading.contentMetadata = addTo(readAppMetadata(fields), reading.contentMetadata);
    return withUsageOfBody(reading);
  },
};

/** RubyLLM's are in capitals. */
function runTypeOf(attributes: Attributes): unknown {
  const kind = attributes['langsmith.span.kind'];
  return typeof kind === 'string' ? kind.toLowerCase() : kind;
}

function isEmbedding({ attributes }: SpanFields): boolean {
  return runTypeOf(attributes) === 'embedding';
}

function readModelCall(fields: SpanFields, general: Reading): Reading {
  const input = structuredAt(fields, INPUT);
  const request = isObject(input) ? withKnownNames(input) : {};
  const invocation = parametersAt(fields, `${METADATA}ls_invocation_params`) ?? {};
  const reader = new MessageReader();
  const messages = input === undefined ? [] : reader.read(input);
  const output = structuredAt(fields, OUTPUT);
  const answer = readAnswer(output, reader, general.outputTokens, structureTextAt(fields, OUTPUT));
  const parameters = readRequest({ ...invocation, ...(stringOf(request['model']) !== undefined && request) });
  return addTo(parameters, {
    model: general.model ?? fields.firstName(`${METADATA}ls_model_name`),
    // The general one is guessed from the model's name, or is `langchain`.
    provider: fields.firstName(`${METADATA}ls_provider`) ?? general.provider,
    endpoint: stringOf(request['prompt']) === undefined ? 'chat' : 'complete',
    tools: general.tools,
    maxTokens: general.maxTokens ?? parameters.maxTokens ?? fields.count(`${METADATA}ls_max_tokens`),
    temperature: general.temperature ?? parameters.temperature ?? fields.number(`${METADATA}ls_temperature`),
    topP: general.topP,
    presencePenalty: general.presencePenalty,
    frequencyPenalty: general.frequencyPenalty,
    stop: parameters.stop ?? stringListOf(fields.attributes[`${METADATA}ls_stop`]),
    messages: input === undefined ? general.messages : messages.length > 0 ? messages : undefined,
    ...(output === undefined ? { outputMessage: general.outputMessage, output: general.output } : answer),
    callId: general.callId ?? answer.callId,
    contentMetadata: addTo(
      addTo(metadataOfMessages(reader), answer.contentMetadata),
      input === undefined && output === undefined ? general.contentMetadata : undefined,
    ),
    providerRequest: stringOf(request['model']) === undefined ? undefined : toPlainObject(request),
    providerResponse: toPlainObject(rawAnswerOf(withKnownNames(output), answer)),
  });
}

/**
 * Reads chains, tools, retrievers, prompts, parsers, embeddings. Traced functions have `{ input }` and `{ outputs }`.
 */
function readStep(fields: SpanFields): Reading {
  return {
    name: fields.firstString('gen_ai.tool.name', 'langsmith.trace.name') ?? fields.span.name,
    model: isEmbedding(fields) ? fields.firstName('gen_ai.request.model') : undefined,
    inputs: inputsOf(unwrapInput(structuredAt(fields, INPUT))),
    output: readStepOutput(fields),
  };
}

/** Returns what the conventions say of a step where it has neither input nor output of its own. */
function stepOf({ inputs, output }: Reading, { attributes }: SpanFields): Reading {
  return attributes[INPUT] === undefined && attributes[OUTPUT] === undefined ? { inputs, output } : {};
}

function readStepOutput(fields: SpanFields): string | undefined {
  if (isEmbedding(fields)) return undefined;
  const output = structuredAt(fields, OUTPUT);
  if (runTypeOf(fields.attributes) === 'retriever') return textOfDocuments(foundIn(output));
  return textOfState(fields.structure(OUTPUT)) ?? toStepOutput(output, 'outputs', 'output');
}

/** LangChain's retrievers return `{ documents }`. Any other result has a key of LangSmith's around it. */
function foundIn(output: unknown): unknown {
  return onlyValueAt(onlyValueAt(objectOf(output) ?? output, 'output', 'outputs'), 'documents');
}

/** Returns the value of an object whose only key is one of these, and any other value as it is. */
function onlyValueAt(value: unknown, ...keys: readonly string[]): unknown {
  if (!isObject(value)) return value;
  const [key = '', ...others] = Object.keys(value);
  return others.length === 0 && keys.includes(key) ? value[key] : value;
}

/** LangChain's tools have their arguments as JSON under `input`. */
function unwrapInput(input: unknown): unknown {
  if (!isObject(input) || Object.keys(input).length !== 1) return input;
  return objectOf(input['input']) ?? input;
}

const USAGE = new UsageTable(
  {
    promptTokens: ['input_tokens'],
    outputTokens: ['output_tokens'],
    total_tokens: ['total_tokens'],
    promptCost: ['input_cost', 'prompt_cost'],
    outputCost: ['output_cost', 'completion_cost'],
    total_cost: ['total_cost'],
  },
  IN_BODY,
);

/** Reads the run's usage. The tokens of the GenAI attributes outrank those of the run. */
function readUsage(fields: SpanFields, general: Reading): Usage {
  const body = usageObjectAt(fields, 'langsmith.usage_metadata') ?? {};
  const input = usageObjectOf(body['input_token_details']) ?? usageObjectAt(fields, 'gen_ai.usage.input_token_details');
  const output =
    usageObjectOf(body['output_token_details']) ?? usageObjectAt(fields, 'gen_ai.usage.output_token_details');
  const usage = USAGE.read(body);
  return {
    promptTokens: general.promptTokens ?? usage.promptTokens,
    outputTokens: general.outputTokens ?? usage.outputTokens,
    promptCost: general.promptCost ?? usage.promptCost,
    outputCost: general.outputCost ?? usage.outputCost,
    total_cost: usage.total_cost,
    total_tokens: fields.count('gen_ai.usage.total_tokens') ?? usage.total_tokens,
    cache_read_tokens: countOf(input?.['cache_read']),
    cache_write_tokens: sumOfCacheWrites(
      input?.['cache_creation'],
      input?.['ephemeral_5m_input_tokens'],
      input?.['ephemeral_1h_input_tokens'],
    ),
    reasoning_tokens: countOf(output?.['reasoning']),
    input_audio_tokens: countOf(input?.['audio']) || undefined,
    output_audio_tokens: countOf(output?.['audio']) || undefined,
  };
}

function readCallDetails(fields: SpanFields, usage: Usage): Fields {
  return {
    service_tier: fields.string('gen_ai.response.service_tier'),
    system_fingerprint: fields.string('gen_ai.response.system_fingerprint'),
    ...usageDetails(usage),
  };
}

/** Leaves out environment variables, which are settings, and what LangSmith adds about the model. */
function readAppMetadata({ attributes }: SpanFields): Fields {
  const entries = Object.entries(fieldsBelow(attributes, METADATA) ?? {});
  return Object.fromEntries(
    entries
      .filter(([key]) => !/^(LANGSMITH|LANGCHAIN)_|^ls_|^usage_metadata$|^invocation_params$|^revision_id$/.test(key))
      .map(([key, value]) => [key, toPlainJson(structuredOf(value))]),
  );
}
