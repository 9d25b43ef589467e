/**
 * What the AI SDK sent to a model, and what came back.
 *
 * The inner span has the provider's messages, system first; the outer one has what the app passed (`ai.prompt`), which may
 * hold buffers, UI messages, or one text. Answers are flat: text, object, tool calls and files, each under a key of its own.
 */
import type { ChatMessage } from '../datapoint/datapoint.ts';
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  defined,
  definedOrNone,
  firstValue,
  isObject,
  jsonOf,
  listOf,
  stringOf,
  textOf,
} from './attributes.ts';
import type { Reading } from './convention.ts';
import { inputsOf } from './inputs.ts';
import { MessageReader, messageText } from './messages.ts';
import { jsonOrText, plainJson } from './plain-json.ts';

/** Messages and answer of a model call. */
export function readConversation(attributes: Attributes, damage: Damage): Reading {
  const reader = new MessageReader();
  const raw = attributes['ai.prompt.messages'];
  const messages = raw === undefined ? readPrompt(attributes, reader, damage) : readHistory(raw, reader, damage);
  return { ...(messages.length > 0 && { messages }), ...readAnswer(attributes, reader, damage) };
}

/** The app's prompt as inputs, and the final answer. Calls of earlier steps, which some versions list with it, are left out. */
export function readRun(attributes: Attributes, damage: Damage): Reading {
  const inputs = inputsOf(attributes['ai.prompt'], damage, 'ai.prompt');
  const raw = attributes['gen_ai.output.messages'];
  const answer = raw === undefined ? readAnswer(attributes, new MessageReader(), damage) : readMixedAnswer(raw, damage);
  const { outputMessage, output } = answer;
  if (output && outputMessage?.tool_calls && stringOf(attributes['ai.response.finishReason']) !== 'tool-calls') {
    answer.outputMessage = { role: 'assistant', content: outputMessage.content };
  }
  return { ...(inputs && { inputs }), ...answer };
}

export function readToolCall(attributes: Attributes, damage: Damage): Reading {
  const input = firstValue(attributes, ['ai.toolCall.args', 'ai.toolCall.input']);
  return defined<Reading>({
    name: stringOf(attributes['ai.toolCall.name']),
    inputs: inputsOf(input, damage, 'ai.toolCall.args'),
    output: toolOutput(firstValue(attributes, ['ai.toolCall.result', 'ai.toolCall.output'])),
  });
}

/** Texts to embed, or documents and ranking. Vectors are left out: they are large and nobody reads them. */
export function readValues(attributes: Attributes, damage: Damage): Reading {
  const value = attributes['ai.value'];
  const ranking = jsonItems(attributes['ai.ranking']);
  return defined<Reading>({
    inputs: definedOrNone<Record<string, unknown>>({
      value: value === undefined ? undefined : plainJson(jsonOf(value, damage, 'ai.value') ?? value),
      values: jsonItems(attributes['ai.values']),
      documents: jsonItems(attributes['ai.documents']),
    }),
    output: ranking && JSON.stringify(ranking),
  });
}

function readHistory(raw: unknown, reader: MessageReader, damage: Damage): ChatMessage[] {
  return reader.read(jsonOf(raw, damage, 'ai.prompt.messages') ?? raw);
}

/** Only where the provider's messages are absent: `{ system, prompt }` or `{ system, messages }`. */
function readPrompt(attributes: Attributes, reader: MessageReader, damage: Damage): ChatMessage[] {
  const prompt = jsonOf(attributes['ai.prompt'], damage, 'ai.prompt') ?? attributes['ai.prompt'];
  return prompt === undefined ? [] : reader.read(prompt);
}

/** `""` counts as an answer only where nothing else came in its place. */
function readAnswer(attributes: Attributes, reader: MessageReader, damage: Damage): Reading {
  const calls = readToolCalls(attributes, damage);
  const files = listOf(attributes['ai.response.files'], damage, 'ai.response.files') ?? [];
  const text = textOf(
    firstValue(attributes, ['ai.response.object', 'ai.result.object', 'ai.response.text', 'ai.result.text']),
  );
  const output = text === '' && calls.length + files.length > 0 ? undefined : text;
  const parts = [...(output === undefined ? [] : [{ type: 'text', text: output }]), ...files, ...calls];
  const reasoning = stringOf(attributes['ai.response.reasoning']);
  return defined<Reading>({
    outputMessage: parts.length > 0 ? reader.readOutput({ role: 'assistant', content: parts })[0] : undefined,
    output,
    contentMetadata: reasoning === undefined ? undefined : { reasoning: reasoningText(reasoning) },
  });
}

/** Version 7 puts the final text, all calls and all results of the run into one message of the assistant. */
function readMixedAnswer(raw: unknown, damage: Damage): Reading {
  const reader = new MessageReader();
  const messages = reader.readOutput(jsonOf(raw, damage, 'gen_ai.output.messages') ?? raw);
  const outputMessage = messages.find(({ role }) => role === 'assistant');
  if (outputMessage && messages.some(({ role }) => role === 'tool')) delete outputMessage.tool_calls;
  return defined<Reading>({
    outputMessage: outputMessage?.content === undefined && !outputMessage?.tool_calls ? undefined : outputMessage,
    output: messageText(outputMessage),
    contentMetadata: reader.reasoning.length > 0 ? { reasoning: reader.reasoning.join('\n') } : undefined,
  });
}

/** A text, or its parts as JSON. */
function reasoningText(reasoning: string): string {
  const parts = reasoning.startsWith('[') ? jsonOf(reasoning) : undefined;
  if (!Array.isArray(parts)) return reasoning;
  const texts = parts.flatMap((part) => (isObject(part) ? (stringOf(part['text']) ?? []) : []));
  return texts.length > 0 ? texts.join('\n') : reasoning;
}

function readToolCalls(attributes: Attributes, damage: Damage): Record<string, unknown>[] {
  const raw = firstValue(attributes, ['ai.response.toolCalls', 'ai.result.toolCalls']);
  const calls = listOf(raw, damage, 'ai.response.toolCalls') ?? [];
  return calls.filter(isObject).map((call) => ({ ...call, type: 'tool-call' }));
}

/** The SDK serialises every result, so that a text comes in quotes. */
function toolOutput(value: unknown): string | undefined {
  const parsed = typeof value === 'string' && value.startsWith('"') ? jsonOf(value) : undefined;
  return textOf(parsed) ?? jsonOrText(value);
}

function jsonItems(value: unknown): unknown[] | undefined {
  const items = listOf(value);
  return items?.map((item) => plainJson(jsonOf(item) ?? item));
}
