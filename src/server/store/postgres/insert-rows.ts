/** Statements that write several rows at once. */
import type { Statement, Value } from './connection.ts';
import type { Layout } from './layout.ts';

/** Of each size there is one prepared statement, so that a turn of any size needs few of them. */
const CHUNKS = [64, 16, 4, 1];
/** A statement has at most 65,535 parameters. */
const MAX_PARAMETERS = 60_000;

export interface Insertion {
  readonly table: string;
  /** Of its prepared statements, where others write to the table, too. Default: that of the table. */
  readonly name?: string;
  /** With their types where PostgreSQL would not find them: `bucket::smallint`. */
  readonly columns: readonly string[];
  /** What follows the rows: ON CONFLICT, RETURNING. */
  readonly rest?: string;
  /** In place of a parameter, by column: `clock_timestamp()`. */
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
    const values = rows.slice(at, at + size).flat();
    const text = toText(insertion, size);
    statements.push({
      text,
      values,
      ...(!layout.isDistributed && { name: `${insertion.name ?? insertion.table} ${size}` }),
    });
    at += size;
  }
  return statements;
}

const texts = new WeakMap<Insertion, Map<number, string>>();

function toText(insertion: Insertion, size: number): string {
  const known = texts.get(insertion) ?? new Map<number, string>();
  texts.set(insertion, known);
  const text = known.get(size) ?? compose(insertion, size);
  if (CHUNKS.includes(size)) known.set(size, text);
  return text;
}

function compose({ table, columns, rest = '', expressions = {} }: Insertion, size: number): string {
  const names = columns.map((column) => column.split('::')[0]!);
  let parameter = 0;
  const rows = Array.from({ length: size }, () => {
    const values = columns.map((column) => {
      parameter += 1;
      const [, type] = column.split('::');
      return `$${parameter}${type ? `::${type}` : ''}`;
    });
    return `(${[...values, ...Object.values(expressions)].join(', ')})`;
  });
  return `INSERT INTO ${table} (${[...names, ...Object.keys(expressions)].join(', ')}) VALUES ${rows.join(', ')} ${rest}`;
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
