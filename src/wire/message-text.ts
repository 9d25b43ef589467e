/** The text of a message, as a log has it in `output`. */
import type { ChatMessage } from './v4.ts';

/** Returns the text of a message; undefined if it has none, such as an answer that only calls tools. */
export function messageText(message: ChatMessage | undefined): string | undefined {
  const content = message?.content;
  if (typeof content === 'string') {
    return content === '' && (message?.tool_calls?.length ?? 0) > 0 ? undefined : content;
  }
  const texts = content?.flatMap((part) => (part.type === 'text' ? part.text : [])) ?? [];
  return texts.length > 0 ? texts.join('\n') : undefined;
}
