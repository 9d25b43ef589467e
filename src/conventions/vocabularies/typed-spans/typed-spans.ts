/**
 * Vocabularies of gateways and platforms in which a span has a type, and its input and output whole, each under a key of its
 * own. They differ in their keys and types alone.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { inputsOf } from '../../content/inputs.ts';
import { withKnownNames } from '../../content/messages/body-spellings.ts';
import { answerBodyIn } from '../../content/messages/envelopes.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { finishReasonOf, holdsMessages } from '../../content/messages/message-wrappers.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { isWholeAnswer, modelOfRequest, namesIn } from '../../content/model-of-bodies.ts';
import {
  jsonValueAt,
  readAnswer,
  readRequest,
  structuredOf,
  structureTextAt,
  toStepOutput,
} from '../../content/provider-bodies.ts';
import { readError } from '../../content/read-error.ts';
import { modelNameOf } from '../../content/request-parameters.ts';
import { joinChunks } from '../../content/streams/stream-chunks.ts';
import {
  ownUsage,
  type Usage,
  type UsageTable,
  usageDetails,
  usageSums,
  withUsageOfBody,
} from '../../content/usage.ts';
import type { ContextKeys, Convention, Reading, Signs, SpanKind } from '../../convention.ts';
import { addTo, nameOf, stringOf, unlessEmpty } from '../../values/attributes.ts';
import type { FieldTable } from '../../values/field-table.ts';
import { toPlainObject, toText } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { genAi } from '../gen-ai/gen-ai.ts';

type Fields = Record<string, unknown>;

/** Keys, of which the first with a value counts, or a function that finds it elsewhere. */
type Source<Value> = readonly string[] | ((fields: SpanFields) => Value | undefined);

export interface TypedSpans {
  readonly name: string;
  readonly title: string;
  readonly packages?: readonly string[];
  readonly context?: ContextKeys;
  readonly signs: Signs;
  readonly covers?: readonly string[];
  kindOf(span: SpanSlice): SpanKind | undefined;
  /** Whether a generic span is a call of its own, as an embedding is. */
  isCall(span: SpanSlice): boolean;
  readonly inputs: Source<unknown>;
  readonly outputs: Source<unknown>;
  /** Of a message that was said, where it is apart from the body of an answer. */
  readonly said?: readonly string[];
  readonly model: Source<string>;
  readonly provider?: Source<string>;
  /** What the call was asked with, where it is apart from the request. */
  readonly parameters?: (fields: SpanFields) => Fields | undefined;
  readonly finishReason?: Source<string>;
  readonly names: Source<string>;
  readonly descriptions?: Source<string>;
  /** A text, or a list of messages. */
  readonly template?: Source<unknown>;
  readonly variables?: string | ((fields: SpanFields) => Fields | undefined);
  readonly errorMessage?: Source<string>;
  /** Where the numbers and names of the next two are, if not among the attributes. */
  readonly facts?: (fields: SpanFields) => Attributes;
  readonly usage: UsageTable;
  readonly structure: FieldTable<Fields>;
  /** What the app attached to the span, each key with an object or its JSON. */
  readonly app?: readonly string[] | ((fields: SpanFields) => readonly (Fields | undefined)[]);
}

export function typedSpans(source: TypedSpans): Convention {
  const { name, title, packages, context, signs, covers } = source;
  return {
    name,
    title,
    ...(packages && { packages }),
    ...(context && { context }),
    signs,
    ...(covers && { covers }),
    classify: (span) => source.kindOf(span),

    read(span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
      const reading = kind === 'model' ? readCall(source, fields) : readStep(source, kind, fields);
      const message = textAt(fields, source.errorMessage);
      const failed = message !== undefined;
      reading.error = readError(span, { finishReason: reading.finishReason, failed, ...(failed && { message }) });
      const facts = factsOf(source, fields);
      reading.metadata = addTo(source.structure.read(facts, Object.keys(facts)), reading.metadata);
      for (const attached of attachedTo(source, fields)) {
        const app = toPlainObject(attached);
        if (app) reading.contentMetadata = addTo({ ...app }, reading.contentMetadata);
      }
      return genAi.classify(span) === undefined || covers?.includes(genAi.name) === true
        ? reading
        : addTo(genAi.read(span, kind, fields), reading);
    },
  };
}

function valueAt(fields: SpanFields, source: Source<unknown>): unknown {
  if (typeof source === 'function') return source(fields);
  const key = keyOf(fields, source);
  return key === undefined ? undefined : jsonValueAt(fields, key);
}

/** Returns the key that a value is at, where it is at one. */
function keyOf(fields: SpanFields, source: Source<unknown>): string | undefined {
  return typeof source === 'function' ? undefined : fields.firstKey(...source);
}

function nameAt(fields: SpanFields, source: Source<string> = []): string | undefined {
  return typeof source === 'function' ? nameOf(source(fields)) : fields.firstName(...source);
}

function textAt(fields: SpanFields, source: Source<string> = []): string | undefined {
  return typeof source === 'function' ? source(fields) : fields.firstString(...source);
}

function factsOf({ facts }: TypedSpans, fields: SpanFields): Attributes {
  return facts === undefined ? fields.attributes : facts(fields);
}

function usageOf(source: TypedSpans, fields: SpanFields): Usage {
  const facts = factsOf(source, fields);
  return source.usage.read(facts, Object.keys(facts));
}

function templateOf({ template = [] }: TypedSpans, fields: SpanFields): Reading {
  const value = typeof template === 'function' ? template(fields) : fields.firstString(...template);
  const messages = structuredOf(value);
  if (holdsMessages(messages)) return { chatTemplate: new MessageReader().read(messages) };
  const promptTemplate = stringOf(value);
  return promptTemplate === undefined ? {} : { promptTemplate };
}

function variablesOf({ variables = '' }: TypedSpans, fields: SpanFields): Fields | undefined {
  return typeof variables === 'function' ? variables(fields) : fields.object(variables);
}

function attachedTo({ app = [] }: TypedSpans, fields: SpanFields): readonly (Fields | undefined)[] {
  return typeof app === 'function' ? app(fields) : app.map((key) => fields.object(key));
}

function readCall(source: TypedSpans, fields: SpanFields): Reading {
  const reader = new MessageReader();
  const request = withKnownNames(valueAt(fields, source.inputs));
  const response = valueAt(fields, source.outputs);
  const requestBody = isObject(request) ? request : {};
  const messages = request === undefined ? [] : reader.read(request);
  const usage = usageOf(source, fields);
  const said = valueAt(fields, source.said ?? []);
  const text = structureTextAt(fields, keyOf(fields, said === undefined ? source.outputs : (source.said ?? [])));
  const answer = readAnswer(said ?? response, reader, usage.outputTokens, text);
  const asked = modelOfRequest(request);
  const isRequest = asked !== undefined;
  // JSON that the model said may have an id, a model and a reason of its own.
  const isSaid = said === undefined && response !== undefined && answer.output === (text ?? toText(response));
  const body = isSaid ? undefined : answerBodyIn(response);
  const whole = isObject(body) && isWholeAnswer(body) ? body : undefined;
  const { id, model: answered } = namesIn(whole ?? {});
  const reading: Reading = addTo<Reading>(
    {
      model: nameAt(fields, source.model) ?? asked,
      provider: nameAt(fields, source.provider),
      endpoint: typeof requestBody['prompt'] === 'string' ? 'complete' : 'chat',
      messages: messages.length > 0 ? messages : undefined,
      ...answer,
      callId: id,
      finishReason:
        answer.finishReason ??
        (isSaid ? undefined : finishReasonOf(joinChunks(response))) ??
        toFinishReason(textAt(fields, source.finishReason)),
      ...templateOf(source, fields),
      inputs: toPlainObject(variablesOf(source, fields)),
      ...ownUsage(usage),
      metadata: {
        response_id: id,
        response_model: answered,
        ...usageDetails(usage),
      },
      contentMetadata: addTo(metadataOfMessages(reader), answer.contentMetadata),
      providerRequest: isRequest ? toPlainObject(requestBody) : undefined,
      providerResponse: toPlainObject(whole),
    },
    readRequest({ ...source.parameters?.(fields), ...(isRequest && requestBody) }),
  );
  return withUsageOfBody(reading, isSaid ? undefined : response);
}

function readStep(source: TypedSpans, kind: SpanKind, fields: SpanFields): Reading {
  const given = valueAt(fields, source.inputs);
  const usage = usageOf(source, fields);
  const isCall = source.isCall(fields.span);
  const asked = isCall && isObject(given) ? modelNameOf(given['model']) : undefined;
  const { promptTemplate: template } = templateOf(source, fields);
  const returned = isCall ? undefined : valueAt(fields, source.outputs);
  return {
    name: textAt(fields, source.names),
    description: textAt(fields, source.descriptions),
    model: kind === 'tool' ? undefined : (nameAt(fields, source.model) ?? asked),
    provider: isCall ? nameAt(fields, source.provider) : undefined,
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
