/** JSON of what a span of many megabytes says, written on another thread before the transaction that stores it. */
import type { Reading } from '../../conventions/convention.ts';
import { rememberSource } from '../store/rows/json-source.ts';
import { hasLongTexts, writeElsewhere } from '../store/rows/json-thread.ts';
import { countWithin, hasMoreThan, type MostOfValue } from '../store/rows/value-size.ts';

/**
 * All that one log may have. A request has less, but a control character takes six in JSON, and others wait while the
 * engine writes it.
 */
const MAX_CHARACTERS = 32 * 1024 * 1024;
/** The metadata is written within the transaction, which adds to it. */
const MOST_OF_METADATA: MostOfValue = { characters: 1024 * 1024, elements: Number.POSITIVE_INFINITY };
const METADATA = ['metadata', 'contentMetadata'] as const;

/** Fields that are stored as JSON, each as one value: first what is missed most. */
const FIELDS = ['messages', 'outputMessage', 'inputs', 'providerRequest', 'providerResponse'] as const;

/** Leaves out what is too long, and says so in the metadata. Returns undefined where nothing is long. */
export function writeLongContent(reading: Reading): Promise<void> | undefined {
  if (METADATA.some((field) => hasMoreThan(MOST_OF_METADATA, reading[field]))) shortenMetadata(reading);
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
  noteTruncated(reading, truncated);
}

/** The shortest values stay. Of the others, texts keep their beginning. */
function shortenMetadata(reading: Reading): void {
  let left = MOST_OF_METADATA.characters;
  const truncated: string[] = [];
  const sized = METADATA.flatMap((field) =>
    Object.entries(reading[field] ?? {}).map(([key, value]) => {
      return { field, key, value, count: countWithin(MOST_OF_METADATA, value) ?? Number.POSITIVE_INFINITY };
    }),
  );
  for (const { field, key, value, count } of sized.sort((a, b) => a.count - b.count)) {
    if (count <= left) {
      left -= count;
      continue;
    }
    const { [key]: _, ...others } = reading[field]!;
    reading[field] =
      typeof value === 'string' ? { ...others, [key]: `${value.slice(0, left).toWellFormed()}…` } : others;
    truncated.push(key);
    left = 0;
  }
  noteTruncated(reading, truncated);
}

function noteTruncated(reading: Reading, truncated: readonly string[]): void {
  if (truncated.length === 0) return;
  const before = (reading.metadata?.['truncated'] as string[] | undefined) ?? [];
  reading.metadata = { ...reading.metadata, truncated: [...before, ...truncated] };
}
