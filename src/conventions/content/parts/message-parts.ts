/**
 * The parts of one message, from any provider or framework → text, images, tool calls, tool results, reasoning.
 *
 * A part is recognised by its `type`, or without one by the key that holds its payload (Gemini, Bedrock, Genkit). What
 * belongs to tools that the provider runs is kept apart; any other unknown part is kept as JSON text.
 */

import { isObject } from '../../../wire/json.ts';
import { annotatedTextOf, firstValue, listOf, objectOf, stringOf, unquotedText } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import {
  createParts,
  hasContent,
  joinContent,
  lettersOf,
  type MessageContent,
  type MessageParts,
  pushText,
} from './collected-parts.ts';
import { dotNetContentOf, isDotNetClass } from './dotnet-content.ts';
import { pushCall, pushMedia, pushNothing, pushProviderItem, pushReasoning } from './lone-parts.ts';
import { CALL_KEYS, ENVELOPE_KEYS, MEDIA_KEYS, PYDANTIC_KINDS, RESULT_KEYS } from './part-keys.ts';
import { printedItemsIn } from './printed-items.ts';
import { HOSTED_TYPES, readProviderItem } from './provider-calls.ts';
import { REASONING_KEYS } from './reasoning-texts.ts';
import {
  isAnswerableItem,
  isJsonBlock,
  isUiTool,
  isUntypedCall,
  isUntypedResult,
  onlyValueOf,
  readResultPart,
  readUiTool,
  toCallPart,
} from './tool-parts.ts';

type Fields = Record<string, unknown>;
type Collector = (part: Fields, into: MessageParts) => void;

const MAX_DEPTH = 8;
/** Longer lists are vectors and tables of apps. */
export const MAX_PARTS = 10_000;

const TYPED: ReadonlyMap<unknown, Collector> = new Map<unknown, Collector>([
  ...collectorsFor(pushTextPart, 'text', 'input_text', 'output_text', 'TextContent'),
  ...collectorsFor(pushRefusal, 'refusal'),
  ...collectorsFor(pushCustom, 'custom'),
  // LangChain wraps blocks of the provider that it does not know.
  ...collectorsFor((part, into) => collectPart(part['value'], into), 'non_standard'),
  ...collectorsFor(pushReasoning, 'reasoning', 'thinking', 'redacted_thinking', 'redacted-reasoning', 'compaction'),
  ...collectorsFor(pushReasoning, 'text_reasoning', 'reasoning_text', 'reasoning_content', 'summary_text', 'thought'),
  ...collectorsFor(pushCall, 'tool_call', 'tool-call', 'tool_use', 'toolUse', 'function_call', 'function'),
  ...collectorsFor(pushProviderItem, ...HOSTED_TYPES),
  ...collectorsFor(pushResult, 'tool_call_response', 'tool-result', 'tool_result', 'toolResult', 'tool-error'),
  ...collectorsFor(pushResult, 'function_call_output', 'custom_tool_call_output', 'tool_response'),
  // .NET's names.
  ...collectorsFor(pushCall, 'functionCall', 'FunctionCallContent', 'custom_tool_call'),
  ...collectorsFor(pushResult, 'functionResult', 'FunctionResultContent'),
  ...collectorsFor(pushMedia, 'image_url', 'input_image', 'image', 'image-url', 'blob', 'uri', 'file', 'input_file'),
  ...collectorsFor(pushMedia, 'input_audio', 'output_audio', 'audio', 'audio_url', 'video_url'),
  ...collectorsFor(pushDocument, 'document'),
  ...collectorsFor(pushMedia, 'document-url', 'media', 'binary', 'hosted_file', 'container_upload', 'file_data'),
  // Blocks whose instrumentations write only the type.
  ...collectorsFor(pushMedia, 'imageBlock', 'documentBlock', 'videoBlock', 'anthropic_image', 'anthropic_document'),
  ...collectorsFor(pushReasoning, 'reasoningBlock', 'anthropic_redacted_thinking', 'TextReasoningContent'),
  ...collectorsFor(pushNothing, 'cache_point', 'cachePointBlock', 'usage', 'tool_reference', 'hosted_vector_store'),
  ...collectorsFor(pushNothing, 'vector_store'),
  // What the app found for the model.
  ...collectorsFor((part, into) => collectPart(part['content'], into), 'search_result'),
  // Where a text comes from, and where a step of an agent begins.
  ...collectorsFor(pushNothing, 'reference', 'citation', 'source', 'source-url', 'source-document', 'step-start'),
  ...collectorsFor(pushUiTool, 'dynamic-tool'),
  // Content as the provider has it, which RubyLLM's instrumentation writes as JSON.
  ...collectorsFor(({ content }, into) => collectPart(blocksInText(stringOf(content) ?? '') ?? content, into), 'raw'),
  // What the GenAI conventions do not describe: a part of a provider, or data, which is nobody's words.
  ...collectorsFor(({ value, content }, into) => {
    collectPart(isKnownPart(value) ? value : stringOf(content), into);
  }, 'generic'),
  // Sentry's, around a part of Gemini's that it does not know.
  ...collectorsFor(({ content }, into) => collectPart(content, into), 'object'),
]);

/** The same types as other languages spell them (`toolresult`, `TEXT`, `imageUrl`), by their letters. */
const RESPELLED: ReadonlyMap<string, string> = new Map(
  [...TYPED.keys()].flatMap((type) => (typeof type === 'string' ? [[lettersOf(type), type]] : [])),
);

/** Sorts one part, or a list of them, into `into`. */
export function collectPart(part: unknown, into: MessageParts, depth = 0): void {
  if (typeof part === 'string') {
    if (!collectPrinted(part, into, depth)) into.content.push({ type: 'text', text: part.toWellFormed() });
  } else if (Array.isArray(part)) {
    if (depth < MAX_DEPTH) collectList(part, into, depth + 1);
  } else if (isObject(part)) {
    const collect = collectorOf(part);
    if (collect) collect(part, into);
    else if (hasContent(part)) pushText(onlyValueOf(part) ?? part, into);
  } else if (typeof part === 'number' || typeof part === 'boolean' || typeof part === 'bigint') {
    pushText(`${part}`, into);
  }
}

function collectList(list: readonly unknown[], into: MessageParts, depth: number): void {
  const count = Math.min(list.length, MAX_PARTS);
  for (let at = 0; at < count; at++) collectPart(list[at], into, depth);
  if (list.length > count) pushText(`[${list.length - count} more]`, into);
}

/** Sorts the items of an answer that were printed as a text. Returns false for any other text. */
function collectPrinted(text: string, into: MessageParts, depth = 0): boolean {
  const items = depth < MAX_DEPTH ? printedItemsIn(text) : undefined;
  if (!items?.every((item) => item['type'] === 'message' || TYPED.has(item['type']) || isProviderPart(item)))
    return false;
  for (const item of items) collectPart(item['type'] === 'message' ? item['content'] : item, into, depth + 1);
  return true;
}

function collectorOf(part: Fields): Collector | undefined {
  const known = TYPED.get(part['type'] ?? part['$type']);
  if (known) return known;
  if (isProviderPart(part)) return pushProviderItem;
  if (isAnswerableItem(part)) return pushItem;
  if (isUiTool(part)) return pushUiTool;
  const { kind } = part;
  if (part['type'] === undefined && PYDANTIC_KINDS.has(kind))
    return (_part, into) => TYPED.get(kind)?.({ ...part, type: kind }, into);
  const type = typeof part['type'] === 'string' ? RESPELLED.get(lettersOf(part['type'])) : undefined;
  if (type !== undefined) return (_part, into) => TYPED.get(type)?.({ ...part, type }, into);
  return isDotNetClass(part['type']) ? pushDotNet : collectorByKey(part);
}

/** Whether this belongs to a tool that the provider runs; parts of texts and known types are not looked at. */
export function isProviderPart(part: Fields): boolean {
  if (typeof part['type'] === 'string') return readProviderItem(part) !== undefined;
  return typeof part['text'] !== 'string' && part['role'] === undefined && readProviderItem(part) !== undefined;
}

/** Whether this has a type that is not known, and nothing else by which it is. */
export function isUnknownPart(part: Fields): boolean {
  return typeof part['type'] === 'string' && collectorOf(part) === undefined;
}

function pushItem(part: Fields, into: MessageParts): void {
  if (stringOf(part['type'])?.endsWith('_output')) pushResult(part, into);
  else pushCall(toCallPart(part), into);
}

/** Whether a value is certainly a content block. A document with `text` among other fields is not. */
export function isKnownPart(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (value['type'] === 'object') return isObject(value['content']);
  if (typeof value['type'] === 'string') return TYPED.has(value['type']);
  const collect = collectorByKey(value);
  return collect !== undefined && (collect !== pushTextPart || Object.keys(value).length === 1);
}

/** It may have been encoded twice, and so may each block. */
const BLOCKS = /^"?\[\s*(?:\\?")?\{/;

/** Parses a text that is a stringified list of content blocks; returns undefined for any other text, also JSON. */
export function blocksInText(text: string): unknown[] | undefined {
  if (!BLOCKS.test(text)) return undefined;
  const list = listOf(text);
  if (!list) return undefined;
  const blocks: unknown[] = [];
  // Of rows that a tool has found, only the first one is looked at.
  for (const item of list) {
    const block = openBlock(item);
    if (!isKnownPart(block) && !(isObject(block) && isProviderPart(block))) return undefined;
    blocks.push(block);
  }
  return blocks.some(isKnownPart) ? blocks : undefined;
}

function openBlock(item: unknown): unknown {
  const block = typeof item === 'string' ? objectOf(item) : undefined;
  return block?.['type'] === undefined ? item : block; // Without a type it may be data.
}

/** Text with its citations is a list of texts, and text for a guardrail is a level deeper. */
function collectEnvelope(inner: Fields, into: MessageParts): void {
  collectPart(
    Array.isArray(inner['content']) ? inner['content'] : isObject(inner['text']) ? inner['text'] : inner,
    into,
  );
}

/** Whether the part is text, by its type. */
export function isTextPart(part: Fields): boolean {
  return TYPED.get(part['type'] ?? 'text') === pushTextPart;
}

/** Whether the part is a call or the result of one, by its type. */
export function isCallOrResultPart(part: Fields): boolean {
  const collect = TYPED.get(part['type']);
  return collect === pushCall || collect === pushResult;
}

/** Returns what a tool answered: text as it is, content blocks joined, anything else as JSON text. */
export function toResultContent(value: unknown): MessageContent {
  if (value === undefined || value === null) return '';
  const inner = contentOfMcp(value);
  const list = typeof inner === 'string' ? blocksInText(inner) : Array.isArray(inner) ? inner.map(openBlock) : inner;
  if (Array.isArray(list) && list.length > 0 && list.every((block) => isKnownPart(block) || isJsonBlock(block))) {
    const parts = createParts();
    for (const block of list) collectPart(block, parts);
    const content = joinContent(parts.content);
    if (content !== undefined) return content;
  }
  // As some frameworks write what a tool answered, in the history as on the tool's own span.
  return typeof value === 'string' ? unquotedText(toText(value)) : toText(value);
}

/** Returns the blocks of a result of the Model Context Protocol, which is an object around them; any other value as it is. */
function contentOfMcp(value: unknown): unknown {
  if (!isObject(value) || !Array.isArray(value['content'])) return value;
  const { content, isError, is_error, structuredContent, _meta, meta, ...others } = value;
  const isMcps = 'isError' in value || 'structuredContent' in value || '_meta' in value;
  return isMcps && Object.keys(others).length === 0 ? content : value;
}

function collectorByKey(part: Fields): Collector | undefined {
  if (annotatedTextOf(part['text']) !== undefined) return part['thought'] === true ? pushReasoning : pushTextPart;
  if (isUntypedCall(part)) return pushCall;
  if (isUntypedResult(part)) return pushResult;
  const call = CALL_KEYS.find((key) => isObject(part[key]));
  if (call) return (_part, into) => pushCall(part[call] as Fields, into);
  const result = RESULT_KEYS.find((key) => isObject(part[key]));
  if (result) return (_part, into) => pushResult(part[result] as Fields, into);
  if (firstValue(part, REASONING_KEYS) !== undefined) return pushReasoning;
  const media = MEDIA_KEYS.find(([key]) => isObject(part[key]));
  if (media) return (_part, into) => pushMedia(part[media[0]] as Fields, into, media[1]);
  const envelope = ENVELOPE_KEYS.find((key) => isObject(part[key]));
  if (envelope) return (_part, into) => collectEnvelope(part[envelope] as Fields, into);
  // A marker for the provider's cache, not content.
  if (isObject(part['cachePoint'])) return pushNothing;
  return typeof part['content'] === 'string' ? pushTextPart : undefined;
}

function pushTextPart(part: Fields, into: MessageParts): void {
  if (part['thought'] === true) return pushReasoning(part, into);
  const text = part['content'] ?? part['text'] ?? part['value'] ?? part['refusal'];
  const said = annotatedTextOf(text) ?? text;
  // Sentry puts a message's whole list of texts into one part.
  if (Array.isArray(said) && said.length > 0 && said.every(isWrittenText)) {
    for (const part of said) pushText(part['text'], into);
  } else if (typeof said !== 'string' || !collectPrinted(said, into)) pushText(said, into);
}

function isWrittenText(part: unknown): part is Fields {
  return isObject(part) && isTextPart(part) && typeof part['text'] === 'string';
}

/** Some providers send an empty text beside it. */
function pushRefusal(part: Fields, into: MessageParts): void {
  if (into.content.every((said) => said.type === 'text' && said.text === '')) into.content.length = 0;
  pushTextPart(part, into);
}

/** In Chat Completions this is a call with free text; in AI SDK 7 a marker of the provider, mostly without content. */
function pushCustom(part: Fields, into: MessageParts): void {
  (isObject(part['custom']) ? pushCall : pushTextPart)(part, into);
}

function pushResult(part: Fields, into: MessageParts): void {
  const item = readProviderItem(part);
  if (item) {
    into.provider.push(item);
    return;
  }
  const { id, name, value } = readResultPart(isObject(part['tool_response']) ? part['tool_response'] : part);
  into.results.push({ id, name, content: toResultContent(value) });
}

function pushDotNet(part: Fields, into: MessageParts): void {
  const content = dotNetContentOf(part);
  if (content && collectorOf(content)) collectPart(content, into);
}

/** A call of the AI SDK's messages for pages has its result in itself. */
function pushUiTool(part: Fields, into: MessageParts): void {
  const { call, result } = readUiTool(part);
  into.calls.push(call);
  if (result !== undefined) into.results.push({ id: call.id, name: call.name, content: toResultContent(result) });
}

/** Cohere's and Anthropic's documents can be text. */
function pushDocument(part: Fields, into: MessageParts): void {
  const [document, source] = [part['document'], part['source']];
  if (isObject(document) && document['data'] !== undefined && document['format'] === undefined) {
    pushText(document['data'], into);
  } else if (isObject(source) && source['type'] === 'text') pushText(source['data'], into);
  else if (isObject(source) && source['type'] === 'content') collectPart(source['content'], into);
  else pushMedia(part, into);
}

function collectorsFor(collect: Collector, ...types: string[]): [string, Collector][] {
  return types.map((type) => [type, collect]);
}
