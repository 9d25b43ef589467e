/** Tokens and costs, under the names of any vocabulary. */
import type { Attributes } from '../../otel/span-slice.ts';
import type { Reading } from '../convention.ts';
import { countOf, numberOf, unlessEmpty } from '../values/attributes.ts';
import { FieldTable } from '../values/field-table.ts';

/** What a call has used. Costs are in US dollars. */
export interface Usage {
  readonly promptTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly promptCost?: number | undefined;
  readonly outputCost?: number | undefined;
  /** What has no v4 field. The details of the tokens are parts of the tokens above. */
  readonly total_tokens?: number | undefined;
  readonly cache_read_tokens?: number | undefined;
  readonly cache_write_tokens?: number | undefined;
  readonly reasoning_tokens?: number | undefined;
  readonly total_cost?: number | undefined;
}

const COSTS: ReadonlySet<string> = new Set(['promptCost', 'outputCost', 'total_cost']);

/** Names of one vocabulary, the preferred one first. */
export type UsageNames = { readonly [K in keyof Usage]?: readonly string[] };

/** Reads usage from a span's attributes or from a usage object. */
export class UsageTable {
  readonly #table: FieldTable<Usage>;

  constructor(names: UsageNames) {
    const entries = Object.entries(names).map(([field, all]) => [
      field,
      [COSTS.has(field) ? numberOf : countOf, ...all],
    ]);
    this.#table = new FieldTable<Usage>(Object.fromEntries(entries));
  }

  read(source: Attributes | undefined, keys?: readonly string[]): Usage {
    return source === undefined ? {} : this.#table.read(source, keys);
  }
}

/** Returns the fields of a log that is itself the call. */
export function ownUsage({ promptTokens, outputTokens, promptCost, outputCost }: Usage): Partial<Reading> {
  return { promptTokens, outputTokens, promptCost, outputCost };
}

/** Returns what goes to the metadata of the call's log. */
export function usageDetails(usage: Usage): Record<string, unknown> {
  const { total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, total_cost } = usage;
  return { total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, total_cost };
}

/** Returns the metadata of an agent or a step. Its usage is a sum over calls that have logs of their own. */
export function usageSums(usage: Usage): { usage: Record<string, unknown> | undefined } {
  const { promptTokens: prompt_tokens, outputTokens: output_tokens } = usage;
  return { usage: unlessEmpty({ prompt_tokens, output_tokens, ...usageDetails(usage) }) };
}
