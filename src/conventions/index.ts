/** What the vocabularies say of one span: of which of them it is, and how the readings of several are merged. */
import { type SpreadTaken, withSpreadRecords } from '../otel/content-records.ts';
import type { SpanSlice } from '../otel/span-slice.ts';
import { messageText } from '../wire/message-text.ts';
import type { ChatMessage } from '../wire/v4.ts';
import { type Census, hasVocabulary, mayBeMeant, takeCensus } from './census.ts';
import { answerKeysOf } from './content/answer-keys.ts';
import { readContentRefs } from './content/content-refs.ts';
import { readEvaluations } from './content/evaluations.ts';
import { withFailureOfAnswer } from './content/failed-answers.ts';
import { modelOfBodies, withNamesOfAnswer } from './content/model-of-bodies.ts';
import { openToolResult } from './content/parts/tool-result.ts';
import { correctError } from './content/read-error.ts';
import { withoutUnset } from './content/request-parameters.ts';
import { millisToFirstChunk } from './content/streams/first-chunk.ts';
import { usageOfAnswer } from './content/usage.ts';
import type { Convention, LogKind, Reading, SpanKind } from './convention.ts';
import { kindOfOpenSpan } from './scopes.ts';
import type { ReadShort } from './short-way.ts';
import { STEPS } from './steps.ts';
import { CONVENTIONS } from './table.ts';
import { readTaken, spreadTaken } from './taken-content.ts';
import { addTo, isFiller, omitUndefined, unlessEmpty } from './values/attributes.ts';
import { withOneBudget } from './values/json/text-weight.ts';
import { SpanFields } from './values/span-fields.ts';

export { CONVENTIONS };

/** What a vocabulary takes a span for. */
export interface Recognition {
  readonly convention: Convention;
  readonly kind: SpanKind;
}

export interface Classified {
  readonly kind: LogKind;
  /** Name of the vocabulary that decided; `scope` for an open span recognised by its instrumentation scope only. */
  readonly convention: string;
  /** The vocabularies to read the span with. They may be more when an open span has ended. */
  readonly recognitions: readonly Recognition[];
}

/** Looks through the keys of a span: the functions below need not ask the vocabularies that cannot be meant. */
export function censusOf(span: SpanSlice, conventions: readonly Convention[] = CONVENTIONS): Census {
  return takeCensus(span, conventions);
}

/**
 * Returns the kind of log that a span, open or ended, becomes; undefined if it is not a log. `signs` are those of the
 * span's census, if one was taken.
 */
export function classifySpan(
  span: SpanSlice,
  conventions: readonly Convention[] = CONVENTIONS,
  signs = takeCensus(span, conventions).signs,
): Classified | undefined {
  const recognitions = hasVocabulary(signs) ? recognise(span, conventions, signs) : NO_RECOGNITIONS;
  const first = recognitions[0];
  if (!first) {
    const kind = kindOfOpenSpan(span);
    return kind === undefined ? undefined : { kind, convention: 'scope', recognitions };
  }
  const { kind, convention } = first;
  const isPlumbing = kind === 'plumbing' || STEPS.has(span.attributes['gen_ai.operation.name']) || STEPS.has(span.name);
  return isPlumbing ? undefined : { kind, convention: convention.name, recognitions };
}

const NO_RECOGNITIONS: readonly Recognition[] = [];

/** Asks the vocabularies that may be meant, in the order of the table, but for those that one before them covers. */
function recognise(span: SpanSlice, conventions: readonly Convention[], signs: number): readonly Recognition[] {
  const found: Recognition[] = [];
  for (const convention of mayBeMeant(signs, conventions)) {
    if (isCovered(convention, found) || (convention.isAddition && found.length === 0)) continue;
    const kind = classifySafely(convention, span);
    if (kind !== undefined) found.push({ convention, kind: convention.isAddition ? found[0]!.kind : kind });
  }
  return found;
}

/** A function of its own, since a function within the loop would cost memory for each convention. */
function isCovered({ name }: Convention, found: readonly Recognition[]): boolean {
  for (let at = 0; at < found.length; at++) if (found[at]?.convention.covers?.includes(name)) return true;
  return false;
}

/**
 * Merges the readings of all vocabularies that recognise the span. The first wins; the others fill in what it lacks.
 * `recognitions` are those of `classifySpan`, if it was asked about this span when it had ended.
 */
export function readSpan(
  span: SpanSlice,
  conventions: readonly Convention[] = CONVENTIONS,
  recognitions = recognise(span, conventions, takeCensus(span, conventions).signs),
): Reading {
  return withOneBudget(() => readAll(span, recognitions));
}

function spreadTakenOf(kind: SpanKind | undefined): SpreadTaken {
  return (record, asked, told) => spreadTaken(record, asked, told, kind);
}

function readAll(recorded: SpanSlice, recognitions: readonly Recognition[]): Reading {
  const kind = recognitions[0]?.kind;
  const span = recorded.events.length > 0 ? withSpreadRecords(recorded, spreadTakenOf(kind)) : recorded;
  const fields = new SpanFields(span);
  let reading: Reading | undefined;
  for (const { convention, kind } of recognitions) {
    const next = onlyWhatIsSaid(readSafely(convention, span, kind, fields));
    if (reading === undefined) {
      reading = next;
      addTo(metadataOf(reading), { convention: convention.name });
    } else {
      fillIn(reading, kind === recognitions[0]?.kind ? next : usageAsMetadata(next));
    }
  }
  if (reading && kind && kind !== 'plumbing' && span !== recorded) fillIn(reading, readTaken(span, kind));
  if (reading && kind === 'model') {
    const answers = answerKeysOf(fields);
    addTo(reading, usageOfAnswer(reading, fields, answers));
    if (reading.model === undefined)
      addTo(reading, { model: modelOfBodies(reading, fields, answers) } as Partial<Reading>);
    reading = withFailureOfAnswer(withNamesOfAnswer(reading, fields, answers), fields, answers);
    fillInEntries(metadataOf(reading), omitUndefined({ time_to_first_chunk_ms: millisToFirstChunk(span) }));
  }
  const said = withLosses(withContentRefs(reading ?? {}, fields), fields);
  const whole = withoutFiller(correctError(said, span, kind));
  addTo(whole, { evaluations: evaluationsOf(span) });
  return kind === 'tool' ? openToolResult(whole) : whole;
}

/** Returns the short way of the span, if all that recognise it are read by that. `recognitions` are those of `classifySpan`. */
export function shortWayOf(recognitions: readonly Recognition[] = NO_RECOGNITIONS): ReadShort | undefined {
  const first = recognitions[0];
  const way = first?.convention.shortWay;
  if (!first || !way) return undefined;
  for (let at = 1; at < recognitions.length; at++) {
    const { convention, kind } = recognitions[at] as Recognition;
    if (kind !== first.kind || !way.includes?.includes(convention.name)) return undefined;
  }
  return way.read;
}

/** Returns a copy without fields that are undefined, also in its records, and without records that are empty. */
function onlyWhatIsSaid(reading: Reading): Reading {
  const said: Reading = {};
  for (const key in reading) {
    const field = key as keyof Reading;
    const value = MERGED.has(field) ? unlessEmpty(reading[field] as Entries) : reading[field];
    if (value !== undefined) assign(said, field, value);
  }
  return said;
}

/** A failed call has no answer, though some vocabularies write `""` for it. */
function withoutFiller(reading: Reading): Reading {
  // That of a span may be no text in an app without types.
  if (reading.name !== undefined && (typeof reading.name !== 'string' || isFiller(reading.name)))
    reading.name = undefined;
  const { stop, other, maxTokens } = reading;
  if (stop !== undefined || other !== undefined || maxTokens !== undefined) withoutUnset(reading);
  if (reading.error === undefined || reading.output !== '') return reading;
  const { output: _output, outputMessage, ...rest } = reading;
  return outputMessage?.tool_calls ? { outputMessage, ...rest } : rest;
}

function fillIn(reading: Reading, from: Reading): void {
  for (const key in from) {
    const field = key as keyof Reading;
    const value = from[field];
    const present = reading[field];
    if (present === undefined) assign(reading, field, value);
    else if (MERGED.has(field)) fillInEntries(present as Entries, value as Entries);
    else if (field === 'messages') reading.messages = withConversation(reading.messages, from.messages);
    else if (field === 'outputMessage') fillInAnswer(reading, present as ChatMessage, from);
  }
}

type Entries = Record<string, unknown>;

/** A vocabulary may know only the instructions of a conversation, and another one the rest of it. */
function withConversation(messages: Reading['messages'] = [], more: Reading['messages'] = []): Reading['messages'] {
  if (isSameConversation(messages, more)) return messages.map((message, at) => withLostParts(message, more[at]));
  if (!messages.every(isSystem) || more.every(isSystem)) return messages;
  return more.some(isSystem) ? more : [...messages, ...more];
}

function isSameConversation(messages: readonly ChatMessage[], more: readonly ChatMessage[]): boolean {
  return messages.length === more.length && messages.every(({ role }, at) => role === more[at]?.role);
}

/** A vocabulary may have only the texts of messages, and another one their calls and images, too. */
function withLostParts(message: ChatMessage, whole: ChatMessage | undefined): ChatMessage {
  if (whole === undefined || message.role !== whole.role) return message;
  const { content, tool_calls = whole.tool_calls, tool_call_id = whole.tool_call_id } = message;
  const isLess = !content || (Array.isArray(whole.content) && !Array.isArray(content));
  // The text `""` beside calls is none.
  const said = isLess ? (whole.content ?? (whole.tool_calls ? undefined : content)) : content;
  const isWhole = said === content && tool_calls === message.tool_calls && tool_call_id === message.tool_call_id;
  if (isWhole || saysOther(message, whole)) return message;
  const { content: _content, ...rest } = message;
  return { ...rest, ...omitUndefined({ content: said, tool_calls, tool_call_id }) };
}

/** Whether these have different words, so that they are not one message. */
function saysOther(message: ChatMessage, other: ChatMessage): boolean {
  const said = messageText(message);
  const words = messageText(other);
  return Boolean(said && words) && said !== words;
}

/** The output is the text of the message. */
function fillInAnswer(reading: Reading, message: ChatMessage, from: Reading): void {
  const whole = withLostParts(message, from.outputMessage);
  if (!message.content && whole !== message && !reading.output) reading.output = from.output;
  reading.outputMessage = whole;
}

function isSystem({ role }: ChatMessage): boolean {
  return role === 'system';
}

function fillInEntries(present: Entries, more: Entries): void {
  for (const key in more) if (present[key] === undefined) present[key] = more[key];
}

const MERGED: ReadonlySet<keyof Reading> = new Set(['metadata', 'contentMetadata', 'other']);

function assign<Key extends keyof Reading>(reading: Reading, key: Key, value: unknown): void {
  reading[key] = value as Reading[Key];
}

function metadataOf(reading: Reading): Entries {
  reading.metadata ??= {};
  return reading.metadata;
}

function withContentRefs(reading: Reading, fields: SpanFields): Reading {
  try {
    const content_refs = readContentRefs(fields);
    return content_refs ? { ...reading, contentMetadata: { ...reading.contentMetadata, content_refs } } : reading;
  } catch {
    // An event without a name, or an attribute that throws.
    return reading;
  }
}

/** A vocabulary that takes the span for another kind may count other calls' tokens too: they go to the metadata. */
function usageAsMetadata(reading: Reading): Reading {
  const { promptTokens, outputTokens, promptCost: _promptCost, outputCost: _outputCost, ...rest } = reading;
  const usage = unlessEmpty({ prompt_tokens: promptTokens, output_tokens: outputTokens });
  if (usage) fillInEntries(metadataOf(rest), { usage });
  return rest;
}

/**
 * Says in the metadata what the span has lost: texts that a value length limit cut, and attributes beyond the attribute
 * limit. An SDK drops what is set last: output, usage, finish reason.
 */
function withLosses(reading: Reading, { truncated, span }: SpanFields): Reading {
  const dropped = span.droppedAttributesCount;
  if (truncated.size > 0) addTo(metadataOf(reading), { truncated: [...truncated] });
  if (typeof dropped === 'number' && dropped > 0) addTo(metadataOf(reading), { dropped_attributes: dropped });
  return reading;
}

/** Attributes may throw when they are listed. */
function evaluationsOf(span: SpanSlice): Reading['evaluations'] {
  try {
    return readEvaluations(span);
  } catch {
    return undefined;
  }
}

/** A convention of the app may throw; then the span counts as not recognised. */
function classifySafely(convention: Convention, span: SpanSlice): SpanKind | undefined {
  try {
    return convention.classify(span);
  } catch {
    return undefined;
  }
}

function readSafely(convention: Convention, span: SpanSlice, kind: SpanKind, fields: SpanFields): Reading {
  try {
    return convention.read(span, kind, fields);
  } catch {
    return { metadata: { unreadable: convention.name } };
  }
}
