/**
 * Messages as frameworks serialise their own objects → the fields that the readers of messages know.
 *
 * - Pydantic AI has requests and responses, whose parts name their own speakers: `{ kind, parts: [{ part_kind }] }`.
 * - LlamaIndex has `blocks`, each with a `block_type`.
 * - Spring AI names the speaker `messageType`, and has the answers of tools in `responses`.
 * - Semantic Kernel's speaker is an object: `{ role: { label } }`.
 * - Mistral's conversations have entries: `{ type: 'message.output', content }`.
 */
import { isObject } from '../../../wire/json.ts';
import { listOf } from '../../values/attributes.ts';

type Fields = Record<string, unknown>;

/** Returns the messages; undefined if this is none of theirs. */
export function fromFramework(value: Fields): Fields[] | undefined {
  if (isPydanticAi(value)) return fromPydanticAi(value);
  if (isLlamaIndex(value)) return [fromLlamaIndex(value)];
  if (isSpringAi(value)) return [fromSpringAi(value)];
  if (isMistralEntry(value)) return fromMistral(value);
  const label = labelOf(value['role']);
  if (label === undefined) return undefined;
  const items = listOf(value['items']);
  return [{ ...value, role: label, content: items && items.length > 0 ? items : value['content'] }];
}

export function isFrameworkMessage(value: Fields): boolean {
  if (isPydanticAi(value) || isLlamaIndex(value) || isSpringAi(value) || isMistralEntry(value)) return true;
  return labelOf(value['role']) !== undefined;
}

function labelOf(role: unknown): string | undefined {
  const label = isObject(role) ? (role['label'] ?? role['Label']) : undefined;
  return typeof label === 'string' ? label : undefined;
}

function isPydanticAi({ kind, parts }: Fields): boolean {
  return (kind === 'request' || kind === 'response') && hasItems(parts, 'part_kind');
}

/** A response is one message of the assistant, each part of a request a message of its speaker. */
function fromPydanticAi({ kind, parts }: Fields): Fields[] {
  const known = (parts as readonly unknown[]).filter(isObject);
  return kind === 'response' ? [{ role: 'assistant', content: known.map(answerPart) }] : known.map(requestMessage);
}

function answerPart(part: Fields): Fields {
  const { part_kind: kind, content, tool_name: name, tool_call_id: id, args } = part;
  switch (kind) {
    case 'thinking':
      return { type: 'thinking', thinking: content };
    case 'tool-call':
      return { type: 'tool_call', id, name, arguments: args };
    case 'builtin-tool-call':
      return { type: 'server_tool_use', id, name, input: args };
    case 'builtin-tool-return':
      return { type: 'tool_result', tool_use_id: id, name, content };
    case 'file':
      return pydanticMedia(content);
    default:
      return { type: 'text', text: content };
  }
}

function requestMessage(part: Fields): Fields {
  const { part_kind: kind, content, tool_name: name, tool_call_id: id } = part;
  // A retry says what was wrong with the arguments of a call, or with the answer.
  if (kind === 'tool-return' || (kind === 'retry-prompt' && typeof name === 'string')) {
    return { role: 'tool', tool_call_id: id, name, content };
  }
  const body = Array.isArray(content) ? content.map(pydanticMedia) : content;
  return { role: kind === 'system-prompt' ? 'system' : 'user', content: body };
}

/** `{ kind: 'image-url', url }`, `{ kind: 'binary', data, media_type }`; a text is one. */
function pydanticMedia(value: unknown): Fields {
  if (!isObject(value)) return { type: 'text', text: value };
  const mimeType = value['media_type'];
  const isImage = value['kind'] === 'image-url' || (typeof mimeType === 'string' && mimeType.startsWith('image/'));
  return { ...value, type: isImage ? 'image' : 'file' };
}

function isLlamaIndex({ role, blocks }: Fields): boolean {
  return role !== undefined && hasItems(blocks, 'block_type');
}

function fromLlamaIndex({ blocks, additional_kwargs: more, ...message }: Fields): Fields {
  const { tool_call_id: id, tool_calls: calls, name } = isObject(more) ? more : {};
  const content = (blocks as readonly unknown[]).map(llamaIndexPart);
  return { tool_call_id: id, tool_calls: calls, name, ...message, content };
}

function llamaIndexPart(block: unknown): unknown {
  if (!isObject(block)) return block;
  const { block_type: type, ...part } = block;
  if (type === 'tool_call') {
    return { type, id: part['tool_call_id'], name: part['tool_name'], arguments: part['tool_kwargs'] };
  }
  if (type === 'image') return { type, image: part['image'], url: part['url'], mime_type: part['image_mimetype'] };
  return { ...part, type };
}

function isSpringAi(message: Fields): boolean {
  if (typeof message['messageType'] !== 'string' || message['role'] !== undefined) return false;
  return SPRING_BODIES.some((key) => key in message);
}

const SPRING_BODIES = ['text', 'textContent', 'content', 'responses', 'toolCalls'] as const;

function fromSpringAi(message: Fields): Fields {
  const { messageType, text, textContent, content, responses, toolCalls, media, metadata } = message;
  const answers = listOf(responses)?.filter(isObject).map(springResult);
  const said = text ?? textContent ?? content;
  const files = listOf(media) ?? [];
  return {
    role: messageType,
    content: answers ?? (files.length > 0 ? [said, ...files] : said),
    tool_calls: toolCalls,
    ...(isObject(metadata) &&
      typeof metadata['finishReason'] === 'string' && { finish_reason: metadata['finishReason'] }),
  };
}

function springResult({ id, name, responseData }: Fields): Fields {
  return { type: 'tool_result', tool_use_id: id, name, content: responseData };
}

const MISTRAL_ENTRY = /^(?:message\.(?:input|output)|function\.(?:call|result)|tool\.execution|agent\.handoff)$/;

function isMistralEntry({ type }: Fields): boolean {
  return typeof type === 'string' && MISTRAL_ENTRY.test(type);
}

function fromMistral(entry: Fields): Fields[] {
  const { type, role, content, id, tool_call_id, name, arguments: input, result, info } = entry;
  switch (type) {
    case 'message.input':
      return [{ role: role ?? 'user', content }];
    case 'message.output':
      return [{ role: 'assistant', content }];
    case 'function.call':
      return [{ type: 'function_call', call_id: tool_call_id, name, arguments: input }];
    case 'function.result':
      return [{ type: 'function_call_output', call_id: tool_call_id, output: result }];
    case 'tool.execution':
      return [{ type: 'server_tool_call', id, name, arguments: input, result: info }];
    default:
      return [];
  }
}

function hasItems(list: unknown, key: string): boolean {
  return Array.isArray(list) && list.some((item) => isObject(item) && typeof item[key] === 'string');
}
