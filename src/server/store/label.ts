/** Values of any type, as a list shows them. */
import { storableText } from './storable-text.ts';

const MAX_LABEL_CHARACTERS = 500;

/** Returns the text as far as a list shows it; null if the value is not a text or a number. */
export function toLabel(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? storableText(value.slice(0, MAX_LABEL_CHARACTERS)) : null;
}
