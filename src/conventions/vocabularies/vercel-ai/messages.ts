/**
 * Messages, inputs and answers of the AI SDK.
 *
 * The inner span has the provider's messages, system first; the outer one has what the app passed (`ai.prompt`), which
 * may contain buffers, UI messages, or one text. Answers are flat: text, object, tool calls and files have a key each.
 */

import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { inputsOf } from '../../content/inputs.ts';
import { MessageReader } from '../../content/messages.ts';
import type { Reading } from '../../convention.ts';
import {
  type Damage,
  firstValue,
  jsonOf,
  listOf,
  put,
  stringOf,
  textOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { toOptionalText, toPlainJson } from '../../values/plain-json.ts';

/** Reads messages and answer of a model call. */
export function readConversation(attributes: Attributes, damage: Damage, into: Reading): void {
  const reader = new MessageReader();
  const raw = attributes['ai.prompt.messages'];
  const messages = raw === undefined ? readPrompt(attributes, reader, damage) : readHistory(raw, reader, damage);
  if (messages.length > 0) into.messages = messages;
  readAnswer(attributes, reader, damage, into);
}

/**
 * Reads the app's prompt as inputs, and the final answer without the tool calls of earlier steps that some versions
 * list.
 */
export function readRun(attributes: Attributes, damage: Damage, into: Reading): void {
  put(into, 'inputs', inputsOf(attributes['ai.prompt'], damage, 'ai.prompt'));
  const raw = attributes['gen_ai.output.messages'];
  if (raw === undefined) readAnswer(attributes, new MessageReader(), damage, into);
  else readMixedAnswer(raw, damage, into);
  const { outputMessage, output } = into;
  if (output && outputMessage?.tool_calls && stringOf(attributes['ai.response.finishReason']) !== 'tool-calls') {
    into.outputMessage = { role: 'assistant', content: outputMessage.content };
  }
}

export function readToolCall(attributes: Attributes, damage: Damage, into: Reading): void {
  const input = attributes['ai.toolCall.args'] ?? attributes['ai.toolCall.input'];
  const result =
    attributes['ai.toolCall.result'] ?? attributes['ai.toolCall.output'] ?? attributes['gen_ai.tool.call.result'];
  put(into, 'name', stringOf(attributes['ai.toolCall.name']));
  put(into, 'inputs', inputsOf(input, damage, 'ai.toolCall.args'));
  put(into, 'output', toToolOutput(result));
}

/** Reads texts to embed, or documents and ranking. Vectors are left out: they are large and nobody reads them. */
export function readValues(attributes: Attributes, damage: Damage, into: Reading): void {
  const inputs: Record<string, unknown> = {};
  const value = attributes['ai.value'];
  if (value !== undefined) put(inputs, 'value', toPlainJson(jsonOf(value, damage, 'ai.value') ?? value));
  put(inputs, 'values', readJsonItems(attributes['ai.values']));
  put(inputs, 'documents', readJsonItems(attributes['ai.documents']));
  put(into, 'inputs', unlessEmpty(inputs));
  const ranking = readJsonItems(attributes['ai.ranking']);
  if (ranking) into.output = JSON.stringify(ranking);
}

function readHistory(raw: unknown, reader: MessageReader, damage: Damage): ChatMessage[] {
  return reader.read(jsonOf(raw, damage, 'ai.prompt.messages') ?? raw);
}

/** Reads `{ system, prompt }` or `{ system, messages }`, for spans without the provider's messages. */
function readPrompt(attributes: Attributes, reader: MessageReader, damage: Damage): ChatMessage[] {
  const prompt = jsonOf(attributes['ai.prompt'], damage, 'ai.prompt') ?? attributes['ai.prompt'];
  return prompt === undefined ? [] : reader.read(prompt);
}

const ANSWER_KEYS = ['ai.response.object', 'ai.result.object', 'ai.response.text', 'ai.result.text'] as const;

/** `""` counts as an answer only if there are no tool calls or files. */
function readAnswer(attributes: Attributes, reader: MessageReader, damage: Damage, into: Reading): void {
  const calls = readToolCalls(attributes, damage);
  const files = listOf(attributes['ai.response.files'], damage, 'ai.response.files') ?? [];
  const text = textOf(firstValue(attributes, ANSWER_KEYS));
  const output = text === '' && calls.length + files.length > 0 ? undefined : text;
  const parts = output === undefined ? [...files, ...calls] : [{ type: 'text', text: output }, ...files, ...calls];
  if (parts.length > 0) put(into, 'outputMessage', reader.readOutput({ role: 'assistant', content: parts })[0]);
  put(into, 'output', output);
  const reasoning = stringOf(attributes['ai.response.reasoning']);
  if (reasoning !== undefined) into.contentMetadata = { reasoning: toReasoningText(reasoning) };
}

/** Version 7 puts the final text, all calls and all results of a run into one assistant message. */
function readMixedAnswer(raw: unknown, damage: Damage, into: Reading): void {
  const reader = new MessageReader();
  const messages = reader.readOutput(jsonOf(raw, damage, 'gen_ai.output.messages') ?? raw);
  const outputMessage = messages.find(({ role }) => role === 'assistant');
  if (outputMessage && messages.some(({ role }) => role === 'tool')) delete outputMessage.tool_calls;
  if (outputMessage?.content !== undefined || outputMessage?.tool_calls) into.outputMessage = outputMessage;
  put(into, 'output', messageText(outputMessage));
  if (reader.reasoning.length > 0) into.contentMetadata = { reasoning: reader.reasoning.join('\n') };
}

/** Reasoning is a text, or a JSON list of parts. */
function toReasoningText(reasoning: string): string {
  const parts = reasoning.startsWith('[') ? jsonOf(reasoning) : undefined;
  if (!Array.isArray(parts)) return reasoning;
  const texts = parts.flatMap((part) => (isObject(part) ? (stringOf(part['text']) ?? []) : []));
  return texts.length > 0 ? texts.join('\n') : reasoning;
}

function readToolCalls(attributes: Attributes, damage: Damage): Record<string, unknown>[] {
  const raw = attributes['ai.response.toolCalls'] ?? attributes['ai.result.toolCalls'];
  if (raw === undefined) return [];
  const calls = listOf(raw, damage, 'ai.response.toolCalls') ?? [];
  return calls.filter(isObject).map((call) => ({ ...call, type: 'tool-call' }));
}

/** The SDK serialises every result, so a text is in quotes. */
function toToolOutput(value: unknown): string | undefined {
  const parsed = typeof value === 'string' && value.startsWith('"') ? jsonOf(value) : undefined;
  return textOf(parsed) ?? toOptionalText(value);
}

function readJsonItems(value: unknown): unknown[] | undefined {
  const items = listOf(value);
  return items?.map((item) => toPlainJson(jsonOf(item) ?? item));
}
