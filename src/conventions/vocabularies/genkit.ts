/**
 * Genkit: `genkit:*`, with colons. Actions have a subtype (model, tool, flow, …). Utilities such as `generate` wrap
 * them and nest in each other, one level for each round of tool calls.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { toFinishReason } from '../content/finish-reason.ts';
import { inputsOf } from '../content/inputs.ts';
import { finishReasonOf } from '../content/message-wrappers.ts';
import { MessageReader, reasoningMetadata } from '../content/messages.ts';
import { readRequest, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { countOf, type Damage, jsonOf, objectOf, omitUndefined, stringOf, unlessEmpty } from '../values/attributes.ts';
import { damageMetadata } from '../values/damage.ts';
import { toPlainJson, toPlainObject } from '../values/plain-json.ts';

type Fields = Record<string, unknown>;

const INPUT = 'genkit:input';
const OUTPUT = 'genkit:output';

export const genkit: Convention = {
  name: 'genkit',
  signs: { keys: ['genkit:type', 'genkit:metadata:subtype'] },

  classify({ attributes }: SpanSlice): SpanKind | undefined {
    const type = attributes['genkit:type'];
    const subtype = attributes['genkit:metadata:subtype'];
    if (type === undefined && subtype === undefined) return undefined;
    switch (subtype) {
      case 'model':
      case 'background-model':
        return 'model';
      case 'tool':
      case 'tool.v2':
        return 'tool';
      case 'agent':
        return 'agent';
      default:
        return 'generic';
    }
  },

  read(span: SpanSlice): Reading {
    const { attributes } = span;
    const damage: Damage = new Set();
    const isModel = genkit.classify(span) === 'model';
    const { metadata, ...content } = isModel ? readModelCall(span, damage) : readStep(span, damage);
    return omitUndefined<Reading>({
      ...content,
      error: readError(span, { failed: attributes['genkit:state'] === 'error' }),
      metadata: omitUndefined<Fields>({ ...metadata, ...damageMetadata(damage) }),
    });
  },
};

function readModelCall(span: SpanSlice, damage: Damage): Reading {
  const { attributes } = span;
  const request = objectOf(attributes[INPUT], damage, INPUT) ?? {};
  const response = objectOf(attributes[OUTPUT], damage, OUTPUT) ?? {};
  const reader = new MessageReader();
  const messages = reader.read(request['messages']);
  const [outputMessage] = reader.readOutput(response['message'] ?? response['candidates']);
  const raw = objectOf(response['raw']);
  const usage = readUsage(response['usage']);
  return omitUndefined<Reading>({
    ...readModelAndProvider(attributes['genkit:name'] ?? nameInKey(attributes['genkit:key'])),
    ...readConfig(request),
    endpoint: 'chat',
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    ...usage.own,
    // Genkit writes `stop` for tool calls too; the provider's own word is in the raw response.
    finishReason: finishReasonOf(raw) ?? toFinishReason(response['finishReason'] ?? finishReasonOf(response)),
    callId: stringOf(raw?.['id']),
    metadata: omitUndefined<Fields>({
      response_id: stringOf(raw?.['id']),
      response_model: stringOf(raw?.['model']),
      ...usage.details,
    }),
    contentMetadata: unlessEmpty(reasoningMetadata(reader)),
    providerResponse: toPlainObject(raw),
  });
}

/** Splits `openai/gpt-4o` into plugin and model. */
function readModelAndProvider(name: unknown): Reading {
  const text = stringOf(name);
  const slash = text?.indexOf('/') ?? -1;
  if (text === undefined || slash < 1) return text === undefined ? {} : { model: text };
  return omitUndefined<Reading>({ provider: text.slice(0, slash), model: stringOf(text.slice(slash + 1)) });
}

/** An open span has only its key: `/model/openai/gpt-4o`. */
function nameInKey(key: unknown): string | undefined {
  return stringOf(key)?.replace(/^\/[\w-]+\//, '');
}

function readConfig(request: Fields): Reading {
  const { apiKey: _apiKey, version, ...config } = objectOf(request['config']) ?? {};
  const { other, responseFormat, ...parameters } = readRequest({ ...config, tools: request['tools'] });
  const output = objectOf(request['output']) ?? {};
  const asksJson = output['format'] === 'json' || output['contentType'] === 'application/json';
  return omitUndefined<Reading>({
    ...parameters,
    responseFormat: responseFormat ?? (asksJson ? { type: 'json_object' } : undefined),
    other: unlessEmpty(
      omitUndefined<Fields>({
        ...other,
        version: stringOf(version),
        tool_choice: stringOf(request['toolChoice']),
        schema: toPlainJson(output['schema']),
      }),
    ),
  });
}

function readUsage(value: unknown) {
  const usage = isObject(value) ? value : {};
  return {
    own: { promptTokens: countOf(usage['inputTokens']), outputTokens: countOf(usage['outputTokens']) },
    details: {
      total_tokens: countOf(usage['totalTokens']),
      cache_read_tokens: countOf(usage['cachedContentTokens']),
      reasoning_tokens: countOf(usage['thoughtsTokens']),
    },
  };
}

/** Reads flows, tools, prompts, embedders, retrievers, and the utilities around models. */
function readStep({ attributes, name }: SpanSlice, damage: Damage): Reading {
  const isEmbedder = attributes['genkit:metadata:subtype'] === 'embedder';
  const output = jsonOf(attributes[OUTPUT], damage, OUTPUT) ?? attributes[OUTPUT];
  const answer = isObject(output) ? (output['message'] ?? output['candidates']) : undefined;
  const [outputMessage] = answer === undefined ? [] : new MessageReader().readOutput(answer);
  const usage = readUsage(isObject(output) ? output['usage'] : undefined);
  const ownName = stringOf(attributes['genkit:name']) ?? nameInKey(attributes['genkit:key']) ?? name;
  return omitUndefined<Reading>({
    ...(isEmbedder && readModelAndProvider(ownName)),
    name: ownName,
    inputs: withoutKey(inputsOf(attributes[INPUT], damage, INPUT)),
    outputMessage,
    // Vectors are left out: they are large and nobody reads them.
    output: isEmbedder ? undefined : answer === undefined ? toStepOutput(output) : messageText(outputMessage),
    metadata: omitUndefined<Fields>({
      usage: unlessEmpty(
        omitUndefined<Fields>({
          prompt_tokens: usage.own.promptTokens,
          output_tokens: usage.own.outputTokens,
          ...usage.details,
        }),
      ),
    }),
  });
}

/** Removes the API key, which plugins accept in their config. */
function withoutKey(inputs: Fields | undefined): Fields | undefined {
  if (!isObject(inputs?.['config'])) return inputs;
  const { apiKey: _apiKey, ...config } = inputs['config'];
  return { ...inputs, config };
}
