/**
 * Answers as Spring AI and LangChain4j have them in Java → the body of an answer as most readers know it.
 *
 * - Spring AI's `{ results: [{ output, metadata: { finishReason } }], metadata: { id, model, usage } }`, and one of its results
 * - LangChain4j's `{ aiMessage, metadata: { id, modelName, tokenUsage, finishReason } }`, and before that `{ content, tokenUsage }`
 */
import { isObject } from '../../../wire/json.ts';
import { usageObjectOf } from '../../values/usage-object.ts';

type Fields = Record<string, unknown>;

/** Returns undefined for any other value. */
export function fromJavaAnswer(body: Fields): Fields | undefined {
  const { results, output, metadata } = body;
  if (Array.isArray(results))
    return results.length > 0 && results.every(isResult) ? fromResults(results, metadata) : undefined;
  if (isObject(output)) return isResult(body) && isObject(metadata) ? fromResults([body], undefined) : undefined;
  return fromLangChain4j(body);
}

/** Spring AI writes the type of each message beside its text. */
function isResult(result: unknown): result is { output: Fields; metadata?: unknown } {
  return isObject(result) && isObject(result['output']) && result['output']['messageType'] === 'ASSISTANT';
}

function fromResults(results: readonly { output: Fields; metadata?: unknown }[], about: unknown): Fields {
  const { id, model, usage: told } = isObject(about) ? about : {};
  const usage = usageObjectOf(told);
  const choices = results.map(({ output, metadata }, index) => ({
    index,
    message: withText(output),
    ...reasonIn(metadata),
  }));
  return { id, model, choices, ...(usage && { usage: toUsage(usage) }) };
}

/** A message that only calls tools may have no text. */
function withText(output: Fields): Fields {
  return output['text'] === null ? { ...output, text: '' } : output;
}

/** The provider's own counts stand beside these, under other names. */
function toUsage({ promptTokens, completionTokens, totalTokens, nativeUsage }: Fields): Fields {
  return {
    ...(isObject(nativeUsage) && nativeUsage),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: totalTokens,
  };
}

function reasonIn(metadata: unknown): Fields {
  const reason = isObject(metadata) ? metadata['finishReason'] : undefined;
  return typeof reason === 'string' && reason !== '' ? { finish_reason: reason } : {};
}

function fromLangChain4j({ aiMessage, content, metadata, tokenUsage, finishReason }: Fields): Fields | undefined {
  const message = isObject(aiMessage) ? aiMessage : tokenUsage === undefined ? undefined : content;
  if (!isObject(message) || !('toolExecutionRequests' in message)) return undefined;
  const about = isObject(aiMessage) ? (isObject(metadata) ? metadata : {}) : { tokenUsage, finishReason };
  return {
    id: about['id'],
    model: about['modelName'],
    choices: [{ index: 0, message: toMessage(message), ...reasonIn(about) }],
    ...(isObject(about['tokenUsage']) && { usage: fromTokenUsage(about['tokenUsage']) }),
  };
}

function toMessage({ text, thinking, toolExecutionRequests }: Fields): Fields {
  return { role: 'assistant', content: text, tool_calls: toolExecutionRequests, reasoning_content: thinking };
}

function fromTokenUsage({ inputTokenCount, outputTokenCount, totalTokenCount }: Fields): Fields {
  return { prompt_tokens: inputTokenCount, completion_tokens: outputTokenCount, total_tokens: totalTokenCount };
}
