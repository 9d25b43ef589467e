/** The texts of a reasoning part: what the model thought, or a summary of it, under the names of any provider. */
import { isObject } from '../../../wire/json.ts';
import { firstValue, stringOf } from '../../values/attributes.ts';

/** Keys that hold reasoning in a part without a type. */
export const REASONING_KEYS = ['thinking', 'reasoning', 'reasoningContent', 'reasoning_content'] as const;

const TEXT_KEYS = ['text', 'content', ...REASONING_KEYS, 'summary'] as const;
/** The last two are Bedrock's and Haystack's. */
const INNER_KEYS = ['text', 'content', 'reasoningText', 'reasoning_text'] as const;
const MAX_DEPTH = 4;

/** Returns the texts at the first key that has any; none if the provider has encrypted its reasoning. */
export function reasoningTextsOf(part: Readonly<Record<string, unknown>>): string[] {
  for (const key of TEXT_KEYS) {
    const texts = textsIn(part[key], 0);
    if (texts.length > 0) return texts;
  }
  return [];
}

function textsIn(value: unknown, depth: number): string[] {
  const text = stringOf(value);
  if (text !== undefined) return [text];
  if (depth > MAX_DEPTH) return [];
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, depth + 1));
  if (isObject(value)) return textsIn(firstValue(value, INNER_KEYS), depth + 1);
  return [];
}
