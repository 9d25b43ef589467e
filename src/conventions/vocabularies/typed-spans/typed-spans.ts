/**
 * Vocabularies of gateways and platforms in which a span has a type, and its input and output whole, each under a key of its
 * own. They differ in their keys and types alone.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { inputsOf } from '../../content/inputs.ts';
import { finishReasonOf } from '../../content/messages/message-wrappers.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { isWholeAnswer, modelOfRequest, namesIn } from '../../content/model-of-bodies.ts';
import { jsonTextAt, jsonValueAt, readAnswer, readRequest, toStepOutput } from '../../content/provider-bodies.ts';
import { readError } from '../../content/read-error.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import { joinChunks } from '../../content/streams/stream-chunks.ts';
import { ownUsage, type UsageTable, usageDetails, usageSums, withUsageOfBody } from '../../content/usage.ts';
import type { ContextKeys, Convention, Reading, Signs, SpanKind } from '../../convention.ts';
import { addTo, unlessEmpty } from '../../values/attributes.ts';
import type { FieldTable } from '../../values/field-table.ts';
import { toPlainObject } from '../../values/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

export interface TypedSpans {
  readonly name: string;
  readonly title: string;
  readonly context?: ContextKeys;
  readonly signs: Signs;
  kindOf(span: SpanSlice): SpanKind | undefined;
  /** Whether a generic span is a call of its own, as an embedding is. */
  isCall(span: SpanSlice): boolean;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of a message that was said, where it is apart from the body of an answer. */
  readonly said?: readonly string[];
  readonly model: readonly string[];
  readonly names: readonly string[];
  readonly descriptions?: readonly string[];
  readonly template?: string;
  readonly variables?: string;
  readonly errorMessage?: string;
  readonly usage: UsageTable;
  readonly structure: FieldTable<Fields>;
  /** JSON of what the app attached to the span. */
  readonly app?: readonly string[];
}

export function typedSpans(source: TypedSpans): Convention {
  const { name, title, context, signs } = source;
  return {
    name,
    title,
    ...(context && { context }),
    signs,
    classify: (span) => source.kindOf(span),

    read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
      const reading = kind === 'model' ? readCall(source, fields) : readStep(source, kind, fields);
      const message = source.errorMessage === undefined ? undefined : fields.string(source.errorMessage);
      const failed = message !== undefined;
      reading.error = readError(span, { finishReason: reading.finishReason, failed, ...(failed && { message }) });
      reading.metadata = addTo(source.structure.read(fields.attributes, fields.keys), reading.metadata);
      for (const key of source.app ?? []) {
        const app = toPlainObject(fields.object(key));
        if (app) reading.contentMetadata = addTo({ ...app }, reading.contentMetadata);
      }
      return genAi.classify(span) === undefined ? reading : addTo(genAi.read(span, kind, fields), reading);
    },
  };
}

function valueAt(fields: SpanFields, keys: readonly string[]): unknown {
  const key = fields.firstKey(...keys);
  return key === undefined ? undefined : jsonValueAt(fields, key);
}

function readCall(source: TypedSpans, fields: SpanFields): Reading {
  const reader = new MessageReader();
  const request = valueAt(fields, source.inputs);
  const response = valueAt(fields, source.outputs);
  const body = isObject(request) ? request : {};
  const messages = request === undefined ? [] : reader.read(request);
  const usage = source.usage.read(fields.attributes, fields.keys);
  const said = valueAt(fields, source.said ?? []);
  const text = jsonTextAt(fields, fields.firstKey(...(said === undefined ? source.outputs : (source.said ?? []))));
  const answer = readAnswer(said ?? response, reader, usage.outputTokens, text);
  const asked = modelOfRequest(request);
  const isRequest = asked !== undefined;
  // JSON that the model said may have an id and a model of its own.
  const whole = isObject(response) && isWholeAnswer(response) ? response : undefined;
  const { id, model: answered } = namesIn(whole ?? {});
  const reading: Reading = addTo<Reading>(
    {
      model: fields.firstName(...source.model) ?? asked,
      endpoint: typeof body['prompt'] === 'string' ? 'complete' : 'chat',
      messages: messages.length > 0 ? messages : undefined,
      ...answer,
      callId: id,
      finishReason: answer.finishReason ?? finishReasonOf(joinChunks(response)),
      promptTemplate: source.template === undefined ? undefined : fields.string(source.template),
      inputs: source.variables === undefined ? undefined : toPlainObject(fields.object(source.variables)),
      ...ownUsage(usage),
      metadata: {
        response_id: id,
        response_model: answered,
        ...usageDetails(usage),
      },
      contentMetadata: addTo(metadataOfMessages(reader), answer.contentMetadata),
      providerRequest: isRequest ? toPlainObject(body) : undefined,
      providerResponse: toPlainObject(whole),
    },
    isRequest ? readRequest(body) : {},
  );
  return withUsageOfBody(reading);
}

function readStep(source: TypedSpans, kind: SpanKind, fields: SpanFields): Reading {
  const given = valueAt(fields, source.inputs);
  const usage = source.usage.read(fields.attributes, fields.keys);
  const isCall = source.isCall(fields.span);
  const asked = isCall && isObject(given) ? modelNameOf(given['model']) : undefined;
  const template = source.template === undefined ? undefined : fields.string(source.template);
  const returned = isCall ? undefined : valueAt(fields, source.outputs);
  return {
    name: fields.firstString(...source.names),
    description: fields.firstString(...(source.descriptions ?? [])),
    model: kind === 'tool' ? undefined : (fields.firstName(...source.model) ?? asked),
    other: unlessEmpty({ prompt_template: template }),
    inputs: inputsOf(kind === 'tool' ? argumentsIn(given) : isCall ? embeddedIn(given) : given),
    output: toStepOutput(returned),
    ...(isCall && ownUsage(usage)),
    metadata: isCall ? usageDetails(usage) : usageSums(usage),
  };
}

/** Returns the arguments in a request of the Model Context Protocol. */
function argumentsIn(request: unknown): unknown {
  const call = isObject(request) && isObject(request['params']) ? request['params'] : request;
  return isObject(call) && isObject(call['arguments']) ? call['arguments'] : request;
}

/** Returns what was embedded, without the parameters of the request. */
function embeddedIn(request: unknown): unknown {
  return isObject(request) && request['input'] !== undefined ? { input: request['input'] } : request;
}
