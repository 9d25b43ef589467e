/**
 * Results of SDKs and of servers for models of one's own → a message with its reason, as the readers of messages know it:
 *
 * - the AI SDK's `{ text, finishReason, usage, response: { id } }`, which apps log themselves
 * - LangChain's message: serialised, `{ lc, id: […, 'AIMessage'], kwargs }`, as it is stored, `{ type: 'ai', data }`, or its fields
 * - .NET's `{ messages, responseId, finishReason, usage }`, and Python's of Microsoft's agents
 * - Ollama's `{ response, done }` to a prompt without a chat, llama.cpp's `{ content, tokens_predicted }`, and Text Generation
 *   Inference's `{ generated_text, details }`
 */
import { isObject } from '../../../wire/json.ts';
import { isStored } from './message-fields.ts';

type Fields = Record<string, unknown>;

export function fromSdkResult(body: Fields): Fields | undefined {
  return (
    fromTextResult(body) ?? fromConstructor(body) ?? fromFields(body) ?? fromChatResponse(body) ?? fromServer(body)
  );
}

function fromConstructor({ lc, id, kwargs }: Fields): Fields | undefined {
  const name: unknown = lc !== undefined && Array.isArray(id) ? id.at(-1) : undefined;
  if (typeof name !== 'string' || !/^AIMessage(Chunk)?$/.test(name) || !isObject(kwargs)) return undefined;
  return { ...kwargs, role: 'assistant' };
}

/** Only what LangChain writes has these beside its content, and says whose message it is. */
function fromFields(body: Fields): Fields | undefined {
  const message = isStored(body) ? { ...(body['data'] as Fields), type: body['type'] } : body;
  const { type, role = type, content, response_metadata: told } = message;
  const isAnswer = role === 'ai' || role === 'AIMessage' || role === 'AIMessageChunk' || role === 'assistant';
  if (!isAnswer || content === undefined || !isObject(told) || !isObject(message['additional_kwargs']))
    return undefined;
  return body['role'] === 'assistant' ? body : { ...message, role: 'assistant' };
}

function fromTextResult({ text, finishReason, usage, response, toolCalls, reasoningText }: Fields): Fields | undefined {
  if (typeof text !== 'string' || typeof finishReason !== 'string' || !isObject(usage)) return undefined;
  if (!isObject(response) && !('totalTokens' in usage || 'inputTokens' in usage || 'promptTokens' in usage))
    return undefined;
  return {
    role: 'assistant',
    content: text,
    finish_reason: finishReason,
    ...(Array.isArray(toolCalls) && { tool_calls: toolCalls }),
    ...(typeof reasoningText === 'string' && { reasoning_content: reasoningText }),
  };
}

/** The last message is the answer: those before it are of tools that the client has run. */
function fromChatResponse({ messages, responseId, response_id: id = responseId, ...body }: Fields): Fields | undefined {
  if (!Array.isArray(messages) || typeof id !== 'string' || !messages.every(isChatMessage)) return undefined;
  const last = messages.at(-1);
  if (last === undefined) return undefined;
  return { ...last, finish_reason: body['finishReason'] ?? body['finish_reason'] };
}

/** Messages of these have their contents in a list. */
function isChatMessage(value: unknown): value is Fields {
  if (!isObject(value) || !Array.isArray(value['contents'])) return false;
  return value['role'] === 'assistant' || value['role'] === 'tool';
}

function fromServer(body: Fields): Fields | undefined {
  const { response, done, done_reason: reason, content, generated_text: generated, details } = body;
  const isOllamas = typeof done === 'boolean' && typeof body['model'] === 'string' && 'eval_count' in body;
  if (typeof response === 'string' && isOllamas) return { role: 'assistant', content: response, finish_reason: reason };
  if (typeof content === 'string' && typeof body['stop'] === 'boolean' && 'tokens_predicted' in body) {
    return { role: 'assistant', content, finish_reason: body['stop_type'] };
  }
  if (typeof generated !== 'string' || !isObject(details)) return undefined;
  if (typeof details['finish_reason'] !== 'string' || !('generated_tokens' in details)) return undefined;
  return { role: 'assistant', content: generated, finish_reason: details['finish_reason'] };
}
