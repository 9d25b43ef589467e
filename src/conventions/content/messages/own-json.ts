/** JSON that a model said, which is no body of a provider though it may have the names of one. */
import type { ChatMessage } from '../../../wire/v4.ts';
import { toText } from '../../values/json/plain-json.ts';

/** Whether all of an answer is the text of its message: JSON that the model said. */
export function isTextOf(answer: unknown, message: ChatMessage | undefined): boolean {
  const { content } = message ?? {};
  return (
    typeof content === 'string' && typeof answer === 'object' && /^[{[]/.test(content) && content === toText(answer)
  );
}
