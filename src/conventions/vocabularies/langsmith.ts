/**
 * LangSmith's OpenTelemetry mode: one run per span, with inputs and outputs as JSON in `gen_ai.prompt` and
 * `gen_ai.completion`.
 *
 * It writes most names of the GenAI conventions, some with another meaning, so this file reads them all. A failed run
 * may have the status OK and an exception event.
 */
import type { Attributes, SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { inputsOf } from '../content/inputs.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { readAnswer, readRequest, structuredOf, toStepOutput } from '../content/provider-bodies.ts';
import { lastException, readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import {
  countOf,
  type Damage,
  numberOf,
  objectOf,
  omitUndefined,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { fieldsBelow } from '../values/indexed-groups.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';
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
  signs: { keys: ['langsmith.span.kind', 'langsmith.traceable'] },
  covers: ['gen-ai'],

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const kind = attributes['langsmith.span.kind'];
    if (kind === undefined) return attributes['langsmith.traceable'] === undefined ? undefined : 'generic';
    return KINDS.get(kind) ?? 'generic';
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const kind = langsmith.classify(span);
    const general = genAi.read(span);
    const usage = readUsage(attributes);
    const { contentMetadata, ...content } =
      kind === 'model' ? readModelCall(general, attributes, damage) : readStep(span, damage);
    const isCall = kind === 'model' || attributes['langsmith.span.kind'] === 'embedding';
    const { promptTokens, outputTokens } = { ...usage.own, ...pickUsage(general) };
    const finishReason = kind === 'model' ? (general.finishReason ?? content.finishReason) : undefined;
    const sums = { prompt_tokens: promptTokens, output_tokens: outputTokens };
    const { usage: _usage, ...structure } = general.metadata ?? {};
    return omitUndefined<Reading>({
      ...content,
      ...(isCall && { promptTokens, outputTokens }),
      finishReason,
      error: readError(span, { failed: lastException(span) !== undefined, finishReason }),
      metadata: omitUndefined<Fields>({
        ...structure,
        ...(isCall ? usage.details : { usage: unlessEmpty(omitUndefined<Fields>(sums)) }),
        langsmith_project: stringOf(attributes['langsmith.trace.session_name']),
        ...damageMetadata(damage),
      }),
      contentMetadata: unlessEmpty(omitUndefined<Fields>({ ...readAppMetadata(attributes), ...contentMetadata })),
    });
  },
};

function readModelCall(general: Reading, attributes: Attributes, damage: Damage): Reading {
  const input = structuredOf(attributes[INPUT], damage, INPUT);
  const request = isObject(input) ? input : {};
  const invocation = objectOf(attributes[`${METADATA}ls_invocation_params`]) ?? {};
  const reader = new MessageReader();
  const messages = input === undefined ? [] : reader.read(input);
  const output = structuredOf(attributes[OUTPUT], damage, OUTPUT);
  const answer = readAnswer(output, reader, general.outputTokens);
  const parameters = readRequest({ ...invocation, ...(stringOf(request['model']) !== undefined && request) });
  const isRawResponse = isObject(output) && stringOf(output['id']) !== undefined;
  return omitUndefined<Reading>({
    ...parameters,
    model: general.model ?? stringOf(attributes[`${METADATA}ls_model_name`]),
    // The general one is guessed from the model's name, or is `langchain`.
    provider: stringOf(attributes[`${METADATA}ls_provider`]) ?? general.provider,
    endpoint: stringOf(request['prompt']) === undefined ? 'chat' : 'complete',
    tools: general.tools ?? parameters.tools,
    maxTokens: general.maxTokens ?? parameters.maxTokens ?? countOf(attributes[`${METADATA}ls_max_tokens`]),
    temperature: general.temperature ?? parameters.temperature ?? numberOf(attributes[`${METADATA}ls_temperature`]),
    topP: general.topP ?? parameters.topP,
    presencePenalty: general.presencePenalty ?? parameters.presencePenalty,
    frequencyPenalty: general.frequencyPenalty ?? parameters.frequencyPenalty,
    stop: parameters.stop ?? stringListOf(attributes[`${METADATA}ls_stop`]),
    messages: messages.length > 0 ? messages : undefined,
    ...answer,
    callId: general.callId ?? answer.callId,
    contentMetadata: { ...reasoningMetadata(reader), ...answer.contentMetadata },
    providerRequest: stringOf(request['model']) === undefined ? undefined : toPlainObject(request),
    providerResponse: isRawResponse ? toPlainObject(output) : undefined,
  });
}

/**
 * Reads chains, tools, retrievers, prompts, parsers, embeddings. Traced functions have `{ input }` and `{ outputs }`.
 */
function readStep({ attributes, name }: SpanSlice, damage: Damage): Reading {
  const isEmbedding = attributes['langsmith.span.kind'] === 'embedding';
  const output = structuredOf(attributes[OUTPUT], damage, OUTPUT);
  return omitUndefined<Reading>({
    name: stringOf(attributes['gen_ai.tool.name']) ?? stringOf(attributes['langsmith.trace.name']) ?? name,
    model: isEmbedding ? stringOf(attributes['gen_ai.request.model']) : undefined,
    inputs: inputsOf(unwrapInput(structuredOf(attributes[INPUT], damage, INPUT))),
    output: isEmbedding ? undefined : toStepOutput(output, 'outputs', 'output'),
  });
}

/** LangChain's tools have their arguments as JSON under `input`. */
function unwrapInput(input: unknown): unknown {
  if (!isObject(input) || Object.keys(input).length !== 1) return input;
  return objectOf(input['input']) ?? input;
}

function pickUsage({ promptTokens, outputTokens }: Reading): Reading {
  return omitUndefined<Reading>({ promptTokens, outputTokens });
}

function readUsage(attributes: Attributes) {
  const usage = objectOf(attributes['langsmith.usage_metadata']) ?? {};
  const input = objectOf(usage['input_token_details'] ?? attributes['gen_ai.usage.input_token_details']) ?? {};
  const output = objectOf(usage['output_token_details'] ?? attributes['gen_ai.usage.output_token_details']) ?? {};
  return {
    own: omitUndefined<Reading>({
      promptTokens: countOf(usage['input_tokens']),
      outputTokens: countOf(usage['output_tokens']),
    }),
    details: {
      total_tokens: countOf(attributes['gen_ai.usage.total_tokens']) ?? countOf(usage['total_tokens']),
      cache_read_tokens: countOf(input['cache_read']),
      cache_write_tokens: countOf(input['cache_creation']),
      reasoning_tokens: countOf(output['reasoning']),
      service_tier: stringOf(attributes['gen_ai.response.service_tier']),
      system_fingerprint: stringOf(attributes['gen_ai.response.system_fingerprint']),
    },
  };
}

/** Leaves out environment variables, which are settings, and what LangSmith adds about the model. */
function readAppMetadata(attributes: Attributes): Fields {
  const entries = Object.entries(fieldsBelow(attributes, METADATA) ?? {});
  return Object.fromEntries(
    entries
      .filter(([key]) => !/^(LANGSMITH|LANGCHAIN)_|^ls_|^usage_metadata$|^invocation_params$|^revision_id$/.test(key))
      .map(([key, value]) => [key, toPlainJson(structuredOf(value))]),
  );
}
