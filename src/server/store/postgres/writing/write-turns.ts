/**
 * Group commit: requests that come together share a turn, as turn-queue.ts decides. A turn that was overtaken, ran into a
 * conflict, or lost its connection is repeated a few times; then its requests are answered with the error, and may come
 * again.
 */
import type { LogResponse } from '../../../../wire/v4.ts';
import { storableText } from '../../storable-text.ts';
import { StoreUnavailableError } from '../../unavailable-error.ts';
import type { LogReads } from '../reading/log-reads.ts';
import type { Catalog } from '../tables/catalog.ts';
import { type Connections, codeOf, hasBroken, isRepeatable, isSqlError, rollBack } from '../tables/connection.ts';
import { placeOf } from '../tables/identifiers.ts';
import { isMissingPartition, makeMissingPartitions, missingDaysOf } from '../tables/partitions.ts';
import { RememberedReferences } from '../tables/remembered-references.ts';
import {
  MAX_FAILED,
  MAX_OVERTAKEN,
  PATIENCE_MILLIS,
  pause,
  RepeatTurn,
  unknownOutcome,
} from '../tables/repeat-turn.ts';
import { type Checked, checkWorks } from './check-works.ts';
import type { Work } from './find-named.ts';
import type { MissingLogs } from './known-logs.ts';
import { announceLate } from './late-changes.ts';
import { type Plan, planTurn } from './plan-turn.ts';
import { Turn, type TurnAnswers } from './turn.ts';
import { partsOfTurn, type StoreParts } from './turn-parts.ts';
import { type Job, TurnQueue } from './turn-queue.ts';

const DUPLICATE = '23505';

/** What became of a work, in its own form. */
export type Outcome = {
  readonly work: Checked;
  readonly answers: TurnAnswers;
  readonly plan: Plan;
  /** Logs that were updated, by id; read once for all works of the turn. */
  readonly readUpdated: () => Promise<ReadonlyMap<string, LogResponse>>;
  /** Its place in the plan. */
  readonly index: number;
};

export interface TurnMeasures {
  readonly done: number;
  /** Repeats of turns, by what made them necessary. */
  readonly overtaken: number;
  readonly failed: number;
  /** Requests that wait for a turn. */
  readonly waiting: number;
  readonly running: number;
}

export class WriteTurns {
  readonly #connections: Connections;
  readonly #parts: StoreParts;
  readonly #catalog: Catalog;
  readonly #logReads: LogReads;
  readonly #onLost: () => void;
  readonly #remembered = new RememberedReferences();
  readonly #queue = new TurnQueue<Outcome>((jobs) => this.#runJobs(jobs));
  readonly #counts = { done: 0, overtaken: 0, failed: 0 };

  constructor(connections: Connections, parts: StoreParts, logReads: LogReads, onLost: () => void) {
    this.#connections = connections;
    this.#parts = parts;
    this.#catalog = parts.catalog;
    this.#logReads = logReads;
    this.#onLost = onLost;
  }

  /** Resolves when it is on disk. */
  run(work: Work): Promise<Outcome> {
    return this.#queue.run(work);
  }

  /** Since the start, and as it is now. */
  measure(): TurnMeasures {
    return { ...this.#counts, waiting: this.#queue.waiting, running: this.#queue.running };
  }

  /** Resolves when everything that was accepted is answered. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  async #runJobs(jobs: readonly Job<Outcome>[]): Promise<void> {
    try {
      await this.#runTurn(jobs);
    } catch (error) {
      // One bad request must not fail those beside it.
      if (jobs.length > 1 && !isRepeatable(error) && !(error instanceof StoreUnavailableError))
        await Promise.all(jobs.map((job) => this.#runJobs([job])));
      else for (const job of jobs) job.reject(error);
    }
  }

  async #runTurn(jobs: readonly Job<Outcome>[]): Promise<void> {
    const missing: MissingLogs = new Map();
    const wordsOfFailed = new Set<number>();
    let [overtaken, failed] = [0, 0];
    const since = performance.now();
    let prepared: { checked: Checked[]; plan: Plan; turn: Turn } | undefined;
    for (;;) {
      try {
        prepared ??= await this.#prepare(jobs, missing, overtaken + failed === 0);
        const { checked, plan, turn } = prepared;
        const answers = isEmpty(plan) ? NOTHING : await this.#attempt(turn);
        this.#counts.done += 1;
        this.#remember(plan, answers);
        let read: Promise<ReadonlyMap<string, LogResponse>> | undefined;
        const readUpdated = () => {
          read ??= this.#readUpdated(answers);
          return read;
        };
        for (const [index, job] of jobs.entries()) {
          const work = checked[index]!;
          if (work.kind === 'rejected') job.reject(work.error);
          else job.resolve({ work, answers, plan, index, readUpdated });
        }
        return;
      } catch (error) {
        const isOvertaken = error instanceof RepeatTurn;
        const failure = prepared?.turn.mayBeCommitted ? unknownOutcome(error) : error;
        for (const word of prepared?.turn.words ?? []) wordsOfFailed.add(word);
        const canRepeat = isOvertaken || (await this.#canRepeat(error, prepared));
        if (isOvertaken) overtaken += 1;
        else if (canRepeat) failed += 1;
        if (canRepeat) this.#counts[isOvertaken ? 'overtaken' : 'failed'] += 1;
        const isOver = performance.now() - since > PATIENCE_MILLIS;
        if (!canRepeat || isOver || overtaken > MAX_OVERTAKEN || failed > MAX_FAILED) {
          if (!prepared?.turn.mayBeCommitted && wordsOfFailed.size > 0) this.#parts.vocabulary.noteFreed(wordsOfFailed);
          throw failure;
        }
        // Where nothing is committed for sure, it may be planned again with what is known now.
        if (!prepared?.turn.mayBeCommitted) prepared = undefined;
        await pause(isOvertaken ? overtaken : failed * 5);
      }
    }
  }

  async #readUpdated({ updated }: TurnAnswers): Promise<ReadonlyMap<string, LogResponse>> {
    const rows = [...updated.values()];
    const projects = await this.#catalog.findProjects(rows.map((row) => row['project'] as number));
    return this.#logReads.complete(
      rows.flatMap((row) => {
        const project = projects.get(row['project'] as number);
        return project ? Object.assign(row, { project_id: project.id, project_name: project.name }) : [];
      }),
    );
  }

  async #prepare(jobs: readonly Job<Outcome>[], missing: MissingLogs, trustsMemory: boolean) {
    const works = jobs.map(({ work }) => work);
    const remembered = trustsMemory ? this.#remembered : undefined;
    const checked = await checkWorks(this.#connections.reads, this.#catalog, works, remembered);
    const referenceOf = (index: number) => {
      const work = works[index]!;
      if (work.kind !== 'update' || 'id' in work.selector) return undefined;
      return storableText(work.selector.referenceId);
    };
    for (const [index, work] of checked.entries()) {
      const reference = referenceOf(index);
      if (reference !== undefined && work.kind === 'update') this.#remembered.set(reference, work.id);
    }
    const parts = partsOfTurn(this.#parts);
    const plan = await planTurn(this.#connections.reads, parts.merges, checked, referenceOf);
    await giveFeedback(this.#catalog, plan);
    return { checked, plan, turn: new Turn(parts, plan, missing) };
  }

  #remember({ drafts }: Plan, { createdBy }: TurnAnswers): void {
    for (const draft of drafts) {
      if (draft.referenceId !== null) this.#remembered.set(draft.referenceId, createdBy(draft).id);
    }
  }

  async #attempt(turn: Turn): Promise<TurnAnswers> {
    const { writes } = this.#connections;
    const client = await writes.connect();
    let answers: TurnAnswers;
    try {
      answers = await turn.run(client, this.#remembered, this.#logReads);
      client.release();
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
    if (turn.sessions) await announceLate(writes, this.#parts.layout, turn.sessions);
    return answers;
  }

  async #canRepeat(error: unknown, prepared: { plan: Plan; turn: Turn } | undefined): Promise<boolean> {
    if (hasBroken(error)) this.#onLost();
    if (isMissingPartition(error)) return this.#makePartitions(error, prepared?.plan);
    // The first try of a repeated turn may be about to become visible.
    if (isSqlError(error) && codeOf(error) === DUPLICATE) return true;
    return isRepeatable(error);
  }

  /** Those that the error names as well: a log that was there may be of a day of which only some tables are left. */
  async #makePartitions(error: unknown, plan: Plan | undefined): Promise<boolean> {
    const ids = [...(plan?.drafts.map(({ id }) => id) ?? []), ...(plan?.feedback.map(({ log }) => log.id) ?? [])];
    const days = new Set([...ids.map((id) => placeOf(id)!.day), ...missingDaysOf(error)]);
    await makeMissingPartitions(this.#connections.writes, [...days]);
    return true;
  }
}

const NOTHING: TurnAnswers = {
  createdBy: () => {
    throw new Error('nothing was created');
  },
  updated: new Map(),
  completed: new Set(),
  feedback: [],
};

function isEmpty({ drafts, updates, feedback }: Plan): boolean {
  return drafts.length + updates.length + feedback.length === 0;
}

/** Projects list the types of feedback that the plan gives. */
export async function giveFeedback(catalog: Catalog, { drafts, feedback }: Pick<Plan, 'drafts' | 'feedback'>) {
  const given = new Map<number, Set<string>>();
  const add = (project: number, type: string) => given.set(project, (given.get(project) ?? new Set()).add(type));
  for (const { project, feedback: entries } of drafts) for (const { type } of entries) add(project.key, type);
  for (const { log, draft } of feedback) if (draft) add(log.projectKey, draft.type);
  for (const [project, types] of given) await catalog.giveFeedback(project, types);
}
