/** Neighbouring messages of the assistant that are pieces of one turn. */
import { type SpanSlice, scopeOf } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { joinContent, type MessageParts } from '../parts/collected-parts.ts';
import { toGooglesFinishReason } from './finish-reason.ts';

/** Whether the span is of Azure's SDKs. */
export function isAzures(span: SpanSlice): boolean {
  return span.attributes['az.namespace'] !== undefined || scopeOf(span).name.startsWith('azure.ai.');
}

/**
 * Whether the span reports a call of the Responses API: that has one answer, whose items may stand as messages of their
 * own. Elsewhere neighbouring messages may be choices.
 */
export function answersInItems(span: SpanSlice): boolean {
  const id = span.attributes['gen_ai.response.id'];
  if (typeof id === 'string' && id.startsWith('resp_')) return true;
  return isAzures(span) || /openai[._-]agents/.test(scopeOf(span).name);
}

/**
 * Whether the items of a list are several answers, of which each may be a text or only call tools, and not pieces of one.
 * Choices have an index each, or all of them are complete, or they end for different reasons: a text that ends where its
 * tools are called is a piece.
 */
export function areChoices(items: readonly unknown[]): boolean {
  const answers = items.filter(isObject);
  const reasons = answers.map(reasonOf);
  if (new Set(answers.map(({ index }) => index)).size > 1 || reasons.every((reason) => reason === 'stop')) return true;
  const known = new Set(reasons.filter((reason) => reason !== undefined));
  return known.size > 1 && reasons[0] !== 'tool_calls';
}

function reasonOf({ finish_reason, finishReason = finish_reason }: Record<string, unknown>): string | undefined {
  return toGooglesFinishReason(finishReason);
}

/** Whether the first message has the reason of a turn that calls tools, but not the calls: those are in the next one. */
export function isSplitTurn([first, second]: readonly ChatMessage[], reasonOfFirst: string | undefined): boolean {
  return reasonOfFirst === 'tool_calls' && second !== undefined && first?.tool_calls === undefined;
}

/**
 * Joins the messages that are items of one answer: one that only calls tools belongs to that before it. Those with words
 * stay apart. Whether they are items and no choices is the caller's to know, as by `answersInItems`.
 */
export function joinItems(messages: ChatMessage[]): ChatMessage[] {
  const turns: ChatMessage[][] = [];
  for (const message of messages) {
    const turn = turns.at(-1);
    const isItem = turn?.[0]?.role === 'assistant' && message.tool_calls !== undefined && message.content === undefined;
    if (isItem) turn.push(message);
    else turns.push([message]);
  }
  return turns.length < messages.length ? turns.flatMap(mergeAssistant) : messages;
}

/** Joins neighbouring assistant messages into one: first text, then calls. */
export function mergeAssistant(messages: readonly ChatMessage[]): ChatMessage[] {
  const merged: ChatMessage[] = [];
  for (let at = 0, end = 0; at < messages.length; at = end) {
    end = at + 1;
    if (messages[at]?.role === 'assistant') while (messages[end]?.role === 'assistant') end++;
    merged.push(end === at + 1 ? (messages[at] as ChatMessage) : mergeTurn(messages.slice(at, end)));
  }
  return merged;
}

function mergeTurn(messages: readonly ChatMessage[]): ChatMessage {
  const parts: MessageParts['content'] = [];
  const calls: ToolCalls = [];
  for (const message of messages) {
    const more = contentPartsOf(message);
    // The texts before the first image are one.
    if (more.some(isImage) && !parts.some(isImage))
      parts.splice(0, parts.length, ...contentPartsOf(withContent(parts)));
    for (const part of more) parts.push(part);
    for (const call of message.tool_calls ?? []) calls.push(call);
  }
  const joined = withContent(parts);
  const name = messages.find((message) => message.name)?.name;
  if (name) joined.name = name;
  if (calls.length > 0) joined.tool_calls = calls;
  return joined;
}

type ToolCalls = NonNullable<ChatMessage['tool_calls']>;

function withContent(parts: MessageParts['content']): ChatMessage {
  const content = joinContent(parts);
  return content === undefined ? { role: 'assistant' } : { role: 'assistant', content };
}

function isImage({ type }: MessageParts['content'][number]): boolean {
  return type !== 'text';
}

function contentPartsOf(message: ChatMessage): MessageParts['content'] {
  if (typeof message.content === 'string')
    return message.content === '' ? [] : [{ type: 'text', text: message.content }];
  return message.content ?? [];
}
