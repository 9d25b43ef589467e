/**
 * One turn: the writes of several requests in one transaction of three pipelined trips, of which the last has the commit.
 * Whatever ends it before its commit, it can be repeated; where the outcome of the commit is unknown, with the same ids, of
 * which those that are there are not written twice. Tables are written, and rows locked, in one order: references, logs,
 * sessions, and what is written under the lock of a session.
 */
import type pg from 'pg';
import type { CreatedLog } from '../../../../wire/v4.ts';
import type { LogReads } from '../reading/log-reads.ts';
import { findParents, markCycles, toChild } from '../reading/parents.ts';
import {
  allDone,
  commit,
  NotCommitted,
  pipelined,
  type Row,
  type Statement,
  sendAtOnce,
  toSqlTime,
} from '../tables/connection.ts';
import type { Draft } from '../tables/drafts.ts';
import { nextTimestamp, placeOf } from '../tables/identifiers.ts';
import { inLockOrder, insertByDay } from '../tables/insert-rows.ts';
import { type Key, toKeyed, type Uuid } from '../tables/keys.ts';
import { toBegin } from '../tables/layout.ts';
import { type FoundLog, readPlaces } from '../tables/lookups.ts';
import { repeatIfGone, toKeepProjects, withoutNames } from '../tables/project-locks.ts';
import type { RememberedReferences } from '../tables/remembered-references.ts';
import { RepeatTurn } from '../tables/repeat-turn.ts';
import { type FeedbackAnswer, insertFeedback, repeatIfDeleted, toKeepLogs, writeFeedback } from './feedback-writes.ts';
import { type KnownLog, type MissingLogs, type OldLog, takeUpdate, toMaxLooks } from './known-logs.ts';
import { toKnownStatements } from './known-statements.ts';
import { LOGS, toLogValues } from './log-rows.ts';
import type { Plan } from './plan-turn.ts';
import { insertReferences, type StoredReference, toReferences } from './reference-writes.ts';
import { SessionWrites } from './session-writes.ts';
import type { TurnParts } from './turn-parts.ts';
import { addFresh, addKnown, addPresent } from './turn-sums.ts';
import { type FoundKnown, wordsOfTurn } from './turn-words.ts';

export interface TurnAnswers {
  createdBy(draft: Draft): CreatedLog;
  /** Logs that `updateLog` has written, as they are now, by id; without those that are not there. */
  readonly updated: ReadonlyMap<string, Row>;
  /** Ids of logs that were there and were created again, with what `updateLog` has set in the same turn. */
  readonly completed: ReadonlySet<string>;
  readonly feedback: readonly FeedbackAnswer[];
}

export class Turn {
  readonly #parts: TurnParts;
  readonly #plan: Plan;
  readonly #missing: MissingLogs;
  /** Set when a commit was sent, unless it is answered as a rollback: what fails behind it is repeated with the same ids. */
  mayBeCommitted = false;
  /** What it has written of sessions. */
  sessions: SessionWrites | undefined;
  /** Not sent yet: it goes with the first of the statements. */
  #begin: readonly Statement[] = [];

  constructor(parts: TurnParts, plan: Plan, missing: MissingLogs) {
    this.#parts = parts;
    this.#plan = plan;
    this.#missing = missing;
  }

  run(client: pg.ClientBase, remembered: RememberedReferences, logReads: LogReads): Promise<TurnAnswers> {
    return repeatIfGone(this.#parts.catalog, this.#run(client, remembered, logReads));
  }

  async #run(client: pg.ClientBase, remembered: RememberedReferences, logReads: LogReads): Promise<TurnAnswers> {
    const { layout, merges, vocabulary } = this.#parts;
    this.#begin = this.#keepProjects(toBegin(layout));
    const sessions = new SessionWrites(layout, merges, nextTimestamp());
    this.sessions = sessions;
    const { statements, updated, toAnswers } = await this.#prepare(client, sessions, []);
    const rows = [...updated.values()];
    let shown: ReadonlyMap<string, FoundLog> | undefined;
    const sendCommit = async (): Promise<void> => {
      const sent = sendAtOnce(client, () => {
        const committed = vocabulary.keepUnlessCommitted(this.#commit(client));
        return [
          // What is committed must not fail: they can be read again.
          findParents(client, rows.map(toChild), remembered).catch(() => undefined),
          logReads.readConfigs(client, rows).catch(() => undefined),
          committed,
          vocabulary.flush(client, committed),
        ] as const;
      });
      [shown] = await allDone(sent);
    };
    const begin = this.#begin;
    const results = await sessions.write(client, [...begin, ...statements], sendCommit);
    const answers = toAnswers(results.slice(begin.length));
    sessions.committed();
    for (const [id, row] of updated) {
      row['shown_session'] = sessions.shownAs(row['session'] as Uuid);
      // Where the id of a parent was only remembered, another log may have its reference: the answer looks it up.
      const parent = shown?.get(id);
      if (parent || (row['parent_id'] ?? row['parent_reference_id']) === null) row['shown_parent'] = parent;
    }
    return answers;
  }

  /** Numbers of words that no log has because of it, if it was rolled back. */
  get words(): Iterable<number> {
    return this.#parts.vocabulary.numbers;
  }

  /** A commit that is answered as a rollback leaves it as it was. */
  async #commit(client: pg.ClientBase): Promise<void> {
    const mayBeCommitted = this.mayBeCommitted;
    this.mayBeCommitted = true;
    try {
      await commit(client);
    } catch (error) {
      if (error instanceof NotCommitted) this.mayBeCommitted = mayBeCommitted;
      throw error;
    }
  }

  /**
   * Writes all but the sessions, in a transaction that has begun and that goes on. `locked` are references that are not
   * written here, but later in the transaction.
   */
  async write(client: pg.ClientBase, sessions: SessionWrites, locked: readonly string[]): Promise<TurnAnswers> {
    await repeatIfGone(this.#parts.catalog, pipelined(client, this.#keepProjects()));
    const { statements, toAnswers } = await this.#prepare(client, sessions, locked);
    return toAnswers(await this.#send(client, statements));
  }

  #keepProjects(begin?: string): Statement[] {
    const { drafts } = this.#plan;
    return toKeepProjects(this.mayBeCommitted ? withoutNames(drafts) : drafts, begin);
  }

  /** Resolves to what is written with the sessions, or before them. */
  async #prepare(client: pg.ClientBase, sessions: SessionWrites, locked: readonly string[]): Promise<Prepared> {
    const { layout, merges } = this.#parts;
    const { now } = sessions;
    const { known, fresh } = await this.#writeReferences(client, sessions, locked);

    const { created, updated, found } = await this.#writeKnown(client, known, sessions, now);
    const given = this.#plan.feedback.flatMap(({ log, draft }) => (draft ? [log.id] : []));
    repeatIfDeleted(await this.#send(client, toKeepLogs(given, layout)));
    const present = this.mayBeCommitted ? await this.#findOwn(client, fresh) : new Set<string>();
    const missing = fresh.filter(({ id }) => !present.has(id));
    for (const draft of fresh) if (present.has(draft.id)) addPresent(sessions, draft);
    const feedback = [...known.flatMap(({ draft, place }) => (draft ? { draft, id: place.id } : []))];

    const inserts: Statement[] = [
      ...insertByDay(
        LOGS,
        inLockOrder(missing, layout, keyOfDraft).map((draft) => ({
          day: placeOf(draft.id)!.day,
          values: toLogValues(draft, now),
        })),
        layout,
      ),
      ...wordsOfTurn(this.#parts, missing, found),
      ...insertFeedback(
        [
          ...missing.flatMap((draft) => draft.feedback.map((entry) => ({ logId: draft.id, entry }))),
          ...feedback.flatMap(({ draft, id }) =>
            created.get(draft)!.old.has_feedback ? [] : draft.feedback.map((entry) => ({ logId: id, entry })),
          ),
        ],
        layout,
      ),
    ];
    for (const draft of missing) {
      // What is written under a session that meanwhile means another one would be in neither.
      if (sessions.resolve(draft.group!).key !== draft.group!.key && !this.mayBeCommitted) {
        throw new RepeatTurn('a session was merged');
      }
      addFresh(sessions, draft);
    }
    const written = writeFeedback(this.#plan.feedback, sessions, this.#parts);
    return {
      statements: [...inserts, ...written.statements],
      updated,
      toAnswers: (results) => ({
        createdBy: (draft) => {
          const { old, place } = created.get(draft) ?? {};
          const { key } = merges.resolve(old?.session ?? draft.group!.key);
          const session = old?.in_session || draft.session ? sessions.idOf(key) : null;
          return { id: place?.id ?? draft.id, project_id: old?.project_id ?? draft.project.id, session_id: session };
        },
        updated,
        completed: new Set(Array.from(created.values(), ({ place }) => place.id)),
        feedback: written.toAnswers(results.slice(inserts.length)),
      }),
    };
  }

  async #send(client: pg.ClientBase, statements: readonly Statement[]): Promise<pg.QueryResult<Row>[]> {
    if (statements.length === 0) return [];
    const begin = this.#begin;
    this.#begin = [];
    return (await pipelined(client, [...begin, ...statements])).slice(begin.length);
  }

  /**
   * Trip 1. The lock of the rows makes a reference one log, over all servers. `locked` are references that are not written
   * here, but later in the transaction.
   */
  async #writeReferences(client: pg.ClientBase, sessions: SessionWrites, locked: readonly string[]) {
    const { layout, merges } = this.#parts;
    const rows = toReferences(this.#plan, locked);
    const fresh = this.#plan.drafts.filter(({ referenceId }) => referenceId === null);
    const results = await this.#send(client, insertReferences(rows.values(), layout));
    const known: (KnownLog & { draft: Draft })[] = [];
    const takenOver: Statement[] = [];
    for (const { reference, awaited, log_id: id } of results.flatMap(
      (result) => result.rows,
    ) as unknown as StoredReference[]) {
      const row = rows.get(reference)!;
      const { draft } = row;
      if (!draft) {
        // The parent has come meanwhile: its children belong to its session.
        if (row.awaited && id !== null && !this.mayBeCommitted) throw new RepeatTurn('an awaited log has come');
        continue;
      }
      const isGone = id !== draft.id && id !== null && (this.#missing.get(id) ?? 0) >= toMaxLooks(layout);
      if (id === draft.id || isGone) {
        fresh.push(draft);
        if (isGone) {
          takenOver.push({
            text: 'UPDATE log_references SET log_id = $3 WHERE bucket = $1::smallint AND reference = $2::uuid',
            values: [row.bucket, reference, draft.id],
          });
        }
        if (awaited) sessions.merge(toKeyed(reference), merges.resolve(draft.group!.key));
      } else known.push({ place: placeOf(id!)!, forced: draft.forced, draft });
    }
    await this.#send(client, takenOver);
    return { known, fresh };
  }

  /** Trip 2. */
  async #writeKnown(
    client: pg.ClientBase,
    known: readonly (KnownLog & { draft: Draft })[],
    sessions: SessionWrites,
    now: string,
  ) {
    const all = new Map<string, KnownLog>(known.map((log) => [log.place.id, log]));
    for (const { id, forced, isRemembered } of this.#plan.updates) {
      const other = all.get(id);
      all.set(id, { place: placeOf(id)!, ...other, forced: { ...other?.forced, ...forced }, isRemembered });
    }
    const ordered = inLockOrder(all.values(), this.#parts.layout, ({ place }) => ({
      bucket: place.bucket,
      key: place.id,
    }));
    const results = await this.#send(client, toKnownStatements(ordered, toSqlTime(now), this.#parts.layout));
    const rows = new Map(results.flatMap((result) => result.rows.map((row) => [row['id'] as string, row])));
    const created = new Map<Draft, { old: OldLog; place: { id: string } }>();
    const updated = new Map<string, Row>();
    const found: FoundKnown[] = [];
    for (const log of ordered) {
      const row = rows.get(log.place.id);
      if (!row) {
        const looks = (this.#missing.get(log.place.id) ?? 0) + 1;
        this.#missing.set(log.place.id, looks);
        // The plan of a turn that may be committed stays: what it remembers would never be looked up.
        const isLookedUp = !log.isRemembered || this.mayBeCommitted;
        if (looks < toMaxLooks(this.#parts.layout) || log.draft || !isLookedUp)
          throw new RepeatTurn('a log is not there yet, or not any more');
        continue;
      }
      const old = log.draft ? (row as unknown as OldLog) : takeUpdate(row, log.forced, now);
      if (!log.draft) updated.set(log.place.id, row);
      found.push({ log, old });
      if (log.draft) created.set(log.draft, { old, place: log.place });
      addKnown(sessions, this.#parts.merges, log, old);
    }
    await markCycles(client, known, created);
    return { created, updated, found };
  }

  async #findOwn(client: pg.ClientBase, fresh: readonly Draft[]): Promise<Set<string>> {
    const rows = await readPlaces(
      client,
      { name: 'own logs', columns: 'id', table: 'logs' },
      fresh.map(({ id }) => id),
    );
    return new Set(rows.map((row) => row['id'] as string));
  }
}

interface Prepared {
  readonly statements: readonly Statement[];
  /** Logs that `updateLog` has written, by id. */
  readonly updated: ReadonlyMap<string, Row>;
  /** Takes what the statements have returned. */
  toAnswers(results: readonly pg.QueryResult<Row>[]): TurnAnswers;
}

function keyOfDraft(draft: Draft): Key {
  return { bucket: draft.group!.bucket, key: draft.id };
}
