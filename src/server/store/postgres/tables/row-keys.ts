/**
 * Conditions that find rows by many keys at once, in a form for which PostgreSQL keeps its plan. It plans a statement
 * again each time where a list is shorter than it expects one to be, and, before version 17, looks for each combination
 * of two lists. Pure.
 */
import type { Value } from './connection.ts';
import type { Key } from './keys.ts';

/** What the planner expects of a list that it does not know. */
const EXPECTED_ITEMS = 10;
/** Above that, a list of pairs is read like a table. */
export const MAX_PAIRS = 16;

/** Makes a short list as long as the planner expects it to be, by saying the last item again. */
export function toList<Item>(items: Iterable<Item>): Item[] {
  const list = [...items];
  while (list.length > 0 && list.length < EXPECTED_ITEMS) list.push(list.at(-1)!);
  return list;
}

export interface KeyCondition {
  readonly sql: string;
  /** A part of the name of a prepared statement: conditions on more keys may have another text. */
  readonly name: string;
}

/**
 * Finds rows whose columns of bucket and key are one of the pairs: `columns` names both. The values of its parameters are
 * added to `values`.
 */
export function whereKeys(columns: string, keys: readonly Key[], values: Value[]): KeyCondition {
  const add = (value: Value): string => `$${values.push(value)}`;
  if (keys.length > MAX_PAIRS) {
    const buckets = add(keys.map(({ bucket }) => bucket));
    const list = add(keys.map(({ key }) => key));
    return {
      sql: `(${columns}) IN (SELECT * FROM unnest(${buckets}::smallint[], ${list}::uuid[]))`,
      name: 'of many',
    };
  }
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, keys.length)));
  const pairs = Array.from({ length: size }, (_, index) => {
    const { bucket, key } = keys[Math.min(index, keys.length - 1)]!;
    return `(${add(bucket)}::smallint, ${add(key)}::uuid)`;
  });
  return { sql: `(${columns}) IN (${pairs.join(', ')})`, name: `of ${size}` };
}

/**
 * Puts a condition on the bucket of a log, which is `$2`, in the place of `{bucket}` beside one on its id: a distributed
 * table is asked in one place only. On one server, PostgreSQL might read all of the bucket instead: on a day that was
 * empty when the statement was planned, any index seems as good as that of the ids.
 */
export function withBucket(text: string, { isDistributed }: { readonly isDistributed: boolean }): string {
  return text.replaceAll('{bucket}', isDistributed ? 'bucket = $2::smallint' : '$2::smallint IS NOT NULL');
}
