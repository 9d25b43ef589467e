/**
 * What the bodies of a call name: its model, if the span has no attribute for it (that of the request, or else of the answer),
 * and the id and the model of the answer.
 */
import { isObject } from '../../wire/json.ts';
import type { Reading } from '../convention.ts';
import { addTo, nameOf, omitUndefined, tokenOf } from '../values/attributes.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { listsAnswers } from './answer-items.ts';
import { isSaid } from './answer-keys.ts';
import { answerBodyIn, requestIn } from './messages/envelopes.ts';
import { modelNameOf } from './request-parameters.ts';
import { streamIn } from './streams/stream-chunks.ts';
import { usageOfBody } from './usage.ts';

type Fields = Record<string, unknown>;

const REQUESTS = [
  ...['gen_ai.prompt', 'gen_ai.prompt_json', 'input.value', 'langfuse.observation.input', 'request_data'],
  ...['braintrust.input_json', 'lmnr.span.input', 'cozeloop.input', 'agentops.entity.input'],
] as const;
const CONTENT_KEYS = ['messages', 'contents', 'input', 'prompt'] as const;

/** Lists of answers, and of the typed items or blocks of one. */
const CHOICE_KEYS = ['choices', 'candidates'] as const;
const ITEM_KEYS = ['output', 'content'] as const;

export function modelOfBodies(reading: Reading, fields: SpanFields, answers: readonly string[]): string | undefined {
  const { providerRequest: request, providerResponse: response, metadata } = reading;
  let model =
    modelNameOf(request?.['model']) ?? modelNameOf(metadata?.['response_model']) ?? modelNameOf(response?.['model']);
  for (const key of REQUESTS) model ??= modelOfRequest(valueAt(fields, key));
  for (const key of answers)
    if (model === undefined && !isSaid(fields.attributes[key], reading)) model = modelOfAnswer(valueAt(fields, key));
  return model;
}

/** Fills in what the metadata lacks. */
export function withNamesOfAnswer(reading: Reading, fields: SpanFields, keys: readonly string[]): Reading {
  if (reading.metadata?.['response_id'] !== undefined) return reading;
  for (const key of keys) {
    const value = fields.attributes[key];
    // Lists of texts have no names.
    if (typeof value === 'string' && /^\s*\[(?!\s*\{)/.test(value)) continue;
    const body = answerBodyIn(typeof value === 'string' ? fields.structure(key) : value);
    if (!isObject(body) || !isNamedBy(body, value, reading)) continue;
    return withNames(reading, body);
  }
  const { providerResponse: body } = reading;
  return body && isWholeAnswer(body) ? withNames(reading, body) : reading;
}

/** JSON that a model said may name an id and a model, too. */
function isNamedBy(body: Fields, recorded: unknown, reading: Reading): boolean {
  if (!isSaid(recorded, reading)) return isWholeAnswer(body) || saysTokensOf(reading, body);
  const areCounted = reading.promptTokens !== undefined && reading.outputTokens !== undefined;
  return areCounted && !isWholeAnswer(body) && saysTokensOf(reading, body);
}

function withNames(reading: Reading, body: Fields): Reading {
  const { id: response_id, model: response_model } = namesIn(body);
  reading.callId ??= response_id;
  reading.metadata = addTo(omitUndefined({ response_id, response_model }) as Fields, reading.metadata);
  return reading;
}

/** Whether a body that nobody knows has the tokens of the call, beside a model. JSON that a model said has not. */
function saysTokensOf({ promptTokens, outputTokens }: Reading, body: Fields): boolean {
  const { id, model } = namesIn(body);
  const areNames = tokenOf(model) !== undefined && (id === undefined || tokenOf(id) !== undefined);
  if (!areNames || (promptTokens ?? outputTokens) === undefined) return false;
  const usage = usageOfBody(body);
  return usage?.promptTokens === promptTokens && usage?.outputTokens === outputTokens;
}

/** Returns the id and the model that the body of an answer names. */
export function namesIn(body: Fields): { id: string | undefined; model: string | undefined } {
  // The AI SDK's result has both a level deeper.
  const inner = isObject(body['response']) ? body['response'] : {};
  return {
    id: nameOf(body['id'] ?? body['responseId'] ?? body['response_id'] ?? inner['id']),
    model: modelNameOf(
      body['model'] ?? body['modelVersion'] ?? body['model_version'] ?? body['modelId'] ?? inner['modelId'],
    ),
  };
}

function valueAt(fields: SpanFields, key: string): unknown {
  const value = fields.attributes[key];
  if (value === undefined) return undefined;
  return (typeof value === 'string' ? streamIn(value)?.events : undefined) ?? answerBodyIn(fields.structure(key));
}

/** Returns the model that the body of a request names. Other JSON may have a model of its own. */
export function modelOfRequest(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  const request = CONTENT_KEYS.some((key) => body[key] !== undefined) ? body : requestIn(body);
  return request && modelNameOf(request['model'] ?? request['modelId']);
}

/** An answer may be a list of the pieces that it was streamed in, each of which may name the model. */
function modelOfAnswer(body: unknown): string | undefined {
  if (Array.isArray(body)) return body.length > 0 && body.every(isObject) ? modelOfFirst(body) : undefined;
  if (!isObject(body)) return undefined;
  if (Array.isArray(body['generations'])) return modelOfGeneration(body['generations']);
  return isAnswerBody(body) ? namesIn(body).model : undefined;
}

/** Whether this is all that a provider answered. A message or an item of one may look alike, and its id is its own. */
export function isWholeAnswer(body: Fields): boolean {
  return (
    body['object'] === 'response' ||
    hasChoices(body) ||
    isMessage(body['message']) ||
    isResult(body) ||
    (isAnswerBody(body) && modelNameOf(body['model']) !== undefined)
  );
}

/** What the AI SDK and .NET's clients return. */
function isResult({ response, finishReason, messages, responseId, response_id: id = responseId }: Fields): boolean {
  if (isObject(response)) return typeof finishReason === 'string';
  return typeof id === 'string' && isListOf(messages, isObject);
}

function isAnswerBody(body: Fields): boolean {
  return (
    body['object'] === 'response' ||
    body['type'] === 'message' ||
    hasChoices(body) ||
    ITEM_KEYS.some((key) => isListOf(body[key], isTyped)) ||
    isMessage(body['message'])
  );
}

function hasChoices(body: Fields): boolean {
  return CHOICE_KEYS.some((key) => isListOf(body[key], isObject)) && listsAnswers(body);
}

/** Events of Anthropic and of the Responses API have the answer as it was at its start. */
function modelOfFirst(pieces: readonly Fields[]): string | undefined {
  for (const piece of pieces) {
    const { message, response } = piece;
    const start = isObject(message) && piece['type'] === 'message_start' ? message : response;
    const model = modelOfAnswer(isObject(start) ? start : piece);
    if (model !== undefined) return model;
  }
  return undefined;
}

function isListOf(list: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(list) && list.length > 0 && list.every(isItem);
}

function isTyped(item: unknown): boolean {
  return isObject(item) && typeof item['type'] === 'string';
}

function isMessage(message: unknown): boolean {
  return isObject(message) && message['role'] === 'assistant';
}

/** LangChain has it in what the provider said of the message. */
function modelOfGeneration(generations: readonly unknown[]): string | undefined {
  const [list] = generations;
  const generation: unknown = Array.isArray(list) ? list[0] : list;
  const message = isObject(generation) ? generation['message'] : undefined;
  const fields = isObject(message) && isObject(message['kwargs']) ? message['kwargs'] : message;
  const about = isObject(fields) ? fields['response_metadata'] : undefined;
  return isObject(about) ? (nameOf(about['model_name']) ?? nameOf(about['model'])) : undefined;
}
