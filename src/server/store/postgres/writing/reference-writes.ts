/** Trip 1 of a turn: the rows of the references that it writes, awaits, or locks. Pure. */
import type { Statement, Value } from '../tables/connection.ts';
import type { Draft } from '../tables/drafts.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { type Key, referenceKey, type Uuid } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import type { Plan } from './plan-turn.ts';

export const REFERENCES: Insertion = {
  table: 'log_references',
  columns: ['bucket::smallint', 'awaited::boolean', 'reference::uuid', 'log_id::text'],
  rest: `ON CONFLICT (reference, bucket) DO UPDATE SET log_id = coalesce(log_references.log_id, excluded.log_id),
    awaited = log_references.awaited OR excluded.awaited RETURNING reference, awaited, log_id`,
};

/** What `insertReferences` returns of each. */
export interface StoredReference {
  readonly reference: Uuid;
  readonly awaited: boolean;
  readonly log_id: string | null;
}

export interface TurnReference extends Key {
  readonly awaited: boolean;
  /** Of the log that it is given to, unless it has one. */
  readonly draft: Draft | undefined;
}

/** By key. `locked` are references that are only locked. */
export function toReferences({ awaited, drafts }: Plan, locked: readonly string[]): Map<Uuid, TurnReference> {
  const rows = new Map<Uuid, TurnReference>();
  const add = (reference: string, isAwaited: boolean, draft?: Draft) => {
    const { bucket, key } = referenceKey(reference);
    rows.set(key, { bucket, key, awaited: isAwaited, draft });
  };
  for (const reference of locked) add(reference, false);
  for (const reference of awaited) add(reference, true);
  for (const draft of drafts) if (draft.referenceId !== null) add(draft.referenceId, false, draft);
  return rows;
}

export function insertReferences(rows: Iterable<TurnReference>, layout: Layout): Statement[] {
  const values = inLockOrder(rows, layout, (row) => row).map(({ bucket, awaited, key, draft }): Value[] => [
    bucket,
    awaited,
    key,
    draft?.id ?? null,
  ]);
  return insertRows(REFERENCES, values, layout);
}
