/** Turns of the assistant that were recorded without content: their calls were lost, the order of turns must not be. */
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { innerMessage, roleOf } from './message-fields.ts';

/** Whether the source says that the message has no content. One without these keys was not captured. */
export function saysNothing({ content, parts }: Record<string, unknown>): boolean {
  return content === null || parts === null || isEmptyList(content) || isEmptyList(parts);
}

/**
 * Attributes cannot be null, so a turn without content may be only a role: in its place between others, if their words were
 * captured. The last one may have been cut off, and what the assistant says next is the rest of the turn.
 */
export function isTurnBetween(before: ChatMessage | undefined, next: unknown): boolean {
  if ((before?.role !== 'user' && before?.role !== 'tool') || !before.content) return false;
  return isObject(next) && roleOf(next, innerMessage(next), 'user') !== 'assistant';
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Whether an item of a list is `{}`, or has no field that says anything. */
export function isEmptyItem(item: Record<string, unknown>): boolean {
  for (const key in item) if (item[key] !== undefined) return false;
  return true;
}
