/** What a tool answered, without what a framework has put around it: quotes of JSON, or a message of its own. */
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ReadError, Reading } from '../../convention.ts';
import { booleanOf, jsonOf, objectOf, stringOf, textOf, unquotedText } from '../../values/attributes.ts';
import { toText } from '../../values/json/plain-json.ts';
import { parsePrintedFields, parsePythonLiteral } from '../../values/printed/python-literal.ts';
import { fromLangChain } from './langchain-json.ts';
import { toResultContent } from './message-parts.ts';
import { readResultPart } from './tool-parts.ts';

/** A tool message names the call that it answers, or its role. Other texts are not parsed. */
const MESSAGE_SIGN =
  /["'](?:tool_call_id|toolCallId|tool_use_id|toolUseId|call_id|callId|raw_output|lc)["']|["'](?:role|type)["']:\s?["']tool["']/;

/** A result of the Model Context Protocol has these fields beside its blocks, or the blocks alone. */
const MCP_FIELD = /["'](?:isError|is_error|structuredContent|_meta)["']/;
const MCP_SIGN = new RegExp(`${MCP_FIELD.source}|^\\{"content":\\s?\\[\\{"type":\\s?"text"`);

/** The same as Python's SDK prints it, whole or only its blocks. */
const PRINTED_MCP = /^(?:CallToolResult\(|(?:_?meta|content)=[^']*?\[TextContent\(|\[TextContent\()/;

/** Replaces the output of a tool by the value in it, and adds the id of the call that its message answers. */
export function openToolResult(reading: Reading): Reading {
  if (reading.output === undefined) return reading;
  if (reading.error !== undefined && reading.output === 'null') return withoutOutput(reading);
  const output = unquotedText(reading.output);
  const result = mcpResultIn(output);
  if (result) return { ...reading, output: result.text, ...(result.isError && { error: reading.error ?? FAILED }) };
  const text = blocksIn(output);
  if (text !== undefined) return { ...reading, output: text };
  const message = functionResponseIn(output, reading.name) ?? toolMessageIn(output);
  if (!message) return output === reading.output ? reading : { ...reading, output };
  const id = reading.metadata?.['tool_call_id'] ?? message.id;
  const opened: Reading = { ...reading, output: message.text };
  if (message.isError) opened.error = reading.error ?? FAILED;
  if (id !== undefined) opened.metadata = { ...reading.metadata, tool_call_id: id };
  return opened;
}

/** What failed returned nothing: .NET's functions write `null` then. */
function withoutOutput({ output: _output, ...reading }: Reading): Reading {
  return reading;
}

/** LangChain's message as Python prints it, and LangGraph's command, which may have one in it. */
const PRINTED_MESSAGE = /^content=['"[]/;
const PRINTED_OBJECT = /^\[?(?:ToolMessage|Command)\(/;

/** Whether the output may be a message with the value in it. */
export function mayHoldToolMessage(output: string): boolean {
  if (/^\[?\{/.test(output)) {
    if (TEXT_BLOCK.test(output)) return true;
    return MESSAGE_SIGN.test(output) || MCP_SIGN.test(output) || FUNCTION_RESPONSE.test(output);
  }
  return isPrinted(output) || PRINTED_OBJECT.test(output) || PRINTED_MCP.test(output);
}

function isPrinted(output: string): boolean {
  return PRINTED_MESSAGE.test(output) && output.includes(" tool_call_id='");
}

const FAILED: ReadError = { type: 'tool error' };

/** Returns the text of a result whose blocks are all texts. */
function mcpResultIn(output: string): { text: string; isError: boolean } | undefined {
  const result = mcpObjectIn(output);
  const blocks = result?.['content'];
  if (!result || !Array.isArray(blocks) || blocks.length === 0) return undefined;
  const texts = blocks.map((block: unknown) =>
    isObject(block) && block['type'] === 'text' ? stringOf(block['text']) : undefined,
  );
  if (!texts.every((text) => text !== undefined)) return undefined;
  return { text: texts.join('\n'), isError: booleanOf(result['isError'] ?? result['is_error']) === true };
}

/**
 * Blocks of text that a server of MCP gave, as frameworks pass them on: all of them in a list, or the only one. MCP's SDKs write
 * `annotations` for each; without them the blocks are the app's own.
 */
const TEXT_BLOCK = /^\[?\s*\{\s*"type":\s?"text",\s?"text":/;
const BLOCK_KEYS: ReadonlySet<string> = new Set(['type', 'text', 'annotations', 'meta', '_meta']);

function blocksIn(output: string): string | undefined {
  if (!TEXT_BLOCK.test(output) || !output.includes('"annotations"')) return undefined;
  const value = jsonOf(output);
  const blocks: unknown[] = Array.isArray(value) ? value : [value];
  const texts = blocks.map((block) => {
    const isText = isObject(block) && block['type'] === 'text' && 'annotations' in block;
    return isText && Object.keys(block).every((key) => BLOCK_KEYS.has(key)) ? textOf(block['text']) : undefined;
  });
  return texts.every((text) => text !== undefined) ? texts.join('\n') : undefined;
}

function mcpObjectIn(output: string): Record<string, unknown> | undefined {
  if (PRINTED_MCP.test(output)) {
    const printed = /^\w+=/.test(output) ? parsePrintedFields(output) : parsePythonLiteral(output);
    return Array.isArray(printed) ? { content: printed } : objectOf(printed);
  }
  const result = output.startsWith('{') && MCP_SIGN.test(output) ? objectOf(output) : undefined;
  return result && (MCP_FIELD.test(output) || Object.keys(result).length === 1) ? result : undefined;
}

/** Gemini's part for what a function answered, with the id of the call. It names the tool; any other name is data. */
const FUNCTION_RESPONSE = /^\{\s*(?:"id":\s?"[^"]{0,200}",\s*)?"name":\s?"[^"]{0,200}",\s*"response":/;

function functionResponseIn(output: string, tool: string | undefined): ToolMessage | undefined {
  if (!FUNCTION_RESPONSE.test(output)) return undefined;
  const { id, name, response, ...rest } = objectOf(output) ?? {};
  if (!isObject(response) || name === undefined || name !== tool || Object.keys(rest).length > 0) return undefined;
  return { text: toText(response), id: stringOf(id), isError: false };
}

interface ToolMessage {
  readonly text: string;
  readonly id: string | undefined;
  readonly isError: boolean;
}

function toolMessageIn(output: string): ToolMessage | undefined {
  if (!mayHoldToolMessage(output)) return undefined;
  const printed = isPrinted(output) ? parsePrintedFields(output) : undefined;
  const value = PRINTED_OBJECT.test(output) ? parsePythonLiteral(output) : jsonOf(output);
  const message = printed ?? loneMessage(fromLangChain(value));
  if (!message) return undefined;
  const result = readResultPart(message);
  const content = message['content'] ?? blocksOfLlamaIndex(message) ?? result.value ?? message['raw_output'];
  const text = messageText({ role: 'tool', content: toResultContent(content) });
  const isError = message['status'] === 'error' || booleanOf(message['isError'] ?? message['is_error']) === true;
  return { text: text ?? '', id: stringOf(message['tool_call_id']) ?? result.id, isError };
}

/** Finds the message itself, in a list of one, or below a single key such as `output`. */
function loneMessage(value: unknown, depth = 0): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || depth > 3) return undefined;
  if (isObject(value) && isToolMessage(value)) return value;
  // LangGraph's command has more than the message.
  if (isObject(value) && value['lg_name'] === 'Command') return loneMessage(messagesIn(value['update']), depth + 1);
  const items = Object.values(value);
  return items.length === 1 ? loneMessage(items[0], depth + 1) : undefined;
}

function blocksOfLlamaIndex({ blocks }: Record<string, unknown>): unknown[] | undefined {
  if (!Array.isArray(blocks)) return undefined;
  return blocks.map((block) => (isObject(block) ? { type: block['block_type'], ...block } : block));
}

function messagesIn(update: unknown): unknown {
  return isObject(update) && Array.isArray(update['messages']) ? update['messages'] : update;
}

/** LangChain's and AI SDK's, an item of the Responses API, AutoGen's; .NET's names its type `$type`. */
const RESULT_TYPE =
  /^(?:tool[-_]result|ToolMessage|function_call_output|custom_tool_call_output|functionResult|FunctionExecutionResult)$/;

function isToolMessage(value: Record<string, unknown>): boolean {
  if (value['role'] === 'tool' || value['type'] === 'tool') return 'content' in value;
  const type = value['type'] ?? value['$type'];
  if (typeof type === 'string') return RESULT_TYPE.test(type);
  // LlamaIndex and Agno keep what the tool was given beside it, AutoGen whether it failed.
  if (typeof value['tool_name'] === 'string' && 'raw_input' in value && 'raw_output' in value) return true;
  if (typeof value['tool_name'] === 'string' && 'tool_args' in value && 'result' in value) return true;
  if (typeof value['call_id'] === 'string' && 'is_error' in value && 'content' in value) return true;
  const id = value['tool_call_id'] ?? value['toolUseId'];
  return value['role'] === undefined && typeof id === 'string' && 'content' in value;
}
