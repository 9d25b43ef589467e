/**
 * OpenInference's flattened messages → messages as providers write them, for the message reader.
 *
 * A message is spread over keys such as `llm.input_messages.1.message.contents.0.message_content.text`. The Responses
 * API gives one output message per item (reasoning, text, calls), which belong together; other instrumentations may
 * give one per choice.
 */

import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { listsAnswers } from '../../content/answer-items.ts';
import { mergeAssistant } from '../../content/messages/join-messages.ts';
import { MessageReader } from '../../content/messages/messages.ts';
import { fromRareAnswer } from '../../content/messages/rare-answers.ts';
import { isMessageInOtherSpelling } from '../../content/messages/spellings.ts';
import { fromLangChain } from '../../content/parts/langchain-json.ts';
import { isProviderPart } from '../../content/parts/message-parts.ts';
import { holdsAnswer } from '../../content/provider-bodies.ts';
import { holdsReasoning } from '../../content/reasoning-in-answer.ts';
import { firstValue, listOf, stringOf, textOf } from '../../values/attributes.ts';
import { fieldsBelow, groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { callsIn } from './prefixed.ts';
import { hasRedacted, isRedacted, type RawValue } from './raw-value.ts';

type Fields = Record<string, unknown>;

/** Returns one message per choice. */
export function readOutput(groups: readonly IndexedGroup[], response: RawValue, reader: MessageReader): ChatMessage[] {
  const body = response.json;
  if (groups.length === 0) {
    // Spring AI's instrumentation has a message for each choice. Any other list is the answer's own text.
    const isList = response.isJson && Array.isArray(body) && body.length > 0 && body.every(isAssistantMessage);
    if (isList || isAnswer(body)) return reader.readOutput(fromLangChain(body));
    // DSPy's language models return a text for each choice.
    if (response.isJson && isTextList(body)) {
      return reader.readOutput(body.map((content) => ({ role: 'assistant', content })));
    }
    return response.text ? reader.readOutput({ role: 'assistant', content: response.text }) : [];
  }
  const raw: Fields[] = [];
  for (const { fields } of groups) {
    const message = toMessage(fields);
    if (message) raw.push(message);
  }
  addCallIds(raw, body);
  restoreProviderItems(raw, body);
  markReasoning(raw, body);
  const messages = reader.readOutput(raw);
  // The flattened message of a refusal or of speech has only a role, or an empty text.
  if (messages.every(isEmpty) && isAnswer(body) && !response.isDamaged && !groups.some(hasRedacted)) {
    return reader.readOutput(fromLangChain(body));
  }
  if (!response.isDamaged && !groups.some(hasRedacted)) {
    addHostedCalls(body, reader);
    // JSON that the model was asked for is no body.
    if (groups.every(({ fields }) => fields['message.content'] !== response.text)) addReasoning(body, reader);
  }
  const choices = isObject(body) && Array.isArray(body['choices']) ? body['choices'].length : 0;
  if (choices <= 1) return mergeAssistant(messages);
  // Some instrumentations write every choice, others only the first.
  return messages.length === choices ? messages : reader.readOutput(body);
}

function isEmpty({ content, tool_calls: calls }: ChatMessage): boolean {
  return (content === undefined || content === '') && calls === undefined;
}

const NESTED_LISTS = ['message.tool_calls.', 'message.contents.'] as const;

export function toMessage(fields: Attributes): Fields | undefined {
  const [calls = [], contents = []] = groupByIndex(fields, NESTED_LISTS);
  const toolCalls: Fields[] = [];
  for (const { fields: call } of calls) {
    const read = toCall(call);
    if (read) toolCalls.push(read);
  }
  if (calls.length === 0) toolCalls.push(...callsIn(listOf(fields['message.tool_calls']) ?? []).filter(isObject));
  const functionName = stringOf(fields['message.function_call_name']);
  if (functionName !== undefined) {
    const body = { name: functionName, arguments: fields['message.function_call_arguments_json'] };
    toolCalls.push({ type: 'function', function: body });
  }
  const parts: Fields[] = [];
  for (const { fields: part } of contents) {
    const read = toPart(part);
    if (read) parts.push(read);
  }
  const text = isRedacted(fields['message.content']) ? undefined : fields['message.content'];
  const callId = stringOf(fields['message.tool_call_id']);
  // In an Anthropic message a tool result may come before further parts.
  if (callId !== undefined && parts.length > 0 && text)
    parts.unshift({ type: 'tool_result', id: callId, content: text });
  const content = parts.length > 0 ? parts : text === '' && toolCalls.length > 0 ? undefined : text;
  const transcript = stringOf(fields['message.audio.transcript']);
  if (content === undefined && toolCalls.length === 0 && transcript === undefined) {
    // A turn without content, whose calls were lost.
    return isOnlyRole(fields) ? { role: 'assistant' } : undefined;
  }
  // Bedrock's agents call a tool in its own name.
  const isCall = content === undefined && toolCalls.length > 0 && fields['message.role'] === 'tool';
  const message: Fields = {
    role: isCall ? 'assistant' : fields['message.role'],
    transcript: isRedacted(transcript) ? undefined : transcript,
    content: content ?? [],
    name: fields['message.name'],
    tool_call_id: isCall ? undefined : callId,
  };
  if (toolCalls.length > 0) message['tool_calls'] = toolCalls;
  return message;
}

function isOnlyRole(fields: Attributes): boolean {
  return fields['message.role'] === 'assistant' && Object.keys(fields).length === 1;
}

function toCall(fields: Attributes): Fields | undefined {
  const name = stringOf(fields['tool_call.function.name']) ?? stringOf(fields['tool_call.custom.name']);
  if (name === undefined) return undefined;
  const body = { name, arguments: fields['tool_call.function.arguments'] ?? fields['tool_call.custom.input'] };
  return { id: fields['tool_call.id'], type: 'function', function: body };
}

const IMAGE_KEYS = ['message_content.image.image.url', 'message_content.image.url', 'message_content.image'] as const;

function toPart(fields: Attributes): Fields | undefined {
  const call = toCall(fields);
  if (call) {
    call['type'] = 'tool_call';
    return call;
  }
  const type = stringOf(fields['message_content.type']) ?? 'text';
  const text = textOf(fields['message_content.text']);
  if (type === 'reasoning' || type === 'thinking') return text === undefined ? undefined : { type: 'reasoning', text };
  const callId = stringOf(fields['message.tool_call_id']);
  if (callId !== undefined && text !== undefined) return { type: 'tool_result', id: callId, content: text };
  const image = firstValue(fields, IMAGE_KEYS);
  if (image !== undefined) return isRedacted(image) ? undefined : { type: 'image', image: { url: image } };
  const transcript =
    stringOf(fields['message_content.audio.audio.transcript']) ?? stringOf(fields['message_content.audio.transcript']);
  if (transcript !== undefined) return isRedacted(transcript) ? undefined : { type: 'text', text: transcript };
  const audio = fields['message_content.audio.audio.url'] ?? fields['message_content.audio.url'];
  if (audio !== undefined) {
    const mimeType = fields['message_content.audio.audio.mime_type'];
    return isRedacted(audio) ? undefined : { type: 'audio', audio: { url: audio, mime_type: mimeType } };
  }
  if (text === undefined) return toFilePart(fields, type);
  return isRedacted(text) ? undefined : { type: 'text', text };
}

/** A video, a document or another file, of which only the address is kept: `message_content.file.file.url`. */
function toFilePart(fields: Attributes, type: string): Fields | undefined {
  const about = fieldsBelow(fields, `message_content.${type}.`);
  const file = about && (fieldsBelow(about, `${type}.`) ?? about);
  if (!file || Object.values(file).some(isRedacted)) return undefined;
  return { ...file, type: 'file', modality: type };
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

function isAssistantMessage(value: unknown): boolean {
  return isObject(value) && value['role'] === 'assistant' && 'content' in value;
}

/** Whether this is a body of a provider or framework. Other JSON is the answer's own text. */
function isAnswer(response: unknown): boolean {
  if (fromRareAnswer(response) !== response) return true;
  if (!isObject(response)) return false;
  return (
    listsAnswers(response) ||
    isAssistantMessage(response) ||
    // AutoGen's result of a call.
    ('finish_reason' in response && 'content' in response) ||
    holdsAnswer(response) ||
    isMessageInOtherSpelling(response)
  );
}

/** LangChain's spans lack the ids of tool calls; the serialised answer has them. */
function addCallIds(messages: readonly Fields[], response: unknown): void {
  if (!isObject(response) || !Array.isArray(response['generations'])) return;
  const ids = callIdsOf(response['generations']);
  const calls = messages.flatMap((message) => (Array.isArray(message['tool_calls']) ? message['tool_calls'] : []));
  if (calls.length !== ids.length) return;
  for (const [at, call] of calls.entries()) if (isObject(call)) call['id'] ??= ids[at];
}

/** Adds the calls that the provider ran, of which the flattened messages have some or none. */
function addHostedCalls(body: unknown, reader: MessageReader): void {
  const hasOthers = reader.providerCalls.toList() !== undefined;
  // Without ids nobody knows whether they are the same.
  const content = hostedItemsIn(body).filter((item) => !hasOthers || stringOf(item['id'] ?? item['tool_use_id']));
  if (content.length > 0) reader.readOutput([{ role: 'assistant', content }]);
}

/** Returns the items of an answer of the Responses API, of Anthropic or Gemini that belong to tools of the provider. */
export function hostedItemsIn(body: unknown): Fields[] {
  if (!isObject(body)) return [];
  const { output, candidates } = body;
  const [first] = Array.isArray(candidates) ? candidates : [];
  const { parts } = isObject(first) && isObject(first['content']) ? first['content'] : {};
  const items = Array.isArray(output) ? output : (parts ?? body['content']);
  return Array.isArray(items) ? items.filter(isObject).filter(isProviderPart) : [];
}

/** The flattened call of a tool that the provider ran has only id and type; the item in the body says the rest. */
function restoreProviderItems(messages: readonly Fields[], response: unknown): void {
  const items = isObject(response) && Array.isArray(response['output']) ? response['output'].filter(isObject) : [];
  const hosted = items.filter((item) => stringOf(item['id']) !== undefined && isProviderPart(item));
  if (hosted.length === 0) return;
  for (const message of messages) {
    if (!Array.isArray(message['tool_calls'])) continue;
    message['tool_calls'] = message['tool_calls'].map(
      (call: Fields) => hosted.find((item) => item['id'] === call['id']) ?? call,
    );
  }
}

/** Adds the reasoning of an answer, which instrumentations of Gemini and of gateways leave in its body. */
function addReasoning(json: unknown, reader: MessageReader): void {
  if (reader.reasoning.length > 0 || !isObject(json) || !holdsReasoning(json)) return;
  const whole = new MessageReader();
  if (whole.readOutput(fromLangChain(json)).length === 1) reader.reasoning.push(...whole.reasoning);
}

/** smolagents' reasoning is a further text of the answer; its own message in the body has the first one only. */
function markReasoning([message, ...others]: readonly Fields[], body: unknown): void {
  if (message === undefined || others.length > 0 || !isObject(body) || body['role'] !== 'assistant') return;
  const { content } = message;
  if (!Array.isArray(content) || content.length < 2 || !content.every(({ type }: Fields) => type === 'text')) return;
  const [said, ...thoughts] = content as Fields[];
  if (said?.['text'] !== body['content']) return;
  message['content'] = [said, ...thoughts.map(({ text }) => ({ type: 'reasoning', text }))];
}

function callIdsOf(generations: unknown): string[] {
  const plain = fromLangChain(generations);
  const first = Array.isArray(plain) && Array.isArray(plain[0]) ? plain[0][0] : undefined;
  const message = isObject(first) ? first['message'] : undefined;
  const calls = isObject(message) && Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
  return calls.flatMap((call) => (isObject(call) ? (stringOf(call['id']) ?? []) : []));
}
