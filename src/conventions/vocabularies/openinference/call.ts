/** Reads an OpenInference LLM span: one call of a provider, or of a framework's model class. */

import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { isTextOfMessage } from '../../content/answer-keys.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { finishReasonOf } from '../../content/messages/message-wrappers.ts';
import { MessageReader, providerCallMetadata } from '../../content/messages/messages.ts';
import { isTextOf } from '../../content/messages/own-json.ts';
import { isMessageInOtherSpelling } from '../../content/messages/spellings.ts';
import { isResponseBody, modelNameOf } from '../../content/request-parameters.ts';
import { joinChunks } from '../../content/streams/stream-chunks.ts';
import type { Reading } from '../../convention.ts';
import { addTo, firstValue, nameOf, stringOf, textOf } from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { toPlainObject } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { isBeeAi, unlessInBody, withOneMessage } from './beeai.ts';
import { readInput } from './input.ts';
import { readOutput } from './messages.ts';
import {
  arePrinted,
  openConfig,
  readInvocationParameters,
  readModelAndProvider,
  readParameters,
} from './parameters.ts';
import { withoutPrefixes } from './prefixed.ts';
import { isRedacted, type RawValue, readTranscript, readValue } from './raw-value.ts';
import { readTools } from './tools.ts';

/** OpenInference's middleware for TanStack AI sets this instead of `llm.finish_reason`. */
const TANSTACK_FINISH_REASON = 'tanstack.ai.finish_reason';
/** The first releases for LangChain4j set these. */
const LANGCHAIN4J_FINISH_REASONS = 'llm.response.finish_reasons';

const LISTS = ['llm.input_messages.', 'llm.output_messages.', 'llm.tools.', 'llm.prompts.', 'llm.choices.'] as const;

export const SYSTEM_KEYS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const;

/**
 * Span name for the legacy completion API in the JavaScript instrumentation; its prompt is plain text in `input.value`.
 */
const COMPLETIONS = 'OpenAI Completions';

/** Bedrock's agents print the blocks of messages as Java does. */
export const BEDROCK: ReadonlySet<unknown> = new Set([
  'openinference.instrumentation.bedrock',
  '@arizeai/openinference-instrumentation-bedrock-agent',
]);

export function readModelCall(fields: SpanFields, app: Record<string, unknown> | undefined): Reading {
  const { attributes, span } = fields;
  const [given = [], said = [], tools = [], prompts = [], choices = []] = groupByIndex(attributes, LISTS);
  const parameters = readInvocationParameters(fields);
  const request = readValue(fields, 'input.value', true);
  const recorded = readValue(fields, 'output.value');
  const isBees = isBeeAi(span);
  const response = isBees ? withOneMessage(recorded) : joined(recorded);
  const inputs = isBees ? unlessInBody(given, request) : given;
  const outputs = isBees ? unlessInBody(said, response) : said;
  const requestBody = bodyOf(request);
  const responseBody = isTextOfMessage(attributes['output.value'], attributes) ? undefined : bodyOf(response);

  const reader = new MessageReader(BEDROCK.has(scopeOf(span).name));
  const texts = prompts.length > 0 ? readPrompts(prompts) : readSerialisedPrompts(request);
  const wholeInput = inputs.length === 0 ? fields.list('llm.input_messages') : undefined;
  const source = { hasLoss: isFlattenedWithLoss(span), isLangChain4j: attributes['llm.system'] === 'langchain4j' };
  const messages =
    texts ?? (wholeInput ? reader.read(withoutPrefixes(wholeInput)) : readInput(inputs, request, source, reader));
  if (messages.length > 0 && !messages.some(isSystem)) {
    // A body for a model on Bedrock does not name it.
    const body = requestBody ?? (isObject(request.json) && Array.isArray(request.json['messages']) ? request.json : {});
    const system = firstValue(body, SYSTEM_KEYS) ?? (parameters && firstValue(parameters, SYSTEM_KEYS));
    messages.unshift(...reader.readSystem(system ?? attributes['gen_ai.system_instructions']));
  }
  const heard = readTranscript(fields, 'input');
  if (heard !== undefined && !messages.some((message) => messageText(message)?.includes(heard))) {
    messages.push({ role: 'user', content: heard });
  }
  const completions = readCompletions(choices);
  const answers = readAnswers(fields, outputs, completions, response, reader);
  const spoken = readTranscript(fields, 'output');
  if (spoken !== undefined && !messageText(answers[0])) {
    answers[0] = { ...answers[0], role: 'assistant', content: spoken };
  }
  const outputMessage = answers[0];
  const others = completions.length > 0 ? completions.slice(1) : answers.slice(1);
  // What the model said may be JSON with a model and an id of its own.
  const isSaid =
    isTextOf(response.json, outputMessage) ||
    (response.text !== undefined && messageText(outputMessage) === response.text);
  const body = response.isDamaged || isSaid ? undefined : responseBody;
  const { model, provider } = readModelAndProvider(fields, parameters, app);
  const { inputs: variables, promptTemplate } = readTemplate(fields);

  // Where the parameters were not recorded, the request has them. What a language prints of them lacks some.
  const isWhole = parameters !== undefined && !arePrinted(fields);
  const asked = !isWhole && isRequestBody(requestBody) ? openConfig(parametersOfRequest(requestBody)) : parameters;

  return addTo(readParameters(fields, asked), {
    model,
    provider,
    endpoint: texts !== undefined || span.name === COMPLETIONS ? 'complete' : 'chat',
    tools: readTools(fields, tools, asked),
    inputs: variables,
    promptTemplate,
    messages: messages.length > 0 ? messages : undefined,
    outputMessage,
    output: messageText(outputMessage) ?? completions[0],
    finishReason: readFinishReason(attributes, parameters, response, isSaid, responseBody, outputMessage),
    callId: nameOf(body?.['id']) ?? fields.firstName('llm.response.id'),
    metadata: readResponse(fields, body, model, stringOf(parameters?.['user'])),
    contentMetadata: {
      reasoning: reader.reasoning.length > 0 ? reader.reasoning.join('\n') : undefined,
      ...providerCallMetadata(reader),
      choices: others.length > 0 ? others : undefined,
    },
    providerRequest: request.isDamaged ? undefined : toPlainObject(requestBody),
    providerResponse: toPlainObject(body),
  });
}

/** The messages may stand in one attribute, as a list or its JSON. */
function readAnswers(
  fields: SpanFields,
  outputs: readonly IndexedGroup[],
  completions: readonly string[],
  response: RawValue,
  reader: MessageReader,
): ChatMessage[] {
  if (outputs.length > 0) return readOutput(outputs, response, reader);
  if (completions.length > 0) return [];
  const whole = fields.list('llm.output_messages');
  return whole ? reader.readOutput(withoutPrefixes(whole)) : readOutput(outputs, response, reader);
}

function isSystem({ role }: ChatMessage): boolean {
  return role === 'system';
}

/** The variables of the prompt template are the inputs of the call. */
export function readTemplate(fields: SpanFields): Reading {
  return {
    inputs: toPlainObject(fields.object('llm.prompt_template.variables')),
    promptTemplate: fields.string('llm.prompt_template.template'),
  };
}

/**
 * A span beyond its attribute limit loses the end of the list. For Anthropic the flattened form keeps one tool result
 * per message and no image data.
 */
function isFlattenedWithLoss(span: SpanSlice): boolean {
  return (span.droppedAttributesCount ?? 0) > 0 || span.attributes['llm.system'] === 'anthropic';
}

/** Reads prompts of the completion API, which are texts without a role. */
function readPrompts(prompts: readonly IndexedGroup[]): ChatMessage[] {
  return prompts.flatMap(({ fields }) => {
    const content = textOf(fields['prompt.text']);
    return content === undefined || isRedacted(content) ? [] : [{ role: 'user' as const, content }];
  });
}

/** Reads `{ prompts }`, which LangChain's classes for the completion API are called with. */
function readSerialisedPrompts({ json }: RawValue): ChatMessage[] | undefined {
  const prompts = isObject(json) && Object.keys(json).length === 1 ? json['prompts'] : undefined;
  if (!Array.isArray(prompts) || !prompts.every((prompt) => typeof prompt === 'string')) return undefined;
  return prompts.map((content) => ({ role: 'user', content }));
}

/** Reads answers of the completion API. */
function readCompletions(choices: readonly IndexedGroup[]): string[] {
  const texts: string[] = [];
  for (const { fields } of choices) {
    const text = textOf(fields['completion.text']);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** Prism's, which also names the answer: `llm.response.id`. */
const FINISH_REASON_OF_MESSAGE = 'llm.output_messages.0.message.finish_reason';

/** The Responses API has no finish reason: `stop` stands for every complete response, also one that calls tools. */
function readFinishReason(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  response: RawValue,
  isSaid: boolean,
  body: Record<string, unknown> | undefined,
  answer: ChatMessage | undefined,
): string | undefined {
  const reason = isTextOfMessage(attributes['output.value'], attributes) ? undefined : finishReasonOf(response.json);
  const finishReason =
    toFinishReason(attributes['llm.finish_reason']) ??
    toFinishReason(attributes[TANSTACK_FINISH_REASON]) ??
    toFinishReason(attributes[LANGCHAIN4J_FINISH_REASONS]) ??
    toFinishReason(attributes[FINISH_REASON_OF_MESSAGE]) ??
    (isSaid ? undefined : reason);
  const isResponsesApi = isResponseBody(parameters) || body?.['object'] === 'response';
  return finishReason === 'stop' && isResponsesApi && answer?.tool_calls?.length ? 'tool_calls' : finishReason;
}

/** `llm.model_name` is the response's model in some instrumentations and the request's in others. */
function readResponse(
  fields: SpanFields,
  body: Record<string, unknown> | undefined,
  model: string | undefined,
  user: string | undefined,
): Record<string, unknown> {
  const reported = modelNameOf(fields.attributes['llm.model_name']);
  return {
    response_id: nameOf(body?.['id']) ?? fields.firstName('llm.response.id'),
    response_model:
      fields.firstName('llm.response.model_name', 'llm.response.model') ??
      nameOf(body?.['model']) ??
      (reported === model ? undefined : reported),
    service_tier: stringOf(body?.['service_tier']) ?? fields.firstName('llm.service_tier'),
    system_fingerprint: stringOf(body?.['system_fingerprint']),
    user,
  };
}

/** A decorated generator reports the list of what it was streamed. */
function joined(response: RawValue): RawValue {
  const { json = response.text } = response;
  const whole = joinChunks(json);
  if (whole === json) return response;
  return { ...response, json: Array.isArray(whole) ? { choices: whole } : whole };
}

/** Returns a body that went over the wire; undefined for LangChain's serialisation and bare lists. */
function bodyOf({ json }: RawValue): Record<string, unknown> | undefined {
  return isObject(json) && isBody(json) && !isMessageInOtherSpelling(json) ? json : undefined;
}

/** Whether this is what a provider was sent: LangChain's serialisation of a call names its model elsewhere. */
export function isRequestBody(body: Record<string, unknown> | undefined): body is Record<string, unknown> {
  return (
    modelNameOf(body?.['model'] ?? body?.['modelId']) !== undefined &&
    REQUEST_KEYS.some((key) => Array.isArray(body?.[key]))
  );
}

const REQUEST_KEYS = ['messages', 'contents', 'input'] as const;

/** Returns what may be a parameter. In a config, content and ids of one call would make each call a version of its own. */
export function parametersOfRequest(body: Record<string, unknown>): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const key in body) if (!OF_ONE_CALL.has(key)) parameters[key] = body[key];
  return parameters;
}

const OF_ONE_CALL: ReadonlySet<string> = new Set([
  ...['documents', 'prediction', 'message', 'chat_history', 'preamble', 'suffix', 'query', 'texts', '__proto__'],
  ...['previous_response_id', 'conversation', 'prompt_cache_key', 'safety_identifier', 'request_id', 'session_id'],
]);

export function isBody(json: Record<string, unknown>): boolean {
  return ['model', 'modelId', 'id'].some((key) => stringOf(json[key]) !== undefined);
}
