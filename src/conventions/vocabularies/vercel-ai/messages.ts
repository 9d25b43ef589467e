/**
 * Messages, inputs and answers of the AI SDK.
 *
 * The inner span has the provider's messages, system first; the outer one has what the app passed (`ai.prompt`), which
 * may contain buffers, UI messages, or one text. Answers are flat: text, object, tool calls and files have a key each.
 */

import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import { inputsAt } from '../../content/inputs.ts';
import { toFinishReason } from '../../content/messages/finish-reason.ts';
import { MessageReader, providerCallMetadata } from '../../content/messages/messages.ts';
import type { Reading } from '../../convention.ts';
import { addTo, firstValue, jsonOf, objectOf, stringOf, textOf, unlessEmpty } from '../../values/attributes.ts';
import { toOptionalText, toPlainJson, toText } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

/** Reads messages and answer of a model call. */
export function readConversation(fields: SpanFields): Reading {
  const reader = new MessageReader();
  const key = fields.attributes['ai.prompt.messages'] === undefined ? 'ai.prompt' : 'ai.prompt.messages';
  // `ai.prompt` is `{ system, prompt }` or `{ system, messages }`, on spans without the provider's messages.
  const messages = reader.read(fields.json(key) ?? fields.attributes[key]);
  return { messages: messages.length > 0 ? messages : undefined, ...readAnswer(fields, reader) };
}

/**
 * Reads the app's prompt as inputs, and the final answer without the tool calls of earlier steps that some versions
 * list.
 */
export function readRun(fields: SpanFields): Reading {
  const answer =
    fields.attributes['gen_ai.output.messages'] === undefined
      ? readAnswer(fields, new MessageReader())
      : readMixedAnswer(fields);
  const { outputMessage, output } = answer;
  const listsEarlierCalls =
    output && outputMessage?.tool_calls && fields.string('ai.response.finishReason') !== 'tool-calls';
  answer.inputs = inputsAt(fields, 'ai.prompt');
  if (listsEarlierCalls) answer.outputMessage = { role: 'assistant', content: outputMessage.content };
  return answer;
}

export function readToolCall(fields: SpanFields): Reading {
  const result = fields.firstKey('ai.toolCall.result', 'ai.toolCall.output', 'gen_ai.tool.call.result');
  return {
    name: fields.string('ai.toolCall.name'),
    inputs: inputsAt(fields, fields.firstKey('ai.toolCall.args', 'ai.toolCall.input')),
    output: result === undefined ? undefined : toOptionalText(fields.attributes[result]),
  };
}

/** Reads texts to embed, documents and ranking, questions and answers, the text to speak, and what was heard. */
export function readValues(fields: SpanFields): Reading {
  const ranking = readJsonItems(fields, 'ai.ranking');
  // In the conventions' mode it is a message too.
  const isMessage = fields.attributes['gen_ai.input.messages'] !== undefined;
  return {
    inputs:
      unlessEmpty({
        value: toPlainJson(fields.json('ai.value') ?? fields.attributes['ai.value']),
        values: readJsonItems(fields, 'ai.values'),
        documents: readJsonItems(fields, 'ai.documents'),
        state: toPlainJson(fields.json('ai.decision.state') ?? fields.attributes['ai.decision.state']),
        questions: toPlainJson(fields.json('ai.decision.questions')),
        input: isMessage ? undefined : fields.string('ai.request.text'),
      }) ?? inputsAt(fields, 'ai.prompt'),
    output:
      (ranking && toText(ranking)) ??
      toOptionalText(fields.json('ai.decision.answers')) ??
      fields.text('ai.response.text'),
    metadata: {
      input_audio_type: fields.firstName('ai.request.audio.mediaType', 'ai.request.audio.media_type'),
      input_audio_bytes: fields.count('ai.request.audio.size'),
      output_audio_type: fields.firstName('ai.response.audio.mediaType', 'ai.response.audio.media_type'),
      output_audio_bytes: fields.count('ai.response.audio.size'),
    },
  };
}

const ANSWER_KEYS = ['ai.response.object', 'ai.result.object', 'ai.response.text', 'ai.result.text'] as const;

/** `""` counts as an answer only if there are no tool calls or files. */
function readAnswer(fields: SpanFields, reader: MessageReader): Reading {
  const calls = readToolCalls(fields);
  const files = fields.list('ai.response.files') ?? [];
  const text = textOf(firstValue(fields.attributes, ANSWER_KEYS));
  const output = text === '' && calls.length + files.length > 0 ? undefined : text;
  const parts = output === undefined ? [...files, ...calls] : [{ type: 'text', text: output }, ...files, ...calls];
  const reasoning = fields.string('ai.response.reasoning');
  const outputMessage = parts.length > 0 ? reader.readOutput({ role: 'assistant', content: parts })[0] : undefined;
  return {
    outputMessage,
    output,
    contentMetadata: { ...providerCallMetadata(reader), reasoning: reasoning && toReasoningText(reasoning) },
  };
}

/** Version 7 puts the final text, all calls and all results of a run into one assistant message. */
function readMixedAnswer(fields: SpanFields): Reading {
  const key = 'gen_ai.output.messages';
  const reader = new MessageReader();
  const messages = reader.readOutput(fields.json(key) ?? fields.attributes[key]);
  const message = messages.find(({ role }) => role === 'assistant');
  if (message && messages.some(({ role }) => role === 'tool')) delete message.tool_calls;
  return {
    outputMessage: message?.content !== undefined || message?.tool_calls ? message : undefined,
    output: messageText(message),
    contentMetadata: {
      reasoning: reader.reasoning.length > 0 ? reader.reasoning.join('\n') : undefined,
      ...providerCallMetadata(reader),
    },
  };
}

/** Reasoning is a text, or a JSON list of parts. */
function toReasoningText(reasoning: string): string {
  const parts = reasoning.startsWith('[') ? jsonOf(reasoning) : undefined;
  if (!Array.isArray(parts)) return reasoning;
  const texts = parts.flatMap((part) => (isObject(part) ? (stringOf(part['text']) ?? []) : []));
  return texts.length > 0 ? texts.join('\n') : reasoning;
}

function readToolCalls(fields: SpanFields): Record<string, unknown>[] {
  const key = fields.firstKey('ai.response.toolCalls', 'ai.result.toolCalls');
  const calls = ((key && fields.list(key)) || []).map(objectOf).filter(isObject);
  const ranByProvider = calls.length > 0 ? toolsRunByProvider(fields) : undefined;
  return calls.map((call) => {
    const providerExecuted = ranByProvider?.has(call['toolName']) || undefined;
    return addTo({ ...call }, { type: 'tool-call', providerExecuted });
  });
}

/**
 * Returns the provider's own tools, unless the model waits for the app: this runs some of them too. The span does not say which
 * calls have results.
 */
function toolsRunByProvider(fields: SpanFields): ReadonlySet<unknown> | undefined {
  const reason = toFinishReason(fields.attributes['ai.response.finishReason']);
  if (reason === undefined || reason === 'tool_calls') return undefined;
  const tools = readJsonItems(fields, 'ai.prompt.tools')?.filter(isObject) ?? [];
  return new Set(tools.flatMap((tool) => (isProviders(tool['type']) ? [tool['name']] : [])));
}

/** Whether a tool of this type is the provider's: `provider-defined` in versions 4 and 5, `provider` from 6 on. */
function isProviders(type: unknown): boolean {
  return type === 'provider' || type === 'provider-defined';
}

function readJsonItems(fields: SpanFields, key: string): unknown[] | undefined {
  return fields.list(key)?.map((item) => toPlainJson(jsonOf(item) ?? item));
}
