/**
 * The chunks of a message that LangChain streams, `[{ type: 'AIMessageChunk', content, tool_call_chunks }, …]` → the message,
 * as LangChain itself adds them up.
 */
import { isObject } from '../../../wire/json.ts';

type Fields = Record<string, unknown>;

export function isLangChains({ type, content }: Fields): boolean {
  return type === 'AIMessageChunk' && content !== undefined;
}

/**
 * Whether the chunks are of one message. One of them may have the provider's id and the others that of the run: two ids of
 * the same kind are two messages.
 */
export function areOfOneRun(chunks: readonly Fields[]): boolean {
  const ids = [...new Set(chunks.map(({ id }) => id))].filter((id) => typeof id === 'string');
  const runs = ids.filter((id) => /^(?:lc_)?run-/.test(id)).length;
  return runs <= 1 && ids.length - runs <= 1;
}

export function joinLangChains(chunks: readonly Fields[]): Fields {
  let text = '';
  let reasoning = '';
  const calls = new Map<unknown, Fields>();
  for (const { content, additional_kwargs: more, tool_call_chunks: pieces } of chunks) {
    for (const part of Array.isArray(content) ? content : [{ text: content }]) {
      if (!isObject(part)) continue;
      text += textIn(part['text']);
      reasoning += textIn(part['thinking'] ?? part['reasoning']);
    }
    if (isObject(more)) reasoning += textIn(more['reasoning_content']);
    for (const piece of Array.isArray(pieces) ? pieces.filter(isObject) : []) addPiece(piece, calls);
  }
  const ends = chunks.map(({ response_metadata: end }) => end).filter(isObject);
  const finish_reason = ends
    .map((end) => end['finish_reason'] ?? end['stop_reason'])
    .findLast((word) => typeof word === 'string');
  return {
    role: 'assistant',
    content: text,
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.size > 0 && { tool_calls: [...calls.values()] }),
    finish_reason,
    usage: chunks.map(({ usage_metadata: used }) => used).reduce(addUsage, undefined),
  };
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A piece without an index is a whole call. */
function addPiece(piece: Fields, calls: Map<unknown, Fields>): void {
  const key = piece['index'] ?? piece;
  const call = calls.get(key) ?? { id: piece['id'], name: piece['name'], arguments: '' };
  calls.set(key, call);
  call['arguments'] = `${call['arguments']}${textIn(piece['args'])}`;
}

/** Each chunk says what it adds: one has the tokens of the prompt, another one those of the answer. */
function addUsage(sum: unknown, more: unknown): unknown {
  if (typeof sum === 'number' && typeof more === 'number') return sum + more;
  if (!isObject(sum) || !isObject(more)) return more ?? sum;
  const added = Object.entries(more).map(([key, count]) => [
    key,
    addUsage(Object.hasOwn(sum, key) ? sum[key] : undefined, count),
  ]);
  return { ...sum, ...Object.fromEntries(added) };
}
