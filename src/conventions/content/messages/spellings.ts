/**
 * Messages in the spellings of other languages' libraries → the fields that the readers of messages know.
 *
 * - .NET and Go write the names of fields as their code does: `{ Role, Content, ToolCalls }`.
 * - Lisps join the words of names with hyphens: `tool-calls`.
 * - LangChain4j's serialiser writes the role as the type, and calls as `toolExecutionRequests`.
 * - Semantic Kernel has the parts of a message in `Items`.
 * - Go's langchaingo writes an answer without a role: `{ Content, StopReason, ToolCalls }`.
 * - Haystack's first chat messages have private fields: `{ _role, _content }`.
 * - Python's LangChain and AutoGen name a message's class: `{ type: 'HumanMessage' }`, or `{ type: 'human' }`.
 */
import { isObject } from '../../../wire/json.ts';
import { fromConverseMessage, isConverseMessage } from '../parts/converse.ts';
import { fromFramework, isFrameworkMessage } from './framework-messages.ts';

type Fields = Record<string, unknown>;

const MAX_DEPTH = 8;

const JAVA_ROLES: ReadonlyMap<unknown, string> = new Map([
  ['SYSTEM', 'system'],
  ['USER', 'user'],
  ['AI', 'assistant'],
  ['TOOL_EXECUTION_RESULT', 'tool'],
  ['TOOL_RESULT', 'tool'],
]);

/** By the class, without `Message` at its end. */
const CLASS_ROLES: ReadonlyMap<string, string> = new Map([
  ['System', 'system'],
  ['Human', 'user'],
  ['User', 'user'],
  ['AI', 'assistant'],
  ['Assistant', 'assistant'],
  ['Tool', 'tool'],
  ['Function', 'tool'],
  ['FunctionExecutionResult', 'tool'],
  ['human', 'user'],
  ['ai', 'assistant'],
  ['system', 'system'],
]);

const CONTENT_KEYS = [
  ...['Content', 'Contents', 'Items', 'Parts', 'ToolCalls'],
  ...['text', 'contents', 'toolExecutionRequests'],
] as const;

/** Whether this is certainly a message: data of the app may have a role or a type too. */
export function isMessageInOtherSpelling(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (isNamedByClass(value) || isPrintedByLangChain(value) || isFrameworkMessage(value)) return true;
  if (isPrivate(value) || isHyphenated(value) || isConverseMessage(value)) return true;
  return (isCapitalised(value) || isLangChain4j(value)) && CONTENT_KEYS.some((key) => key in value);
}

/** Returns the list itself if no message in it is spelled otherwise. */
export function toKnownSpellings(list: readonly unknown[]): readonly unknown[] {
  return list.some(isMessageInOtherSpelling) ? list.flatMap(toKnownMessages) : list;
}

/** Returns the message itself if its fields are known. What a framework has as one can be several. */
export function toKnownMessages(value: unknown): readonly unknown[] {
  return (isObject(value) && fromFramework(value)) || [toKnownSpelling(value)];
}

/** Returns the first message of a value that is several. */
export function toKnownSpelling(value: unknown): unknown {
  if (!isObject(value) || !isMessageInOtherSpelling(value)) return value;
  if (isFrameworkMessage(value)) return fromFramework(value)?.[0];
  if (isPrivate(value)) return fromPrivate(value);
  if (isConverseMessage(value)) return fromConverseMessage(value);
  if (isNamedByClass(value)) return fromClass(value);
  if (isPrintedByLangChain(value)) return { ...value, role: roleOfPrinted(value) };
  return isCapitalised(value) || isHyphenated(value)
    ? withItems(withSnakeKeys(value, 0) as Fields)
    : fromLangChain4j(value);
}

/** Lisps join words with hyphens. */
function isHyphenated(value: Fields): boolean {
  const { role, 'tool-calls': calls, 'tool-call-id': id } = value;
  if (role === 'tool') return typeof id === 'string';
  return role === 'assistant' && Array.isArray(calls) && calls.every(isObject);
}

function isCapitalised(value: Fields): boolean {
  return (value['Role'] !== undefined && value['role'] === undefined) || isLangChainGo(value);
}

function isLangChainGo(value: Fields): boolean {
  return typeof value['Content'] === 'string' && 'StopReason' in value && value['role'] === undefined;
}

const PRIVATE_ROLE = /^(?:system|user|assistant|tool)$/;

function isPrivate({ _role: role, _content: content }: Fields): boolean {
  return typeof role === 'string' && PRIVATE_ROLE.test(role) && Array.isArray(content) && content.every(isObject);
}

function fromPrivate({ _role: role, _content: content, _name: name, _meta: meta }: Fields): Fields {
  const parts = (content as Fields[]).map((part) => (isPrintedCall(part) ? { tool_call: part } : part));
  return { role, content: parts, meta, ...(typeof name === 'string' && { name }) };
}

/** Python prints a call without what is around it in JSON. */
function isPrintedCall({ tool_name: name, arguments: given }: Fields): boolean {
  return typeof name === 'string' && isObject(given);
}

function isNamedByClass(value: Fields): boolean {
  return value['role'] === undefined && value['content'] !== undefined && classRoleOf(value) !== undefined;
}

function classRoleOf({ type, tool_call_id: id }: Fields): string | undefined {
  if (typeof type !== 'string') return undefined;
  if (type === 'tool') return typeof id === 'string' ? 'tool' : undefined;
  return CLASS_ROLES.get(type.replace(/Message(Chunk)?$/, ''));
}

/** What Python's `str` prints of a message: its fields, without its class. */
function isPrintedByLangChain({ role, content, additional_kwargs: more }: Fields): boolean {
  return role === undefined && content !== undefined && isObject(more);
}

/** Only what a model answered has these fields; what it was asked and its instructions look alike. */
function roleOfPrinted({ tool_call_id: answered, tool_calls: calls, usage_metadata: usage, id }: Fields): string {
  if (typeof answered === 'string') return 'tool';
  const isAnswer = calls !== undefined || usage !== undefined || (typeof id === 'string' && /^(lc_)?run-/.test(id));
  return isAnswer ? 'assistant' : 'user';
}

function fromClass(message: Fields): Fields {
  const { type: _type, thought, ...rest } = message;
  return { ...rest, role: classRoleOf(message), ...(thought !== undefined && { reasoning_content: thought }) };
}

function isLangChain4j(value: Fields): boolean {
  if (value['role'] !== undefined) return false;
  // A message of the model that stands alone has no type.
  return JAVA_ROLES.has(value['type']) || ('toolExecutionRequests' in value && 'text' in value);
}

function fromLangChain4j(message: Fields): Fields {
  const { type = 'AI', text, contents, toolExecutionRequests, thinking, id, toolName, name } = message;
  return {
    role: JAVA_ROLES.get(type),
    content: text ?? contents,
    tool_calls: toolExecutionRequests,
    reasoning_content: thinking,
    ...(JAVA_ROLES.get(type) === 'tool' && { tool_call_id: id }),
    name: toolName ?? name,
  };
}

function withItems(message: Fields): Fields {
  const { items } = message;
  return Array.isArray(items) && items.length > 0 ? { ...message, content: items } : message;
}

/** Returns a copy with keys such as `finish_reason` for `FinishReason` and `finish-reason`, also in what is input and output. */
export function withSnakeNames(body: Fields): Fields {
  const copy: Fields = {};
  for (const [key, inner] of Object.entries(body)) {
    const name = toSnake(key);
    if (name !== '__proto__') copy[name] = name === 'metadata' ? inner : withSnakeKeys(inner, 1);
  }
  return copy;
}

/** Returns a copy with keys such as `tool_call_id` for `ToolCallID`. Arguments and results of tools stay as they are. */
function withSnakeKeys(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => withSnakeKeys(item, depth + 1));
  const copy: Fields = {};
  for (const [key, inner] of Object.entries(value)) {
    const name = toSnake(key);
    if (name !== '__proto__') copy[name] = APP_VALUES.has(name) ? inner : withSnakeKeys(inner, depth + 1);
  }
  return copy;
}

const APP_VALUES: ReadonlySet<string> = new Set([
  ...['arguments', 'result', 'input', 'output', 'metadata'],
  ...['parameters', 'schema', 'input_schema', 'json_schema'],
]);

function toSnake(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}
