/** An error as the single string that a v4 log has for it. */
import type { ReadError } from '../conventions/convention.ts';

/** Returns `RateLimitError: too many requests (HTTP 429)`; without content, type and status only. Never empty. */
export function toErrorText(error: ReadError, captureContent: boolean): string {
  const { type, httpStatus } = error;
  const message = captureContent ? error.message : undefined;
  let text = message ?? type ?? 'error';
  if (message !== undefined && type !== undefined && !namesType(message, type)) text = `${type}: ${message}`;
  return httpStatus === undefined || text.includes(String(httpStatus)) ? text : `${text} (HTTP ${httpStatus})`;
}

/** Python writes the class without its module before the message. */
function namesType(message: string, type: string): boolean {
  return message.includes(type) || message.startsWith(`${type.slice(type.lastIndexOf('.') + 1)}: `);
}
