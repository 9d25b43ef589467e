/**
 * The parts of one message, of every provider and framework → text, images, tool calls, tool results, reasoning.
 *
 * Parts are told apart by their `type` where they have one, else by the key that holds their payload (Gemini, Bedrock,
 * Genkit). What nobody knows is kept as its JSON text rather than lost.
 */
import type { ImageContent, TextContent } from '../datapoint/datapoint.ts';
import { isObject, stringOf, textOf } from './attributes.ts';
import { type Media, toMediaContent } from './media.ts';
import { textOrJson } from './plain-json.ts';

export interface PartCall {
  readonly id: string | undefined;
  readonly name: string;
  readonly arguments: string;
}

export interface PartResult {
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly content: MessageContent;
}

export type MessageContent = string | (TextContent | ImageContent)[];

export interface MessageParts {
  readonly content: (TextContent | ImageContent)[];
  readonly calls: PartCall[];
  readonly results: PartResult[];
  readonly reasoning: string[];
}

type Fields = Record<string, unknown>;

export function emptyParts(): MessageParts {
  return { content: [], calls: [], results: [], reasoning: [] };
}

/** Text parts alone join to one string; with images they stay a list. */
export function joinContent(content: (TextContent | ImageContent)[]): MessageContent | undefined {
  if (content.length === 0) return undefined;
  const texts: string[] = [];
  for (const part of content) {
    if (part.type !== 'text') return content;
    texts.push(part.text);
  }
  return texts.length === 1 ? texts[0]! : texts.join('\n');
}

/** Sorts one part, or a list of them, into `into`. */
export function collectPart(part: unknown, into: MessageParts, depth = 0): void {
  if (typeof part === 'string') {
    into.content.push({ type: 'text', text: part.toWellFormed() });
  } else if (Array.isArray(part)) {
    if (depth < 8) for (const item of part) collectPart(item, into, depth + 1);
  } else if (isObject(part)) {
    if (!collectTyped(part, into) && !collectUntyped(part, into)) pushText(textOrJson(part), into);
  } else if (typeof part === 'number' || typeof part === 'boolean') {
    pushText(String(part), into);
  }
}

function collectTyped(part: Fields, into: MessageParts): boolean {
  switch (stringOf(part['type']) ?? stringOf(part['part_kind'])) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return pushText(part['content'] ?? part['text'] ?? part['value'], into);
    case 'refusal':
      return pushText(part['refusal'] ?? part['content'], into);
    case 'reasoning':
    case 'thinking':
    case 'redacted_thinking':
    case 'redacted-reasoning':
    case 'compaction':
      return pushReasoning(part, into);
    case 'tool_call':
    case 'tool-call':
    case 'tool_use':
    case 'toolUse':
    case 'function_call':
    case 'function':
    case 'server_tool_call':
    case 'server_tool_use':
    case 'mcp_tool_use':
    case 'custom_tool_call':
      return pushCall(part, into);
    case 'tool_call_response':
    case 'tool-result':
    case 'tool_result':
    case 'toolResult':
    case 'tool-error':
    case 'function_call_output':
    case 'custom_tool_call_output':
    case 'server_tool_call_response':
    case 'web_search_tool_result':
    case 'mcp_tool_result':
      return pushResult(part, into);
    case 'image_url':
    case 'input_image':
    case 'image':
    case 'blob':
    case 'uri':
    case 'file':
    case 'input_file':
    case 'input_audio':
    case 'audio':
    case 'audio_url':
    case 'video_url':
    case 'document':
    case 'media':
    case 'document-url':
    case 'image-url':
      return pushMedia(mediaOf(part), into);
    default:
      return false;
  }
}

function collectUntyped(part: Fields, into: MessageParts): boolean {
  const text = textOf(part['text']);
  if (text !== undefined) {
    if (part['thought'] === true) into.reasoning.push(text);
    else pushText(text, into);
    return true;
  }
  for (const key of ['toolUse', 'functionCall', 'function_call', 'toolRequest', 'tool_call'] as const) {
    if (isObject(part[key])) return pushCall(part[key], into);
  }
  for (const key of [
    'toolResult',
    'functionResponse',
    'function_response',
    'toolResponse',
    'tool_call_result',
  ] as const) {
    if (isObject(part[key])) return pushResult(part[key], into);
  }
  if (
    part['reasoning'] !== undefined ||
    part['reasoningContent'] !== undefined ||
    part['reasoning_content'] !== undefined
  ) {
    return pushReasoning(part, into);
  }
  for (const [key, modality] of UNTYPED_MEDIA) {
    if (isObject(part[key])) return pushMedia({ modality, ...untypedMedia(part[key]) }, into);
  }
  const content = part['content'];
  if (typeof content === 'string') return pushText(content, into);
  return false;
}

const UNTYPED_MEDIA: readonly (readonly [string, string | undefined])[] = [
  ['inlineData', undefined],
  ['inline_data', undefined],
  ['fileData', undefined],
  ['file_data', undefined],
  ['media', undefined],
  ['image', 'image'],
  ['document', 'document'],
  ['video', 'video'],
];

function pushText(value: unknown, into: MessageParts): true {
  if (value !== undefined && value !== null) into.content.push({ type: 'text', text: textOrJson(value) });
  return true;
}

function pushReasoning(part: Fields, into: MessageParts): true {
  const body =
    part['text'] ??
    part['content'] ??
    part['thinking'] ??
    part['reasoning'] ??
    part['reasoningContent'] ??
    part['reasoning_content'] ??
    part['summary'];
  for (const text of reasoningTexts(body, 0)) into.reasoning.push(text);
  return true;
}

function reasoningTexts(value: unknown, depth: number): string[] {
  const text = stringOf(value);
  if (text !== undefined) return [text];
  if (depth > 4) return [];
  if (Array.isArray(value)) return value.flatMap((item) => reasoningTexts(item, depth + 1));
  if (isObject(value)) return reasoningTexts(value['text'] ?? value['content'] ?? value['reasoningText'], depth + 1);
  return [];
}

function pushCall(part: Fields, into: MessageParts): true {
  const inner = isObject(part['function']) ? part['function'] : part;
  const input =
    inner['arguments'] ??
    inner['args'] ??
    inner['input'] ??
    inner['server_tool_call'] ??
    inner['parameters'] ??
    part['arguments'];
  into.calls.push({
    id:
      stringOf(part['toolCallId']) ??
      stringOf(part['call_id']) ??
      stringOf(part['toolUseId']) ??
      stringOf(part['ref']) ??
      stringOf(part['id']),
    name: stringOf(inner['name']) ?? stringOf(inner['toolName']) ?? stringOf(part['name']) ?? 'unknown',
    arguments: input === undefined || input === null ? '{}' : textOrJson(input),
  });
  return true;
}

function pushResult(part: Fields, into: MessageParts): true {
  into.results.push({
    id:
      stringOf(part['toolCallId']) ??
      stringOf(part['tool_use_id']) ??
      stringOf(part['toolUseId']) ??
      stringOf(part['call_id']) ??
      stringOf(part['tool_call_id']) ??
      stringOf(part['ref']) ??
      stringOf(part['id']),
    name: stringOf(part['name']) ?? stringOf(part['toolName']),
    content: resultContent(
      part['response'] ??
        part['result'] ??
        part['output'] ??
        part['content'] ??
        part['server_tool_call_response'] ??
        part['error'],
    ),
  });
  return true;
}

/** What a tool answered: text as it is, content blocks joined, anything else as JSON. */
export function resultContent(value: unknown): MessageContent {
  if (value === undefined || value === null) return '';
  if (isObject(value) && 'value' in value && typeof value['type'] === 'string' && AI_SDK_OUTPUTS.has(value['type'])) {
    return resultContent(value['value']);
  }
  if (Array.isArray(value) && value.length > 0 && value.every(isBlock)) {
    const parts = emptyParts();
    for (const block of value) collectPart(block, parts);
    return joinContent(parts.content) ?? '';
  }
  return textOrJson(value);
}

const AI_SDK_OUTPUTS: ReadonlySet<string> = new Set([
  'text',
  'json',
  'error-text',
  'error-json',
  'content',
  'execution-denied',
]);
const BLOCK_TYPES: ReadonlySet<string> = new Set([
  'text',
  'input_text',
  'output_text',
  'image',
  'image_url',
  'input_image',
  'file',
  'media',
  'document',
]);

function isBlock(value: unknown): boolean {
  if (!isObject(value)) return false;
  const type = value['type'];
  if (typeof type === 'string') return BLOCK_TYPES.has(type);
  return Object.keys(value).length === 1 && typeof value['text'] === 'string';
}

function pushMedia(media: Media, into: MessageParts): true {
  into.content.push(toMediaContent(media));
  return true;
}

function mediaOf(part: Fields): Media {
  const type = stringOf(part['type']) ?? 'file';
  const modality =
    stringOf(part['modality']) ??
    (type.includes('image')
      ? 'image'
      : type.includes('audio')
        ? 'audio'
        : type.includes('video')
          ? 'video'
          : type === 'document'
            ? 'document'
            : undefined);
  for (const key of [
    'image_url',
    'source',
    'image',
    'input_audio',
    'audio',
    'file',
    'media',
    'audio_url',
    'video_url',
  ] as const) {
    const inner = part[key];
    if (isObject(inner)) return { modality, detail: stringOf(part['detail']), ...untypedMedia(inner), ...named(part) };
  }
  return { modality, ...untypedMedia(part) };
}

/** The payload's many names: a URL, base64 data, a file id. */
function untypedMedia(body: Fields): Media {
  const source = isObject(body['source']) ? body['source'] : body;
  const format = stringOf(body['format']);
  const mimeType =
    stringOf(source['mime_type']) ??
    stringOf(source['mimeType']) ??
    stringOf(source['mediaType']) ??
    stringOf(source['media_type']) ??
    stringOf(source['contentType']);
  const detail = stringOf(body['detail']);
  const data =
    source['url'] ??
    source['uri'] ??
    source['fileUri'] ??
    source['file_uri'] ??
    source['image_url'] ??
    source['image'] ??
    source['data'] ??
    source['content'] ??
    source['bytes'] ??
    source['file_data'] ??
    source['file_url'];
  return {
    data,
    ...(mimeType !== undefined && { mimeType }),
    ...(mimeType === undefined &&
      format !== undefined && { mimeType: `${data && body['data'] ? 'audio' : 'image'}/${format}` }),
    ...(detail !== undefined && { detail }),
    ...named(body),
  };
}

function named(body: Fields): Media {
  const fileName = stringOf(body['filename']) ?? stringOf(body['fileName']);
  const fileId = stringOf(body['file_id']) ?? stringOf(body['fileId']);
  return { ...(fileName !== undefined && { fileName }), ...(fileId !== undefined && { fileId }) };
}
