/** Why a model stopped: `stop`, `length`, `tool_calls` or `content_filter`, else the source's own word. */
import { jsonOf, stringOf } from '../values/attributes.ts';

const WORDS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['endturn', 'stop'],
  ['stop', 'stop'],
  ['stop_sequence', 'stop'],
  ['stopsequence', 'stop'],
  ['completed', 'stop'],
  // Cohere and Titan.
  ['complete', 'stop'],
  ['finish', 'stop'],
  ['finish_reason_stop', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['maxtokens', 'length'],
  ['max_output_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  ['tooluse', 'tool_calls'],
  ['tool_call', 'tool_calls'],
  ['tool_calls', 'tool_calls'],
  ['toolcalls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['content_filtered', 'content_filter'],
  ['guardrail_intervened', 'content_filter'],
  ['safety', 'content_filter'],
  ['refusal', 'content_filter'],
  ['blocked', 'content_filter'],
]);

/** Takes a word, a list, the JSON text of a list, or words joined with commas. The first word counts. */
export function toFinishReason(value: unknown): string | undefined {
  const raw = firstWord(value);
  if (raw === undefined) return undefined;
  return WORDS.get(raw) ?? WORDS.get(raw.toLowerCase().replaceAll('-', '_')) ?? raw;
}

function firstWord(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstWord(value[0]);
  const text = stringOf(value)?.trim();
  if (!text) return undefined;
  if (text.startsWith('[')) {
    const list = jsonOf(text);
    return Array.isArray(list) ? firstWord(list[0]) : undefined;
  }
  // LangSmith joins several reasons with commas.
  return text.includes(',') ? stringOf(text.split(',', 1)[0]?.trim()) : text;
}
