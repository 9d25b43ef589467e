/** Calls in the answer of one model that have their results in the same answer: nobody has to answer them any more. */
import { messageText } from '../../../wire/message-text.ts';
import type { ChatMessage } from '../../../wire/v4.ts';
import { jsonOf } from '../../values/attributes.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import type { MessageReader } from './messages.ts';

/**
 * Moves these calls to those that the provider ran, and leaves out the messages that said nothing else. AI SDK 7 does not mark
 * them, and .NET's clients that call functions themselves write all turns as one answer.
 *
 * Without a finish reason the answer may be a whole conversation. Where the app has to answer, a call with a result counts
 * only beside one that waits.
 */
export function withoutAnsweredCalls(
  answers: ChatMessage[],
  finishReason: string | undefined,
  { providerCalls }: MessageReader,
): ChatMessage[] {
  if (finishReason === undefined) return answers;
  const results = new Map<string, ChatMessage>();
  for (const message of answers) {
    if (message.role === 'tool' && message.tool_call_id) results.set(message.tool_call_id, message);
  }
  if (results.size === 0) return answers;
  const isAnswered = ({ id }: { id: string }) => results.has(id);
  const isComplete = answers.every(({ tool_calls: calls }) => calls?.every(isAnswered) ?? true);
  if (finishReason === 'tool_calls' && isComplete) return answers;
  return answers.flatMap((message) => {
    const { tool_calls, ...words } = message;
    const calls = tool_calls ?? [];
    const waiting = calls.filter((call) => !isAnswered(call));
    if (waiting.length === calls.length) return [message];
    for (const { id, function: called } of calls) {
      const result = results.get(id);
      if (!result) continue;
      const input = plainOf(called.arguments);
      providerCalls.add({ id, name: called.name, input, result: plainOf(messageText(result)), isResult: false });
    }
    if (waiting.length > 0) return [{ ...words, tool_calls: waiting }];
    return words.content ? [words] : [];
  });
}

function plainOf(text: string | undefined): unknown {
  return toPlainJson(jsonOf(text) ?? text);
}
