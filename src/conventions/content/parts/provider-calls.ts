/**
 * Calls that the provider runs itself (web search, code execution, hosted MCP), their results, and the approvals around
 * them. Nobody has to answer them, so they are not tool calls of a message, and they are never its text.
 */

import { isObject } from '../../../wire/json.ts';
import { firstString, firstValue, jsonOf, omitUndefined, stringOf } from '../../values/attributes.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import { memberOf } from '../../values/printed/enum-member.ts';
import { NAME_KEYS } from './tool-parts.ts';

type Fields = Record<string, unknown>;

/** A call, or only its result if `isResult`. */
export interface ProviderItem {
  readonly id: string | undefined;
  readonly name: string;
  readonly input?: unknown;
  readonly result?: unknown;
  readonly isResult: boolean;
}

interface ListedCall {
  id?: string;
  name: string;
  input?: unknown;
  result?: unknown;
}

/** Calls that have been put together with their results, as they stand in the metadata. */
export class ProviderCalls {
  readonly #calls: ListedCall[] = [];
  readonly #byId = new Map<string, ListedCall>();
  /** All calls before this one have results. */
  #firstOpen = 0;

  add({ isResult, ...item }: ProviderItem): void {
    const call = isResult ? (item.id === undefined ? this.#firstWithoutResult() : this.#byId.get(item.id)) : undefined;
    if (call) call.result ??= item.result;
    // Some vocabularies list a call both as a part and beside the parts.
    else if (item.id === undefined || isResult || !this.has(item.id)) {
      const added = omitUndefined<Fields>(item) as unknown as ListedCall;
      this.#calls.push(added);
      if (item.id !== undefined) this.#byId.set(item.id, added);
    }
  }

  has(id: string | undefined): boolean {
    return id !== undefined && this.#byId.has(id);
  }

  toList(): ListedCall[] | undefined {
    return this.#calls.length > 0 ? this.#calls : undefined;
  }

  #firstWithoutResult(): ListedCall | undefined {
    while (this.#calls[this.#firstOpen]?.result !== undefined) this.#firstOpen++;
    return this.#calls[this.#firstOpen];
  }
}

/** Types of items; instrumentations also name calls after them. */
export const HOSTED_TYPES = [
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
  'mcp_call',
  'mcp_list_tools',
  'mcp_approval_request',
  'mcp_approval_response',
  'tool_search_call',
  'hosted_tool_call',
  'server_tool_call',
  'server_tool_use',
  'mcp_tool_use',
  'server_tool_call_response',
  'web_search_tool_result',
  'mcp_tool_result',
] as const;
const HOSTED: ReadonlySet<unknown> = new Set(HOSTED_TYPES);
/** Results whose type does not end like the others. */
const HOSTED_RESULTS: ReadonlySet<string> = new Set([
  'server_tool_call_response',
  'web_search_tool_result',
  'mcp_tool_result',
  'server_tool_result',
  'server_tool_call_result',
]);
const APP_CALLS: ReadonlySet<string> = new Set(['function_call', 'tool_call', 'custom_tool_call']);
const APP_RESULTS: ReadonlySet<string> = new Set(['tool_result', 'tool_call_response', 'function_response']);

const ID_KEYS = [
  'tool_use_id',
  'toolUseId',
  'toolCallId',
  'tool_call_id',
  'approval_request_id',
  'approvalId',
  'call_id',
  'callId',
  'id',
];
const INPUT_KEYS = ['arguments', 'args', 'input', 'server_tool_call', 'action', 'parameters'];
const CALL_RESULT_KEYS = ['output', 'outputs', 'result', 'results', 'tools', 'error'];
const RESULT_KEYS = ['server_tool_call_response', 'response', 'result', 'output', 'content', 'error'];
/** What is neither input nor result of an item without a key for its input. */
const FRAME_KEYS: ReadonlySet<string> = new Set([
  ...ID_KEYS,
  ...CALL_RESULT_KEYS,
  'type',
  'name',
  'toolName',
  'role',
  'status',
  'providerData',
  'server_label',
]);

/** Tools that the provider runs, as the type of a call names them; the last ones are of Azure's agents. */
const HOSTED_TOOLS: ReadonlySet<string> = new Set([
  ...HOSTED_TYPES.map((type) => type.replace(/_call$/, '')),
  ...['web_search_preview', 'azure_ai_search', 'azure_function', 'bing_grounding', 'bing_custom_search'],
  ...['sharepoint_grounding', 'fabric_dataagent', 'browser_automation', 'connected_agent', 'deep_research', 'openapi'],
]);
/** Types of a call that do not name its tool. */
const UNNAMED: ReadonlySet<string> = new Set(['function', 'tool', 'custom', ...APP_CALLS]);

/**
 * Returns an item of a list of tool calls that names its tool by its type as the item that it is: a call of the provider, such as
 * `{ type: 'web_search', id, action }` of Azure's SDKs, or of the app, `{ type: 'weather', id, args }`. One with a `call_id`
 * waits for the app.
 */
export function asListedItem(call: Fields): Fields | undefined {
  const { type, function: body, custom } = call;
  if (typeof type !== 'string' || isObject(body) || isObject(custom) || UNNAMED.has(type)) return undefined;
  if (type !== 'mcp' && firstString(call, ...NAME_KEYS) !== undefined) return undefined;
  if (/_call$/.test(type)) return call;
  const isItem = HOSTED_TOOLS.has(type) || firstString(call, 'call_id', 'callId') !== undefined;
  return isItem ? { ...call, type: `${type}_call` } : { ...call, type: 'tool_call', name: type };
}

/** Outputs in an answer that no function of the app gave: the provider has run these calls too. */
export function markAnsweredItems(items: readonly unknown[]): readonly unknown[] {
  const answered = new Set<unknown>();
  for (const item of items) {
    const type = isObject(item) ? stringOf(item['type']) : undefined;
    const isOutput = type?.endsWith('_call_output') && type !== 'function_call_output';
    if (isObject(item) && isOutput) answered.add(item['call_id'] ?? item['callId']);
  }
  answered.delete(undefined);
  if (answered.size === 0) return items;
  return items.map((item) =>
    isObject(item) && answered.has(item['call_id'] ?? item['callId']) ? { ...item, providerExecuted: true } : item,
  );
}

/** Returns undefined if the part is not of this sort: the app has to answer it, or it is no call at all. */
export function readProviderItem(part: Fields): ProviderItem | undefined {
  const type = stringOf(part['type'])?.replaceAll('-', '_') ?? '';
  if (isObject(part['executableCode'] ?? part['executable_code'])) {
    const input = toPlainJson(part['executableCode'] ?? part['executable_code']);
    return { id: undefined, name: 'code_execution', input, isResult: false };
  }
  if (type === 'executable_code' || type === 'code_execution_result') return readFlatExecution(part, type);
  const geminis = type === '' ? readGeminisTool(part) : undefined;
  if (geminis) return geminis;
  if (type === '' && isObject(part['codeExecutionResult'] ?? part['code_execution_result'])) {
    const result = toPlainJson(part['codeExecutionResult'] ?? part['code_execution_result']);
    return { id: undefined, name: 'code_execution', result, isResult: true };
  }
  // The AI SDK and Pydantic AI mark parts that otherwise look like those of the app's own tools.
  const isMarked =
    part['providerExecuted'] === true ||
    part['builtin'] === true ||
    HOSTED_ID.test(firstString(part, ...ID_KEYS) ?? '');
  if (isResultType(type, part) || (isMarked && /result|response|return|output/.test(type)))
    return readResult(part, type);
  return isMarked || isCallType(type, part) ? readCall(part, type) : undefined;
}

/** Gemini's code as OpenLLMetry flattens it: `{ type: 'executable_code', language, content }`, and with an `outcome` what it printed. */
function readFlatExecution({ type: _type, content, ...part }: Fields, type: string): ProviderItem {
  const isResult = type === 'code_execution_result';
  const body = part['codeExecutionResult'] ?? part['code_execution_result'];
  const value = toPlainJson(isObject(body) ? body : { ...part, [isResult ? 'output' : 'code']: content });
  return { id: undefined, name: 'code_execution', [isResult ? 'result' : 'input']: value, isResult };
}

/** Groq's tools, beside the answer that it found with them: `{ type: 'search', arguments, output }`. */
export function readExecutedTool(item: unknown): ProviderItem | undefined {
  const name = isObject(item) ? firstString(item, 'name', 'type') : undefined;
  if (!isObject(item) || name === undefined) return undefined;
  const input = item['arguments'];
  return {
    id: undefined,
    name,
    input: input === undefined ? undefined : toPlainJson(jsonOf(input) ?? input),
    result: toPlainJson(item['output'] ?? undefined),
    isResult: false,
  };
}

/** Gemini's tools of its own: `{ toolCall: { toolType, args, id } }`, and `{ toolResponse: { toolType, response, id } }`. */
function readGeminisTool({
  tool_call: callOfPython,
  toolCall: call = callOfPython,
  tool_response: resultOfPython,
  toolResponse: result = resultOfPython,
}: Fields): ProviderItem | undefined {
  const item = isObject(call) ? call : result;
  if (!isObject(item)) return undefined;
  const name = memberOf(item['toolType'] ?? item['tool_type'])?.toLowerCase();
  if (name === undefined) return undefined;
  const id = stringOf(item['id']);
  if (item === call) return { id, name, input: toPlainJson(item['args']), isResult: false };
  return { id, name, result: toPlainJson(item['response']), isResult: true };
}

/** Anthropic's ids of calls that it runs, its own and those of MCP servers. */
const HOSTED_ID = /^(srv|mcp)toolu_/;

/** Items with a `call_id` wait for the app to answer them. */
function isCallType(type: string, part: Fields): boolean {
  const body = isObject(part['function']) ? part['function'] : part;
  if (HOSTED.has(type) || HOSTED.has(body['name'])) return true;
  if (APP_CALLS.has(type) || firstString(part, 'call_id', 'callId') !== undefined) return false;
  return /_(call|request)$/.test(type) && firstString(part, ...ID_KEYS) !== undefined;
}

function isResultType(type: string, part: Fields): boolean {
  if (HOSTED_RESULTS.has(type) || type === 'mcp_approval_response') return true;
  if (APP_RESULTS.has(type)) return false;
  return /_(tool_result|response)$/.test(type) && firstString(part, ...ID_KEYS) !== undefined;
}

function readCall(part: Fields, type: string): ProviderItem {
  const body = isObject(part['function']) ? part['function'] : part;
  const input = firstValue(body, INPUT_KEYS) ?? remainderOf(body);
  const name = firstString(body, 'name', 'toolName') ?? type;
  return {
    id: firstString(part, 'toolCallId', 'toolUseId', 'tool_call_id', 'call_id', 'callId', 'id', 'approvalId'),
    name: HOSTED.has(name) || name === type ? name.replace(/_(call|request)$/, '') : name,
    input: input === undefined ? undefined : toPlainJson(jsonOf(input) ?? input),
    result: toPlainJson(firstValue(part, CALL_RESULT_KEYS) ?? undefined),
    isResult: false,
  };
}

function readResult(part: Fields, type: string): ProviderItem {
  const result = firstValue(part, RESULT_KEYS) ?? remainderOf(part);
  return {
    id: firstString(part, ...ID_KEYS),
    name: firstString(part, 'name', 'toolName') ?? type.replace(/_(tool_result|response)$/, ''),
    result: toPlainJson(jsonOf(result) ?? result),
    isResult: true,
  };
}

function remainderOf(body: Fields): Fields | undefined {
  const rest = Object.entries(body).filter(([key, value]) => !FRAME_KEYS.has(key) && value !== null && value !== '');
  return rest.length > 0 ? Object.fromEntries(rest) : undefined;
}
