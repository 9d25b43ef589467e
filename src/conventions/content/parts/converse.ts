/**
 * Requests, answers and messages of Bedrock's Converse as the SDKs of Go and .NET write them → the names of its API.
 *
 * Go marshals each member of a union as `{ Value }`, which says nothing of which one it is: `{ Value: 'Hi' }`,
 * `{ Value: { ToolUseId, Name, Input } }`. .NET writes all members, those that are absent as `null`, and its enumerations as
 * `{ Value }`.
 */
import { isObject } from '../../../wire/json.ts';

type Fields = Record<string, unknown>;

const MEMBERS: ReadonlySet<string> = new Set([
  ...['Text', 'ToolUse', 'ToolResult', 'Image', 'Document', 'Video', 'Audio', 'CachePoint', 'ReasoningContent'],
  ...['GuardContent', 'CitationsContent', 'SearchResult', 'Json'],
]);
/** Values of the app and the model, whose names are their own. */
const OWN_VALUES: ReadonlySet<string> = new Set(['Input', 'Json', 'InputSchema', 'AdditionalModelRequestFields']);
const MAX_DEPTH = 12;

/** Returns a body with the names of the API; undefined if it is none of these. */
export function fromConverse(body: Fields): Fields | undefined {
  const { Output: output, Messages: messages, StopReason: reason } = body;
  if (isObject(output)) {
    const message = output['Value'] ?? output['Message'];
    if (reason === undefined || !isConverseMessage(message)) return undefined;
    return { ...(withApiNames(body, 0) as Fields), output: { message: fromConverseMessage(message as Fields) } };
  }
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isConverseMessage)) return undefined;
  const { System: system, ToolConfig: config, ...rest } = body;
  return {
    ...(withApiNames(rest, 0) as Fields),
    messages: messages.map(fromConverseMessage),
    ...(Array.isArray(system) && { system: system.map(toBlock) }),
    ...(isObject(config) && { toolConfig: toToolConfig(config) }),
  };
}

/** Returns the parameters of a request without its messages with the names of the API. */
export function fromConverseParameters({ ToolConfig: config, ...rest }: Fields): Fields {
  return { ...(withApiNames(rest, 0) as Fields), ...(isObject(config) && { toolConfig: toToolConfig(config) }) };
}

/** Whether each of its blocks is a member of a union. */
export function isConverseMessage(value: unknown): boolean {
  if (!isObject(value) || typeof wordOf(value['Role']) !== 'string') return false;
  const { Content: blocks } = value;
  return Array.isArray(blocks) && blocks.length > 0 && blocks.every(isBlock);
}

export function fromConverseMessage({ Role: role, Content: blocks }: Fields): Fields {
  return { role: wordOf(role), content: (blocks as Fields[]).map(toBlock) };
}

function isBlock(block: unknown): boolean {
  if (!isObject(block)) return false;
  const keys = Object.keys(block);
  return keys.length === 1 && keys[0] === 'Value'
    ? block['Value'] !== null
    : keys.some(isMember) && keys.every(isMember);
}

function isMember(key: string): boolean {
  return MEMBERS.has(key);
}

/** .NET's enumerations are objects. */
function wordOf(value: unknown): unknown {
  return isObject(value) ? value['Value'] : value;
}

function toBlock(block: unknown): unknown {
  if (!isObject(block)) return block;
  if ('Value' in block) return blockOfValue(block['Value']);
  const [name, value] = memberOf(block) ?? [];
  if (name === undefined) return {};
  if (name === 'ToolUse' || name === 'ToolResult') return blockOfValue(value);
  return { [apiName(name)]: withApiNames(value, 0) };
}

/** .NET writes `{}` for JSON that is not there. */
function memberOf(block: Fields): [string, unknown] | undefined {
  const members = Object.entries(block).filter(([, value]) => value !== null);
  return members.find(([name]) => name !== 'Json') ?? members[0];
}

/** Tells the member by its fields. */
function blockOfValue(value: unknown): unknown {
  if (typeof value === 'string') return { text: value };
  if (!isObject(value)) return { json: value };
  const { ToolUseId: toolUseId, Name: name, Input: input, Content: content, Status: status } = value;
  if (typeof toolUseId === 'string') {
    if (!Array.isArray(content)) return { toolUse: { toolUseId, name, input } };
    return { toolResult: { toolUseId, content: content.map(toBlock), status: wordOf(status) } };
  }
  if (isObject(value['Value'])) return { reasoningContent: reasoningOf(value['Value']) };
  if (value['Source'] !== undefined) return { [mediaOf(value)]: withApiNames(value, 0) };
  return value['Type'] === undefined ? { json: value } : { cachePoint: {} };
}

function reasoningOf({ Text: text, Signature: signature }: Fields): Fields {
  return { reasoningText: { text, signature } };
}

const VIDEO = /^(?:mkv|mov|mp4|webm|flv|mpeg|mpg|wmv|three_gp)$/;

function mediaOf({ Name: name, Format: format }: Fields): string {
  if (typeof name === 'string') return 'document';
  return VIDEO.test(`${wordOf(format)}`) ? 'video' : 'image';
}

function toToolConfig({ Tools: tools, ToolChoice: choice }: Fields): Fields {
  const listed = Array.isArray(tools) ? tools.filter(isObject) : [];
  const specs = listed.map((tool) => tool['Value'] ?? tool['ToolSpec']).filter(isObject);
  return {
    tools: specs.map(({ Name: name, Description: description, InputSchema: schema }) => ({
      toolSpec: {
        name,
        description,
        inputSchema: { json: isObject(schema) ? (schema['Value'] ?? schema['Json']) : schema },
      },
    })),
    ...(isObject(choice) && { toolChoice: withApiNames(choice, 0) }),
  };
}

/** Without what is absent: SDKs write `null` for it. */
function withApiNames(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => withApiNames(item, depth + 1));
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  if (entries.length === 1 && entries[0]![0] === 'Value') return withApiNames(entries[0]![1], depth + 1);
  const named = entries.map(([key, inner]): [string, unknown] => [
    apiName(key),
    OWN_VALUES.has(key) ? inner : withApiNames(inner, depth + 1),
  ]);
  return Object.fromEntries(named.filter(([key]) => key !== '__proto__'));
}

function apiName(key: string): string {
  return key.slice(0, 1).toLowerCase() + key.slice(1);
}
