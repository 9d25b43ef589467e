/** What moved logs add to sessions. Their rows say when they changed in the file, so that no open page is called. */
import type pg from 'pg';
import { pipelined, toSqlTime, type Value } from '../postgres/tables/connection.ts';
import { type Insertion, inLockOrder, insertRows } from '../postgres/tables/insert-rows.ts';
import type { Key, Uuid } from '../postgres/tables/keys.ts';
import type { Layout } from '../postgres/tables/layout.ts';
import type { TurnMerges } from '../postgres/tables/merges.ts';
import { addProjectPart, insertProjects, type ProjectPart } from '../postgres/writing/session-projects.ts';
import { ADD_SUMS, addToSum, type SessionSum, toSumRow } from '../postgres/writing/session-sums.ts';
import { FACETS, repeatIfMerged, SessionWrites } from '../postgres/writing/session-writes.ts';
import { timestampNow } from '../timestamps.ts';
import { facetsOfMoved, type MovedLog, sumPartOf } from './moved-log.ts';

/** Logs that keep their ids lie in other buckets than the session. */
const ADD_MOVED: Insertion = {
  table: ADD_SUMS.table,
  name: 'moved sums',
  columns: [...ADD_SUMS.columns, 'buckets::smallint[]', 'changed_at::timestamptz'],
  expressions: { keys: ADD_SUMS.expressions!['keys']! },
  rest: ADD_SUMS.rest!.replace(
    'DO UPDATE SET',
    `DO UPDATE SET buckets = ARRAY(SELECT DISTINCT unnest(sessions.buckets || excluded.buckets)),
      created_at = least(sessions.created_at, excluded.created_at),`,
  ),
};

export class MovedSessions {
  readonly #layout: Layout;
  readonly #merges: TurnMerges;
  readonly #sums = new Map<Uuid, SessionSum>();
  readonly #buckets = new Map<Uuid, Set<number>>();
  readonly #facets = new Map<string, Key & { readonly values: Value[] }>();
  readonly #projects = new Map<string, ProjectPart>();
  readonly #joined: { readonly source: Key; readonly target: Key }[] = [];

  constructor(layout: Layout, merges: TurnMerges) {
    this.#layout = layout;
    this.#merges = merges;
  }

  add(group: Key, log: MovedLog): void {
    const { key, bucket } = this.#merges.resolve(group.key);
    const part = sumPartOf(log);
    const createdAt = (log.row['session_created_at'] ?? part.updatedAt) as string;
    addToSum(this.#sums, { key, bucket }, part, createdAt);
    const buckets = this.#buckets.get(key) ?? new Set([bucket]);
    this.#buckets.set(key, buckets.add(log.place.bucket));
    for (const [kind, value] of facetsOfMoved(log)) {
      const name = `${key} ${kind} ${value}`;
      this.#facets.set(name, { key: name, bucket, values: [bucket, key, kind, value] });
    }
    const hasId = log.row['session_id'] !== null || null;
    addProjectPart(this.#projects, { key, bucket }, { project: log.project, createdAt: toSqlTime(createdAt), hasId });
  }

  /** Others have waited for a log under `source`. */
  join(source: Key, target: Key): void {
    this.#joined.push({ source, target });
  }

  async write(client: pg.ClientBase): Promise<void> {
    const layout = this.#layout;
    const valuesOf = (parts: ReadonlyMap<string, Key & { readonly values: Value[] }>) =>
      inLockOrder(parts.values(), layout, (part) => part).map(({ values }) => values);
    const sums = inLockOrder(this.#sums.values(), layout, (sum) => sum).map((sum) => this.#toRow(sum));
    // All else under the locks of the sessions, see `SessionWrites`.
    const statements = [
      ...insertRows(ADD_MOVED, sums, layout),
      ...this.#merges.toCheck(),
      ...insertRows(FACETS, valuesOf(this.#facets), layout),
      ...insertProjects(this.#projects, layout),
    ];
    await pipelined(client, statements).catch((error: unknown) => repeatIfMerged(client, error, this.#merges));
    if (this.#joined.length === 0) return;
    const writes = new SessionWrites(layout, this.#merges, timestampNow());
    for (const { source, target } of this.#joined) writes.merge(source, target);
    await writes.write(client);
  }

  #toRow(sum: SessionSum): Value[] {
    return [...toSumRow(sum), [...this.#buckets.get(sum.key)!], toSqlTime(sum.updatedAt)];
  }
}
