/** Tokens and costs, under the names of any vocabulary. */
import type { Attributes } from '../../otel/span-slice.ts';
import { isObject } from '../../wire/json.ts';
import type { Reading } from '../convention.ts';
import { addTo, costOf, countOf, tokenOf, unlessEmpty } from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';
import type { SpanFields } from '../values/span-fields.ts';
import { isSaid } from './answer-keys.ts';
import { type CacheWrites, sumOfCacheWrites } from './cache-writes.ts';
import { usageIn } from './usage-in-answer.ts';
import { DETAILS, type Usage, WHOLES } from './usage-names.ts';

export type { Usage };

const COSTS: ReadonlySet<string> = new Set(['promptCost', 'outputCost', 'total_cost']);

/** The names of a usage object, in which nothing stands before a name. */
export const IN_BODY: readonly string[] = [''];
/** The same where numbers of the app stand beside them, such as a `cost` of its own: only the details are read. */
export const AMONG_OTHERS: readonly string[] = [''];

/** Names of one vocabulary, the preferred one first. */
export type UsageNames = { readonly [K in keyof Usage]?: readonly string[] };

/** Reads usage from a span's attributes or from a usage object. */
export class UsageTable {
  readonly #names: UsageNames;
  readonly #prefixes: readonly string[];
  /** Made at the first reading: an app loads all vocabularies and reads few of them. */
  #table: FieldTable<Read> | undefined;

  /** Details are also read by the words of the providers, after each of `prefixes`; of a usage object, the wholes too. */
  constructor(names: UsageNames, prefixes: readonly string[] = []) {
    this.#names = names;
    this.#prefixes = prefixes;
  }

  read(source: Attributes | undefined, keys?: readonly string[]): Usage {
    if (source === undefined) return {};
    this.#table ??= toTable(this.#names, this.#prefixes);
    const found = keys === undefined ? this.#table.readNested(source) : this.#table.read(source, keys);
    if (found.cacheWritesForMinutes === undefined && found.cacheWritesForAnHour === undefined) return found;
    const { cacheWritesForMinutes: minutes, cacheWritesForAnHour: hour, ...usage } = found;
    return { ...usage, cache_write_tokens: sumOfCacheWrites(usage.cache_write_tokens, minutes, hour) };
  }
}

type Read = Usage & CacheWrites;

function toTable(names: UsageNames, prefixes: readonly string[]): FieldTable<Read> {
  const taken = new Set(Object.values(names).flat());
  const wholes = prefixes === IN_BODY ? WHOLES : {};
  const fields = [names, wholes, DETAILS].flatMap(Object.keys) as (keyof Read)[];
  const entries = [...new Set(fields)].map((field) => {
    const own = (names as typeof DETAILS)[field] ?? [];
    const spellings = [...(wholes[field] ?? []), ...spellingsOf(field)];
    const more = new Set(prefixes.flatMap((prefix) => spellings.map((name) => prefix + name)));
    return [field, [readerOf(field), ...own, ...[...more].filter((name) => !taken.has(name))]];
  });
  return new FieldTable<Read>(Object.fromEntries(entries));
}

function spellingsOf(field: keyof Read): string[] {
  const names = DETAILS[field] ?? [];
  return [
    ...names,
    ...names.map((name) => name.replace(/_([a-z])/g, (_joint, letter: string) => letter.toUpperCase())),
  ];
}

function readerOf(field: string): (value: unknown) => number | undefined {
  if (COSTS.has(field)) return costOf;
  return /_(audio|image)_tokens$/.test(field) ? unlessNone : countOf;
}

/** Providers report 0 for each kind of token that a call did not have. */
function unlessNone(value: unknown): number | undefined {
  return countOf(value) || undefined;
}

const BODY = new UsageTable({}, IN_BODY);

/** Returns what a provider's raw answer says; undefined if it says nothing. */
export function usageOfBody(body: unknown): Usage | undefined {
  const usage = usageIn(body);
  return usage && BODY.read(usage);
}

/**
 * Returns the same of an answer as a framework keeps it, which has neither an id nor a model: Google's ADK, LangChain. A text that
 * a model wrote as JSON is none.
 */
export function usageOfFrameworkAnswer(answer: unknown): Usage | undefined {
  if (!isObject(answer)) return undefined;
  const { content, generations, usage_metadata: ofAdk, usageMetadata = ofAdk } = answer;
  const isAdks =
    isObject(usageMetadata) && (content === null || (isObject(content) && Array.isArray(content['parts'])));
  const isLangChains = Array.isArray(generations) && generations.length > 0 && generations.every(Array.isArray);
  const isDifys = isObject(answer['usage']) && 'total_price' in answer['usage'];
  return isAdks || isLangChains || isDifys ? usageOfBody(answer) : undefined;
}

/** Fills in what the log of a call lacks from the usage in the raw answer of the provider, or else of its framework. */
export function withUsageOfBody(reading: Reading, answer?: unknown): Reading {
  const found = usageOfBody(reading.providerResponse) ?? usageOfFrameworkAnswer(answer);
  if (!found) return reading;
  if (reading.promptTokens === undefined && reading.outputTokens === undefined) addTo(reading, ownUsage(found));
  else if (reading.promptCost === undefined && reading.outputCost === undefined) {
    addTo(reading, { promptCost: found.promptCost, outputCost: found.outputCost });
  }
  reading.metadata = addTo(addTo<Record<string, unknown>>({}, usageDetails(found)), reading.metadata);
  return reading;
}

/** Returns what a call that names no tokens has used, from the provider's raw answer, in whichever vocabulary it is. */
export function usageOfAnswer(
  reading: Reading,
  fields: SpanFields,
  keys: readonly string[],
): Partial<Reading> | undefined {
  if (reading.promptTokens !== undefined || reading.outputTokens !== undefined) return undefined;
  let usage = usageIn(reading.providerResponse);
  for (const key of keys) {
    if (usage !== undefined) break;
    const answer = fields.structure(key) ?? fields.attributes[key];
    if (isNamed(answer) || !isSaid(fields.attributes[key], reading)) usage = usageIn(answer);
  }
  if (!usage) return undefined;
  const found = BODY.read(usage);
  const metadata = addTo(addTo<Record<string, unknown>>({}, usageDetails(found)), reading.metadata);
  return { ...ownUsage(found), metadata };
}

/** Whether an answer has an id, a model and counts of both sides, as JSON that a model said has not: a body that nobody knows. */
function isNamed(answer: unknown): boolean {
  if (!isObject(answer) || tokenOf(answer['id']) === undefined || tokenOf(answer['model']) === undefined) return false;
  const { promptTokens, outputTokens } = usageOfBody(answer) ?? {};
  return promptTokens !== undefined && outputTokens !== undefined;
}

/** Returns the fields of a log that is itself the call. */
export function ownUsage({ promptTokens, outputTokens, promptCost, outputCost }: Usage): Partial<Reading> {
  return { promptTokens, outputTokens, promptCost, outputCost };
}

/** Returns what goes to the metadata of the call's log. */
export function usageDetails(usage: Usage): Record<string, unknown> {
  const { total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, total_cost } = usage;
  const { input_audio_tokens, output_audio_tokens, input_image_tokens, output_image_tokens } = usage;
  return {
    total_tokens,
    cache_read_tokens,
    cache_write_tokens,
    reasoning_tokens,
    input_audio_tokens,
    output_audio_tokens,
    input_image_tokens,
    output_image_tokens,
    total_cost,
  };
}

/** Returns the metadata of an agent or a step. Its usage is a sum over calls that have logs of their own. */
export function usageSums(usage: Usage): { usage: Record<string, unknown> | undefined } {
  const { promptTokens: prompt_tokens, outputTokens: output_tokens } = usage;
  return { usage: unlessEmpty({ prompt_tokens, output_tokens, ...usageDetails(usage) }) };
}
