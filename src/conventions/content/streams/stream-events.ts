/**
 * An answer that was recorded as the list of events that it was streamed in → the answer, as the provider's API has it whole.
 *
 * - Anthropic's: `[{ type: 'message_start', message }, { type: 'content_block_delta', index, delta }, …]`
 * - Bedrock's: `[{ messageStart }, { contentBlockDelta: { contentBlockIndex, delta } }, …]`
 * - Cohere's: `[{ type: 'message-start' }, { type: 'content-delta', index, delta: { message } }, …]`
 * - those of Cohere's first API: `[{ event_type: 'stream-start' }, { event_type: 'text-generation', text }, …]`
 * - those of the Responses API: `[{ type: 'response.created' }, …, { type: 'response.completed', response }]`
 * - Ollama's: `[{ model, message: { role, content }, done: false }, …, { …, done: true, done_reason }]`
 * - the AI SDK's: `ai-sdk-parts.ts`
 * - LangChain's: `[{ type: 'AIMessageChunk', content, tool_call_chunks }, …]`
 *
 * Each is known by its first event and by the names of all others: any other list is what it is. So is one with the events of
 * several answers, of which the later ones would replace the words of the first.
 */
import { isObject } from '../../../wire/json.ts';
import { addTo } from '../../values/attributes.ts';
import { areOfOneStep, isAiSdks, joinAiSdks, startsAiSdks } from './ai-sdk-parts.ts';
import { areOfOneRun, isLangChains, joinLangChains } from './langchain-chunks.ts';

type Fields = Record<string, unknown>;

/** Returns undefined if the list is none of these, or has the events of several answers. */
export function joinEvents(events: readonly Fields[]): Fields | undefined {
  const [first] = events;
  if (!first) return undefined;
  if (startsAnthropics(first)) return areOf(events, startsAnthropics, isAnthropics) ? joinBlocks(events) : undefined;
  if (startsBedrocks(first))
    return areOf(events, startsBedrocks, isBedrocks) ? joinBlocks(events.map(asAnthropics)) : undefined;
  if (startsCoheres(first))
    return areOf(events, startsCoheres, isCoheres) ? joinBlocks(events.map(fromCohere)) : undefined;
  if (first['event_type'] === 'stream-start')
    return areOf(events, startsCohereV1, isCohereV1) ? joinCohereV1(events) : undefined;
  if (isLangChains(first))
    return events.every(isLangChains) && areOfOneRun(events) ? joinLangChains(events) : undefined;
  if (startsAiSdks(first)) return events.every(isAiSdks) && areOfOneStep(events) ? joinAiSdks(events) : undefined;
  if (startsResponses(first)) return areOf(events, isCreated, isResponses) ? responseIn(events) : undefined;
  return isOllamas(first) && areOllamas(events) ? joinOllamas(events) : undefined;
}

type Test = (event: Fields) => boolean;

/** Whether all events are of one kind, and none after the first one starts another answer. */
function areOf(events: readonly Fields[], isStart: Test, isKnown: Test): boolean {
  return events.every(isKnown) && events.findLastIndex(isStart) <= 0;
}

function startsAnthropics({ type, message }: Fields): boolean {
  return type === 'message_start' && isObject(message);
}

/** The last ones are of Anthropic's SDKs, beside the events that they are made from. */
const ANTHROPICS: ReadonlySet<unknown> = new Set([
  ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'],
  ...['message_delta', 'message_stop', 'ping', 'error'],
  ...['text', 'input_json', 'thinking', 'signature', 'citation'],
]);

function isAnthropics({ type }: Fields): boolean {
  return ANTHROPICS.has(type);
}

/** Puts the message together from its start, its blocks, and what its end says. */
function joinBlocks(events: readonly Fields[]): Fields {
  const message: Fields = { role: 'assistant' };
  const blocks = new Map<unknown, Fields>();
  for (const { type, index, message: start, content_block: block, delta, usage } of events) {
    if (type === 'message_start' && isObject(start)) addTo(message, start);
    else if (type === 'content_block_start' && isObject(block)) blocks.set(index, { ...block });
    else if (type === 'content_block_delta' && isObject(delta)) addDelta(delta, index, blocks);
    else if (type === 'message_delta') {
      if (isObject(delta)) addTo(message, delta);
      if (isObject(usage)) message['usage'] = withLaterUsage(message['usage'], usage);
    }
  }
  // A block whose words nobody can read, as redacted ones, has no type.
  const known = [...blocks.values()].filter(({ type }) => type !== undefined);
  return { ...message, content: known.map(withInput) };
}

/** The counts at the end are of the whole message; null is one that was said at the start. */
function withLaterUsage(start: unknown, end: Fields): Fields {
  const said = Object.entries(end).filter(([, count]) => count !== null);
  return { ...(isObject(start) && start), ...Object.fromEntries(said) };
}

/** The text of a call's input; it is no field of a block. */
const INPUT = Symbol('input');

type Block = Fields & { [INPUT]?: string };

function addDelta(delta: Fields, index: unknown, blocks: Map<unknown, Block>): void {
  const block: Block = blocks.get(index) ?? {};
  blocks.set(index, block);
  const { text, thinking, partial_json: input } = delta;
  if (typeof text === 'string') append(block, 'text', text);
  else if (typeof thinking === 'string') append(block, 'thinking', thinking);
  else if (typeof input === 'string') block[INPUT] = `${block[INPUT] ?? ''}${input}`;
}

/** Bedrock does not say where a text begins. */
function append(block: Fields, key: 'text' | 'thinking', piece: string): void {
  block['type'] ??= key;
  block[key] = `${block[key] ?? ''}${piece}`;
}

function withInput({ [INPUT]: input, ...block }: Block): Fields {
  return input ? { ...block, input } : block;
}

const BEDROCKS = [
  ...['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop'],
  ...['messageStop', 'metadata'],
] as const;

function startsBedrocks({ messageStart: start }: Fields): boolean {
  return isObject(start);
}

function isBedrocks(event: Fields): boolean {
  return BEDROCKS.some((name) => isObject(event[name]));
}

function asAnthropics(event: Fields): Fields {
  const [name] = BEDROCKS.filter((key) => isObject(event[key]));
  const { start, delta, contentBlockIndex: index, role, stopReason, usage } = event[name as string] as Fields;
  switch (name) {
    case 'messageStart':
      return { type: 'message_start', message: { role } };
    case 'contentBlockStart':
      return { type: 'content_block_start', index, content_block: bedrocksCall(start) };
    case 'contentBlockDelta':
      return { type: 'content_block_delta', index, delta: bedrocksDelta(delta) };
    case 'messageStop':
      return { type: 'message_delta', delta: { stop_reason: stopReason } };
    default:
      return { type: 'message_delta', usage };
  }
}

function bedrocksCall(start: unknown): Fields | undefined {
  const call = isObject(start) ? start['toolUse'] : undefined;
  return isObject(call) ? { type: 'tool_use', id: call['toolUseId'], name: call['name'] } : undefined;
}

function bedrocksDelta(delta: unknown): Fields | undefined {
  if (!isObject(delta)) return undefined;
  const { text, toolUse: call, reasoningContent: thought } = delta;
  return {
    text,
    partial_json: isObject(call) ? call['input'] : undefined,
    thinking: isObject(thought) ? thought['text'] : undefined,
  };
}

const RESPONSE_STARTS: ReadonlySet<unknown> = new Set(['response.created', 'response.queued', 'response.in_progress']);

/** An app that keeps only the words of a stream begins with a piece of them. */
function startsResponses({ type, response, delta }: Fields): boolean {
  if (type === 'response.output_text.delta') return typeof delta === 'string';
  return RESPONSE_STARTS.has(type) && isObject(response);
}

function isCreated({ type }: Fields): boolean {
  return type === 'response.created';
}

function isResponses({ type }: Fields): boolean {
  return typeof type === 'string' && (type.startsWith('response.') || type === 'error');
}

/** Returns the last response that an event has; of a stream that was left, with what had come of it. */
function responseIn(events: readonly Fields[]): Fields {
  const last = events.findLast(({ response }) => isObject(response))?.['response'];
  const response = isObject(last) ? last : {};
  if (Array.isArray(response['output']) && response['output'].length > 0) return response;
  const output: unknown[] = [];
  let text = '';
  for (const { type, item, delta } of events) {
    const isText = type === 'response.output_text.delta' || type === 'response.refusal.delta';
    if (isText && typeof delta === 'string') text += delta;
    if (type !== 'response.output_item.done') continue;
    output.push(item);
    text = '';
  }
  if (text !== '') output.push({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] });
  return { ...response, output };
}

function isOllamas({ model, done, message, response }: Fields): boolean {
  if (typeof done !== 'boolean' || typeof model !== 'string') return false;
  return isObject(message) ? message['role'] === 'assistant' : typeof response === 'string';
}

/** Whether all are of one answer, which nothing follows. */
function areOllamas(events: readonly Fields[]): boolean {
  const model = events[0]?.['model'];
  return events.every((event, at) => {
    return isOllamas(event) && event['model'] === model && (event['done'] === false || at === events.length - 1);
  });
}

function joinOllamas(events: readonly Fields[]): Fields {
  const { message: _message, response: _response, thinking: _thinking, ...end } = events.at(-1) as Fields;
  const joined: Fields = { role: 'assistant', content: '' };
  const calls: unknown[] = [];
  for (const { message, response, thinking: thought } of events) {
    const {
      content,
      thinking,
      tool_calls: more,
    } = isObject(message) ? message : { content: response, thinking: thought };
    if (typeof content === 'string') joined['content'] = `${joined['content']}${content}`;
    if (typeof thinking === 'string') joined['thinking'] = `${joined['thinking'] ?? ''}${thinking}`;
    for (const call of Array.isArray(more) ? more : []) calls.push(call);
  }
  return { ...end, message: { ...joined, ...(calls.length > 0 && { tool_calls: calls }) } };
}

function startsCohereV1({ event_type: type }: Fields): boolean {
  return type === 'stream-start';
}

function isCohereV1({ event_type: type, is_finished: isLast }: Fields): boolean {
  return typeof type === 'string' && typeof isLast === 'boolean';
}

/** The last event has the whole response; of a stream that was left, there is the text that had come. */
function joinCohereV1(events: readonly Fields[]): Fields {
  const end = events.at(-1)?.['response'];
  if (isObject(end)) return { role: 'assistant', content: end['text'], ...end };
  const texts = events.map(({ event_type: type, text }) => (type === 'text-generation' ? text : ''));
  return { role: 'assistant', content: texts.filter((text) => typeof text === 'string').join('') };
}

const COHERES = /^(?:message|content|tool-plan|tool-call|citation)-(?:start|delta|end)$/;

function startsCoheres({ type, delta }: Fields): boolean {
  return type === 'message-start' && isObject(delta) && isObject(delta['message']);
}

function isCoheres({ type, delta }: Fields): boolean {
  return typeof type === 'string' && COHERES.test(type) && (delta === undefined || delta === null || isObject(delta));
}

function fromCohere({ type, index, id, delta }: Fields): Fields {
  const { message, finish_reason, usage } = isObject(delta) ? delta : {};
  const { content, tool_calls: call, tool_plan: plan } = isObject(message) ? message : {};
  const { text, thinking } = isObject(content) ? content : {};
  const { function: called, id: callId } = isObject(call) ? call : {};
  const { name, arguments: input } = isObject(called) ? called : {};
  switch (type) {
    case 'message-start':
      return { type: 'message_start', message: { id } };
    case 'content-delta':
      return { type: 'content_block_delta', index, delta: { text, thinking } };
    case 'tool-plan-delta':
      return { type: 'content_block_delta', index: 'plan', delta: { thinking: plan } };
    case 'tool-call-start':
      // Calls are numbered apart from texts.
      return {
        type: 'content_block_start',
        index: `call ${index}`,
        content_block: { type: 'tool_use', id: callId, name },
      };
    case 'tool-call-delta':
      return { type: 'content_block_delta', index: `call ${index}`, delta: { partial_json: input } };
    case 'message-end':
      return { type: 'message_delta', delta: { finish_reason }, usage };
    default:
      return {};
  }
}
