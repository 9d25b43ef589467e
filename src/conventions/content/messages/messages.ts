/**
 * Messages of any shape → v4 chat messages.
 *
 * Create one `MessageReader` for each span and read its input before its output. Tool calls without an id are then
 * numbered (`call_0`, `call_1`, …) as they will be in the history of the next call, and results without an id find the
 * call that they answer.
 */

import { keepShape } from '../../../host/keep-shape.ts';
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { firstValue, jsonOf, listOf, stringOf, withoutQuotes } from '../../values/attributes.ts';
import {
  createParts,
  isNoContent,
  joinContent,
  type MessageParts,
  type PartResult,
  pushText,
} from '../parts/collected-parts.ts';
import { collectPart, isUnknownPart, toResultContent } from '../parts/message-parts.ts';
import { markAnsweredItems, ProviderCalls } from '../parts/provider-calls.ts';
import type { PartCall } from '../parts/tool-parts.ts';
import { joinChunks } from '../streams/stream-chunks.ts';
import { isEmptyItem, isTurnBetween, saysNothing } from './empty-turns.ts';
import { mergeAssistant } from './join-messages.ts';
import { separateCalls } from './joined-calls.ts';
import {
  type ChatRole,
  callIdOf,
  collectCallsBeside,
  hasToolResults,
  innerMessage,
  isLonePart,
  isRole,
  isSystemContent,
  isThought,
  moveToReasoning,
  roleOf,
} from './message-fields.ts';
import { finishReasonOf, messagesInText, openTexts, unwrapMessages } from './message-wrappers.ts';
import { NumberedCalls } from './numbered-calls.ts';
import { openBody } from './open-body.ts';
import { isTextOf } from './own-json.ts';
import { fromRareAnswer } from './rare-answers.ts';

/** Longer lists are not conversations: some apps write vectors and tables where messages are expected. */
const MAX_MESSAGES = 10_000;

type ToolCalls = NonNullable<ChatMessage['tool_calls']>;

export class MessageReader {
  /** Reasoning in the answer, kept out of its text. */
  readonly reasoning: string[] = [];
  /** Reasoning in the history of the conversation. */
  readonly inputReasoning: string[] = [];
  /** Calls in the answer that the provider ran itself: nobody has to answer them, so no message has them. */
  readonly providerCalls = new ProviderCalls();
  /** The same in the history of the conversation. */
  readonly inputProviderCalls = new ProviderCalls();
  /** The first finish reason found by `readOutput`. */
  finishReason: string | undefined;
  #calls = 0;
  /** The calls of the last turn that were numbered here. */
  readonly #numbered = new NumberedCalls();
  /** Tool names of the calls that have no result yet, by call id. */
  readonly #unanswered = new Map<string, string>();
  readonly #isBedrocks: boolean;

  /** `isBedrocks`: texts may be blocks as Bedrock has them, or as its instrumentation prints them. */
  constructor(isBedrocks = false) {
    this.#isBedrocks = isBedrocks;
  }

  /**
   * Reads a conversation: a list of messages, one message, text, or an object that wraps them (`messages`, `contents`,
   * `input`, `prompt`, with `system` beside). `role` is for messages without one.
   */
  read(value: unknown, role: ChatRole = 'user'): ChatMessage[] {
    return this.#readAll(value, role, this.inputReasoning);
  }

  /**
   * Reads the model's answer into one message per choice, unwrapping `choices`, `output` and `candidates`. `choiceCount` is the
   * number of answers that were asked for.
   */
  readOutput(value: unknown, choiceCount?: number): ChatMessage[] {
    const answer = fromRareAnswer(joinChunks(value, choiceCount));
    const messages = this.#readAll(answer, 'assistant', this.reasoning);
    const isSaid = value === messages[0]?.content || isTextOf(answer, messages[0]);
    if (!isSaid) this.finishReason ??= finishReasonOf(answer);
    return messages;
  }

  /**
   * Reads instructions that are separate from the messages: text, its JSON, parts, or messages. Returns 0 or 1
   * messages.
   */
  readSystem(value: unknown): ChatMessage[] {
    const read = withoutQuotes(jsonOf(value));
    const parsed = typeof value !== 'string' || isSystemContent(read) ? (read ?? value) : value;
    const parts = createParts();
    for (const item of Array.isArray(parsed) ? openTexts(parsed.slice(0, MAX_MESSAGES)) : [parsed]) {
      const isMessage = isObject(item) && (item['parts'] !== undefined || item['role'] !== undefined);
      collectPart(isMessage ? (item['parts'] ?? item['content']) : item, parts);
    }
    const content = joinContent(parts.content);
    return content === undefined || content === '' ? [] : [{ role: 'system', content }];
  }

  #readAll(value: unknown, role: ChatRole, reasoning: string[]): ChatMessage[] {
    const messages: ChatMessage[] = [];
    const { items: found, areFragments, instructions } = unwrapMessages(value);
    const isAnswer = reasoning === this.reasoning;
    const asked = instructions && !isAnswer ? [...instructions, ...found] : found;
    const items = areFragments && isAnswer ? markAnsweredItems(asked) : asked;
    const count = Math.min(items.length, MAX_MESSAGES);
    const isConversation = areFragments || items.some((item) => isObject(item) && typeof item['role'] === 'string');
    for (let at = 0; at < count; at++) {
      const item = items[at];
      // A list of texts has nothing for a turn that only calls tools or answers them. An answer may be nothing.
      if (item === '' && items.length > 1 && !isAnswer) continue;
      if (items.length > 1 && isObject(item) && isEmptyItem(item)) continue;
      // Items of types yet to come are nobody's words.
      if (isConversation && isObject(item) && isLonePart(item, bodyOf(item)) && isUnknownPart(item)) continue;
      this.#readOne(item, role, reasoning, messages, items[at + 1]);
    }
    if (items.length > count) messages.push({ role, content: `[${items.length - count} more]` });
    return areFragments ? mergeAssistant(messages) : messages;
  }

  #readOne(item: unknown, fallback: ChatRole, reasoning: string[], into: ChatMessage[], next: unknown): void {
    if (item === null || item === undefined) return;
    const parts = createParts();
    if (!isObject(item)) {
      collectPart(item, parts);
      this.#push(fallback, undefined, parts, reasoning, into);
      return;
    }
    const message = innerMessage(item);
    const caller = this.#toolNamedBy(message['role']);
    const role = caller === undefined ? roleOf(item, message, fallback) : 'tool';
    let name = stringOf(message['name']) ?? caller;
    const toolCallId = callIdOf(message);
    const body = openBody(bodyOf(message), this.#isBedrocks, role === 'user' || role === 'system');
    if (isLonePart(message, body)) {
      collectPart(message, parts);
      // Here `name` is the tool's name, not the speaker's.
      name = undefined;
    } else if (body === undefined) {
      collectPart(message['text'], parts);
    } else if (role === 'tool' && !hasToolResults(body)) {
      parts.results.push({ id: toolCallId ?? stringOf(message['id']), name, content: toResultContent(body) });
    } else {
      collectPart(body, parts);
      // OpenInference writes Anthropic's tool results as a user message with a call id.
      if (role === 'user' && toolCallId !== undefined && parts.results.length === 0) {
        parts.results.push({ id: toolCallId, name, content: joinContent(parts.content.splice(0)) ?? '' });
      }
    }
    collectCallsBeside(message, parts);
    if (isThought(message['role'])) moveToReasoning(parts);
    // The calls of such a turn were not recorded, but the order of turns is right only with it.
    const isHistory = reasoning === this.inputReasoning;
    if (isHistory && message['role'] !== undefined && role === 'assistant') {
      const isEmpty = parts.content.length + parts.calls.length + parts.results.length === 0;
      if (isEmpty && (saysNothing(message) || (body === undefined && isTurnBetween(into.at(-1), next))))
        pushText('', parts);
    }
    this.#push(role, name, parts, reasoning, into);
  }

  /** Adds the tool results first, one message each, then the rest of the message; results of its own calls after it. */
  #push(role: ChatRole, name: string | undefined, parts: MessageParts, reasoning: string[], into: ChatMessage[]): void {
    for (const text of parts.reasoning) reasoning.push(text);
    const providerCalls = reasoning === this.reasoning ? this.providerCalls : this.inputProviderCalls;
    for (const item of parts.provider) providerCalls.add(item);
    for (const result of parts.results) {
      const { id, name: tool = '', content } = result;
      if (providerCalls.has(id)) providerCalls.add({ id, name: tool, result: content, isResult: true });
      else if (!isOwnResult(result, parts)) into.push(this.#toolMessage(result));
    }
    const content = joinContent(parts.content);
    if (content === undefined && parts.calls.length === 0) return;
    const unwrapped = role === 'user' && typeof content === 'string' ? messagesInText(content) : undefined;
    if (unwrapped) {
      for (const message of this.#readAll(unwrapped, role, reasoning)) into.push(message);
      return;
    }
    // Only an assistant can call tools, whatever role the message names.
    const message: ChatMessage = { role: parts.calls.length > 0 ? 'assistant' : role };
    // Neighbouring messages of the assistant are one turn.
    if (message.role !== 'assistant' || into.at(-1)?.role !== 'assistant') this.#numbered.clear();
    // Instrumentations write `""` for a message that only calls tools.
    const isFiller = parts.calls.length > 0 && (content === '' || isNoContent(content));
    if (content !== undefined && !isFiller) message.content = content;
    if (name !== undefined) message.name = name;
    if (parts.calls.length > 0) message.tool_calls = this.#toolCalls(parts.calls);
    into.push(message);
    for (const result of parts.results) if (isOwnResult(result, parts)) into.push(this.#toolMessage(result));
  }

  #toolCalls(calls: readonly PartCall[]): ToolCalls {
    const seen = new Set<string>();
    const result: ToolCalls = [];
    for (const call of calls.flatMap(separateCalls)) {
      const id = call.id ?? `call_${this.#calls}`;
      // Some vocabularies list a call both as a part and beside the parts.
      if (seen.has(id)) continue;
      seen.add(id);
      this.#calls++;
      if (call.id === undefined) this.#numbered.add(id, call.name);
      this.#unanswered.set(id, call.name);
      result.push({ id, type: 'function', function: { name: call.name, arguments: call.arguments } });
    }
    return result;
  }

  #toolMessage(result: PartResult): ChatMessage {
    const id = this.#answeredBy(result) ?? this.#firstUnanswered(result.name);
    if (id !== undefined) {
      this.#unanswered.delete(id);
      this.#numbered.delete(id);
    }
    const message: ChatMessage = { role: 'tool', content: result.content };
    if (result.name !== undefined) message.name = result.name;
    if (id !== undefined) message.tool_call_id = id;
    return message;
  }

  /** Langfuse's callback for JavaScript gives the result of a tool the tool's name as its role. */
  #toolNamedBy(role: unknown): string | undefined {
    if (this.#unanswered.size === 0 || typeof role !== 'string' || isRole(role)) return undefined;
    for (const name of this.#unanswered.values()) if (name === role) return role;
    return undefined;
  }

  /** Returns the id of the result; if no call has it, that of the call without one that it certainly answers. */
  #answeredBy({ id, name }: PartResult): string | undefined {
    if (id === undefined || this.#unanswered.has(id)) return id;
    return this.#numbered.answeredBy(id, name) ?? id;
  }

  #firstUnanswered(tool: string | undefined): string | undefined {
    for (const [id, name] of this.#unanswered) if (tool === undefined || name === tool) return id;
    return undefined;
  }
}

keepShape(new MessageReader());

function isOwnResult({ id }: PartResult, { calls }: MessageParts): boolean {
  return id !== undefined && calls.some((call) => call.id === id);
}

function bodyOf(message: Record<string, unknown>): unknown {
  // The last one is of Cohere's first API, and a text.
  const { parts, content, contents, message: text } = message;
  const pieces = content ? undefined : firstValue(message, EINO_KEYS);
  if (Array.isArray(pieces) && pieces.length > 0) return pieces;
  return listOf(parts) ?? parts ?? content ?? contents ?? stringOf(text);
}

/** Where Go's Eino has what is more than text, beside a content that is empty. */
const EINO_KEYS = ['multi_content', 'user_input_multi_content', 'assistant_output_multi_content'] as const;

/**
 * Returns the content without a v4 field: reasoning in the answer, reasoning and summaries in the history, and what the
 * provider ran itself.
 */
export function metadataOfMessages(reader: MessageReader): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  if (reader.reasoning.length > 0) metadata['reasoning'] = reader.reasoning.join('\n');
  if (reader.inputReasoning.length > 0) metadata['input_reasoning'] = reader.inputReasoning.join('\n');
  return { ...metadata, ...providerCallMetadata(reader) };
}

/** Returns the calls that the provider ran itself, in the answer and in the history. */
export function providerCallMetadata(reader: MessageReader): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  const calls = reader.providerCalls.toList();
  if (calls) metadata['provider_tool_calls'] = calls;
  const inputCalls = reader.inputProviderCalls.toList();
  if (inputCalls) metadata['input_provider_tool_calls'] = inputCalls;
  return metadata;
}

/**
 * Whether an answer is `""` only because its instrumentation does not write tool calls: the model produced tokens, and
 * no finish reason says that it stopped by itself.
 */
export function isLostAnswer(
  message: ChatMessage | undefined,
  finishReason: string | undefined,
  outputTokens: number | undefined,
): boolean {
  if (message?.content !== '' || (message.tool_calls?.length ?? 0) > 0) return false;
  return finishReason === 'tool_calls' || (finishReason === undefined && (outputTokens ?? 0) > 0);
}
