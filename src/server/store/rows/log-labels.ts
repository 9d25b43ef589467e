/** What a log is found by besides the words of its messages: user, environment, source, metadata, comments. Pure. */
import { isObject, parseJson } from '../../../wire/json.ts';
import type { MetadataFilter } from '../viewer-store.ts';
import { listUsers } from './log-user.ts';

/** Of one log, and of each value. The rest is not found. */
const MAX_ENTRIES = 60;
const MAX_VALUE_CHARACTERS = 300;
const MAX_DEPTH = 5;
/** A longer document is not parsed. */
export const MAX_METADATA_CHARACTERS = 100_000;
/** Found by other ways, or only numbers that nobody looks for by themselves. */
const UNSEARCHED = new Set(['trace_id', 'prompt_tokens', 'output_tokens', 'finish_reason']);

export interface LogLabels {
  readonly user?: string;
  /** Each name with its value, so that the two can be searched as a phrase. */
  readonly words: string;
}

export function toLabels(log: {
  /** As JSON or as what it says. */
  readonly metadata: unknown;
  readonly environment: unknown;
  readonly source: unknown;
  readonly feedback: readonly { readonly type: string; readonly value: unknown }[];
}): LogLabels {
  const metadata = typeof log.metadata === 'string' ? parseJson(log.metadata) : log.metadata;
  const words: string[] = [];
  for (const [key, value] of entriesOf(metadata)) if (!UNSEARCHED.has(key)) words.push(`${key} ${value}`);
  if (typeof log.environment === 'string') words.push(`environment ${log.environment}`);
  if (typeof log.source === 'string') words.push(`source ${log.source}`);
  for (const { type, value } of log.feedback) words.push(`${type} ${typeof value === 'string' ? value : ''}`);
  const user = listUsers(metadata).find((each) => each !== '' && each.length <= MAX_VALUE_CHARACTERS);
  return { words: words.join('\n'), ...(user !== undefined && { user }) };
}

/** Whether the metadata, as JSON, has each value at its key. Letters match in either case. */
export function hasMetadata(json: unknown, filters: readonly MetadataFilter[]): boolean {
  if (filters.length === 0) return true;
  const entries = entriesOf(typeof json === 'string' ? parseJson(json) : undefined);
  return filters.every(({ key, value }) => {
    const wanted = value.toLowerCase();
    return entries.some(([name, text]) => name === key && (wanted === '*' || text.toLowerCase() === wanted));
  });
}

/** The words that the index has of an entry, beside each other. */
export function metadataPhrase({ key, value }: MetadataFilter): string {
  return value === '*' ? key : `${key} ${value}`;
}

/** Texts, numbers and truth values with their names; of a list each item under the name of the list. */
function entriesOf(metadata: unknown): [key: string, value: string][] {
  const entries: [string, string][] = [];
  let left = MAX_ENTRIES;
  const walk = (value: unknown, path: string, depth: number): void => {
    if (left <= 0 || depth > MAX_DEPTH) return;
    if (Array.isArray(value)) {
      for (const item of value.slice(0, left)) walk(item, path, depth + 1);
    } else if (isObject(value)) {
      for (const key of Object.keys(value)) {
        if (left <= 0) return;
        walk(value[key], path === '' ? key : `${path}.${key}`, depth + 1);
      }
    } else if (value !== null && value !== undefined && path !== '') {
      left -= 1;
      const text = String(value);
      if (text.length <= MAX_VALUE_CHARACTERS) entries.push([path, text]);
    }
  };
  walk(metadata, '', 0);
  return entries;
}
