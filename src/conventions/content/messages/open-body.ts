/** Opens texts that are the JSON of message blocks, as sources give them that encode content twice. */
import { isObject } from '../../../wire/json.ts';
import { jsonOf, objectOf, withoutQuotes } from '../../values/attributes.ts';
import { javaMapsIn } from '../../values/printed/java-map.ts';
import { isCallOrResultPart, isKnownPart, isProviderPart, isTextPart, MAX_PARTS } from '../parts/message-parts.ts';
import { untaggedContent } from '../parts/tagged-parts.ts';
import { readResultPart } from '../parts/tool-parts.ts';

type Fields = Record<string, unknown>;

/**
 * Opens texts in the content of a message that are the JSON of its blocks: items of the list that are such a text, and
 * text in which a call or a result with its id can be nothing else. `isBedrocks`: also blocks without types, and those that
 * Bedrock's instrumentation prints. `isGiven`: the message is for the model, which nobody writes to in lists of blocks.
 */
export function openBody(content: unknown, isBedrocks = false, isGiven = false): unknown {
  if (typeof content === 'string') return blocksInText(content, isBedrocks, isGiven) ?? content;
  const body = untaggedContent(content);
  if (!Array.isArray(body)) return body;
  const untyped = isBedrocks ? untypedBlocksIn(body) : undefined;
  if (untyped) return untyped;
  let opened: unknown[] | undefined;
  for (let at = 0; at < body.length && at < MAX_PARTS; at++) {
    const item: unknown = body[at];
    const blocks = typeof item === 'string' ? typedBlocksIn(item) : blocksInText(textOfPart(item), isBedrocks, isGiven);
    if (blocks) {
      opened ??= body.slice(0, at);
      opened.push(...blocks);
    } else opened?.push(item);
  }
  return opened ? opened.concat(body.slice(MAX_PARTS)) : body;
}

/** A list has such blocks only if each of its texts is one of them. */
function untypedBlocksIn(list: readonly unknown[]): unknown[] | undefined {
  const [first] = list;
  if (typeof first !== 'string' || !first.startsWith('{') || list.length > MAX_PARTS) return undefined;
  const blocks = list.map(objectOf);
  return blocks.every((block) => block?.['type'] === undefined && isKnownPart(block)) ? blocks : undefined;
}

function textOfPart(part: unknown): unknown {
  return isObject(part) && isTextPart(part) ? (part['content'] ?? part['text']) : undefined;
}

/** The list may be indented, and each block encoded once more. */
const BLOCK_START = /^(?:"(?:\\")?)?(?:\[\s*)?(?:\\*")?\{/;

function typedBlocksIn(text: unknown): unknown[] | undefined {
  if (typeof text !== 'string' || !BLOCK_START.test(text) || !text.includes('type')) return undefined;
  const parsed = withoutQuotes(jsonOf(text));
  const blocks: unknown[] = [];
  for (const item of Array.isArray(parsed) ? parsed : [parsed]) {
    const block: unknown = typeof item === 'string' ? objectOf(item) : item;
    if (!isObject(block) || block['type'] === undefined || !isKnownPart(block)) return undefined;
    blocks.push(block);
  }
  return blocks;
}

function blocksInText(text: unknown, isBedrocks: boolean, isGiven: boolean): unknown[] | undefined {
  const blocks = callBlocksIn(text, isBedrocks);
  if (blocks || !isGiven || typeof text !== 'string' || !text.startsWith('[')) return blocks;
  const given = typedBlocksIn(text);
  const areGiven = given?.every((block) => isObject(block) && isGivenBlock(block)) && given.some(isWords);
  return areGiven ? given : undefined;
}

/** With any other field a block is data that somebody wants to have read, and that would be lost. */
function isGivenBlock(block: Fields): boolean {
  if (isProviderPart(block)) return false;
  const { type } = block;
  if (!isTextPart(block)) return isObject(block['source']) || (typeof type === 'string' && block[type] !== undefined);
  return isWords(block) && Object.keys(block).every((key) => TEXT_KEYS.has(key));
}

function isWords(block: unknown): boolean {
  return isObject(block) && isTextPart(block) && typeof (block['text'] ?? block['content']) === 'string';
}

const TEXT_KEYS: ReadonlySet<string> = new Set(['type', 'text', 'content', 'cache_control', 'annotations']);

function callBlocksIn(text: unknown, isBedrocks: boolean): unknown[] | undefined {
  if (isBedrocks && typeof text === 'string' && PRINTED_BLOCKS.test(text)) return printedBlocksIn(text);
  const blocks = typedBlocksIn(text);
  return blocks?.some(isCallOrResult) ? blocks : undefined;
}

/** The blocks of a message as Java prints them, which Bedrock's agents report: `[{text=Hi, type=text}]`. */
const PRINTED_BLOCKS = /^\[\{[a-z_]+=/;

const PRINTED_KEYS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['text', ['type', 'text']],
  ['tool_use', ['type', 'id', 'name', 'input']],
  ['tool_result', ['type', 'tool_use_id', 'content', 'is_error']],
]);

function printedBlocksIn(text: string): unknown[] | undefined {
  const blocks = javaMapsIn(text);
  return blocks?.every(isPrintedBlock) ? blocks : undefined;
}

/** Another key is part of a text with a comma before it: that text would be cut there. */
function isPrintedBlock(block: unknown): boolean {
  if (!isObject(block)) return true;
  const known = PRINTED_KEYS.get(block['type']);
  const { content } = block;
  return (
    Object.keys(block).every((key) => known?.includes(key)) &&
    (!Array.isArray(content) || content.every(isPrintedBlock))
  );
}

function isCallOrResult(block: unknown): boolean {
  return isObject(block) && isCallOrResultPart(block) && readResultPart(block).id !== undefined;
}
