/**
 * What a turn writes of sessions, after its logs: sums, facets, projects, and merges. The sums lock the rows of the
 * sessions, and all else is written under these locks: a facet that is there may be one that another server takes away,
 * since it counts the session again and does not see the logs of this turn.
 */

import type pg from 'pg';
import type { ShownSession } from '../reading/log-reads.ts';
import { pipelined, pipelinedTo, type Row, type Statement, type Value } from '../tables/connection.ts';
import { type Insertion, inLockOrder, insertRows } from '../tables/insert-rows.ts';
import { type Key, toId, toKeyed, type Uuid } from '../tables/keys.ts';
import type { Layout } from '../tables/layout.ts';
import type { Facet } from '../tables/log-facts.ts';
import { isNotMerged, type TurnMerges } from '../tables/merges.ts';
import { RepeatTurn } from '../tables/repeat-turn.ts';
import { recountSession } from './recount.ts';
import { type Merge, mergeSessions, readParts } from './session-merge.ts';
import { addProjectPart, insertProjects, type ProjectPart } from './session-projects.ts';
import { ADD_SUMS, addToSum, isMerged, type SessionSum, type SumPart, toSumRow } from './session-sums.ts';

export const FACETS: Insertion = {
  table: 'session_facets',
  columns: ['bucket::smallint', 'session::uuid', 'kind::smallint', 'value::text'],
  rest: 'ON CONFLICT DO NOTHING',
};

interface Part extends Key {
  readonly values: Value[];
}

export class SessionWrites {
  readonly now: string;
  /** When the sums were sent, by `performance.now()`. */
  sentAtMillis = 0;
  readonly #layout: Layout;
  readonly #merges: TurnMerges;
  readonly #sums = new Map<Uuid, SessionSum>();
  readonly #facets = new Map<string, Part>();
  readonly #projects = new Map<string, ProjectPart>();
  readonly #merged = new Map<Uuid, Merge>();
  readonly #done: Merge[] = [];
  /** As they are now. */
  readonly #shown = new Map<Uuid, ShownSession>();
  /** By key, whether nothing of a session without logs stays. */
  readonly #recounted = new Map<Uuid, boolean>();
  readonly #widened = new Map<string, { key: Key; bucket: number }>();

  constructor(layout: Layout, merges: TurnMerges, now: string) {
    this.#layout = layout;
    this.#merges = merges;
    this.now = now;
  }

  /** For the session that `key` was merged into, if it was. */
  add(key: Key, part: SumPart): void {
    addToSum(this.#sums, this.#merges.resolve(key.key), part, this.now);
  }

  /** Returns what the key stands for now. */
  resolve(key: Key): Key {
    return this.#merges.resolve(key.key);
  }

  addFacets(key: Key, facets: readonly Facet[]): void {
    const { key: session, bucket } = this.#merges.resolve(key.key);
    for (const [kind, value] of facets) {
      const part = { key: `${session} ${kind} ${value}`, bucket, values: [bucket, session, kind, value] };
      this.#facets.set(part.key, part);
    }
  }

  /** `hasId` says whether the session has an id: false only if it can never have one. */
  addProject(key: Key, project: number, hasId: boolean | null): void {
    const session = this.#merges.resolve(key.key);
    // What one without an id was merged into may have one.
    const isKnown = hasId || session.key === key.key;
    addProjectPart(this.#projects, session, { project, createdAt: this.now, hasId: isKnown ? hasId : null });
  }

  /** Both are locked by the sums, to which nothing is added here. */
  merge(from: Key, into: Key): void {
    const [source, target] = [this.#merges.resolve(from.key), this.#merges.resolve(into.key)];
    if (source.key === target.key) return;
    this.#merged.set(source.key, { source, target });
    const day = this.now.slice(0, 10);
    for (const each of [source, target]) addToSum(this.#sums, each, { day }, this.now);
  }

  /** Its sums, texts and facets are made again from its logs. See `recountSession`. */
  recount(key: Key, forgets = true): void {
    this.#recounted.set(this.#merges.resolve(key.key).key, forgets);
  }

  /** The session, to which something is added here too, has logs that are stored in this bucket. */
  widen(key: Key, bucket: number): void {
    const session = this.#merges.resolve(key.key);
    if (session.bucket !== bucket) this.#widened.set(`${session.key} ${bucket}`, { key: session, bucket });
  }

  /**
   * Sends `before` in the same trip, and resolves to what it has returned, once what `sendCommit` sends is done, too: that
   * is sent in the same trip, where nothing more is to be written by what it answers.
   */
  async write(
    client: pg.ClientBase,
    before: readonly Statement[] = [],
    sendCommit: () => Promise<void> = async () => {},
  ): Promise<pg.QueryResult<Row>[]> {
    const layout = this.#layout;
    this.sentAtMillis = performance.now();
    const sums = insertRows(ADD_SUMS, inLockOrder(this.#sums.values(), layout, (sum) => sum).map(toSumRow), layout);
    const statements = [...before, ...sums, ...this.#merges.toCheck(), ...this.#insertParts()];
    const isMore = this.#widened.size + this.#merged.size + this.#recounted.size > 0;
    const results = await (isMore ? pipelined(client, statements) : pipelinedTo(sendCommit, client, statements)).catch(
      (error: unknown) => repeatIfMerged(client, error, this.#merges),
    );
    const answers = results.slice(before.length, before.length + sums.length).flatMap(({ rows }) => rows);
    for (const { key, id, reference_id: referenceId } of answers as unknown as SumAnswer[]) {
      if (id !== null) this.#shown.set(key, { id, referenceId });
    }
    if (isMore) {
      if (this.#widened.size > 0) await this.#widenAll(client);
      const follow = await this.#mergeAll(client);
      const recounted = new Map([...this.#recounted].map(([key, forgets]) => [follow(toKeyed(key)).key, forgets]));
      for (const [key, forgets] of recounted) await recountSession(client, layout, toKeyed(key), forgets);
      await sendCommit();
    }
    return results.slice(0, before.length);
  }

  async #widenAll(client: pg.ClientBase): Promise<void> {
    await pipelined(
      client,
      [...this.#widened.values()].map(({ key: session, bucket }) => ({
        name: 'widen session',
        text: `UPDATE sessions SET buckets = buckets || $3::smallint
          WHERE bucket = $1::smallint AND key = $2::uuid AND NOT $3::smallint = ANY(buckets)`,
        values: [session.bucket, session.key, bucket],
      })),
    );
  }

  /**
   * One of them may lead to the source of another. All of their rows are locked. Resolves to a function that returns what
   * a session has become.
   */
  async #mergeAll(client: pg.ClientBase): Promise<(key: Key) => Key> {
    const targets = new Map<Uuid, Key>();
    const follow = (key: Key): Key => {
      const target = targets.get(key.key);
      return target ? follow(target) : key;
    };
    for (const asked of this.#merged.values()) {
      const merge = { source: follow(asked.source), target: follow(asked.target) };
      if (merge.source.key === merge.target.key || !(await mergeSessions(client, merge))) continue;
      targets.set(merge.source.key, merge.target);
      this.#done.push(merge);
      const { facets, projects } = await readParts(client, merge.source);
      this.#facets.clear();
      this.#projects.clear();
      for (const { kind, value } of facets) this.addFacets(merge.target, [[kind, value]]);
      for (const { project } of projects) this.addProject(merge.target, project, null);
      await pipelined(client, this.#insertParts());
    }
    return follow;
  }

  #insertParts(): Statement[] {
    return [
      ...insertRows(FACETS, this.#ordered(this.#facets), this.#layout),
      ...insertProjects(this.#projects, this.#layout),
    ];
  }

  #ordered(parts: ReadonlyMap<string, Part>): Value[][] {
    return inLockOrder(parts.values(), this.#layout, (part) => part).map(({ values }) => values);
  }

  /** Of those that are written. */
  get keys(): Iterable<Key> {
    return this.#sums.values();
  }

  /** Once it is written: a session that was moved here has another id than the one that its key makes. */
  idOf(key: Uuid): string {
    return this.#shown.get(key)?.id ?? toId('sesh', key);
  }

  /** Once it is written: how answers name the session of a log. `undefined` where this is not known here. */
  shownAs(stored: Uuid): ShownSession | undefined {
    return this.#done.length > 0 ? undefined : this.#shown.get(this.#merges.resolve(stored).key);
  }

  committed(): void {
    for (const { source, target } of this.#done) this.#merges.remember(source.key, target.key);
  }
}

/**
 * For an error of sums, which fail where their session was merged, or of the check of merges: ends the transaction.
 * Rejects with it, or with a `RepeatTurn`.
 */
export async function repeatIfMerged(client: pg.ClientBase, error: unknown, merges: TurnMerges): Promise<never> {
  if (!isMerged(error) && !isNotMerged(error)) throw error;
  await client.query('ROLLBACK');
  await merges.relearn(client);
  throw new RepeatTurn('a session was merged, or is not any more');
}

interface SumAnswer {
  key: Uuid;
  id: string | null;
  reference_id: string | null;
}
