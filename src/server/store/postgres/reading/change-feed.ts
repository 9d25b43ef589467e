/**
 * Tells open pages what changed, whichever server wrote it: sessions are asked for by the time of their last change, and
 * again for some seconds before it, since a transaction becomes visible later than the time that it has written. While
 * nobody listens, nothing is asked for; the first look is for what was there already, and tells nothing.
 */
import type pg from 'pg';
import type { SessionChange } from '../../viewer-store.ts';
import type { Row } from '../tables/connection.ts';
import type { Uuid } from '../tables/keys.ts';
import { DeletionCount } from './deletion-count.ts';
import { OVERLAP_MILLIS } from './summaries.ts';

const POLL_MILLIS = 500;
const MAX_NAMED = 50;
const MAX_READ = 1_001;
/** Of sessions that were put together from others, or that have no id of their own. */
const MAX_SHAPES = 10_000;
/** After a lost connection a commit whose outcome is open can become visible late. */
const LOST_MILLIS = 120_000;

/**
 * Others were merged into the session, or logs were moved to it, or, where it has no id, the log that it is named by has
 * come after others: what they were listed as is not there any more.
 */
const SHAPE = `CASE WHEN cardinality(keys) > 1 OR cardinality(buckets) > 1 OR id IS NULL AND logs > 1
  THEN concat_ws(' ', log_id, cardinality(keys), cardinality(buckets)) END`;

export class ChangeFeed {
  readonly #pool: pg.Pool;
  readonly #deletions: DeletionCount;
  readonly #overlapMillis: number;
  readonly #listeners = new Set<(change: SessionChange) => void>();
  /** Changes that the listeners have heard of, by session; and when they were seen. */
  #told = new Map<string, number>();
  /** How sessions that may have been listed as several, or under another id, were put together when they were seen last. */
  readonly #shapes = new Map<Uuid, string>();
  #timer: NodeJS.Timeout | undefined;
  /** One at a time. */
  #polling: Promise<void> | undefined;
  #isFirst = true;
  #version = 0;
  /** Deletions that the listeners have heard of. */
  #toldDeletions = 0;
  #lostUntil = 0;
  #isClosed = false;

  constructor(pool: pg.Pool, overlapMillis = OVERLAP_MILLIS) {
    this.#pool = pool;
    this.#deletions = new DeletionCount(pool);
    this.#overlapMillis = overlapMillis;
  }

  onChange(listener: (change: SessionChange) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#isFirst = true;
      this.#schedule(0);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  /** Resolves when the listeners will hear of all that cannot be read yet. Rejects if the database cannot be asked. */
  async ready(): Promise<void> {
    if (this.#isFirst && this.#listeners.size > 0) await (this.#polling ?? this.#look());
  }

  /** Tells the listeners here at once which sessions are gone, and all others within a second that some are. */
  announceDeleted(ids: readonly string[]): void {
    if (ids.length === 0) return;
    if (this.#listeners.size > 0) this.#tell(ids, Date.now() * 1000);
    this.#deletions.note();
  }

  /** @param ids `null` if they are not known. `now` is in microseconds. */
  #tell(ids: readonly string[] | null, now: number): void {
    const sessions = ids && ids.length <= MAX_NAMED ? ids : null;
    const version = this.#nextVersion(now - OVERLAP_MILLIS * 1000);
    for (const listener of this.#listeners) listener({ sessions, version });
  }

  #nextVersion(version: number): number {
    this.#version = Math.max(this.#version + 1, version);
    return this.#version;
  }

  noteLostConnection(): void {
    this.#lostUntil = Date.now() + LOST_MILLIS;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stop();
    // Where this fails, pages elsewhere show what is gone until they are loaded again.
    await this.#deletions.flush().catch(() => {});
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(millis: number): void {
    if (this.#isClosed || this.#timer || this.#listeners.size === 0) return;
    this.#timer = setTimeout(() => void this.#poll(), millis).unref();
  }

  async #poll(): Promise<void> {
    const timer = this.#timer;
    await (this.#polling ?? this.#look()).catch(() => {});
    // Those who listened may be gone, and others have begun to.
    if (this.#timer !== timer) return;
    this.#timer = undefined;
    this.#schedule(POLL_MILLIS);
  }

  async #look(): Promise<void> {
    this.#polling = this.#read();
    try {
      await this.#polling;
    } catch (error) {
      // The database is away: the changes are read when it is back.
      this.noteLostConnection();
      throw error;
    } finally {
      this.#polling = undefined;
    }
  }

  async #read(): Promise<void> {
    const isLost = Date.now() < this.#lostUntil;
    const overlap = isLost ? LOST_MILLIS : this.#overlapMillis;
    const deletions = await this.#deletions.read();
    const { rows } = await this.#pool.query<Row>({
      name: 'changes',
      text: `SELECT session.key, coalesce(session.id, session.log_id) AS id, session.shape,
          floor(extract(epoch FROM session.changed_at) * 1000000)::bigint AS changed, clock.version
        FROM (SELECT clock_timestamp() AS now, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS version)
          AS clock
        LEFT JOIN LATERAL (SELECT *, ${SHAPE} AS shape FROM sessions WHERE merged_into IS NULL
          AND changed_at > clock.now - $1 * interval '1 millisecond' ORDER BY changed_at DESC LIMIT ${MAX_READ})
          AS session ON true`,
      // What came while this server was busy elsewhere counts too.
      values: [overlap + 2 * POLL_MILLIS],
    });
    const found = rows.filter((row) => row['key'] !== null);
    const isNew = ({ key, changed }: Row) => !this.#told.has(`${key} ${changed}`);
    const fresh = found.filter(isNew);
    const hasOthers = this.#noteShapes(found);
    const now = Date.now();
    for (const { key, changed } of found) this.#told.set(`${key} ${changed}`, now);
    const keptMillis = 2 * (overlap + POLL_MILLIS);
    for (const [change, at] of this.#told) if (now - at > keptMillis) this.#told.delete(change);
    const areGone = deletions !== this.#toldDeletions;
    this.#toldDeletions = deletions;
    const wasFirst = this.#isFirst;
    this.#isFirst = false;
    if (wasFirst || (fresh.length === 0 && !areGone)) return;
    const ids = [...new Set(fresh.map((row) => row['id'] as string | null))];
    const areUnknown = areGone || hasOthers || found.length >= MAX_READ || ids.includes(null);
    this.#tell(areUnknown ? null : (ids as string[]), rows[0]!['version'] as number);
  }

  /** Returns whether something was listed before that may not be there any more, of which no row says the name. */
  #noteShapes(found: readonly Row[]): boolean {
    let hasOthers = false;
    if (this.#shapes.size > MAX_SHAPES) this.#shapes.clear();
    for (const row of found) {
      const [key, shape] = [row['key'] as Uuid, row['shape'] as string | null];
      if (shape === null || this.#shapes.get(key) === shape) continue;
      this.#shapes.set(key, shape);
      hasOthers = true;
    }
    return hasOthers;
  }
}
