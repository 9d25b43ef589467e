/** An OpenInference LLM span: one call of a provider, or of a framework's model class. */

import type { ChatMessage } from '../datapoint/datapoint.ts';
import type { Attributes, SpanSlice } from '../otel.ts';
import { countOf, type Damage, isObject, numberOf, objectOf, stringOf, textOf } from './attributes.ts';
import type { Reading } from './convention.ts';
import { toFinishReason } from './finish-reason.ts';
import { type IndexedGroup, indexedGroups } from './indexed-groups.ts';
import { finishReasonOf } from './message-wrappers.ts';
import { MessageReader, messageText } from './messages.ts';
import { isRedacted, type RawValue, readInput, readOutput, readValue } from './openinference-messages.ts';
import { invocationParameters, isResponse, readModelName, readParameters } from './openinference-parameters.ts';
import { readTools } from './openinference-tools.ts';
import { plainObject } from './plain-json.ts';

const LISTS = ['llm.input_messages.', 'llm.output_messages.', 'llm.tools.', 'llm.prompts.', 'llm.choices.'] as const;

const SYSTEM_KEYS = ['system', 'instructions', 'systemInstruction', 'system_instruction'] as const;

export function readCall(span: SpanSlice, app: Record<string, unknown> | undefined, damage: Damage): Reading {
  const { attributes } = span;
  const [inputs = [], outputs = [], toolGroups = [], prompts = [], choices = []] = indexedGroups(attributes, LISTS);
  const parameters = invocationParameters(attributes, damage);
  const request = readValue(attributes, 'input.value', damage);
  const response = readValue(attributes, 'output.value', damage);
  const wasCut = (span.droppedAttributesCount ?? 0) > 0;

  const reader = new MessageReader();
  const messages = prompts.length > 0 ? readPrompts(prompts) : readInput(inputs, request, wasCut, reader);
  if (!messages.some(({ role }) => role === 'system') && messages.length > 0) {
    messages.unshift(...reader.readSystem(systemOf(parameters) ?? systemOf(request.json)));
  }
  const answers = outputs.length === 0 && choices.length > 0 ? [] : readOutput(outputs, response, reader);
  const completions = choices.flatMap(({ fields }) => textOf(fields['completion.text']) ?? []);
  const outputMessage = answers[0];
  const output = messageText(outputMessage) ?? completions[0];

  const finishReason = readFinishReason(attributes, parameters, response, outputMessage);
  const tools = readTools(toolGroups, parameters, damage);
  const others = completions.length > 0 ? completions.slice(1) : answers.slice(1);
  const contentMetadata = {
    ...(reader.reasoning.length > 0 && { reasoning: reader.reasoning.join('\n') }),
    ...(others.length > 0 && { choices: others }),
  };
  const model = readModelName(attributes, parameters, app);
  return {
    ...model,
    endpoint: prompts.length > 0 ? 'complete' : 'chat',
    ...readParameters(attributes, parameters ?? {}),
    ...(tools && { tools }),
    ...readTemplate(attributes, damage),
    ...(messages.length > 0 && { messages }),
    ...(outputMessage && { outputMessage }),
    ...(output !== undefined && { output }),
    ...(finishReason !== undefined && { finishReason }),
    ...readUsage(attributes),
    metadata: readResponse(attributes, response, model.model),
    ...(Object.keys(contentMetadata).length > 0 && { contentMetadata }),
    ...readBodies(request, response),
  };
}

/** Variables of the template are the inputs of the call. */
export function readTemplate(attributes: Attributes, damage: Damage): Reading {
  const key = 'llm.prompt_template.variables';
  const inputs = plainObject(objectOf(attributes[key], damage, key));
  const promptTemplate = stringOf(attributes['llm.prompt_template.template']);
  return { ...(inputs && { inputs }), ...(promptTemplate && { promptTemplate }) };
}

/** Of a call, or of an embedding. */
export function readUsage(attributes: Attributes): Reading {
  const promptTokens = countOf(attributes['llm.token_count.prompt']);
  const outputTokens = countOf(attributes['llm.token_count.completion']);
  const promptCost = numberOf(attributes['llm.cost.prompt']);
  const outputCost = numberOf(attributes['llm.cost.completion']);
  return {
    ...(promptTokens !== undefined && { promptTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(promptCost !== undefined && { promptCost }),
    ...(outputCost !== undefined && { outputCost }),
  };
}

/** Prompts of the completion API: texts without a role. */
function readPrompts(prompts: readonly IndexedGroup[]): ChatMessage[] {
  return prompts.flatMap(({ fields }) => {
    const content = textOf(fields['prompt.text']);
    return content === undefined || isRedacted(content) ? [] : [{ role: 'user' as const, content }];
  });
}

/** Anthropic's system prompt and the Responses API's instructions stand apart from the messages. */
function systemOf(body: unknown): unknown {
  if (!isObject(body)) return undefined;
  return SYSTEM_KEYS.map((key) => body[key]).find((value) => value !== undefined && value !== null && value !== '');
}

/** The Responses API has no finish reason of its own: `stop` stands for any response that is complete. */
function readFinishReason(
  attributes: Attributes,
  parameters: Record<string, unknown> | undefined,
  response: RawValue,
  answer: ChatMessage | undefined,
): string | undefined {
  const finishReason = toFinishReason(attributes['llm.finish_reason']) ?? finishReasonOf(response.json);
  const isResponsesApi = isResponse(parameters) || (isObject(response.json) && response.json['object'] === 'response');
  if (finishReason === 'stop' && isResponsesApi && answer?.tool_calls?.length) return 'tool_calls';
  return finishReason;
}

function readResponse(attributes: Attributes, response: RawValue, model: string | undefined): Record<string, unknown> {
  const body = isBody(response.json) && !response.isDamaged ? response.json : undefined;
  const named = stringOf(attributes['llm.response.model_name']) ?? stringOf(body?.['model']);
  const reported = stringOf(attributes['llm.model_name']);
  const responseModel = named ?? (reported === model ? undefined : reported);
  const id = stringOf(body?.['id']);
  const serviceTier = stringOf(body?.['service_tier']);
  const fingerprint = stringOf(body?.['system_fingerprint']);
  return {
    ...(id && { response_id: id }),
    ...(responseModel && { response_model: responseModel }),
    ...(serviceTier && { service_tier: serviceTier }),
    ...(fingerprint && { system_fingerprint: fingerprint }),
  };
}

/** Only what went over the wire: LangChain's serialisation and bare lists are none. */
function readBodies(request: RawValue, response: RawValue): Reading {
  const providerRequest = isBody(request.json) && !request.isDamaged ? plainObject(request.json) : undefined;
  const providerResponse = isBody(response.json) && !response.isDamaged ? plainObject(response.json) : undefined;
  return { ...(providerRequest && { providerRequest }), ...(providerResponse && { providerResponse }) };
}

function isBody(value: unknown): value is Record<string, unknown> {
  return isObject(value) && (stringOf(value['model']) !== undefined || stringOf(value['id']) !== undefined);
}
