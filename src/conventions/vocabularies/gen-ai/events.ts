/**
 * Content that the GenAI conventions put in events of the span, or in log records that were joined to it.
 *
 * There are three generations: `gen_ai.content.prompt` and `.completion` (1.27), one event per message (1.28 to 1.36),
 * and `gen_ai.client.inference.operation.details` (from 1.37 on, sometimes one event per attribute). A body may be flat
 * in the attributes, JSON in `gen_ai.event.content`, under `body`, or have its fields as JSON texts.
 */
import type { Attributes, SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { blocksInText } from '../../content/parts/message-parts.ts';
import { jsonOf, listOf, objectOf, omitUndefined, stringOf, withoutQuotes } from '../../values/attributes.ts';
import { unflatten } from '../../values/nested-keys.ts';

export interface EventContent {
  system?: unknown;
  input?: unknown;
  output?: unknown;
  tools?: unknown;
  /** Whether the output is the model's choices, one in each event. */
  hasChoices?: boolean;
}

const PREFIX = 'gen_ai.';

interface Choice {
  readonly index: number;
  readonly choice: unknown;
}

/** Reads the events. Input and output come from the newest generation that has them. */
export function readEventContent(span: SpanSlice): EventContent {
  const found: EventContent = {};
  const input: Message[] = [];
  const answered = new Set<string>();
  const choices: Choice[] = [];
  let prompt: unknown;
  let completion: unknown;
  // Elsewhere another completion is another choice.
  const isGrowing = span.attributes['langtrace.service.type'] !== undefined;

  for (const { name, attributes } of span.events) {
    if (!name.startsWith(PREFIX) || !attributes) continue;
    switch (name) {
      case 'gen_ai.client.inference.operation.details':
        readDetails(attributes, found);
        break;
      case 'gen_ai.content.prompt': {
        const body = objectOf(attributes['body']);
        // LiteLLM has an event for each message, which is its body.
        if (typeof body?.['role'] === 'string') input.push(messageOf(body, 'user'));
        else prompt ??= attributes['gen_ai.prompt'];
        break;
      }
      case 'gen_ai.content.completion': {
        const body = objectOf(attributes['body']);
        if (isObject(body?.['message'])) addChoice(body, choices);
        else if (completion === undefined || isGrowing) {
          completion = grownOf(completion, attributes['gen_ai.completion']);
        }
        break;
      }
      case 'gen_ai.choice':
        addChoice(bodyOf(attributes), choices);
        break;
      default: {
        const role = MESSAGE_EVENTS.get(name);
        if (role) for (const body of bodiesOf(attributes)) addMessage(messageOf(body, role), input, answered);
      }
    }
  }
  if (found.input === undefined && input.length > 0) found.input = input;
  if (found.output === undefined && choices.length > 0) {
    found.hasChoices = true;
    found.output = choices.sort((a, b) => a.index - b.index).map(({ choice }) => choice);
  }
  found.input ??= prompt;
  found.output ??= completion;
  return found;
}

/** Langtrace repeats a streamed answer with each piece of it: the same text, but for what was added in one place. */
function grownOf(before: unknown, after: unknown): unknown {
  if (typeof before !== 'string' || typeof after !== 'string' || after.length <= before.length) return before ?? after;
  let start = 0;
  while (start < before.length && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  return after.endsWith(before.slice(start)) ? after : before;
}

/**
 * Azure's SDKs write the answer of a call as one more message of the assistant. Returns the conversation and the answer;
 * undefined if its last message is not the assistant's.
 */
export function splitAnswer(input: unknown): { input: unknown[] | undefined; output: unknown[] } | undefined {
  if (!Array.isArray(input)) return undefined;
  const last = input.findLastIndex((message) => !isObject(message) || message['role'] !== 'assistant');
  if (last === input.length - 1) return undefined;
  return { input: last < 0 ? undefined : input.slice(0, last + 1), output: input.slice(last + 1) };
}

/**
 * Bedrock's instrumentation for Python writes each result of a tool again in the user's message. `answered`: the calls whose
 * results came directly before.
 */
function addMessage(message: Message, input: Message[], answered: Set<string>): void {
  const { role, content, tool_call_id: id } = message;
  if (role === 'tool') {
    if (typeof id === 'string' && hasContent(content)) answered.add(id);
    input.push(message);
    return;
  }
  const isRepeated = (block: unknown) => {
    const answeredId = idOfResult(block);
    return answeredId !== undefined && answered.has(answeredId);
  };
  if (role === 'user' && Array.isArray(content) && content.some(isRepeated)) {
    const others = content.filter((block) => !isRepeated(block));
    if (others.length === 0) return;
    message['content'] = others;
  }
  answered.clear();
  input.push(message);
}

function hasContent(content: unknown): boolean {
  return content !== undefined && content !== null && content !== '';
}

/** Returns the id of the call that a block of Bedrock's or Anthropic's answers. */
function idOfResult(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  const { type, toolResult, tool_use_id: id } = block;
  return stringOf(isObject(toolResult) ? toolResult['toolUseId'] : type === 'tool_result' ? id : undefined);
}

function addChoice(body: Fields, choices: Choice[]): void {
  const index = Number(body['index'] ?? choices.length);
  choices.push({ index: Number.isFinite(index) ? index : choices.length, choice: choiceOf(body) });
}

const MESSAGE_EVENTS: ReadonlyMap<string, string> = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
  ['gen_ai.tool.message', 'tool'],
]);

const KNOWN_ROLES: ReadonlySet<unknown> = new Set([
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
  'function',
  'model',
]);

function readDetails(attributes: Attributes, found: EventContent): void {
  const body = bodyOf(attributes);
  found.system = found.system ?? attributes['gen_ai.system_instructions'] ?? body['gen_ai.system_instructions'];
  found.input = joinLists(found.input, attributes['gen_ai.input.messages'] ?? body['gen_ai.input.messages']);
  found.output = joinLists(found.output, attributes['gen_ai.output.messages'] ?? body['gen_ai.output.messages']);
  found.tools ??= attributes['gen_ai.tool.definitions'] ?? body['gen_ai.tool.definitions'];
}

/** Several events of one kind continue one list. */
function joinLists(before: unknown, value: unknown): unknown {
  if (before === undefined || value === undefined) return before ?? value;
  const first = listOf(before);
  const second = listOf(value);
  return first && second ? [...first, ...second] : before;
}

type Fields = Readonly<Record<string, unknown>>;
type Message = Record<string, unknown>;

/** Azure puts several messages into one event. */
function bodiesOf(attributes: Attributes): readonly Fields[] {
  const content = attributes['gen_ai.event.content'];
  const several =
    typeof content === 'string' && content.startsWith('[') ? listOf(content)?.filter(isObject) : undefined;
  return several ?? [bodyOf(attributes)];
}

function bodyOf(attributes: Attributes): Fields {
  const content = attributes['gen_ai.event.content'];
  return objectOf(content) ?? objectOf(attributes['body']) ?? plainBody(content) ?? attributes;
}

/** Semantic Kernel has nothing but the text of a prompt that is not a chat. */
function plainBody(content: unknown): Fields | undefined {
  return typeof content === 'string' && content !== '' && !/^(?:[{["]|null$)/.test(content) ? { content } : undefined;
}

/** Falls back to the role in the event's name if the body's role is unknown (`customer`). */
function messageOf(body: Fields, role: string): Message {
  const message = fieldsOf(body);
  message['role'] = KNOWN_ROLES.has(body['role']) ? body['role'] : role;
  if (role === 'tool') message['tool_call_id'] = body['tool_call_id'] ?? body['id'];
  // Azure's message for what several tools answered.
  const outputs = message['content'] === undefined ? listOf(body['tool_call_outputs']) : undefined;
  if (outputs) message['content'] = outputs.filter(isObject).map((output) => ({ ...output, type: 'tool_result' }));
  return message;
}

/** The message of a choice may be JSON or flattened, and its tool calls may be beside it. */
function choiceOf(body: Fields): Message {
  const raw = body['message'] ?? unflatten(body, 'message.');
  const parsed = withoutQuotes(jsonOf(raw)) ?? raw;
  const isMessage = isObject(parsed) && !('toolUse' in parsed) && parsed['type'] === undefined;
  return {
    finish_reason: stringOf(body['finish_reason']),
    role: 'assistant',
    ...fieldsOf(body),
    ...fieldsOf(isMessage ? parsed : { content: parsed }),
  };
}

/** Returns the fields of a message, with content and tool calls that are JSON parsed. */
function fieldsOf(body: Fields): Message {
  const { content, role, name, function_call: call, refusal, reasoning_content, parts } = body;
  return omitUndefined<Message>({
    content: typeof content === 'string' ? (blocksInText(content) ?? content) : content,
    role: typeof role === 'string' ? role : undefined,
    name: typeof name === 'string' ? name : undefined,
    // AWS's instrumentation for Java writes `toolCalls`.
    tool_calls: jsonOf(body['tool_calls'] ?? body['toolCalls']),
    function_call: isObject(call) ? call : undefined,
    refusal,
    reasoning_content,
    parts: jsonOf(parts) ?? parts,
  });
}
