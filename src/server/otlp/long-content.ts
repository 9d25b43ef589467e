/** JSON of what a span of many megabytes says, written on another thread before the transaction that stores it. */
import type { Reading } from '../../conventions/convention.ts';
import { rememberSource } from '../store/rows/json-source.ts';
import { hasLongTexts, writeElsewhere } from '../store/rows/json-thread.ts';

/**
 * All that one log may have. A request has less, but a control character takes six in JSON, and others wait while the
 * engine writes it.
 */
const MAX_CHARACTERS = 32 * 1024 * 1024;

/** Fields that are stored as JSON, each as one value: first what is missed most. */
const FIELDS = ['messages', 'outputMessage', 'inputs', 'providerRequest', 'providerResponse'] as const;

/** Leaves out what is too long, and says so in the metadata. Returns undefined where nothing is long. */
export function writeLongContent(reading: Reading): Promise<void> | undefined {
  const fields = FIELDS.filter((field) => hasLongTexts(reading[field]));
  return fields.length === 0 ? undefined : writeEach(reading, fields);
}

async function writeEach(reading: Reading, fields: readonly (typeof FIELDS)[number][]): Promise<void> {
  let left = MAX_CHARACTERS - (reading.output?.length ?? 0);
  const truncated: string[] = [];
  for (const field of fields) {
    const value = reading[field]!;
    const text = await writeElsewhere(value, left).catch(() => {
      // It is nested too deeply, which the transaction says of the log.
      return '';
    });
    if (text === undefined) {
      delete reading[field];
      truncated.push(field);
      continue;
    }
    if (text !== '') rememberSource(value, text);
    left -= text.length;
  }
  if (truncated.length === 0) return;
  const before = (reading.metadata?.['truncated'] as string[] | undefined) ?? [];
  reading.metadata = { ...reading.metadata, truncated: [...before, ...truncated] };
}
