/** Converts a config to its row, so that equal configs are equal rows. */
import { createHash } from 'node:crypto';
import { isObject } from '../../../wire/json.ts';
import type { LogConfig } from '../../../wire/v4.ts';
import { toLabel } from '../label.ts';
import { RejectedFieldError } from '../rejected-item.ts';
import { storableText } from '../storable-text.ts';
import { sourceOf } from './json-source.ts';
import { shortenConfig } from './shorten-config.ts';
import { hasMoreThan, MOST_OF_CONFIG } from './value-size.ts';

/** In all texts that are remembered. At this number all are forgotten. */
const MAX_REMEMBERED_CHARACTERS = 4 * 1024 * 1024;

export interface ConfigRow {
  readonly type: string;
  readonly model: string | null;
  /** What a list calls it. */
  readonly label: string | null;
  /** JSON with sorted keys: equal configs are equal texts. */
  readonly content: string;
  /** SHA-256 of the content, in base 64. */
  readonly digest: string;
}

const remembered = new Map<string, ConfigRow>();
let rememberedCharacters = 0;

/**
 * An app sends the same few configs with all of its logs. What is remembered follows from what was sent and goes nowhere
 * by itself: after a deletion, nothing of it comes back into the file. Throws a `RejectedFieldError` where it is too large.
 */
export function toConfigRow(config: LogConfig): ConfigRow {
  const known = remembered.get(sourceOf(config) ?? '');
  if (known) return known;
  if (!hasMoreThan(MOST_OF_CONFIG, config)) return rememberConfigRow(config);
  const { characters, elements } = MOST_OF_CONFIG;
  throw new RejectedFieldError('config', `the config has more than ${characters} characters or ${elements} values`);
}

/** Like `toConfigRow`, but rather than a log, the end of what is too large in its config is lost. */
export function toConfigRowOfLog(config: LogConfig): ConfigRow {
  return toConfigRow(hasMoreThan(MOST_OF_CONFIG, config) ? shortenConfig(config) : config);
}

/** Not by the text that came: that is a part of the text of a whole body, which would be in memory as long. */
function rememberConfigRow(config: LogConfig): ConfigRow {
  const text = JSON.stringify(config);
  const known = remembered.get(text);
  if (known) return known;
  const row = createConfigRow(config);
  rememberedCharacters += 2 * text.length;
  if (rememberedCharacters > MAX_REMEMBERED_CHARACTERS) {
    remembered.clear();
    rememberedCharacters = 2 * text.length;
  }
  remembered.set(text, row);
  return row;
}

function createConfigRow(config: LogConfig): ConfigRow {
  const content = JSON.stringify(withSortedKeys(config));
  const named = config.type === 'agent' ? config.model_config.model : config.type === 'model' ? config.model : null;
  return {
    type: config.type,
    model: named === null ? null : storableText(named),
    label: toLabel(config.name ?? (config.type === 'agent' ? config.agent_class : undefined)),
    content,
    digest: createHash('sha256').update(content).digest('base64'),
  };
}

/** Takes one frame of the stack for each level, so that it reaches as deep as a body may be. */
function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(withSortedKeys(item));
    return items;
  }
  if (!isObject(value)) return value;
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(value).sort()) entries.push([key, withSortedKeys(value[key])]);
  return Object.fromEntries(entries);
}
