/**
 * Reads `gen_ai.prompt.N.*`, `gen_ai.completion.N.*` and `llm.request.functions.N.*` in one pass over the attributes.
 * Exporters that flatten structured attributes write `gen_ai.input.messages.N.*` and `gen_ai.output.messages.N.*`.
 */

import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { ChatMessage, ModelTool } from '../../../wire/v4.ts';
import { finishReasonIn } from '../../content/messages/finish-reason.ts';
import { answersInItems, isSplitTurn, joinItems } from '../../content/messages/join-messages.ts';
import { MessageReader, metadataOfMessages } from '../../content/messages/messages.ts';
import { toModelTools } from '../../content/model-tools.ts';
import { blocksInText } from '../../content/parts/message-parts.ts';
import { reasoningTextsOf } from '../../content/parts/reasoning-texts.ts';
import { integerOf, jsonOf, stringOf, withoutQuotes } from '../../values/attributes.ts';
import { fieldsBelow, groupByIndex, type IndexedGroup } from '../../values/indexed-groups.ts';
import { unflatten } from '../../values/nested-keys.ts';
import { salvageJson } from '../../values/salvage-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';
import { withCallsBeside } from '../gen-ai/calls-beside.ts';

export interface IndexedConversation {
  messages: ChatMessage[];
  /** One per choice. */
  answers: ChatMessage[];
  tools: ModelTool[] | undefined;
  contentMetadata: Record<string, unknown>;
  finishReason: string | undefined;
}

const CALLS = ['tool_calls.'] as const;
/** Several packages for Python write what the user says under the role: `gen_ai.prompt.0.user`. */
const USER = 'user';
const INPUT = 'gen_ai.prompt.';
const OUTPUT = 'gen_ai.completion.';
const FLAT_INPUT = 'gen_ai.input.messages.';
const FLAT_OUTPUT = 'gen_ai.output.messages.';
/** Its SDK for Go still writes what the first releases wrote. */
const FIRST_INPUT = 'llm.prompts.';
const FIRST_OUTPUT = 'llm.completions.';
const PREFIXES = [
  ...[INPUT, OUTPUT, 'llm.request.functions.', FLAT_INPUT, FLAT_OUTPUT],
  ...[FIRST_INPUT, FIRST_OUTPUT],
] as const;

export function readIndexedMessages(fields: SpanFields): IndexedConversation {
  const groups = groupByIndex(fields.attributes, PREFIXES);
  const [prompts = [], completions = [], functions = [], flatInput = [], flatOutput = []] = groups;
  const [, , , , , firstInput = [], firstOutput = []] = groups;
  const reader = new MessageReader();
  const messages = reader.read([
    ...prompts.map((group) => toMessage(fields, group, INPUT, 'user')),
    ...flatInput.map((group) => toMessage(fields, group, FLAT_INPUT, 'user')),
    ...firstInput.map((group) => toMessage(fields, group, FIRST_INPUT, 'user')),
  ]);
  const said = completions.map((group) => toMessage(fields, group, OUTPUT, 'assistant'));
  const isOnly = said.length === 1;
  const listed = reader.readOutput([
    ...(isOnly ? [withCallsBeside(said, fields)] : said),
    ...flatOutput.map((group) => toMessage(fields, group, FLAT_OUTPUT, 'assistant')),
    ...firstOutput.map((group) => toMessage(fields, group, FIRST_OUTPUT, 'assistant')),
  ]);
  const isOneAnswer = (integerOf(fields.attributes['gen_ai.request.choice.count']) ?? 1) <= 1;
  const finishReason = finishReasonIn(
    fields,
    (completions[0] ?? flatOutput[0] ?? firstOutput[0])?.fields['finish_reason'],
  );
  const areItems =
    answersInItems(fields.span) ||
    isSplitTurn(listed, finishReason) ||
    (completions.length > 1 && completions.slice(1).every(isNumberedCall));
  return {
    messages,
    answers: isOneAnswer && areItems ? joinItems(listed) : listed,
    tools: toModelTools(
      functions.map(({ fields: tool }) => ({ ...tool, parameters: tool['parameters'] ?? tool['arguments'] })),
    ),
    contentMetadata: metadataOfMessages(reader),
    finishReason,
  };
}

function toMessage(
  span: SpanFields,
  { index, fields: all }: IndexedGroup,
  prefix: string,
  fallback: string,
): Record<string, unknown> {
  const fields = fieldsBelow(all, 'message.') ?? all;
  const named = stringOf(fields['role']) ?? fallback;
  const role = named === 'computer-call' ? 'tool' : named;
  const [calls] = groupByIndex(fields, CALLS);
  const content = fields['content'] ?? fields[USER];
  const hasRefusal = stringOf(fields['refusal']) !== undefined && fields['refusal'] !== 'none';
  return {
    role,
    parts: fields['parts'] ?? listBelow(fields, 'parts.'),
    content:
      typeof content === 'string'
        ? readContent(span, content, role, `${prefix}${index}.content`, calls)
        : (content ?? listBelow(fields, 'content.')),
    tool_call_id: fields['tool_call_id'],
    // Together's instrumentation writes the first of the listed calls there, too.
    tool_calls: calls?.length
      ? calls.map(({ fields: call }) => ({
          id: call['id'],
          name: call['name'] ?? call['function.name'] ?? call['custom.name'],
          arguments: call['arguments'] ?? call['function.arguments'] ?? call['custom.input'],
        }))
      : (functionCallOf(fields) ?? fields['tool_calls']),
    refusal: hasRefusal ? fields['refusal'] : undefined,
    reasoning: reasoningIn(fields['reasoning']),
  };
}

/** A text, which may be any JSON, or the JSON of the list of summaries that the provider gives. */
function reasoningIn(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = withoutQuotes(jsonOf(value));
  const areSummaries = Array.isArray(parsed) && parsed.every(isObject);
  return reasoningTextsOf({ reasoning: areSummaries || typeof parsed === 'string' ? parsed : value }).join('\n');
}

/** Whether this is a call that LiteLLM numbers. Choices have a role or a reason to finish. */
function isNumberedCall({ fields }: IndexedGroup): boolean {
  const { role, finish_reason, 'function_call.name': name } = fields;
  return name !== undefined && role === undefined && finish_reason === undefined;
}

/** LiteLLM numbers the calls of an answer as if they were choices: `gen_ai.completion.1.function_call.name`. */
function functionCallOf(fields: Attributes): Record<string, unknown>[] | undefined {
  const name = stringOf(fields['function_call.name']);
  return name === undefined ? undefined : [{ name, arguments: fields['function_call.arguments'] }];
}

/** Returns the items of a list that was flattened into keys: `content.0.type`, `content.0.text`. */
function listBelow(fields: Attributes, prefix: string): unknown[] | undefined {
  const items = unflatten(fields, prefix);
  return items && Object.values(items);
}

/**
 * Content blocks are stringified, also an answer without any (`[]`). The JavaScript releases write `null` as the
 * content of a message that only calls tools, and Python's `str` writes `None`.
 */
function readContent(fields: SpanFields, text: string, role: string, key: string, calls: unknown[] = []): unknown {
  if ((text === 'null' || (text === 'None' && calls.length > 0)) && role === 'assistant') return null;
  // Its LangChain instrumentation encodes the empty text beside calls, too.
  if ((text === '[]' || (text === '""' && calls.length > 0)) && role === 'assistant') return '';
  const isHistory = role === 'assistant' && key.startsWith(INPUT);
  const blocks = blocksInText(text) ?? (isHistory ? computerCallIn(text) : undefined);
  if (blocks || !text.startsWith('[{"type":"')) return blocks ?? text;
  const saved = endsWhole(text) ? undefined : salvageJson(text);
  if (saved === undefined) return text;
  fields.truncated.add(key);
  return saved;
}

const COMPUTER_CALL: ReadonlySet<string> = new Set(['id', 'call_id', 'action']);
const COMPUTER_ACTIONS: ReadonlySet<unknown> = new Set(
  'click double_click drag keypress move screenshot scroll type wait'.split(' '),
);

/** Of the Responses API's calls of a computer in the history it writes all but the type. */
function computerCallIn(text: string): unknown[] | undefined {
  const call = text.startsWith('{"') && text.includes('"call_id"') ? jsonOf(text) : undefined;
  if (!isObject(call) || !isObject(call['action']) || !Object.keys(call).every((key) => COMPUTER_CALL.has(key))) return;
  if (!COMPUTER_ACTIONS.has(call['action']['type'])) return;
  return [{ type: 'computer_call', ...call }];
}

function endsWhole(text: string): boolean {
  return text.endsWith(']');
}
