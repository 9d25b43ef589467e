/**
 * `ingest`: one transaction that locks the traces, gives what is remembered of them to the work, and writes what that
 * decides. Tables are locked in the order of all turns, traces before them: traces, references, logs, sessions.
 *
 * Whatever ends such a transaction, it can be done again from the beginning, also where the outcome of its commit is not
 * known: what it has written is then found in the memory of the traces, and comes to nothing.
 */
import type pg from 'pg';
import type { LogRequest } from '../../../../wire/v4.ts';
import type { Ingest, IngestFault, IngestWork, StoredLog } from '../../ingest.ts';
import { toLogRow } from '../../rows/log-row.ts';
import { takeSteps, toSteps } from '../../steps.ts';
import { type Connections, commit, hasBroken, isRepeatable, rollBack, withConnection } from '../tables/connection.ts';
import type { EncodedLog } from '../tables/drafts.ts';
import { nextTimestamp } from '../tables/identifiers.ts';
import { toBegin } from '../tables/layout.ts';
import { isMissingPartition, makeMissingPartitions, missingDaysOf } from '../tables/partitions.ts';
import { MAX_FAILED, MAX_OVERTAKEN, PATIENCE_MILLIS, pause, RepeatTurn, waitedTooLong } from '../tables/repeat-turn.ts';
import { type Checked, checkWorks } from '../writing/check-works.ts';
import type { MissingLogs } from '../writing/known-logs.ts';
import { announceLate } from '../writing/late-changes.ts';
import { planTurn } from '../writing/plan-turn.ts';
import { SessionWrites } from '../writing/session-writes.ts';
import { Turn } from '../writing/turn.ts';
import { partsOfTurn, type StoreParts, type TurnParts } from '../writing/turn-parts.ts';
import { giveFeedback } from '../writing/write-turns.ts';
import { encodeEach, toFault } from './ingest-faults.ts';
import { addFeedback } from './ingest-feedback.ts';
import { type EncodedRevision, mergedReferences, writeRevisions } from './revisions.ts';
import { readStoredLogs } from './stored-logs.ts';
import { forgetTraces, TraceMemory } from './trace-memory.ts';
import { toPlace } from './waiting-logs.ts';

/**
 * At once. Each has a connection for writes and may need a second one, to make a project: fewer than there are, so that
 * they never wait for each other.
 */
const MAX_RUNNING = 2;

export class Ingests {
  readonly #connections: Connections;
  readonly #parts: StoreParts;
  readonly #onLost: () => void;
  readonly #waiting: {
    readonly since: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(connections: Connections, parts: StoreParts, onLost: () => void) {
    this.#connections = connections;
    this.#parts = parts;
    this.#onLost = onLost;
  }

  /** Resolves when it is on disk, to what could not be stored. */
  async run(traceIds: readonly string[], work: IngestWork): Promise<IngestFault[]> {
    await this.#start();
    try {
      return await this.#repeat(traceIds, work);
    } finally {
      this.#end();
    }
  }

  /** Deletes the memory of traces that were seen before the given time, in Unix milliseconds. */
  async forget(seenBeforeMillis: number): Promise<void> {
    for (let hasMore = true; hasMore; ) {
      hasMore = await withConnection(this.#connections.writes, (client) =>
        forgetTraces(client, this.#parts.layout, seenBeforeMillis),
      );
    }
  }

  /** Resolves when everything that was accepted is answered. */
  async drain(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #start(): Promise<void> {
    if (this.#running < MAX_RUNNING) this.#running += 1;
    else {
      const since = performance.now();
      await new Promise<void>((resolve, reject) => this.#waiting.push({ since, resolve, reject }));
    }
  }

  #end(): void {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (performance.now() - next.since <= PATIENCE_MILLIS) return next.resolve();
      next.reject(waitedTooLong());
    }
    this.#running -= 1;
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #repeat(traceIds: readonly string[], work: IngestWork): Promise<IngestFault[]> {
    const missing: MissingLogs = new Map();
    let [overtaken, failed] = [0, 0];
    const since = performance.now();
    for (;;) {
      try {
        return await this.#attempt(traceIds, work, missing);
      } catch (error) {
        if (error instanceof RepeatTurn) overtaken += 1;
        else if (await this.#canRepeat(error)) failed += 1;
        else throw error;
        const isOver = performance.now() - since > PATIENCE_MILLIS;
        if (isOver || overtaken > MAX_OVERTAKEN || failed > MAX_FAILED) throw error;
        await pause(error instanceof RepeatTurn ? overtaken : failed * 5);
      }
    }
  }

  async #attempt(traceIds: readonly string[], work: IngestWork, missing: MissingLogs): Promise<IngestFault[]> {
    const { writes } = this.#connections;
    const client = await writes.connect();
    const parts = partsOfTurn(this.#parts);
    let written: { readonly faults: IngestFault[]; readonly sessions: SessionWrites };
    try {
      written = await this.#transact(client, parts, traceIds, work, missing);
      client.release();
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
    await announceLate(writes, parts.layout, written.sessions);
    await parts.vocabulary.flush();
    return written.faults;
  }

  async #transact(
    client: pg.PoolClient,
    turnParts: TurnParts,
    traceIds: readonly string[],
    work: IngestWork,
    missing: MissingLogs,
  ) {
    const { layout, merges } = turnParts;
    const memory = await TraceMemory.lock(client, layout, { text: toBegin(layout) }, traceIds);
    const parts = await memory.readParts();
    const stored = new Map<string, StoredLog>();
    const decide = () => takeSteps(toSteps(() => work(parts, stored)));
    let result = await decide();
    while ('reads' in result) {
      const logs = await readStoredLogs(client, result.reads);
      const kept = await memory.readKept(result.reads);
      for (const name of result.reads) stored.set(name, { log: logs.get(name), kept: kept.get(name) });
      result = await decide();
    }
    const sessions = new SessionWrites(layout, merges, nextTimestamp());
    const faults = await this.#write(client, turnParts, sessions, result, missing);
    await memory.write(result);
    await sessions.write(client);
    await turnParts.vocabulary.keepUnlessCommitted(commit(client));
    sessions.committed();
    return { faults, sessions };
  }

  async #write(
    client: pg.PoolClient,
    parts: TurnParts,
    sessions: SessionWrites,
    { creates, revisions, places, feedback }: Ingest,
    missing: MissingLogs,
  ): Promise<IngestFault[]> {
    const { reads } = this.#connections;
    const { catalog, merges } = parts;
    const faults: IngestFault[] = [];
    const logs = encodeEach(creates, faults, (request) => ({ request, row: toLogRow(request) }), referenceOf);
    const checked = await this.#check(logs, faults);
    const plan = await planTurn(reads, merges, checked, () => undefined);
    await giveFeedback(catalog, plan);
    const encoded = encodeEach(revisions, faults, encodeRevision, ({ referenceId }) => referenceId);
    await new Turn(parts, plan, missing).write(client, sessions, mergedReferences(encoded));
    await writeRevisions(client, parts, sessions, [...encoded, ...(await toPlace(client, places))]);
    await addFeedback(client, parts, sessions, feedback, faults);
    return faults;
  }

  /** One log that cannot be stored does not keep the others away. */
  async #check(logs: readonly EncodedLog[], faults: IngestFault[]): Promise<Checked[]> {
    const check = (groups: readonly (readonly EncodedLog[])[]) =>
      checkWorks(
        this.#connections.reads,
        this.#parts.catalog,
        groups.map((each) => ({ kind: 'create', logs: each })),
      );
    const [all] = await check([logs]);
    if (all?.kind !== 'rejected') return [all!];
    const each = await check(logs.map((log) => [log]));
    return each.filter((work, index) => {
      if (work.kind === 'rejected') faults.push(toFault(referenceOf(logs[index]!.request), work.error));
      return work.kind !== 'rejected';
    });
  }

  async #canRepeat(error: unknown): Promise<boolean> {
    if (hasBroken(error)) this.#onLost();
    if (!isMissingPartition(error)) return isRepeatable(error);
    await makeMissingPartitions(this.#connections.writes, missingDaysOf(error));
    return true;
  }
}

function referenceOf(request: LogRequest): string {
  return request.reference_id ?? '';
}

function encodeRevision(revision: EncodedRevision): EncodedRevision {
  return revision.content ? { ...revision, row: toLogRow(revision.content) } : revision;
}
