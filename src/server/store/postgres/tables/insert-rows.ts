/** Statements that write several rows at once. */
import type { Statement, Value } from './connection.ts';
import type { Layout } from './layout.ts';
import { tableOf } from './partitions.ts';

/** Of each size there is one prepared statement, so that a turn of any size needs few of them, and a small one needs one. */
const CHUNKS = [64, 32, 16, 8, 7, 6, 5, 4, 3, 2, 1];
/** A statement has at most 65,535 parameters. */
const MAX_PARAMETERS = 60_000;

export interface Insertion {
  readonly table: string;
  /** Where the rows go, if that is a partition of the table. */
  readonly partition?: string;
  /** Of its prepared statements, where others write to the table, too. Default: that of the table. */
  readonly name?: string;
  /** With their types where PostgreSQL would not find them: `bucket::smallint`. */
  readonly columns: readonly string[];
  /** What follows the rows: ON CONFLICT, RETURNING. */
  readonly rest?: string;
  /** In place of a parameter, by column: `clock_timestamp()`, or `ARRAY[{key}]` of what the row has in another column. */
  readonly expressions?: Readonly<Record<string, string>>;
}

/**
 * As VALUES: a statement that reads its rows from arrays locks every shard. On one server a few sizes, each prepared; on
 * a distributed table all rows at once, since each statement there costs one per shard.
 */
export function insertRows(insertion: Insertion, rows: readonly (readonly Value[])[], layout: Layout): Statement[] {
  const statements: Statement[] = [];
  let at = 0;
  while (at < rows.length) {
    const left = rows.length - at;
    const most = Math.max(1, Math.floor(MAX_PARAMETERS / insertion.columns.length));
    const size = layout.isDistributed ? Math.min(left, most) : CHUNKS.find((each) => each <= left)!;
    const values: Value[] = [];
    // Of so many values, `flat` takes several times as long.
    for (let row = at; row < at + size; row += 1) for (const value of rows[row]!) values.push(value);
    const text = toText(insertion, size);
    statements.push({
      text,
      values,
      ...(!layout.isDistributed && { name: `${insertion.name ?? insertion.partition ?? insertion.table} ${size}` }),
    });
    at += size;
  }
  return statements;
}

/** For rows of a table with a partition for each day. They are written by day, and keep their order within one. */
export function insertByDay<Row extends { readonly day: string; readonly values: readonly Value[] }>(
  insertion: Insertion,
  rows: readonly Row[],
  layout: Layout,
): Statement[] {
  const days = [...new Set(rows.map(({ day }) => day))].sort();
  return days.flatMap((day) => {
    const own = days.length === 1 ? rows : rows.filter((row) => row.day === day);
    const values = own.map((row) => row.values);
    return insertRows(inPartition(insertion, tableOf(insertion.table, day)), values, layout);
  });
}

/** The last days' of each. */
const MAX_PARTITIONS = 8;
const partitions = new WeakMap<Insertion, Map<string, Insertion>>();

function inPartition(insertion: Insertion, partition: string): Insertion {
  if (partition === insertion.table) return insertion;
  let known = partitions.get(insertion);
  if (!known || known.size > MAX_PARTITIONS) {
    known = new Map();
    partitions.set(insertion, known);
  }
  const found = known.get(partition) ?? { ...insertion, partition };
  known.set(partition, found);
  return found;
}

const texts = new WeakMap<Insertion, Map<number, string>>();

function toText(insertion: Insertion, size: number): string {
  const known = texts.get(insertion) ?? new Map<number, string>();
  texts.set(insertion, known);
  const text = known.get(size) ?? compose(insertion, size);
  if (CHUNKS.includes(size)) known.set(size, text);
  return text;
}

function compose({ table, partition = table, columns, rest = '', expressions = {} }: Insertion, size: number): string {
  const names = columns.map((column) => column.split('::')[0]!);
  let parameter = 0;
  const rows = Array.from({ length: size }, () => {
    const values = columns.map((column) => {
      parameter += 1;
      const [, type] = column.split('::');
      return `$${parameter}${type ? `::${type}` : ''}`;
    });
    const derived = Object.values(expressions).map((expression) =>
      expression.replace(/\{(\w+)\}/, (_, name: string) => values[names.indexOf(name)]!),
    );
    return `(${[...values, ...derived].join(', ')})`;
  });
  return `INSERT INTO ${partition} AS ${table} (${[...names, ...Object.keys(expressions)].join(', ')}) VALUES ${rows.join(', ')} ${rest}`;
}

/** Sorts by shard, bucket and key: turns that lock rows in one order do not wait for each other in a circle. */
export function inLockOrder<Item>(
  items: Iterable<Item>,
  layout: Layout,
  toKey: (item: Item) => { readonly bucket: number; readonly key: string },
): Item[] {
  return [...items].sort((left, right) => {
    const [a, b] = [toKey(left), toKey(right)];
    return (
      layout.shardOrder[a.bucket]! - layout.shardOrder[b.bucket]! ||
      a.bucket - b.bucket ||
      (a.key < b.key ? -1 : +(a.key > b.key))
    );
  });
}
