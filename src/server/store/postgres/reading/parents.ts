/**
 * Parents are found when logs are read, by the reference that a log names. Where such links form a circle, one is left
 * out: the one that leads to the log of the circle that was made last, as if each log had been linked when it came. So a
 * circle can only be closed by a parent that was made after its child, and only then is it looked for.
 */
import type pg from 'pg';
import type { Row } from '../tables/connection.ts';
import type { Draft } from '../tables/drafts.ts';
import type { LogPlace } from '../tables/identifiers.ts';
import { type FoundLog, findLogs, findReferences } from '../tables/lookups.ts';
import type { RememberedReferences } from '../tables/remembered-references.ts';

type Connection = pg.ClientBase | pg.Pool;

/** From a log towards the top of its tree. */
const MAX_CLIMBED = 1_000;

export interface Child {
  readonly id: string;
  readonly parentId: string | null;
  readonly parentReferenceId: string | null;
  readonly parentCut: boolean;
}

/** Takes the row of a log. */
export function toChild(row: Row): Child {
  return {
    id: row['id'] as string,
    parentId: row['parent_id'] as string | null,
    parentReferenceId: row['parent_reference_id'] as string | null,
    parentCut: row['parent_cut'] as boolean,
  };
}

/**
 * Returns the ids of the logs that children name as their parent by reference, by that reference. Those that are
 * `remembered` are not looked up, and may be gone; those that are found are remembered.
 */
function findParentReferences(
  connection: Connection,
  children: readonly Child[],
  remembered?: RememberedReferences,
): Map<string, string> | Promise<Map<string, string>> {
  const [ids, unknown] = [new Map<string, string>(), new Set<string>()];
  for (const { parentId, parentReferenceId, parentCut } of children) {
    if (parentCut || parentId !== null || parentReferenceId === null) continue;
    const id = remembered?.get(parentReferenceId);
    if (id === undefined) unknown.add(parentReferenceId);
    else ids.set(parentReferenceId, id);
  }
  // At once, so that what follows can be sent with what was sent before.
  if (unknown.size === 0) return ids;
  return findReferences(connection, unknown).then((found) => {
    for (const [reference, id] of found) {
      ids.set(reference, id);
      remembered?.set(reference, id);
    }
    return ids;
  });
}

/**
 * Resolves to the parent of each log that has one which is stored, by the log's id. One that is only `remembered`, and
 * gone, is not found, though its reference may lead to another log.
 */
export async function findParents(
  connection: Connection,
  children: readonly Child[],
  remembered?: RememberedReferences,
): Promise<Map<string, FoundLog>> {
  const finder = new ParentFinder(connection);
  const direct = await finder.find(children, remembered);
  const result = new Map<string, FoundLog>();
  for (const child of children) {
    const parent = direct.get(child.id);
    if (!parent) continue;
    if (parent.id < child.id || !(await finder.closesCircle(child.id, parent))) result.set(child.id, parent);
  }
  return result;
}

class ParentFinder {
  readonly #connection: Connection;
  readonly #parents = new Map<string, FoundLog | undefined>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async find(children: readonly Child[], remembered?: RememberedReferences): Promise<Map<string, FoundLog>> {
    const linked = children.filter(({ parentCut }) => !parentCut);
    const asked = findParentReferences(this.#connection, linked, remembered);
    const references = asked instanceof Map ? asked : await asked;
    const idOf = ({ parentId, parentReferenceId }: Child) => parentId ?? references.get(parentReferenceId ?? '');
    const logs = await findLogs(this.#connection, new Set(linked.flatMap((child) => idOf(child) ?? [])));
    const found = new Map<string, FoundLog>();
    for (const child of linked) {
      const parent = logs.get(idOf(child) ?? '');
      this.#parents.set(child.id, parent);
      if (parent) found.set(child.id, parent);
    }
    return found;
  }

  /** Whether the log is above its parent, and the parent is the last of the circle. */
  async closesCircle(id: string, parent: FoundLog): Promise<boolean> {
    const seen = new Set<string>();
    for (let at: FoundLog | undefined = parent; at && !seen.has(at.id) && seen.size < MAX_CLIMBED; ) {
      if (at.id === id) return true;
      if (at.id > parent.id) return false;
      seen.add(at.id);
      if (!this.#parents.has(at.id)) await this.find([at]);
      at = this.#parents.get(at.id);
    }
    return false;
  }
}

/**
 * For logs that got a parent by a later request: the link that closes a circle is the one that was made last, which the
 * ids do not say, so that it is marked.
 */
export async function markCycles(
  client: pg.ClientBase,
  known: readonly { readonly place: LogPlace; readonly draft: Draft }[],
  completed: ReadonlyMap<Draft, { readonly old: { readonly no_parent: boolean } }>,
): Promise<void> {
  for (const { place, draft } of known) {
    const { id: parentId, referenceId } = draft.parent;
    if (!completed.get(draft)?.old.no_parent || (parentId ?? referenceId) === null) continue;
    const start = { id: place.id, parentId, parentReferenceId: referenceId, parentCut: false };
    const parent = (await new ParentFinder(client).find([start])).get(place.id);
    if (!parent || !(await isAbove(client, place.id, parent))) continue;
    await client.query('UPDATE logs SET parent_cut = true WHERE day = $1 AND bucket = $2 AND id = $3', [
      ...[place.day, place.bucket, place.id],
    ]);
  }
}

async function isAbove(client: pg.ClientBase, id: string, below: FoundLog): Promise<boolean> {
  const seen = new Set<string>();
  for (let at: FoundLog | undefined = below; at && !seen.has(at.id) && seen.size < MAX_CLIMBED; ) {
    if (at.id === id) return true;
    seen.add(at.id);
    at = (await findParents(client, [at])).get(at.id);
  }
  return false;
}
