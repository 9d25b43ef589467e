/** What follows from new logs: the sums of their sessions, their marks for the index, and the children that waited. */
import type { SqliteValue } from '../../../../sqlite/open.ts';
import type { LogRow } from '../../rows/log-row.ts';
import { CHILDREN_PORTION, type Statements } from './statements.ts';

/** From a log to the top of its tree, in one step. */
const CLIMBED_AT_ONCE = 1_000;

export interface NamedParent {
  /** Null where it is not there yet. */
  readonly key: SqliteValue;
  readonly referenceId: string | null;
}

/** What the new logs of one summary add to it. */
interface Sums {
  logs: number;
  errors: number;
  running: number;
  promptTokens: number | null;
  outputTokens: number | null;
  cost: number | null;
  startedAt: string;
  /** Seconds since 1970. */
  endedAt: number;
}

/** The new logs of one request. Their keys are neighbours, since nothing else is written meanwhile. */
export class AddedLogs {
  readonly #statements: Statements;
  readonly #now: string;
  #sums = new Map<SqliteValue, Sums>();
  #firstKey = Number.POSITIVE_INFINITY;
  #lastKey = Number.NEGATIVE_INFINITY;
  #firstUncounted = Number.POSITIVE_INFINITY;
  readonly #tops: Tops;
  /** By key of the log. */
  readonly #parents = new Map<SqliteValue, NamedParent>();

  constructor(statements: Statements, now: string) {
    this.#statements = statements;
    this.#now = now;
    this.#tops = new Tops(statements);
  }

  /** `summaryKey` is that of its session, see viewer-schema.ts; `undefined` if it counts in none. */
  add(key: number, summaryKey: SqliteValue | undefined, row: LogRow): void {
    this.#firstKey = Math.min(this.#firstKey, key);
    this.#firstUncounted = Math.min(this.#firstUncounted, key);
    this.#lastKey = key;
    if (summaryKey === undefined) return;
    const { hasError, isRunning, duration, promptTokens, outputTokens, promptCost, outputCost } = row.counted;
    const endedAt = Date.parse(row.createdAt) / 1000 + duration;
    const sums = this.#sums.get(summaryKey) ?? newSums(row.createdAt, endedAt);
    sums.logs += 1;
    if (hasError) sums.errors += 1;
    if (isRunning) sums.running += 1;
    sums.promptTokens = addNumbers(sums.promptTokens, promptTokens);
    sums.outputTokens = addNumbers(sums.outputTokens, outputTokens);
    sums.cost = addNumbers(sums.cost, addNumbers(promptCost, outputCost));
    if (row.createdAt < sums.startedAt) sums.startedAt = row.createdAt;
    sums.endedAt = Math.max(sums.endedAt, endedAt);
    this.#sums.set(summaryKey, sums);
  }

  /** For a log that was there, without a parent, and has been given one. The first one counts. */
  addParent(key: SqliteValue, parent: NamedParent): void {
    if (!this.#parents.has(key)) this.#parents.set(key, parent);
  }

  /** Must come before any of these logs is changed: triggers subtract what it was from the sums. */
  countIn(): void {
    if (this.#lastKey < this.#firstUncounted) return;
    for (const [key, sums] of this.#sums) {
      const { logs, errors, running, promptTokens, outputTokens, cost, startedAt, endedAt } = sums;
      const totals = [logs, errors, running, promptTokens, outputTokens, cost];
      this.#statements.addToSummary.run(key, ...totals, startedAt, endedAt, this.#now);
    }
    this.#statements.markUnindexed.run(this.#firstUncounted, this.#lastKey);
    this.#sums = new Map();
    this.#firstUncounted = Number.POSITIVE_INFINITY;
  }

  /** Links all that there is to link: `linkParents`, and then `linkWaitingChildren`. */
  *link(): Generator<void, void> {
    yield* this.#linkParents();
    yield* this.#linkWaitingChildren();
  }

  /** A link that would close a cycle is left out: a log without a parent is the top of all that are below it. */
  *#linkParents(): Generator<void, void> {
    for (const [key, parent] of this.#parents) {
      const top = parent.key === null ? null : yield* this.#tops.of(parent.key);
      const isCircle = top === key;
      this.#statements.setParent.run(parent.referenceId, isCircle ? null : parent.key, key);
      if (top !== null && !isCircle) this.#tops.link(key, top);
      yield;
    }
  }

  /**
   * Counts in, and links the children that named one of these logs before it was there, except where the link would
   * close a cycle. Of one log there can be thousands.
   */
  *#linkWaitingChildren(): Generator<void, void> {
    this.countIn();
    if (this.#lastKey < this.#firstKey) return;
    const tops = this.#tops;
    for (const { key, reference_id: reference } of this.#statements.listAwaited.all(this.#firstKey, this.#lastKey)) {
      let last: SqliteValue = 0;
      for (;;) {
        const children = this.#statements.listWaitingChildren.all(reference!, last);
        for (const { key: child } of children) {
          const top = yield* tops.of(key!);
          if (top !== child) {
            this.#statements.linkChild.run(key!, child!);
            tops.link(child!, top);
          }
          last = child!;
        }
        yield;
        if (children.length < CHILDREN_PORTION) break;
      }
    }
  }
}

/**
 * The highest logs above others. A child that waits has no parent, so that a link closes a cycle only if it is the top of
 * its own parent. What was found once is remembered: logs may hang one below the other by the thousand.
 */
class Tops {
  readonly #statements: Statements;
  /** For each log that was looked at, one above it. */
  readonly #above = new Map<SqliteValue, SqliteValue>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  *of(key: SqliteValue): Generator<void, SqliteValue> {
    // A damaged file may have a cycle.
    const path = new Set<SqliteValue>();
    let top = key;
    for (let above = this.#aboveOf(top); above !== undefined && !path.has(above); above = this.#aboveOf(top)) {
      path.add(top);
      top = above;
      if (path.size % CLIMBED_AT_ONCE === 0) yield;
    }
    for (const below of path) this.#above.set(below, top);
    return top;
  }

  link(child: SqliteValue, top: SqliteValue): void {
    this.#above.set(child, top);
  }

  #aboveOf(key: SqliteValue): SqliteValue | undefined {
    return this.#above.get(key) ?? this.#statements.findParentKey.get(key)?.['parent_key'] ?? undefined;
  }
}

/** Spelt out: in Node 20, an object that is put together from others takes fifty times as long. */
function newSums(startedAt: string, endedAt: number): Sums {
  return {
    logs: 0,
    errors: 0,
    running: 0,
    promptTokens: null,
    outputTokens: null,
    cost: null,
    startedAt,
    endedAt,
  };
}

function addNumbers(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : a + b;
}
