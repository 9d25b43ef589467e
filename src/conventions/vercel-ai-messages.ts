/**
 * What the AI SDK sent to a model, and what came back.
 *
 * The inner span has the provider's messages, system first; the outer one has what the app passed (`ai.prompt`), which may hold
 * buffers, UI messages, or one text. Answers are flat: text, object, tool calls and files each under a key of its own.
 */
import type { ChatMessage } from '../datapoint/datapoint.ts';
import type { Attributes } from '../otel.ts';
import { type Damage, isObject, jsonOf, listOf, objectOf, stringListOf, stringOf, textOf } from './attributes.ts';
import type { Reading } from './convention.ts';
import { MessageReader } from './messages.ts';
import { plainJson, plainObject } from './plain-json.ts';

/** Messages and answer of a model call. */
export function readConversation(attributes: Attributes, damage: Damage): Reading {
  const reader = new MessageReader();
  const messages = readMessages(attributes, reader, damage);
  const answer = readAnswer(attributes, reader, damage);
  return { ...(messages && messages.length > 0 && { messages }), ...answer };
}

/** The app's prompt as inputs, and the final answer. */
export function readRun(attributes: Attributes, damage: Damage): Reading {
  const inputs = readPrompt(attributes, damage);
  return { ...(inputs && { inputs }), ...readAnswer(attributes, new MessageReader(), damage) };
}

export function readToolCall(attributes: Attributes, damage: Damage): Reading {
  const name = stringOf(attributes['ai.toolCall.name']);
  const input = attributes['ai.toolCall.args'] ?? attributes['ai.toolCall.input'];
  const inputs = input === undefined ? undefined : toInputs(jsonOf(input, damage, 'ai.toolCall.args') ?? input);
  const output = toolOutput(attributes['ai.toolCall.result'] ?? attributes['ai.toolCall.output']);
  return { ...(name && { name }), ...(inputs && { inputs }), ...(output !== undefined && { output }) };
}

/** Texts to embed, or documents and ranking. Vectors are left out: they are large and nobody reads them. */
export function readValues(attributes: Attributes, damage: Damage): Reading {
  const inputs: Record<string, unknown> = {};
  const value = jsonOf(attributes['ai.value'], damage, 'ai.value') ?? attributes['ai.value'];
  if (value !== undefined) inputs['value'] = plainJson(value);
  const values = jsonItems(attributes['ai.values']);
  if (values) inputs['values'] = values;
  const documents = jsonItems(attributes['ai.documents']);
  if (documents) inputs['documents'] = documents;
  const ranking = jsonItems(attributes['ai.ranking']);
  return {
    ...(Object.keys(inputs).length > 0 && { inputs }),
    ...(ranking && { output: JSON.stringify(ranking) }),
  };
}

export function toInputs(value: unknown): Record<string, unknown> {
  return plainObject(value) ?? { input: plainJson(value) ?? null };
}

function readMessages(attributes: Attributes, reader: MessageReader, damage: Damage): ChatMessage[] | undefined {
  const raw = attributes['ai.prompt.messages'];
  if (raw !== undefined) return reader.read(jsonOf(raw, damage, 'ai.prompt.messages') ?? raw);
  const prompt = readPrompt(attributes, damage);
  return prompt && reader.read(prompt['messages'] ? prompt : [...systemOf(prompt), ...userOf(prompt)]);
}

function systemOf(prompt: Record<string, unknown>): unknown[] {
  return prompt['system'] === undefined ? [] : [{ role: 'system', content: prompt['system'] }];
}

function userOf(prompt: Record<string, unknown>): unknown[] {
  const text = prompt['prompt'] ?? prompt['input'];
  return Array.isArray(text) ? text : text === undefined ? [] : [{ role: 'user', content: text }];
}

function readPrompt(attributes: Attributes, damage: Damage): Record<string, unknown> | undefined {
  const raw = attributes['ai.prompt'];
  return raw === undefined ? undefined : toInputs(jsonOf(raw, damage, 'ai.prompt') ?? raw);
}

/** `""` counts as an answer only where no tool was called in its place. */
function readAnswer(attributes: Attributes, reader: MessageReader, damage: Damage): Reading {
  const calls = readToolCalls(attributes, damage);
  const text =
    textOf(attributes['ai.response.object'] ?? attributes['ai.result.object']) ??
    textOf(attributes['ai.response.text'] ?? attributes['ai.result.text']);
  const files = listOf(attributes['ai.response.files'], damage, 'ai.response.files') ?? [];
  const hasText = text !== undefined && (text !== '' || (calls.length === 0 && files.length === 0));
  const parts = [...(hasText ? [{ type: 'text', text }] : []), ...files.filter(isObject), ...calls];
  const outputMessage = parts.length > 0 ? reader.readOutput({ role: 'assistant', content: parts })[0] : undefined;
  const reasoning = textOf(attributes['ai.response.reasoning']);
  const contentMetadata = { ...(reasoning && { reasoning: reasoningText(reasoning) }) };
  return {
    ...(outputMessage && { outputMessage }),
    ...(hasText && { output: text }),
    ...(reasoning && { contentMetadata }),
  };
}

/** Text up to version 4 and from version 6; other versions may give the parts as JSON. */
function reasoningText(reasoning: string): string {
  const parts = reasoning.startsWith('[') ? jsonOf(reasoning) : undefined;
  if (!Array.isArray(parts)) return reasoning;
  const texts = parts.flatMap((part) => (isObject(part) ? (stringOf(part['text']) ?? []) : []));
  return texts.length > 0 ? texts.join('\n') : reasoning;
}

function readToolCalls(attributes: Attributes, damage: Damage): Record<string, unknown>[] {
  const raw = attributes['ai.response.toolCalls'] ?? attributes['ai.result.toolCalls'];
  const calls = listOf(raw, damage, 'ai.response.toolCalls') ?? [];
  return calls.filter(isObject).map((call) => ({ ...call, type: 'tool-call' }));
}

/** The SDK serialises every result, so that a text comes in quotes. */
function toolOutput(value: unknown): string | undefined {
  const text = textOf(value);
  if (text === undefined) return objectOf(value) && JSON.stringify(plainJson(value));
  return text.startsWith('"') ? (textOf(jsonOf(text)) ?? text) : text;
}

function jsonItems(value: unknown): unknown[] | undefined {
  const items = stringListOf(value);
  return items?.map((item) => plainJson(jsonOf(item) ?? item));
}
