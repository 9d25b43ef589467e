/**
 * Rows of `log_words`. What is added to a log after it was written goes to a second row, whose id is that of the log and
 * a plus: to change the first one would write all of its words to the index again.
 */
import type { Statement, Value } from '../tables/connection.ts';
import { placeOf } from '../tables/identifiers.ts';
import { type Insertion, inLockOrder, insertByDay } from '../tables/insert-rows.ts';
import type { Uuid } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import { toWordArray } from '../tables/words.ts';

/** Sorts before all that ids consist of, so that the two rows are neighbours. */
const ADDED = '+';
const ID_CHARACTERS = 26;

const WORDS: Insertion = {
  table: 'log_words',
  columns: ['day::date', 'bucket::smallint', 'id::text', 'session::uuid', 'words::int4[]'],
  rest: toConflict('excluded.words'),
};
/** A log may be updated with each part of its output. A distributed table takes no subquery here. */
const NEW_WORDS: Insertion = {
  ...WORDS,
  rest: toConflict('ARRAY(SELECT unnest(excluded.words) EXCEPT SELECT unnest(log_words.words))'),
};

function toConflict(added: string): string {
  return `ON CONFLICT (id, bucket, day) DO UPDATE SET words = log_words.words || ${added}
    WHERE NOT log_words.words @> excluded.words`;
}

export interface LogWords {
  /** Of the log. */
  readonly id: string;
  readonly session: Uuid;
  readonly words: ReadonlySet<number>;
  /** Whether the log was there before. */
  readonly isAdded: boolean;
}

export function insertWords(all: Iterable<LogWords>, layout: Layout): Statement[] {
  const rows = Array.from(all, ({ id, session, words, isAdded }) => {
    const { day, bucket } = placeOf(id)!;
    const key = isAdded ? id + ADDED : id;
    return { day, bucket, key, values: [day, bucket, key, session, toWordArray(words)] satisfies Value[] };
  });
  return insertByDay(
    layout.isDistributed ? WORDS : NEW_WORDS,
    inLockOrder(rows, layout, (row) => row),
    layout,
  );
}

/** Returns the id of the log. */
export function logOfWords(rowId: string): string {
  return rowId.slice(0, ID_CHARACTERS);
}

/** Returns the ids that the rows of a log have, as SQL. */
export function wordRowsOf(logId: string): string {
  return `(${logId}, ${logId} || '${ADDED}')`;
}
