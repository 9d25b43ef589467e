/** What a tool answered, without what a framework has put around it: quotes of JSON, or a message of its own. */
import { isObject } from '../../../wire/json.ts';
import { messageText } from '../../../wire/message-text.ts';
import type { ReadError, Reading } from '../../convention.ts';
import { booleanOf, jsonOf, objectOf, stringOf, unquotedText } from '../../values/attributes.ts';
import { toText } from '../../values/plain-json.ts';
import { parsePrintedFields, parsePythonLiteral } from '../../values/python-literal.ts';
import { fromLangChain } from './langchain-json.ts';
import { toResultContent } from './message-parts.ts';
import { readResultPart } from './tool-parts.ts';

/** A tool message names the call that it answers, or its role. Other texts are not parsed. */
const MESSAGE_SIGN =
  /["'](?:tool_call_id|toolCallId|tool_use_id|toolUseId|lc)["']|["'](?:role|type)["']:\s?["']tool["']/;

/** A result of the Model Context Protocol has these fields beside its blocks, or the blocks alone. */
const MCP_FIELD = /["'](?:isError|is_error|structuredContent|_meta)["']/;
const MCP_SIGN = new RegExp(`${MCP_FIELD.source}|^\\{"content":\\s?\\[\\{"type":\\s?"text"`);

/** The same as Python's SDK prints it, whole or only its blocks. */
const PRINTED_MCP = /^(?:CallToolResult\(|(?:_?meta|content)=[^']*?\[TextContent\(|\[TextContent\()/;

/** Replaces the output of a tool by the value in it, and adds the id of the call that its message answers. */
export function openToolResult(reading: Reading): Reading {
  if (reading.output === undefined) return reading;
  const output = unquotedText(reading.output);
  const result = mcpResultIn(output);
  if (result) return { ...reading, output: result.text, ...(result.isError && { error: reading.error ?? FAILED }) };
  const message = functionResponseIn(output, reading.name) ?? toolMessageIn(output);
  if (!message) return output === reading.output ? reading : { ...reading, output };
  const id = reading.metadata?.['tool_call_id'] ?? message.id;
  const opened: Reading = { ...reading, output: message.text };
  if (message.isError) opened.error = reading.error ?? FAILED;
  if (id !== undefined) opened.metadata = { ...reading.metadata, tool_call_id: id };
  return opened;
}

/** LangChain's message as Python prints it, and LangGraph's command, which may have one in it. */
const PRINTED_MESSAGE = /^content=['"[]/;
const PRINTED_OBJECT = /^\[?(?:ToolMessage|Command)\(/;

/** Whether the output may be a message with the value in it. */
export function mayHoldToolMessage(output: string): boolean {
  if (/^\[?\{/.test(output)) {
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
  const text = messageText({ role: 'tool', content: toResultContent(message['content'] ?? result.value) });
  const isError = message['status'] === 'error' || booleanOf(message['isError'] ?? message['is_error']) === true;
  return { text: text ?? '', id: stringOf(message['tool_call_id']) ?? result.id, isError };
}

/** Finds the message itself, in a list of one, or below a single key such as `output`. */
function loneMessage(value: unknown, depth = 0): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || depth > 3) return undefined;
  if (isObject(value) && isToolMessage(value)) return value;
  const items = Object.values(value);
  return items.length === 1 ? loneMessage(items[0], depth + 1) : undefined;
}

function isToolMessage(value: Record<string, unknown>): boolean {
  if (value['role'] === 'tool' || value['type'] === 'tool') return 'content' in value;
  if (typeof value['type'] === 'string') return /^(?:tool[-_]result|ToolMessage)$/.test(value['type']);
  const id = value['tool_call_id'] ?? value['toolUseId'];
  return value['role'] === undefined && typeof id === 'string' && 'content' in value;
}
