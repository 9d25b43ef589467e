/** Shortens configs that are too large to be stored, so that their logs are. */
import { isObject } from '../../../wire/json.ts';
import type { LogConfig } from '../../../wire/v4.ts';
import { hasMoreThan, MOST_OF_CONFIG, type MostOfValue } from './value-size.ts';

/** What one field may have of the whole: half of it, as mostly one is too large. Else all of them fit. */
const SHARES = [0.5, 0.1];

/** Lists keep their beginning, texts too, and `other` says which fields are `truncated`. Many large fields may be left. */
export function shortenConfig(config: LogConfig): LogConfig {
  let shortened: LogConfig = config;
  for (const share of SHARES) {
    const { characters, elements } = MOST_OF_CONFIG;
    shortened = shortenFields(config, { characters: characters * share, elements: elements * share });
    if (!hasMoreThan(MOST_OF_CONFIG, shortened)) break;
  }
  return shortened;
}

function shortenFields<Config extends object>(config: Config, most: MostOfValue): Config {
  const kept: Record<string, unknown> = {};
  const truncated: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    const isLarge = hasMoreThan(most, value);
    const shorter = isLarge ? shortenValue(key, value, most) : value;
    if (shorter !== undefined) kept[key] = shorter;
    if (isLarge && key !== 'model_config') truncated.push(key);
  }
  if (truncated.length > 0) kept['other'] = { ...(kept['other'] as object | undefined), truncated };
  return kept as Config;
}

function shortenValue(key: string, value: unknown, most: MostOfValue): unknown {
  if (typeof value === 'string') return `${value.slice(0, most.characters).toWellFormed()}…`;
  if (key === 'model_config' && isObject(value)) return shortenFields(value, most);
  if (!Array.isArray(value)) return undefined;
  let list = value;
  while (hasMoreThan(most, list)) list = list.slice(0, list.length >> 1);
  return list;
}
