/**
 * The short way of OpenInference: calls of a model whose messages are texts, calls of tools and their results.
 *
 * The texts are in keys of their own, and once more in the bodies (`input.value`, `output.value`). A body is parsed, since
 * it says what the keys leave out, but it is passed on as it is.
 */
import { keepShape } from '../../../host/keep-shape.ts';
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { isTextOfMessage } from '../../content/answer-keys.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { finishReasonOf } from '../../content/messages/message-wrappers.ts';
import { isWholeAnswer, namesIn } from '../../content/model-of-bodies.ts';
import { isStructuredText } from '../../content/provider-bodies.ts';
import { holdsReasoning } from '../../content/reasoning-in-answer.ts';
import { isResponseBody, readRequestParameters } from '../../content/request-parameters.ts';
import { mayBeEvents } from '../../content/streams/event-stream.ts';
import { failureIn } from '../../content/streams/failures.ts';
import { usageOfBody, usageOfFrameworkAnswer } from '../../content/usage.ts';
import type { Reading } from '../../convention.ts';
import {
  isCount,
  isModelName,
  isName,
  isPlainSpan,
  isReason,
  isString,
  isText,
  type PlainFields,
  RememberedTexts,
  ShortReading,
  ShortTable,
  toolsText,
} from '../../short-way.ts';
import { addTo, firstValue, nameOf, stringOf } from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import { parseWithin } from '../../values/json/text-weight.ts';
import { DOUBTS } from '../gen-ai/short-way.ts';
import { isBody, isRequestBody, parametersOfRequest, SYSTEM_KEYS } from './call.ts';
import { lacksContent, listIn } from './input.ts';
import { hostedItemsIn } from './messages.ts';
import { hasOtherForm, modelIn } from './parameters.ts';
import { toAnswerPieces, toMessagePieces } from './short-messages.ts';
import { readTools } from './tools.ts';

class OpenInferenceReading extends ShortReading {
  reportedModel: string | undefined = undefined;
  system: string | undefined = undefined;
  parameters: string | undefined = undefined;
  request: string | undefined = undefined;
  response: string | undefined = undefined;
  finishWord: string | undefined = undefined;
  appMetadata: string | undefined = undefined;
  noTokens: number | undefined = undefined;
}

keepShape(new OpenInferenceReading('', 'model'));

const TABLE = new ShortTable<OpenInferenceReading>(
  {
    'openinference.span.kind': 'ignored',
    'input.mime_type': 'ignored',
    'output.mime_type': 'ignored',
    'llm.model_name': ['reportedModel', isModelName],
    'llm.provider': ['provider', isName],
    'llm.system': ['system', isName],
    'llm.invocation_parameters': ['parameters', isText],
    'input.value': ['request', isText],
    'output.value': ['response', isString],
    'llm.finish_reason': ['finishWord', isReason],
    'llm.token_count.prompt': ['promptTokens', isCount],
    'llm.token_count.completion': ['outputTokens', isCount],
    'llm.token_count.total': ['totalTokens', isCount],
    'llm.token_count.prompt_details.cache_read': ['cacheReadTokens', isCount],
    'llm.token_count.prompt_details.cache_write': ['cacheWriteTokens', isCount],
    'llm.token_count.completion_details.reasoning': ['reasoningTokens', isCount],
    'llm.token_count.prompt_details.audio': ['noTokens', isZero],
    'llm.token_count.completion_details.audio': ['noTokens', isZero],
    metadata: ['appMetadata', isText],
  },
  new RegExp(`^(input|prompt|tanstack|llm\\.response)\\.|^llm\\.service_tier$|${DOUBTS.source}`),
  /^llm\.(input_messages|output_messages|tools)\./,
);

const LISTS = ['llm.input_messages.', 'llm.output_messages.', 'llm.tools.'] as const;

/** A JSON body, and its text as it is passed on. */
interface Body {
  readonly json: PlainFields;
  readonly text: string;
}

export function readOpenInferenceShort(span: SpanSlice, kind: string): ShortReading | undefined {
  // Spans of the legacy completion API have this name, and of Anthropic's messages the keys leave out a part.
  if (kind !== 'model' || !isPlainSpan(span) || span.name === 'OpenAI Completions') return undefined;
  const reading = new OpenInferenceReading('openinference', kind);
  if (!TABLE.read(span, reading) || reading.system === 'anthropic') return undefined;
  const request = toBody(reading.request);
  const response = toBody(reading.response);
  if (request === null || response === null) return undefined;
  const [inputs = [], outputs = [], tools = []] = groupByIndex(span.attributes, LISTS);
  if (response && (failureIn(response.json) || isTextOfMessage(reading.response, span.attributes))) return undefined;
  const isKnown =
    readMetadata(reading, response?.json) &&
    readParameters(reading, request, span, tools) &&
    readMessages(reading, inputs, request) &&
    readAnswer(reading, outputs, response) &&
    readUsage(reading, response);
  if (!isKnown) return undefined;
  if (reading.responseId === undefined && response && isWholeAnswer(response.json)) {
    const { id, model } = namesIn(response.json);
    reading.responseId = id;
    reading.responseModel ??= model;
  }
  return reading;
}

/** Returns undefined for plain text, and null if there is any doubt. */
function toBody(text: string | undefined): Body | undefined | null {
  if (text === undefined) return undefined;
  // After white space or in quotes, JSON is no body, but the long way still looks up its names and tokens.
  if (!isStructuredText(text)) return mayBeEvents(text) || /^\s*["{[]/.test(text) ? null : undefined;
  const json = text.startsWith('{') ? parseWithin(text) : undefined;
  const plain = isObject(json) ? toPlainObject(json) : undefined;
  if (!plain || !isObject(json)) return null;
  return { json, text: plain === json ? text : JSON.stringify(plain) };
}

/** Reads what the app has attached to the span, and what the answer is besides its messages. */
function readMetadata(reading: OpenInferenceReading, response: PlainFields | undefined): boolean {
  const { appMetadata, system } = reading;
  let app: PlainFields | undefined;
  if (appMetadata !== undefined) {
    const parsed = parseWithin(appMetadata);
    app = isObject(parsed) ? toPlainObject(parsed) : undefined;
    if (!app) return false;
    reading.contentMetadata = app;
  }
  reading.provider ??= system ?? nameOf(app?.['ls_provider']);
  const body = response && isBody(response) ? response : undefined;
  reading.responseId = nameOf(body?.['id']);
  reading.responseModel = nameOf(body?.['model']);
  reading.metadata = addTo<PlainFields>(
    {},
    {
      service_tier: stringOf(body?.['service_tier']),
      system_fingerprint: stringOf(body?.['system_fingerprint']),
    },
  );
  return true;
}

/** What `llm.invocation_parameters` says. */
interface Parameters {
  readonly reading: Reading;
  readonly model: string | undefined;
  readonly user: string | undefined;
  readonly hasTools: boolean;
}

const NO_PARAMETERS: Parameters = { reading: {}, model: undefined, user: undefined, hasTools: false };
const rememberedParameters = new RememberedTexts<Parameters>();

function toParameters(text: string): Parameters | undefined {
  const json = parseWithin(text);
  return isObject(json) ? parametersIn(json) : undefined;
}

/** Where the parameters were not recorded, the request has them; the model is that of the span. */
function parametersOf(request: Body | undefined): Parameters | undefined {
  if (!isRequestBody(request?.json)) return NO_PARAMETERS;
  const found = parametersIn(parametersOfRequest(request.json));
  return found && { ...found, model: undefined, user: undefined };
}

function parametersIn(json: PlainFields): Parameters | undefined {
  if (hasOtherForm(json) || isResponseBody(json) || firstValue(json, SYSTEM_KEYS) !== undefined) {
    return undefined;
  }
  const reading = readRequestParameters(json);
  if (reading.responseFormat || typeof reading.stop === 'string') return undefined;
  const hasTools = (json['tools'] ?? json['functions']) !== undefined;
  return { reading, model: modelIn(json), user: stringOf(json['user']), hasTools };
}

const rememberedTools = new RememberedTexts<string>();

function readParameters(
  into: OpenInferenceReading,
  request: Body | undefined,
  span: SpanSlice,
  tools: readonly IndexedGroup[],
): boolean {
  const { parameters: text, reportedModel } = into;
  const parameters = text === undefined ? parametersOf(request) : rememberedParameters.get(text, toParameters);
  if (!parameters) return false;
  const { reading, model, user } = parameters;
  into.model = model ?? reportedModel;
  if (into.model === undefined) return false;
  if (into.responseModel === undefined && reportedModel !== into.model) into.responseModel = reportedModel;
  into.maxTokens = reading.maxTokens;
  into.temperature = reading.temperature;
  into.topP = reading.topP;
  into.presencePenalty = reading.presencePenalty;
  into.frequencyPenalty = reading.frequencyPenalty;
  into.seed = reading.seed;
  into.stop = reading.stop as readonly string[] | undefined;
  into.other = reading.other;
  // The log's context may name another user.
  if (user !== undefined) into.contentMetadata = { ...into.contentMetadata, user };
  if (request && isBody(request.json)) into.providerRequest = request.text;
  if (tools.length === 0) return !parameters.hasTools;
  into.tools = rememberedTools.get(textOfAll(tools), () => toolsText(span, (fields) => readTools(fields, tools, {})));
  return into.tools !== undefined;
}

/** Returns another text for each list of definitions. */
function textOfAll(tools: readonly IndexedGroup[]): string {
  return JSON.stringify(tools.map(({ index, fields }) => [index, fields]));
}

function readMessages(into: ShortReading, groups: readonly IndexedGroup[], request: Body | undefined): boolean {
  if (groups.length === 0) return false;
  if (request) {
    const { json } = request;
    if (json['prompts'] !== undefined || firstValue(json, SYSTEM_KEYS) !== undefined) return false;
    const list = listIn(json);
    if (lacksContent(groups, list) || list?.some((item) => isObject(item) && item['type'] === 'function_call')) {
      return false;
    }
  }
  into.messages = toMessagePieces(groups);
  return into.messages !== undefined;
}

function readAnswer(into: OpenInferenceReading, groups: readonly IndexedGroup[], response: Body | undefined): boolean {
  const [first] = groups;
  if (!first || groups.length > 1 || first.fields['message.finish_reason'] !== undefined) return false;
  const { choices, output, generations } = response?.json ?? {};
  if ((Array.isArray(choices) && choices.length > 1) || generations !== undefined) return false;
  // Items of the Responses API may be calls that the provider ran.
  if (Array.isArray(output) && !output.every((item) => isObject(item) && APP_ITEMS.has(item['type']))) return false;
  // Reasoning may be in the body alone.
  if (response && (hostedItemsIn(response.json).length > 0 || holdsReasoning(response.json))) return false;
  into.outputMessage = toAnswerPieces(first);
  if (!into.outputMessage) return false;
  const reason = toFinishReason(into.finishWord) ?? finishReasonOf(response?.json);
  const isOfResponses = response?.json['object'] === 'response' && isBody(response.json);
  const callsTools = into.outputMessage.at(-1)?.includes('"tool_calls":') === true;
  into.finishReason = reason === 'stop' && isOfResponses && callsTools ? 'tool_calls' : reason;
  return reason !== 'error';
}

const APP_ITEMS: ReadonlySet<unknown> = new Set(['message', 'function_call']);

/** Fills in what the keys leave out from the body. */
function readUsage(into: OpenInferenceReading, response: Body | undefined): boolean {
  if (response && !isBody(response.json) && usageOfFrameworkAnswer(response.json)) return false;
  if (response && isBody(response.json)) {
    into.providerResponse = response.text;
    const usage = usageOfBody(response.json);
    if (usage?.total_cost !== undefined) return false;
    if (usage) {
      if (into.promptTokens === undefined && into.outputTokens === undefined) {
        into.promptTokens = usage.promptTokens;
        into.outputTokens = usage.outputTokens;
      }
      into.totalTokens ??= usage.total_tokens;
      into.cacheReadTokens ??= usage.cache_read_tokens;
      into.cacheWriteTokens ??= usage.cache_write_tokens;
      into.reasoningTokens ??= usage.reasoning_tokens;
      const { input_audio_tokens, output_audio_tokens, input_image_tokens, output_image_tokens } = usage;
      addTo(into.metadata as PlainFields, {
        input_audio_tokens,
        output_audio_tokens,
        input_image_tokens,
        output_image_tokens,
      });
    }
  }
  if (into.promptTokens !== undefined || into.outputTokens !== undefined) return true;
  // They may be elsewhere in the answer.
  return response === undefined;
}

function isZero(value: unknown): boolean {
  return value === 0;
}
