/**
 * Which sessions were merged into which others, as far as this server has seen it. It may not be true any more: another
 * server may have deleted these sessions, or the database may be one that has not got the merge. So a turn notes what it
 * takes from here, and the database is asked about that before the turn is committed.
 */
import type pg from 'pg';
import { codeOf, type Row, type Statement, type Value } from './connection.ts';
import { type Key, toKeyed, type Uuid } from './keys.ts';
import { whereKeys } from './row-keys.ts';

const MAX_REMEMBERED = 50_000;
/** What the database is asked to read as a number, so that its error says it. */
const NOT_MERGED = 'a session is not merged any more';
const NO_NUMBER = '22P02';

export class Merges {
  readonly #targets = new Map<Uuid, Uuid>();

  /** What is remembered of the target is older than this, and would make a circle of sessions that were used again. */
  remember(source: Uuid, target: Uuid): void {
    if (source === target) return;
    if (this.#targets.size >= MAX_REMEMBERED) this.#targets.clear();
    this.#targets.delete(target);
    this.#targets.set(source, target);
  }

  /** What the database says of it: `undefined` for a session that was not merged. */
  learn(source: Uuid, target: Uuid | undefined): void {
    if (target === undefined) this.#targets.delete(source);
    else this.#targets.set(source, target);
  }

  targetOf(source: Uuid): Uuid | undefined {
    return this.#targets.get(source);
  }

  ofTurn(): TurnMerges {
    return new TurnMerges(this);
  }
}

/** What a turn takes from there: a step that it has taken stays until the turn is over, whatever others learn meanwhile. */
export class TurnMerges {
  readonly #merges: Merges;
  readonly #used = new Map<Uuid, Uuid>();
  readonly #asked = new Set<Uuid>();

  constructor(merges: Merges) {
    this.#merges = merges;
  }

  /** Returns the session that the key stands for now. */
  resolve(key: Uuid): Key {
    this.#asked.add(key);
    let current = key;
    const passed: Uuid[] = [];
    for (let target = this.#targetOf(key); target !== undefined && !passed.includes(target); ) {
      passed.push(current);
      this.#used.set(current, target);
      current = target;
      target = this.#targetOf(current);
    }
    return toKeyed(current);
  }

  #targetOf(source: Uuid): Uuid | undefined {
    return this.#used.get(source) ?? this.#merges.targetOf(source);
  }

  /** To be called with what was committed. */
  remember(source: Uuid, target: Uuid): void {
    this.#merges.remember(source, target);
  }

  /**
   * To be called when a transaction has failed by a merge, with its connection, which has no transaction any more. Looks
   * all of them up at once: each try would find out one.
   */
  async relearn(client: pg.ClientBase): Promise<void> {
    const seen = new Set<Uuid>();
    for (let open = new Set([...this.#asked, ...this.#used.keys()]); open.size > 0; ) {
      const targets = await readTargets(client, open);
      for (const key of open) {
        this.#merges.learn(key, targets.get(key));
        seen.add(key);
      }
      open = new Set([...targets.values()].filter((key) => !seen.has(key)));
    }
    this.#used.clear();
  }

  /**
   * Returns what fails where something that was taken is not true; nothing where nothing was. To be sent behind what locks
   * the sessions that are meant: a merge lasts as long as the session that it has led to.
   */
  toCheck(): Statement[] {
    const ends = new Map<Uuid, Uuid>();
    for (const source of this.#used.keys()) ends.set(source, this.resolve(source).key);
    if (ends.size === 0) return [];
    const sources = [...ends.keys()];
    const values: Value[] = [sources, sources.map((source) => this.#used.get(source)!), [...ends.values()], ends.size];
    const { sql, name } = whereKeys('bucket, key', sources.map(toKeyed), values);
    // Once a session is merged again, what was merged into it leads to the end at once.
    const targets = ['$2', '$3'].map((list) => `(${list}::uuid[])[array_position($1::uuid[], key)]`);
    return [
      {
        name: `merges are there ${name}`,
        text: `SELECT CASE WHEN count(*) = $4::int THEN 0 ELSE ('${NOT_MERGED} ' || count(*))::int END FROM sessions
          WHERE ${sql} AND merged_into IN (${targets.join(', ')})`,
        values,
      },
    ];
  }
}

async function readTargets(client: pg.ClientBase, keys: ReadonlySet<Uuid>): Promise<Map<Uuid, Uuid>> {
  const values: Value[] = [];
  const { sql, name } = whereKeys('bucket, key', [...keys].map(toKeyed), values);
  const { rows } = await client.query<Row>({
    name: `merges ${name}`,
    text: `SELECT key, merged_into FROM sessions WHERE ${sql} AND merged_into IS NOT NULL`,
    values,
  });
  return new Map(rows.map((row) => [row['key'] as Uuid, row['merged_into'] as Uuid]));
}

/** Whether it is the error of such a check. */
export function isNotMerged(error: unknown): boolean {
  return codeOf(error) === NO_NUMBER && (error as Error).message.includes(NOT_MERGED);
}
