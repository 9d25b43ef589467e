/** Puts together what two spans say about one call. */
import type { Reading } from '../../conventions/convention.ts';
import { answerOf, hasUsage } from './call-span.ts';

/** Metadata counts and costs that belong to one call, and are a sum on any span around it. */
const COUNTED = [
  'total_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'input_audio_tokens',
  'output_audio_tokens',
  'input_image_tokens',
  'output_image_tokens',
  'total_cost',
  'cost_currency',
  'cost_source',
] as const;

/** Entries that are true of one span only. */
const OF_ONE_SPAN = ['convention', 'usage', 'truncated', 'dropped_attributes', 'unreadable', ...COUNTED] as const;

/** These are taken from one of two spans as a whole, by `withUsageOf`. */
const USAGE: ReadonlySet<string> = new Set(['promptTokens', 'outputTokens', 'promptCost', 'outputCost']);

const RECORDS: ReadonlySet<string> = new Set(['metadata', 'contentMetadata', 'other']);

/** Vocabularies with which the app itself names its spans. */
const NAMED_BY_APP: ReadonlySet<unknown> = new Set(['humanloop', 'langfuse', 'langsmith', 'mlflow', 'logfire']);

/**
 * Returns the reading of a log that is not the call itself. Its counts go under `usage`, where they are not added up.
 */
export function withoutOwnUsage(reading: Reading): Reading {
  const { promptTokens, outputTokens, promptCost, outputCost, metadata = {}, ...rest } = reading;
  const kept = { ...metadata };
  const usage: Record<string, unknown> = {};
  const counts = {
    prompt_tokens: promptTokens,
    output_tokens: outputTokens,
    prompt_cost: promptCost,
    output_cost: outputCost,
  };
  for (const [key, value] of Object.entries(counts)) if (value !== undefined) usage[key] = value;
  for (const key of COUNTED) {
    if (kept[key] !== undefined) usage[key] = kept[key];
    delete kept[key];
  }
  const isEmpty = Object.keys(usage).length === 0;
  return { ...rest, metadata: isEmpty ? kept : { ...kept, usage: kept['usage'] ?? usage } };
}

/** Whether the reading has counts that `withoutOwnUsage` puts under `usage`. */
export function hasOwnUsage({ promptTokens, outputTokens, promptCost, outputCost, metadata }: Reading): boolean {
  const counts = [promptTokens, outputTokens, promptCost, outputCost];
  return counts.some((count) => count !== undefined) || COUNTED.some((key) => metadata?.[key] !== undefined);
}

/** Returns the reading of the call that is kept, with the usage of its duplicate if it has none itself. */
export function withUsageOf(reading: Reading, duplicate: Reading): Reading {
  if (hasUsage(reading) || !hasUsage(duplicate)) return reading;
  const { promptTokens, outputTokens, promptCost, outputCost, metadata = {} } = duplicate;
  const details = COUNTED.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]] as const]));
  const usage: Reading = {};
  if (promptTokens !== undefined) usage.promptTokens = promptTokens;
  if (outputTokens !== undefined) usage.outputTokens = outputTokens;
  if (promptCost !== undefined) usage.promptCost = promptCost;
  if (outputCost !== undefined) usage.outputCost = outputCost;
  return { ...reading, ...usage, metadata: { ...reading.metadata, ...Object.fromEntries(details) } };
}

/**
 * Returns the reading of the log that is kept, with all that it lacks taken from another span of the same call, but for
 * evaluations, which find their log by themselves.
 */
export function filledWith(reading: Reading, other: Reading): Reading {
  const whole = { ...withUsageOf(reading, other) } as Record<string, unknown>;
  const hasAnswer = answerOf(reading) !== undefined;
  for (const [key, value] of Object.entries(other)) {
    if (value === undefined || USAGE.has(key) || key === 'evaluations') continue;
    if (hasAnswer && (key === 'output' || key === 'outputMessage')) continue;
    if (RECORDS.has(key)) whole[key] = { ...shared(value), ...(whole[key] as object | undefined) };
    else if (isLacking(whole[key])) whole[key] = value;
  }
  return whole as Reading;
}

function shared(record: Record<string, unknown>): Record<string, unknown> {
  const rest = { ...record };
  for (const key of OF_ONE_SPAN) delete rest[key];
  return rest;
}

/** Arguments that were not captured are `{}` for some. */
function isLacking(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/**
 * Whether a duplicate says what would be lost with its log: a name that the app gave, or an error beside an answer. All
 * else is filled into the log that is kept.
 */
export function bringsOwn(duplicate: Reading, kept: Reading): boolean {
  if (NAMED_BY_APP.has(duplicate.metadata?.['convention'])) return true;
  return duplicate.error !== undefined && kept.error === undefined && answerOf(kept) !== undefined;
}
