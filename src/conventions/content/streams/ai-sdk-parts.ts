/**
 * Parts of a stream of the AI SDK, of its providers or of its full stream, which apps record themselves → the answer:
 * `[{ type: 'text-delta', delta: 'Hel' }, …, { type: 'finish', finishReason, usage }]`. Version 4 has `textDelta`, and one end for all.
 */
import { addTo } from '../../values/attributes.ts';

type Fields = Record<string, unknown>;

const STARTS: ReadonlySet<unknown> = new Set([
  ...['stream-start', 'start', 'start-step', 'step-start', 'response-metadata'],
  ...['text-start', 'text-delta', 'reasoning-start', 'tool-input-start'],
]);
const OTHERS: ReadonlySet<unknown> = new Set([
  ...['text-end', 'reasoning', 'reasoning-delta', 'reasoning-end', 'reasoning-signature', 'redacted-reasoning'],
  ...['tool-input-delta', 'tool-input-end', 'tool-call', 'tool-call-delta', 'tool-call-streaming-start', 'tool-result'],
  ...['source', 'file', 'raw', 'error', 'abort', 'step-finish', 'finish-step', 'finish'],
]);

export function startsAiSdks({ type }: Fields): boolean {
  return STARTS.has(type);
}

export function isAiSdks({ type }: Fields): boolean {
  return STARTS.has(type) || OTHERS.has(type);
}

export function joinAiSdks(parts: readonly Fields[]): Fields {
  const message: Fields = { role: 'assistant' };
  const calls: Fields[] = [];
  let [text, thought] = ['', ''];
  for (const part of parts) {
    const { type, id, modelId: model, finishReason, usage, totalUsage = usage } = part;
    const piece = textOf(part);
    if (type === 'text-delta') text += piece;
    else if (type === 'reasoning-delta' || type === 'reasoning') thought += piece;
    else if (type === 'tool-call') calls.push(part);
    else if (type === 'response-metadata') addTo(message, { id, model });
    else if (type === 'finish') addTo(message, { finish_reason: finishReason, usage: totalUsage });
  }
  const content = [...(text === '' ? [] : [{ type: 'text', text }]), ...calls];
  return { ...message, content, ...(thought !== '' && { reasoning_content: thought }) };
}

function textOf({ delta, textDelta, text = textDelta }: Fields): string {
  const piece = delta ?? text;
  return typeof piece === 'string' ? piece : '';
}

/** Whether the parts are of one answer, and say something: an agent has the steps of several, with results between them. */
export function areOfOneStep(parts: readonly Fields[]): boolean {
  const starts = parts.filter(({ type }) => type === 'start-step' || type === 'stream-start');
  return starts.length <= 1 && parts.some(saysSomething);
}

/** What a model wrote may have such types, too. */
function saysSomething({ type, ...part }: Fields): boolean {
  if (type === 'tool-call') return typeof part['toolName'] === 'string';
  if (type === 'finish') return typeof part['finishReason'] === 'string';
  return (type === 'text-delta' || type === 'reasoning-delta') && textOf(part) !== '';
}
