/** JSON of what a span of many megabytes says, written on another thread before the transaction that stores it. */
import type { Reading } from '../../conventions/convention.ts';
import { rememberSource } from '../store/rows/json-source.ts';
import { hasLongTexts, writeElsewhere } from '../store/rows/json-thread.ts';

/**
 * All that one log may have. A request has less, but a control character takes six in JSON, and others wait while the
 * engine writes it.
 */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** Fields that are stored as JSON, each as one value. */
const FIELDS = ['inputs', 'messages', 'outputMessage', 'providerRequest', 'providerResponse'] as const;

/** Resolves to what is wrong with it, if anything is. Returns undefined where nothing is long. */
export function writeLongContent(reading: Reading): Promise<string | undefined> | undefined {
  const values: object[] = [];
  for (const field of FIELDS) {
    const value = reading[field];
    if (value && hasLongTexts(value)) values.push(value);
  }
  return values.length === 0 ? undefined : writeEach(values, reading.output?.length ?? 0);
}

async function writeEach(values: readonly object[], otherCharacters: number): Promise<string | undefined> {
  let left = MAX_CHARACTERS - otherCharacters;
  for (const value of values) {
    const text = await writeElsewhere(value, left).catch(() => {
      // It is nested too deeply, which the transaction says of the log.
      return '';
    });
    if (text === undefined) return `a span has more than ${MAX_CHARACTERS} characters, written as JSON`;
    if (text !== '') rememberSource(value, text);
    left -= text.length;
  }
  return undefined;
}
