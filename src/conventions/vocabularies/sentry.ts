/**
 * Sentry's AI spans: GenAI conventions with messages in OpenAI's form, and the answer split into `gen_ai.response.text`
 * and `gen_ai.response.tool_calls`. Sentry's HTTP spans have the same scope.
 */
import type { SpanSlice } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import { messageText } from '../../wire/message-text.ts';
import { inputsOf } from '../content/inputs.ts';
import { toFinishReason } from '../content/messages/finish-reason.ts';
import { MessageReader, metadataOfMessages, providerCallMetadata } from '../content/messages/messages.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import { booleanOf, listOf, objectOf, textOf } from '../values/attributes.ts';
import { toText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { genAi } from './gen-ai/gen-ai.ts';

const CALLS = 'gen_ai.response.tool_calls';
const TEXT = 'gen_ai.response.text';
const FINISH_REASONS = 'gen_ai.response.finish_reasons';

const ORIGINS_OF_PARTS: ReadonlySet<unknown> = new Set([
  'auto.ai.anthropic',
  'auto.ai.google_genai',
  'auto.ai.openai_agents',
  'auto.ai.pydantic_ai',
]);

/** Types among the tool calls that are not calls: a stream of the Responses API lists all its items there. */
const NO_CALLS: ReadonlySet<unknown> = new Set(['message', 'reasoning']);

export const sentry: Convention = {
  name: 'sentry',
  title: 'Sentry',
  packages: ['@sentry/node'],
  context: { environment: ['sentry.environment'] },
  signs: { keys: ['sentry.op', 'sentry.origin'] },

  classify(span: SpanSlice): SpanKind | undefined {
    const { attributes } = span;
    const operation = attributes['sentry.op'];
    const origin = attributes['sentry.origin'];
    if (typeof operation === 'string' && operation.startsWith('gen_ai.')) return genAi.classify(span) ?? 'generic';
    return typeof origin === 'string' && origin.startsWith('auto.ai.') ? genAi.classify(span) : undefined;
  },

  read(_span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
    const answer = kind === 'tool' ? {} : readAnswer(fields, kind);
    return {
      finishReason: readFinishReason(fields, answer),
      inputs: inputsOf(fields.attributes['gen_ai.embeddings.input']),
      metadata: { dropped_messages: countDropped(fields) },
      ...answer,
    };
  },
};

function readAnswer(fields: SpanFields, kind: SpanKind): Reading {
  const run = readRun(fields) ?? readChoices(fields);
  if (run) return run;
  const blocks = blocksAt(fields);
  const texts = blocks ? [] : readTexts(fields);
  const [text, ...others] = areTextsOfOne(fields) ? [texts.join('\n') || texts[0]] : texts;
  // Beside the last words of an agent, the calls are those of its run, which are answered.
  const items = kind === 'agent' && (text || blocks) ? [] : withoutRepeats(fields.list(CALLS) ?? []);
  const calls = items.filter((item) => !isObject(item) || !NO_CALLS.has(item['type']));
  if (calls.length === 0 && !blocks && (text === undefined || (text === '' && isSilent(fields)))) return {};
  const reader = new MessageReader();
  const [outputMessage] = reader.readOutput({
    role: 'assistant',
    content: blocks ?? (text === undefined || (text === '' && calls.length > 0) ? [] : [{ type: 'text', text }]),
    ...(calls.length > 0 && { tool_calls: calls }),
  });
  return {
    outputMessage,
    output: messageText(outputMessage),
    contentMetadata: { choices: others.length > 0 ? others : undefined, ...providerCallMetadata(reader) },
  };
}

/** An agent of LangGraph has all messages of its run instead of a text, and the calls of all its turns beside them. */
function readRun(fields: SpanFields): Reading | undefined {
  const text = fields.attributes[TEXT];
  if (typeof text !== 'string' || !text.startsWith('[{"role":')) return undefined;
  if (fields.attributes['sentry.origin'] !== 'auto.ai.langgraph') return undefined;
  const list = fields.list(TEXT);
  if (!list?.every((item) => isObject(item) && typeof item['role'] === 'string')) return undefined;
  const outputMessage = new MessageReader().readOutput([list.at(-1)])[0];
  if (outputMessage?.role !== 'assistant') return {};
  return { outputMessage, output: messageText(outputMessage) };
}

/** What the fields of a message as OpenAI's SDK for Python dumps it begin with, which no answer in JSON has by chance. */
const DUMPED = /^\[?\{\s*"content":/;

/** Sentry for Python dumps the message of each choice of a chat completion in the place of its text. */
function readChoices(fields: SpanFields): Reading | undefined {
  const value = fields.attributes[TEXT];
  if (typeof value !== 'string' || !DUMPED.test(value)) return undefined;
  const structure = fields.structure(TEXT);
  const messages: unknown[] = Array.isArray(structure) ? structure : [structure];
  if (!messages.every(isDumpedMessage)) return undefined;
  const reader = new MessageReader();
  const [outputMessage, ...others] = reader.readOutput(messages);
  return {
    outputMessage,
    output: messageText(outputMessage),
    contentMetadata: { choices: others.length > 0 ? others : undefined, ...metadataOfMessages(reader) },
  };
}

function isDumpedMessage(value: unknown): boolean {
  return isObject(value) && value['role'] === 'assistant' && 'refusal' in value && 'tool_calls' in value;
}

/**
 * A stream of Gemini lists the calls of each piece twice: first the parts that came, `{ name, args }`, and then each as
 * `{ type: 'function', name, arguments }`.
 */
function withoutRepeats(items: readonly unknown[]): readonly unknown[] {
  const listed = new Map<string, number>();
  return items.filter((item) => {
    if (!isObject(item)) return true;
    const { type, name, args, arguments: input } = item;
    const isPart = type === undefined;
    if (!isPart && (type !== 'function' || listed.size === 0)) return true;
    const call = toText([name, isPart ? args : input]);
    const count = listed.get(call) ?? 0;
    if (isPart) listed.set(call, count + 1);
    else if (count > 0) listed.set(call, count - 1);
    return isPart || count === 0;
  });
}

/** Whether the text is `""` because the answer was a refusal or a tool call that is not recorded. */
function isSilent(fields: SpanFields): boolean {
  if (toFinishReason(fields.attributes[FINISH_REASONS]) === 'tool_calls') return true;
  return fields.string('gen_ai.response.id')?.startsWith('resp_') === true;
}

/** For the Responses API these are all states that a stream went through, ending with `completed` for any answer. */
function readFinishReason(fields: SpanFields, { outputMessage }: Reading): string | undefined {
  const words = fields.list(FINISH_REASONS)?.filter((word) => word !== 'in_progress' && word !== 'queued');
  const finishReason = toFinishReason(words ?? fields.attributes[FINISH_REASONS]);
  return finishReason === 'stop' && outputMessage?.tool_calls ? 'tool_calls' : finishReason;
}

/** Anthropic's integration for Python writes the blocks of one answer, and not the texts of choices. */
function blocksAt({ attributes }: SpanFields): readonly unknown[] | undefined {
  if ((attributes['gen_ai.system'] ?? attributes['gen_ai.provider.name']) !== 'anthropic') return undefined;
  const blocks = listOf(attributes[TEXT])?.map((item) => objectOf(item));
  return blocks && blocks.length > 0 && blocks.every(isTextBlock) ? blocks : undefined;
}

const BLOCK_KEYS: ReadonlySet<string> = new Set(['type', 'text', 'citations']);

/** Any other JSON is what a model may answer with. */
function isTextBlock(block: Record<string, unknown> | undefined): boolean {
  if (block?.['type'] !== 'text' || typeof block['text'] !== 'string') return false;
  return Object.keys(block).every((key) => BLOCK_KEYS.has(key));
}

/** Reads a JSON list with one text per choice, or for a stream the text itself, which may look like a JSON list. */
function readTexts(fields: SpanFields): string[] {
  const { attributes } = fields;
  const value = attributes[TEXT] ?? attributes['gen_ai.response.object'];
  if (value === undefined || value === null) return [];
  const list = isListText(value) ? listOf(value) : undefined;
  const isStreamed = booleanOf(attributes['gen_ai.response.streaming']) === true;
  const isList = list?.every((item) => typeof item === 'string') && (!isStreamed || isListOfChoices(list, fields));
  return isList ? list.map((item) => textOf(item) ?? '') : [toText(value)];
}

/** Sentry lists texts as JSON or as Python does: what other languages print is what the model said. */
function isListText(value: unknown): boolean {
  return typeof value !== 'string' || /^\s*["[(]/.test(value);
}

/** Whether a stream had as many choices as there are texts. Sentry for Python lists them, if they are several. */
function isListOfChoices({ length }: readonly unknown[], fields: SpanFields): boolean {
  const asked = fields.count('gen_ai.request.choice.count') ?? fields.list(FINISH_REASONS)?.length;
  return length > 1 && length === asked;
}

/** Whether the texts are the parts of one answer. Chat Completions and LangChain have one for each choice. */
function areTextsOfOne({ attributes }: SpanFields): boolean {
  if (ORIGINS_OF_PARTS.has(attributes['sentry.origin'])) return true;
  const id = attributes['gen_ai.response.id'];
  return attributes['gen_ai.operation.name'] === 'responses' || (typeof id === 'string' && id.startsWith('resp_'));
}

/** Sentry shortens long histories to their last messages; this returns how many it dropped. */
function countDropped(fields: SpanFields): number | undefined {
  const original = fields.integer('sentry.sdk_meta.gen_ai.input.messages.original_length');
  const kept = original === undefined ? undefined : fields.list('gen_ai.input.messages')?.length;
  return original !== undefined && kept !== undefined && original > kept ? original - kept : undefined;
}
