/**
 * What the revision of a log changes in its session. A difference is enough where the revision takes nothing away that the
 * session has of the log: else the session has to be made again from all of its logs. Pure.
 */
import {
  type ConfigFacts,
  type Facet,
  facetsOf,
  type LogColumns,
  type RankedTexts,
  rankedTexts,
  toTexts,
} from '../tables/log-facts.ts';
import { addSeconds, type SumPart } from '../writing/session-sums.ts';

/** What a session has of a log. */
export interface LogState {
  /** Without content where that was not read: then it is as it was. */
  readonly columns: LogColumns;
  readonly config: string | null;
  readonly hasError: boolean;
  readonly hasOutput: boolean;
  /** Seconds. */
  readonly duration: number | null;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
}

export interface SessionChange {
  readonly part: Omit<SumPart, 'day'>;
  readonly facets: readonly Facet[];
}

interface Place {
  readonly id: string;
  readonly createdAt: string;
  readonly isTop: boolean;
}

/** `config` is that of the log afterwards. Returns `undefined` where something is taken away. */
export function changeOf(
  before: LogState,
  after: LogState,
  place: Place,
  config?: ConfigFacts,
): SessionChange | undefined {
  if (before.config !== null && before.config !== after.config) return undefined;
  const facets = facetsOf(after.columns, config, []);
  const names = new Set(facets.map(nameOf));
  if (!facetsOf(before.columns, undefined, []).every((facet) => names.has(nameOf(facet)))) return undefined;
  const texts = addedTexts(rankedTexts(toTexts(before.columns), place), rankedTexts(toTexts(after.columns), place));
  const [promptTokens, outputTokens] = [
    difference(before.promptTokens, after.promptTokens),
    difference(before.outputTokens, after.outputTokens),
  ];
  const cost = difference(before.cost, after.cost);
  const endsEarlier = (after.duration ?? 0) < (before.duration ?? 0);
  // What is left of a sum of fractions would be another number than nothing.
  const costsLess = (after.cost ?? 0) < (before.cost ?? 0);
  if (!texts || promptTokens === undefined || outputTokens === undefined || cost === undefined) return undefined;
  if (endsEarlier || costsLess) return undefined;
  const errors = Number(after.hasError) - Number(before.hasError);
  const running = Number(isRunning(after)) - Number(isRunning(before));
  const endedAt = addSeconds(place.createdAt, after.duration);
  return { part: { errors, running, promptTokens, outputTokens, cost, endedAt, ...texts }, facets };
}

export function costOf(prompt: number | null, output: number | null): number | null {
  return prompt === null && output === null ? null : (prompt ?? 0) + (output ?? 0);
}

function nameOf([kind, value]: Facet): string {
  return `${kind} ${value}`;
}

function isRunning({ duration, hasError, hasOutput }: LogState): boolean {
  return duration === null && !hasError && !hasOutput;
}

/** Returns `undefined` where a number is taken away, which the sum of others may not have. */
function difference(before: number | null, after: number | null): number | null | undefined {
  if (before === after) return null;
  if (before === null) return after;
  return after === null ? undefined : after - before;
}

/** Returns `undefined` where a text is taken away or replaced. */
function addedTexts(before: RankedTexts, after: RankedTexts): RankedTexts | undefined {
  const isReplaced =
    (before.firstInput !== undefined && before.firstInput !== after.firstInput) ||
    (before.lastOutput !== undefined &&
      (before.lastOutput !== after.lastOutput || before.lastIsError !== after.lastIsError));
  return isReplaced ? undefined : after;
}
