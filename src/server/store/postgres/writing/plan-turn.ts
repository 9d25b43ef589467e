/**
 * Puts the checked works of a turn together: one draft for each log, and the session that each is stored under. A log
 * that names no session belongs to that of its parent. If its parent is not there yet, it waits under a session whose
 * key is made of the parent's reference, which the parent will have too, or be merged with.
 */
import type pg from 'pg';
import { Draft, type Forced, toForced } from '../tables/drafts.ts';
import { type Key, randomKey, referenceKey, toKeyed, type Uuid } from '../tables/keys.ts';
import { findLogs, findReferences } from '../tables/lookups.ts';
import type { TurnMerges } from '../tables/merges.ts';
import type { Checked, CheckedFeedback } from './check-works.ts';

/** A log that is known by its id. */
export interface Update {
  readonly id: string;
  readonly forced: Forced;
  /** Whether another log may have its reference by now. */
  readonly isRemembered: boolean;
}

export interface Plan {
  readonly drafts: readonly Draft[];
  /** The draft of each item, by work. */
  readonly draftsOf: ReadonlyMap<number, readonly Draft[]>;
  readonly updates: readonly Update[];
  readonly feedback: readonly CheckedFeedback[];
  /** References of parents that are not there yet. */
  readonly awaited: ReadonlySet<string>;
}

/** @param referenceOf the reference that an update names, by work. */
export async function planTurn(
  pool: pg.Pool,
  merges: TurnMerges,
  checked: readonly Checked[],
  referenceOf: (work: number) => string | undefined,
): Promise<Plan> {
  const drafts: Draft[] = [];
  const byReference = new Map<string, Draft>();
  const draftsOf = new Map<number, Draft[]>();
  const updates = new Map<string, Update>();
  const feedback: CheckedFeedback[] = [];
  for (const [index, work] of checked.entries()) {
    if (work.kind === 'create') {
      draftsOf.set(
        index,
        work.logs.map((log) => {
          const draft = new Draft(log);
          const known = draft.referenceId === null ? undefined : byReference.get(draft.referenceId);
          if (known) {
            known.complete(log);
            return known;
          }
          drafts.push(draft);
          if (draft.referenceId !== null) byReference.set(draft.referenceId, draft);
          return draft;
        }),
      );
    } else if (work.kind === 'update') {
      const draft = byReference.get(referenceOf(index) ?? '');
      if (draft) {
        draft.update(work.update);
        draftsOf.set(index, [draft]);
      } else if (work.id !== undefined) {
        const before = updates.get(work.id);
        updates.set(work.id, {
          id: work.id,
          forced: { ...before?.forced, ...toForced(work.update) },
          isRemembered: work.isRemembered || before?.isRemembered === true,
        });
      }
    } else if (work.kind === 'feedback') feedback.push(...work.feedback);
  }
  const awaited = await group(pool, merges, drafts, byReference);
  return { drafts, draftsOf, updates: [...updates.values()], feedback, awaited };
}

async function group(
  pool: pg.Pool,
  merges: TurnMerges,
  drafts: readonly Draft[],
  byReference: ReadonlyMap<string, Draft>,
): Promise<Set<string>> {
  const alone = drafts.filter(({ session }) => !session);
  const parents = new Set(alone.flatMap(({ parent }) => parent.referenceId ?? []));
  const known = await findReferences(pool, parents);
  const logs = await findLogs(pool, known.values());
  const awaited = new Set<string>();
  // Keys that no session with an id can have.
  const loose = new Set<Uuid>();
  const asLoose = (key: Key): Key => {
    loose.add(key.key);
    return key;
  };

  const groupOf = (draft: Draft, below: ReadonlySet<Draft>): Key => {
    if (draft.group) return draft.group;
    if (draft.session) return draft.session;
    const { referenceId, session } = draft.parent;
    if (session !== undefined) return toKeyed(session);
    if (referenceId === null)
      return asLoose(draft.referenceId === null ? randomKey() : referenceKey(draft.referenceId));
    const stored = logs.get(known.get(referenceId) ?? '')?.session as Uuid | undefined;
    if (stored !== undefined) return toKeyed(stored);
    const parent = byReference.get(referenceId);
    if (parent && !below.has(parent) && parent !== draft) {
      parent.group = groupOf(parent, new Set(below).add(draft));
      return parent.group;
    }
    if (!parent) awaited.add(referenceId);
    return asLoose(referenceKey(referenceId));
  };
  for (const draft of drafts) draft.group ??= groupOf(draft, new Set());
  // In the order of the requests, whatever the one in which their rows are locked and written.
  for (const draft of drafts) {
    const current = merges.resolve(draft.group!.key);
    draft.place(current, loose.has(current.key) ? false : null);
  }
  return awaited;
}
