/** A model's answer that has a key of its own, for the short way. */
import type { JsonPieces } from '../../short-way.ts';
import { isNoContent } from './collected-parts.ts';
import { mayBePrinted } from './printed-items.ts';

/**
 * Returns the JSON of an assistant message. `calls` is that of its calls, without the brackets of the list. Returns
 * undefined if it says nothing, and for text that may be JSON, which `messages.ts` looks into.
 */
export function answerPieces(text: string | undefined, calls: string): JsonPieces | undefined {
  const end = calls === '' ? '}' : `,"tool_calls":[${calls}]}`;
  if (text === undefined || text === '') return calls === '' ? undefined : [`{"role":"assistant"${end}`];
  if (/^["[{]/.test(text) || mayBePrinted(text) || isNoContent(text)) return undefined;
  return ['{"role":"assistant","content":"', insideOfQuotes(text), `"${end}`];
}

/** Returns the text as it stands between the quotes of a JSON string. */
export function insideOfQuotes(text: string): string {
  return JSON.stringify(text.toWellFormed()).slice(1, -1);
}
