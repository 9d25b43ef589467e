/** Many names in one pass must give what looking them up one after the other gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ownUsage, UsageTable, usageDetails, usageSums } from '../../../src/conventions/content/usage.ts';
import { countOf, stringOf } from '../../../src/conventions/values/attributes.ts';
import { FieldTable } from '../../../src/conventions/values/field-table.ts';

const NAMES = { tokens: ['a', 'b', 'c'], cost: ['d'], model: ['e', 'f'] } as const;
const TABLE = new FieldTable<{ tokens: number; cost: number; model: string }>({
  tokens: [countOf, ...NAMES.tokens],
  cost: [countOf, ...NAMES.cost],
  model: [stringOf, ...NAMES.model],
});

it('gives for each field the first of its names that has a value, in whatever order the keys come', () => {
  const value = fc.constantFrom<unknown>(0, 1, 2, '3', '', 'text', -1, null, undefined, {});
  const entries = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'constructor'), value));
  fc.assert(
    fc.property(entries, (pairs) => {
      const source: Record<string, unknown> = Object.fromEntries(pairs);
      const first = <Value>(names: readonly string[], read: (value: unknown) => Value | undefined) =>
        names
          .map((name) => (Object.hasOwn(source, name) ? read(source[name]) : undefined))
          .find((it) => it !== undefined);
      expect(TABLE.read(source)).toEqual({
        tokens: first(NAMES.tokens, countOf),
        cost: first(NAMES.cost, countOf),
        model: first(NAMES.model, stringOf),
      });
    }),
  );
});

it('reads usage as the tokens of a call, or as sums over other calls', () => {
  const table = new UsageTable({
    promptTokens: ['in'],
    outputTokens: ['out'],
    outputCost: ['price'],
    total_tokens: ['all'],
  });
  const usage = table.read({ in: '3', out: 4, price: 0.5, all: 7, cached: 1 });
  expect(ownUsage(usage)).toEqual({ promptTokens: 3, outputTokens: 4, outputCost: 0.5 });
  expect(usageDetails(usage)).toEqual({ total_tokens: 7 });
  expect(usageSums(usage)).toEqual({ usage: { prompt_tokens: 3, output_tokens: 4, total_tokens: 7 } });
  expect(usageSums(table.read(undefined))).toEqual({ usage: undefined });
});
