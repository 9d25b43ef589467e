/**
 * Turns of a realtime session as Microsoft.Extensions.AI reports them: what was heard and said is in one list, each text in
 * pieces and then whole, and the list grows from one response of the session to the next.
 */
import type { SpanSlice } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import { listOf, stringOf } from '../../values/attributes.ts';

const NAME = 'realtime';
/** What is on the span of a response only. */
const RESPONSE = ['gen_ai.output.messages', 'gen_ai.response.id', 'gen_ai.usage.output_tokens', 'error.type'] as const;

type Fields = Record<string, unknown>;

export interface RealtimeTurn {
  /** What was heard and said before the answer. */
  readonly before: unknown[] | undefined;
  readonly answer: unknown[];
}

export function isRealtime({ name, attributes }: SpanSlice): boolean {
  // Other names are not compared: the text to compare with would be made for each call of an app.
  if (typeof name !== 'string' || !name.startsWith(NAME) || attributes['gen_ai.operation.name'] !== 'chat')
    return false;
  const model = stringOf(attributes['gen_ai.request.model']);
  return name === (model === undefined ? NAME : `${NAME} ${model}`);
}

/** Whether the span is only of a message that the app has sent, which no model has answered yet. */
export function isSentMessage(span: SpanSlice): boolean {
  const { attributes } = span;
  return (
    isRealtime(span) &&
    attributes['gen_ai.input.messages'] !== undefined &&
    RESPONSE.every((key) => attributes[key] === undefined)
  );
}

/** Returns the turn in a list of messages with parts; undefined if it is none. */
export function readRealtimeTurn(output: unknown): RealtimeTurn | undefined {
  const messages = listOf(output)?.filter(isObject);
  if (!messages?.every(({ parts }) => Array.isArray(parts))) return undefined;
  const turns: Fields[] = [];
  let pieces: unknown[] = [];
  for (const { role, parts } of messages) {
    // The session's own errors are nobody's words.
    if (role === 'system') continue;
    const spoken = listOf(parts) ?? [];
    if (role === 'assistant') pieces.push(...spoken);
    else {
      if (pieces.length > 0) turns.push({ role: 'assistant', parts: joinPieces(pieces) });
      pieces = [];
      turns.push({ role, parts: spoken });
    }
  }
  const answer = joinPieces(pieces);
  return {
    before: turns.length > 0 ? turns : undefined,
    answer: answer.length > 0 ? [{ role: 'assistant', parts: answer }] : [],
  };
}

/** Joins the pieces of each text, and leaves out its sound: what was said is there as a transcript. */
function joinPieces(parts: readonly unknown[]): unknown[] {
  const transcript: string[] = [];
  const text: string[] = [];
  const others: unknown[] = [];
  for (const part of parts) {
    const type = isObject(part) ? part['type'] : undefined;
    const said = isObject(part) ? stringOf(part['content']) : undefined;
    if (type === 'output_transcription' && said !== undefined) transcript.push(said);
    else if (type === 'text' && said !== undefined) text.push(said);
    else if (type !== 'audio') others.push(part);
  }
  const spoken = wholeOf(transcript);
  const written = wholeOf(text);
  const texts = spoken === written ? [spoken] : [spoken, written];
  return [...texts.flatMap((content) => (content === undefined ? [] : [{ type: 'text', content }])), ...others];
}

/** The last piece is the whole text where it is what the others are together. */
function wholeOf(pieces: readonly string[]): string | undefined {
  const before = pieces.slice(0, -1).join('');
  const last = pieces.at(-1);
  return last === before ? last : last === undefined ? undefined : before + last;
}
