/**
 * An answer that was recorded as the pieces it was streamed in → the answer. The pieces of a text have no line breaks
 * between them, and each choice would have a finish reason of its own, or the request names their number.
 *
 * - Gemini's contents: `[{ role: 'model', parts: [{ text: 'Hel' }] }, { role: 'model', parts: [{ text: 'lo' }] }]`
 * - Gemini's responses: `[{ candidates: […] }, …]`
 * - chunks of Chat Completions, `[{ choices: [{ delta }] }, …]`, and of the completion API, with a `text`
 * - events of other APIs: `stream-events.ts`
 * - any of these as the text that came over the wire: `event-stream.ts`
 */
import { isObject } from '../../../wire/json.ts';
import { jsonOf } from '../../values/attributes.ts';
import { eventsInText } from './event-stream.ts';
import { isFailure } from './failures.ts';
import { joinEvents } from './stream-events.ts';

type Fields = Record<string, unknown>;

/** Returns any other value as it is. `choiceCount` is the number of answers that were asked for. */
export function joinChunks(value: unknown, choiceCount = 1): unknown {
  if (typeof value === 'string') return streamIn(value, choiceCount)?.answer ?? value;
  if (isObject(value)) return joinYielded(value);
  if (!Array.isArray(value) || value.length < 2) return value;
  const events = eventsInTexts(value);
  if (events) return orElse(value, events, joinChunks(events, choiceCount));
  // What had come before an error is the answer.
  const chunks = value.filter((chunk) => chunk !== null && !isFailure(chunk));
  if (chunks.length === 0 || !chunks.every(isObject)) return value;
  if (chunks.every(isContent)) {
    return chunks.length === choiceCount ? chunks : [{ role: 'model', parts: joinParts(chunks.flatMap(partsOf)) }];
  }
  if (chunks.some(hasCandidate) && chunks.every(isGeminiResponse)) {
    return areOfSeveral(chunks) ? value : joinResponses(chunks);
  }
  if (chunks.every(isChunk) && (chunks.some(hasDelta) || areTexts(chunks))) {
    return areOfSeveral(chunks) ? value : joinChoices(chunks);
  }
  return joinEvents(chunks) ?? value;
}

/** Returns the events in a text that came over the wire, and the answer that they are the pieces of; undefined if they are none. */
export function streamIn(text: string, choiceCount?: number): { events: Fields[]; answer: unknown } | undefined {
  const events = eventsInText(text);
  if (!events) return undefined;
  const [first, ...others] = events;
  const answer = others.length === 0 ? answerInOne(first as Fields) : joinChunks(events, choiceCount);
  return answer === undefined || answer === events ? undefined : { events, answer };
}

/** Returns the events of which a list has the texts, all or some; undefined if there is another text in it. */
export function eventsInTexts(list: readonly unknown[]): unknown[] | undefined {
  if (!list.some((item) => typeof item === 'string')) return undefined;
  const events: unknown[] = [];
  for (const item of list) {
    const text = typeof item === 'string' ? item.replace(/^\s*data: ?/, '').trim() : undefined;
    if (text === '[DONE]') continue;
    const event = text?.startsWith('{"') ? jsonOf(text) : item;
    if (!isObject(event)) return undefined;
    events.push(event);
  }
  return events;
}

function orElse(value: unknown, events: unknown, joined: unknown): unknown {
  return joined === events ? value : joined;
}

/** An answer that is short may come in one event, which then ends it; any other event is what the model said. */
function answerInOne(event: Fields): unknown {
  const { type, response } = event;
  if (type === 'response.completed' || type === 'response.incomplete') return isObject(response) ? response : undefined;
  if (!answersIn(event).some(isEnded)) return undefined;
  return hasDelta(event) ? joinChoices([event]) : hasCandidate(event) ? joinResponses([event]) : undefined;
}

const YIELDED = ['outputs', 'output', 'chunks', 'events'] as const;

/** Returns the pieces below the only key, as LangSmith has what a generator has yielded; undefined if they are none. */
export function yieldedIn(value: unknown): unknown[] | undefined {
  if (!isObject(value)) return undefined;
  const key = YIELDED.find((name) => Array.isArray(value[name]));
  const list = key === undefined || Object.keys(value).length > 1 ? undefined : (value[key] as unknown[]);
  return list && joinChunks(list) !== list ? list : undefined;
}

function joinYielded(value: Fields): unknown {
  const list = yieldedIn(value);
  return list ? joinChunks(list) : value;
}

function isContent({ role, parts, ...rest }: Fields): boolean {
  return role === 'model' && Array.isArray(parts) && parts.every(isUntyped) && Object.keys(rest).length === 0;
}

function isUntyped(part: unknown): boolean {
  return isObject(part) && part['type'] === undefined;
}

function partsOf({ parts }: Fields): unknown[] {
  return Array.isArray(parts) ? parts : [];
}

/**
 * Returns how many contents there are if each begins as a sentence and follows the end of one, without the space that a stream
 * has there. Pieces of code and of some scripts are cut there too, so it is only for what writes candidates as contents.
 */
export function countSentences(value: unknown): number | undefined {
  const contents = Array.isArray(value) ? value.filter(isObject) : [];
  const texts = contents.every(isContent) ? contents.map(onlyTextOf) : [];
  const areWhole = texts.every((text, at) => {
    const next = texts[at + 1];
    return text !== undefined && (next === undefined || (SENTENCE_END.test(text) && SENTENCE_START.test(next)));
  });
  return areWhole && texts.length > 1 ? texts.length : undefined;
}

const SENTENCE_END = /[\p{L}\p{N}][.!?…]["'”’)*_]*$/u;
const SENTENCE_START = /^["'“‘(*_#]*\p{Lu}/u;

function onlyTextOf({ parts }: Fields): string | undefined {
  const part: unknown = Array.isArray(parts) && parts.length === 1 ? parts[0] : undefined;
  return isObject(part) && typeof part['text'] === 'string' ? part['text'] : undefined;
}

function isGeminiResponse({ candidates, usageMetadata, usage_metadata: usage }: Fields): boolean {
  return Array.isArray(candidates) || isObject(usageMetadata ?? usage);
}

function hasCandidate({ candidates }: Fields): boolean {
  const first: unknown = Array.isArray(candidates) ? candidates[0] : undefined;
  return (
    isObject(first) && (isObject(first['content']) || (first['finishReason'] ?? first['finish_reason']) !== undefined)
  );
}

/** Returns one message for each candidate, in their order. */
function joinResponses(responses: readonly Fields[]): Fields[] {
  return joinByIndex(responses.flatMap(answersIn), joinCandidate);
}

function joinCandidate(pieces: readonly Fields[]): Fields {
  const parts = pieces.flatMap(({ content }) => (isObject(content) ? partsOf(content) : []));
  const finish_reason = lastOf(pieces, 'finishReason') ?? lastOf(pieces, 'finish_reason');
  return { role: 'model', parts: joinParts(parts), ...(finish_reason !== undefined && { finish_reason }) };
}

/** Joins texts that follow each other; thoughts are apart. */
function joinParts(parts: readonly unknown[]): Fields[] {
  const joined: Fields[] = [];
  for (const part of parts) {
    if (!isObject(part)) continue;
    const last = joined.at(-1);
    const goesOn = typeof last?.['text'] === 'string' && typeof part['text'] === 'string';
    if (goesOn && last['thought'] === part['thought']) last['text'] = `${last['text']}${part['text']}`;
    else joined.push({ ...part });
  }
  // The last piece of a stream is often empty.
  return joined.filter(({ text }, at) => text !== '' || (at === 0 && joined.length === 1));
}

function isChunk({ choices, usage }: Fields): boolean {
  return Array.isArray(choices) || isObject(usage);
}

function hasDelta(chunk: Fields): boolean {
  return answersIn(chunk).some(({ delta }) => isObject(delta));
}

/** Chunks of the completion API, which all have the id of the answer. */
function areTexts(chunks: readonly Fields[]): boolean {
  const { id } = chunks[0] as Fields;
  return typeof id === 'string' && chunks.every((chunk) => chunk['object'] === 'text_completion' && chunk['id'] === id);
}

/** Returns the choices or candidates of a chunk. Those of which none has an index are in their order. */
function answersIn({ choices, candidates = choices }: Fields): Fields[] {
  const answers = Array.isArray(candidates) ? candidates.filter(isObject) : [];
  if (answers.length < 2 || answers.some(({ index }) => isSaid(index))) return answers;
  return answers.map((answer, index) => ({ ...answer, index }));
}

/**
 * Whether the chunks are of several answers, which would be joined into words that nobody said: each answer has an id, that of
 * all its chunks. Servers that number each chunk have as many ids as chunks.
 */
function areOfSeveral(chunks: readonly Fields[]): boolean {
  const pieces = chunks.filter((chunk) => typeof idOf(chunk) === 'string' && answersIn(chunk).length > 0);
  const ids = new Set(pieces.map(idOf).filter((id) => id !== ''));
  if (ids.size < 2) return false;
  const ended = pieces.filter((chunk) => answersIn(chunk).some(isEnded));
  return ids.size < pieces.length || new Set(ended.map(idOf)).size > 1;
}

function idOf({ id, response_id: ofPython, responseId = ofPython }: Fields): unknown {
  return responseId ?? id;
}

function isEnded({ finish_reason: ofPython, finishReason = ofPython }: Fields): boolean {
  return isSaid(finishReason);
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Returns one message for each choice, in their order. */
function joinChoices(chunks: readonly Fields[]): Fields[] {
  return joinByIndex(chunks.flatMap(answersIn), joinDeltas);
}

function joinByIndex(all: readonly Fields[], join: (pieces: readonly Fields[]) => Fields): Fields[] {
  const answers = new Map<number, Fields[]>();
  for (const piece of all) {
    const index = Number(piece['index'] ?? 0);
    const pieces = answers.get(index);
    if (pieces) pieces.push(piece);
    else answers.set(index, [piece]);
  }
  const inOrder = [...answers].sort(([a], [b]) => a - b);
  // Without an index they would be taken for the pieces of one turn.
  return inOrder.map(([index, pieces]) => (answers.size > 1 ? { index, ...join(pieces) } : join(pieces)));
}

function joinDeltas(pieces: readonly Fields[]): Fields {
  const message: Fields = { role: 'assistant' };
  const sound: Fields = {};
  const calls = new Map<unknown, Fields>();
  for (const { text, delta = { content: text } } of pieces) {
    if (!isObject(delta)) continue;
    for (const key of ['content', 'refusal', 'reasoning_content', 'reasoning'] as const)
      addText(message, key, delta[key]);
    const { audio, function_call: legacy } = delta;
    if (isObject(audio)) addText(sound, 'transcript', audio['transcript']);
    if (isObject(legacy)) addCall({ function: legacy }, calls);
    for (const piece of Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : []) addCall(piece, calls);
  }
  if (sound['transcript'] !== undefined) message['audio'] = sound;
  if (calls.size > 0) message['tool_calls'] = [...calls.values()];
  const finish_reason = lastOf(pieces, 'finish_reason');
  return { ...message, ...(finish_reason !== undefined && { finish_reason }) };
}

function addText(message: Fields, key: string, piece: unknown): void {
  if (typeof piece === 'string') message[key] = `${message[key] ?? ''}${piece}`;
}

/** The first piece of a call has its id and name, all have some of its arguments. */
function addCall(piece: unknown, calls: Map<unknown, Fields>): void {
  if (!isObject(piece)) return;
  const index = piece['index'] ?? 0;
  const call = calls.get(index) ?? {};
  calls.set(index, call);
  const body = isObject(piece['function']) ? piece['function'] : {};
  call['id'] ??= piece['id'] ?? undefined;
  call['name'] ??= body['name'] ?? undefined;
  if (typeof body['arguments'] === 'string') call['arguments'] = `${call['arguments'] ?? ''}${body['arguments']}`;
}

function lastOf(items: readonly unknown[], key: string): unknown {
  const last = items.findLast((item) => isObject(item) && item[key] !== undefined && item[key] !== null);
  return isObject(last) ? last[key] : undefined;
}
