/** Reads an OpenInference LLM span: one call of a provider, or of a framework's model class. */

import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { toFinishReason } from '../../content/finish-reason.ts';
import { finishReasonOf } from '../../content/message-wrappers.ts';
import { MessageReader } from '../../content/messages.ts';
import {
  isResponseBody,
  readInvocationParameters,
  readModelAndProvider,
  readParameters,
} from '../../content/request-parameters.ts';
import type { Reading } from '../../convention.ts';
import {
  countOf,
  type Damage,
  firstValue,
  numberOf,
  objectOf,
  put,
  stringOf,
  textOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { toPlainObject } from '../../values/plain-json.ts';
import { readInput } from './input.ts';
import { isRedacted, type RawValue, readOutput, readValue } from './messages.ts';
import { readTools } from './tools.ts';

const LISTS = ['llm.input_messages.', 'llm.output_messages.', 'llm.tools.', 'llm.prompts.', 'llm.choices.'] as const;

const SYSTEM_KEYS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const;

/**
 * Span name for the legacy completion API in the JavaScript instrumentation; its prompt is plain text in `input.value`.
 */
const COMPLETIONS = 'OpenAI Completions';

export function readModelCall(span: SpanSlice, app: Record<string, unknown> | undefined, damage: Damage): Reading {
  const { attributes } = span;
  const [inputs = [], outputs = [], tools = [], prompts = [], choices = []] = groupByIndex(attributes, LISTS);
  const parameters = readInvocationParameters(attributes, damage);
  const request = readValue(attributes, 'input.value', damage);
  const response = readValue(attributes, 'output.value', damage);
  const requestBody = bodyOf(request);
  const responseBody = bodyOf(response);

  const reader = new MessageReader();
  const texts = prompts.length > 0 ? readPrompts(prompts) : readSerialisedPrompts(request);
  const messages = texts ?? readInput(inputs, request, isFlattenedWithLoss(span), reader);
  if (messages.length > 0 && !messages.some(isSystem)) {
    const system =
      (requestBody && firstValue(requestBody, SYSTEM_KEYS)) ?? (parameters && firstValue(parameters, SYSTEM_KEYS));
    messages.unshift(...reader.readSystem(system ?? attributes['gen_ai.system_instructions']));
  }
  const completions = readCompletions(choices);
  const answers = outputs.length === 0 && completions.length > 0 ? [] : readOutput(outputs, response, reader);
  const outputMessage = answers[0];
  const others = completions.length > 0 ? completions.slice(1) : answers.slice(1);
  const body = response.isDamaged ? undefined : responseBody;

  const reading: Reading = {};
  readModelAndProvider(attributes, parameters, app, reading);
  reading.endpoint = texts !== undefined || span.name === COMPLETIONS ? 'complete' : 'chat';
  readParameters(attributes, parameters ?? {}, reading);
  put(reading, 'tools', readTools(tools, parameters, damage));
  readTemplate(attributes, damage, reading);
  if (messages.length > 0) reading.messages = messages;
  put(reading, 'outputMessage', outputMessage);
  put(reading, 'output', messageText(outputMessage) ?? completions[0]);
  put(reading, 'finishReason', readFinishReason(attributes, parameters, response, responseBody, outputMessage));
  readUsage(attributes, reading);
  put(reading, 'callId', stringOf(body?.['id']));
  const metadata = readResponse(attributes, body, reading.model);
  put(metadata, 'user', stringOf(parameters?.['user']));
  reading.metadata = metadata;
  const content: Record<string, unknown> = {};
  if (reader.reasoning.length > 0) content['reasoning'] = reader.reasoning.join('\n');
  if (others.length > 0) content['choices'] = others;
  put(reading, 'contentMetadata', unlessEmpty(content));
  if (!request.isDamaged) put(reading, 'providerRequest', toPlainObject(requestBody));
  put(reading, 'providerResponse', toPlainObject(body));
  return reading;
}

function isSystem({ role }: ChatMessage): boolean {
  return role === 'system';
}

/** The variables of the prompt template are the inputs of the call. */
export function readTemplate(attributes: Attributes, damage: Damage, into: Reading): void {
  const key = 'llm.prompt_template.variables';
  put(into, 'inputs', toPlainObject(objectOf(attributes[key], damage, key)));
  put(into, 'promptTemplate', stringOf(attributes['llm.prompt_template.template']));
}

/** Reads tokens and costs of a call or an embedding. */
export function readUsage(attributes: Attributes, into: Reading): void {
  put(into, 'promptTokens', countOf(attributes['llm.token_count.prompt']));
  put(into, 'outputTokens', countOf(attributes['llm.token_count.completion']));
  put(into, 'promptCost', numberOf(attributes['llm.cost.prompt']));
  put(into, 'outputCost', numberOf(attributes['llm.cost.completion']));
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

/** The Responses API has no finish reason: `stop` stands for every complete response, also one that calls tools. */
function readFinishReason(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  response: RawValue,
  body: Record<string, unknown> | undefined,
  answer: ChatMessage | undefined,
): string | undefined {
  const finishReason = toFinishReason(attributes['llm.finish_reason']) ?? finishReasonOf(response.json);
  const isResponsesApi = isResponseBody(parameters) || body?.['object'] === 'response';
  return finishReason === 'stop' && isResponsesApi && answer?.tool_calls?.length ? 'tool_calls' : finishReason;
}

/** `llm.model_name` is the response's model in some instrumentations and the request's in others. */
function readResponse(
  attributes: Attributes,
  body: Record<string, unknown> | undefined,
  model: string | undefined,
): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  const reported = stringOf(attributes['llm.model_name']);
  put(metadata, 'response_id', stringOf(body?.['id']));
  put(
    metadata,
    'response_model',
    stringOf(attributes['llm.response.model_name']) ??
      stringOf(body?.['model']) ??
      (reported === model ? undefined : reported),
  );
  put(metadata, 'service_tier', stringOf(body?.['service_tier']));
  put(metadata, 'system_fingerprint', stringOf(body?.['system_fingerprint']));
  return metadata;
}

/** Returns a body that went over the wire; undefined for LangChain's serialisation and bare lists. */
function bodyOf(value: RawValue): Record<string, unknown> | undefined {
  const { json } = value;
  if (!isObject(json)) return undefined;
  return stringOf(json['model']) !== undefined || stringOf(json['id']) !== undefined ? json : undefined;
}
