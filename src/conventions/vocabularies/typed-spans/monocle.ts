/**
 * Monocle (`monocle_apptrace`): what a span is stands in `span.type`, who took part in its entities, and all that was said in
 * its events `data.input` and `data.output`; the event `metadata` has the tokens.
 *
 * A message is an object whose only key is its role. In a list, each has its own JSON text; in JavaScript it looks like one, and
 * LangChain's are two texts there, the first for the system.
 */
import { type Attributes, type SpanSlice, STATUS_ERROR } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { isRole, toRole } from '../../content/messages/message-fields.ts';
import { IN_BODY, UsageTable } from '../../content/usage.ts';
import type { SpanKind } from '../../convention.ts';
import { nameOf, stringOf, withoutQuotes } from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { typedSpans } from './typed-spans.ts';

type Fields = Record<string, unknown>;

const JAVASCRIPTS_VERSION = 'monocle-typescript.version';
const VERSIONS = ['monocle_apptrace.version', JAVASCRIPTS_VERSION] as const;
const TYPE = 'span.type';
const INPUT = 'data.input';
const OUTPUT = 'data.output';
/** A span has few entities; those of a root begin with the app and its host. */
const ENTITY_TYPES = [1, 2, 3, 4, 5, 6].map((at) => `entity.${at}.type`);

const KINDS: ReadonlyMap<string, SpanKind> = new Map([
  ['inference', 'model'],
  ['inference.framework', 'model'],
  // The same call once more, below that of the framework and without its content.
  ['inference.modelapi', 'plumbing'],
  ['agentic.tool.invocation', 'tool'],
  ['agentic.mcp.invocation', 'tool'],
  ['agentic.invocation', 'agent'],
  ['agentic.turn', 'agent'],
  ['agentic.request', 'agent'],
  ['http.process', 'plumbing'],
  ['http.send', 'plumbing'],
]);

export const monocle = typedSpans({
  name: 'monocle',
  title: 'Monocle',
  packages: ['monocle2ai'],
  context: { session: ['scope.agentic.session'] },
  signs: { keys: [...VERSIONS, 'entity.1.type'] },

  kindOf(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const type = stringOf(attributes[TYPE]);
    if (type === undefined) return undefined;
    // Releases before 0.3 name their version only on the root.
    const hasContent = span.events.some(({ name }) => name === INPUT || name === OUTPUT);
    if (!hasContent && !VERSIONS.some((key) => attributes[key] !== undefined)) return undefined;
    // What Monocle was not told about has neither entities nor content.
    if (type === 'generic' && !hasContent) return 'plumbing';
    const kind = KINDS.get(type) ?? 'generic';
    return kind === 'model' && isEmbedding(attributes) ? 'generic' : kind;
  },

  isCall: ({ attributes }) => isEmbedding(attributes),
  inputs: (fields) => (isCall(fields) ? readMessages(fields, given(fields)) : readGiven(fields)),
  outputs: (fields) => (isCall(fields) ? readAnswer(fields) : onlyOf(returned(fields))),
  model: ({ attributes }) => entityOf(attributes, 'model.llm')?.name ?? entityOf(attributes, 'model.embedding')?.name,
  provider: ({ attributes }) => providerOf(attributes),
  parameters: (fields) => ({ temperature: factsOf(fields)['temperature'] }),
  finishReason: (fields) => stringOf(factsOf(fields)['finish_reason']) ?? stringOf(factsOf(fields)['finish_type']),
  names: ({ attributes }) => ownEntity(attributes)?.name,
  descriptions: ({ attributes }) => ownEntity(attributes)?.description,
  errorMessage: failureOf,
  facts: factsOf,
  usage: new UsageTable({}, IN_BODY),
  structure: new FieldTable<Fields>({}),
});

function isCall({ attributes }: SpanFields): boolean {
  return KINDS.get(`${attributes[TYPE]}`) === 'model' && !isEmbedding(attributes);
}

/** Vectors that nobody searches with: where there is a store, it was searched. */
function isEmbedding(attributes: Attributes): boolean {
  return entityOf(attributes, 'vectorstore') === undefined && entityOf(attributes, 'model.embedding') !== undefined;
}

interface Entity {
  readonly type: string;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly host?: string | undefined;
}

function entityOf(attributes: Attributes, beginning: string): Entity | undefined {
  for (const key of ENTITY_TYPES) {
    const type = attributes[key];
    if (typeof type !== 'string' || !type.startsWith(beginning)) continue;
    const at = key.slice(0, -'type'.length);
    return {
      type,
      name: nameOf(attributes[`${at}name`]),
      description: stringOf(attributes[`${at}description`]),
      host: nameOf(attributes[`${at}provider_name`]),
    };
  }
  return undefined;
}

/** Of a tool's entities the second is the agent that has called it, and of a store's the model of its vectors. */
function ownEntity(attributes: Attributes): Entity | undefined {
  const type = `${attributes[TYPE]}`;
  if (KINDS.get(type) === 'tool') return entityOf(attributes, 'tool.') ?? entityOf(attributes, 'mcp.');
  if (type.startsWith('agentic.')) return entityOf(attributes, 'agent.');
  return entityOf(attributes, type === 'workflow' ? 'workflow' : 'vectorstore');
}

/** `inference.aws_bedrock`; one of many hosts is `inference.generic`. */
function providerOf(attributes: Attributes): string | undefined {
  const entity = entityOf(attributes, 'inference.');
  const name = entity?.type.slice('inference.'.length);
  return name === 'generic' ? entity?.host?.replace(/^api\./, '') : name;
}

function eventOf({ span }: SpanFields, name: string): Attributes {
  return span.events.find((event) => event.name === name)?.attributes ?? {};
}

function factsOf(fields: SpanFields): Attributes {
  return eventOf(fields, 'metadata');
}

function given(fields: SpanFields): unknown {
  const { input, question } = eventOf(fields, INPUT);
  return input ?? question;
}

function hasFailed({ span }: SpanFields): boolean {
  return span.status.code === STATUS_ERROR;
}

/** The second key is that of a server's tool (MCP). */
function returned(fields: SpanFields): unknown {
  if (hasFailed(fields)) return undefined;
  const { response, output } = eventOf(fields, OUTPUT);
  return response ?? output;
}

/** What a failed span has returned is why it failed; its status mostly says the same. */
function failureOf(fields: SpanFields): string | undefined {
  const { status, events } = fields.span;
  const isTold = stringOf(status.message) !== undefined || events.some(({ name }) => name === 'exception');
  return hasFailed(fields) && !isTold ? stringOf(eventOf(fields, OUTPUT)['response']) : undefined;
}

/** Parses a text of an event. */
function structureIn(fields: SpanFields, event: string, text: unknown): unknown {
  return typeof text === 'string' ? withoutQuotes(fields.jsonWithin(event, text)) : text;
}

function listIn(fields: SpanFields, value: unknown): readonly unknown[] | undefined {
  const list = typeof value === 'string' && value.startsWith('[') ? structureIn(fields, INPUT, value) : value;
  return Array.isArray(list) ? list : undefined;
}

function onlyOf(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : value;
}

/** Agents are asked with a list of one text, or its JSON. */
function readGiven(fields: SpanFields): unknown {
  const value = given(fields);
  const isAgent = KINDS.get(`${fields.attributes[TYPE]}`) === 'agent';
  return onlyOf(isAgent ? (listIn(fields, value) ?? value) : value);
}

function readMessages(fields: SpanFields, value: unknown): unknown {
  if (value === undefined || value === '') return undefined;
  const list = listIn(fields, value);
  const [first, second, ...more] = list ?? [value];
  const isLangChains = fields.attributes[JAVASCRIPTS_VERSION] !== undefined && more.length === 0;
  if (isLangChains && isPlainText(first) && isPlainText(second)) {
    return [...(first === '' ? [] : [{ role: 'system', content: first }]), { role: 'user', content: second }];
  }
  return (list ?? [value]).filter((item) => item !== '').map((item) => toMessage(fields, item, 'user'));
}

function isPlainText(value: unknown): boolean {
  return typeof value === 'string' && !value.startsWith('{');
}

function readAnswer(fields: SpanFields): unknown {
  const item = onlyOf(returned(fields));
  return typeof item === 'string' || isObject(item) ? toMessage(fields, item, 'assistant') : item;
}

/** Of the Responses API, before release 0.4. */
const OTHER_ROLES: ReadonlyMap<string, string> = new Map([
  ['instructions', 'system'],
  ['input', 'user'],
]);

/** The quotes of JavaScript's release are on the wrong side of the brace: `{ 'user': 'Hello }'`. If cut, it has no end. */
const MISQUOTED = /^\{ '(\w{1,20})': '/;
const MISQUOTED_END = " }'";

function toMessage(fields: SpanFields, item: unknown, role: 'user' | 'assistant'): Fields {
  const isAnswer = role === 'assistant';
  const event = isAnswer ? OUTPUT : INPUT;
  const misquoted = misquotedIn(fields, event, item);
  if (misquoted) return misquoted;
  const message = structureIn(fields, event, item);
  if (!isObject(message)) return { role, content: item };
  const keys = Object.keys(message);
  const [key = ''] = keys;
  if (isToolCall(message)) return { role: 'assistant', tool_calls: [toCall(message)] };
  if (!isAnswer && message['call_id'] !== undefined && 'output' in message) {
    return { role: 'tool', tool_call_id: message['call_id'], content: message['output'] };
  }
  const content = message[key];
  const calls = keys.length === 1 ? callsIn(fields, event, content) : undefined;
  if (calls && (key === 'tools' || isRole(key))) return { role: 'assistant', tool_calls: calls };
  // Other roles in an answer are words of the model's own JSON.
  if (keys.length === 1 && isRole(key) && (!isAnswer || toRole(key) === role)) return { role: key, content };
  const asked = keys.length === 1 && !isAnswer ? OTHER_ROLES.get(key) : undefined;
  if (asked !== undefined && typeof content === 'string') return { role: asked, content };
  return { role, content: typeof item === 'string' ? item : message };
}

function misquotedIn({ truncated }: SpanFields, event: string, item: unknown): Fields | undefined {
  const [start = '', role = ''] = (typeof item === 'string' && MISQUOTED.exec(item)) || [];
  if (typeof item !== 'string' || !isRole(role)) return undefined;
  const isWhole = item.endsWith(MISQUOTED_END);
  if (!isWhole) truncated.add(event);
  return { role, content: item.slice(start.length, isWhole ? -MISQUOTED_END.length : undefined) };
}

function isToolCall(call: Fields): boolean {
  return (call['tool_function'] ?? call['tool_name']) !== undefined && 'tool_arguments' in call;
}

/** Tool calls of one turn, each an object or its JSON. */
function callsIn(fields: SpanFields, event: string, content: unknown): Fields[] | undefined {
  if (!Array.isArray(content) || content.length === 0) return undefined;
  const calls: Fields[] = [];
  for (const item of content as unknown[]) {
    const call = structureIn(fields, event, item);
    if (!isObject(call) || !isToolCall(call)) return undefined;
    calls.push(toCall(call));
  }
  return calls;
}

function toCall(call: Fields): Fields {
  const { tool_function, tool_name = tool_function, tool_arguments, tool_id, call_id = tool_id } = call;
  const id = stringOf(call_id);
  return { type: 'function', ...(id && { id }), function: { name: tool_name, arguments: tool_arguments } };
}
