/**
 * Genkit: `genkit:*`, with colons. Actions have a subtype (model, tool, flow, …). Utilities such as `generate` wrap
 * them and nest in each other, one level for each round of tool calls.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsAt } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { finishReasonOf } from '../content/messages/message-wrappers.ts';
import { MessageReader, metadataOfMessages } from '../content/messages/messages.ts';
import { readRequest, toStepOutput } from '../content/provider-bodies.ts';
import { readError } from '../content/read-error.ts';
import { IN_BODY, ownUsage, UsageTable, usageDetails, usageSums, withUsageOfBody } from '../content/usage.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { addTo, nameOf, objectOf, stringOf } from '../values/attributes.ts';
import { toPlainJson, toPlainObject } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { usageObjectOf } from '../values/usage-object.ts';

type Fields = Record<string, unknown>;

const INPUT = 'genkit:input';
const OUTPUT = 'genkit:output';

export const genkit: Convention = {
  name: 'genkit',
  title: 'Genkit',
  packages: ['genkit'],
  context: { session: ['genkit:sessionId'] },
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

  read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const reading = kind === 'model' ? readModelCall(fields) : readStep(fields);
    reading.error = readError(span, { failed: span.attributes['genkit:state'] === 'error' });
    return reading;
  },
};

const USAGE = new UsageTable(
  {
    promptTokens: ['inputTokens'],
    outputTokens: ['outputTokens'],
    total_tokens: ['totalTokens'],
    cache_read_tokens: ['cachedContentTokens'],
    reasoning_tokens: ['thoughtsTokens'],
  },
  IN_BODY,
);

function readModelCall(fields: SpanFields): Reading {
  const request = fields.object(INPUT) ?? {};
  const response = fields.object(OUTPUT) ?? {};
  const reader = new MessageReader();
  const messages = reader.read(request['messages']);
  const raw = objectOf(response['raw']);
  // Plugins have no part for a refusal; the provider's own answer has it.
  const answers = reader.readOutput(response['message'] ?? response['candidates']);
  const [outputMessage] = answers.length > 0 || !raw ? answers : reader.readOutput(raw);
  const usage = USAGE.read(usageObjectOf(response['usage']));
  return withUsageOfBody({
    endpoint: 'chat',
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage),
    ...ownUsage(usage),
    // Genkit writes `stop` for tool calls too; the provider's own word is in the raw response.
    finishReason: finishReasonOf(raw) ?? toFinishReason(response['finishReason'] ?? finishReasonOf(response)),
    callId: nameOf(raw?.['id']),
    metadata: {
      response_id: nameOf(raw?.['id']),
      response_model: nameOf(raw?.['model']),
      ...usageDetails(usage),
    },
    contentMetadata: metadataOfMessages(reader),
    providerResponse: toPlainObject(raw),
    ...readModelAndProvider(fields.attributes['genkit:name'] ?? nameInKey(fields)),
    ...readConfig(request),
  });
}

/** Splits `openai/gpt-4o` into plugin and model. */
function readModelAndProvider(name: unknown): Reading {
  const text = nameOf(name);
  const slash = text?.indexOf('/') ?? -1;
  if (text === undefined || slash < 1) return { model: text };
  return { provider: text.slice(0, slash), model: nameOf(text.slice(slash + 1)) };
}

/** An open span has only its key: `/model/openai/gpt-4o`. */
function nameInKey(fields: SpanFields): string | undefined {
  return fields.string('genkit:key')?.replace(/^\/[\w-]+\//, '');
}

function readConfig(request: Fields): Reading {
  const { apiKey: _apiKey, version, ...config } = objectOf(request['config']) ?? {};
  const reading = readRequest(addTo(config, { tools: request['tools'] }));
  const output = objectOf(request['output']) ?? {};
  const asksJson = output['format'] === 'json' || output['contentType'] === 'application/json';
  if (asksJson) reading.responseFormat ??= { type: 'json_object' };
  reading.other = addTo(reading.other ?? {}, {
    version: stringOf(version),
    tool_choice: stringOf(request['toolChoice']),
    schema: toPlainJson(output['schema']),
  });
  return reading;
}

/** Reads flows, tools, prompts, embedders, retrievers, and the utilities around models. */
function readStep(fields: SpanFields): Reading {
  const { attributes, span } = fields;
  const isEmbedder = attributes['genkit:metadata:subtype'] === 'embedder';
  const output = fields.json(OUTPUT) ?? attributes[OUTPUT];
  const answer = isObject(output) ? (output['message'] ?? output['candidates']) : undefined;
  const [outputMessage] = answer === undefined ? [] : new MessageReader().readOutput(answer);
  const name = fields.string('genkit:name') ?? nameInKey(fields) ?? span.name;
  const text = answer === undefined ? toStepOutput(output) : messageText(outputMessage);
  return {
    name,
    inputs: withoutKey(inputsAt(fields, INPUT)),
    outputMessage,
    output: isEmbedder ? undefined : text,
    metadata: usageSums(USAGE.read(usageObjectOf(recordOf(output)?.['usage']))),
    ...(isEmbedder && readModelAndProvider(name)),
  };
}

function recordOf(value: unknown): Fields | undefined {
  return isObject(value) ? value : undefined;
}

/** Removes the API key, which plugins accept in their config. */
function withoutKey(inputs: Fields | undefined): Fields | undefined {
  if (!isObject(inputs?.['config'])) return inputs;
  const { apiKey: _apiKey, ...config } = inputs['config'];
  return addTo({ ...inputs }, { config });
}
