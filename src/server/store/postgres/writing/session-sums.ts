/** What a turn adds to the sums of sessions: rows of deltas, one for each session. Pure but for the clock. */
import { codeOf, toSqlTime, type Value } from '../tables/connection.ts';
import type { Insertion } from '../tables/insert-rows.ts';
import type { Key } from '../tables/keys.ts';

export interface SessionSum extends Key {
  /** `null` for logs that are in no session. */
  id: string | null;
  referenceId: string | null;
  /** The one at the top, of logs that are in no session. */
  logId: string | null;
  firstDay: string;
  lastDay: string;
  createdAt: string;
  updatedAt: string;
  logs: number;
  errors: number;
  running: number;
  promptTokens: number | null;
  outputTokens: number | null;
  cost: number | null;
  startedAt: string;
  endedAt: string;
  firstInput: string | null;
  firstInputRank: string | null;
  lastOutput: string | null;
  lastOutputRank: string | null;
  lastIsError: boolean | null;
}

export type SumPart = {
  readonly [Name in Exclude<keyof SessionSum, 'key' | 'bucket'>]?: SessionSum[Name] | undefined;
} & {
  readonly day: string;
};

/** `now` is for a session that is new. */
export function addToSum(sums: Map<string, SessionSum>, { key, bucket }: Key, part: SumPart, now: string): SessionSum {
  let sum = sums.get(key);
  if (!sum) {
    sum = newSum(key, bucket, part, now);
    sums.set(key, sum);
  }
  sum.id ??= part.id ?? null;
  sum.referenceId ??= part.referenceId ?? null;
  sum.logId ??= part.logId ?? null;
  if (part.day < sum.firstDay) sum.firstDay = part.day;
  if (part.day > sum.lastDay) sum.lastDay = part.day;
  if (part.updatedAt && part.updatedAt > sum.updatedAt) sum.updatedAt = part.updatedAt;
  if (part.startedAt && part.startedAt < sum.startedAt) sum.startedAt = part.startedAt;
  if (part.endedAt && part.endedAt > sum.endedAt) sum.endedAt = part.endedAt;
  sum.logs += part.logs ?? 0;
  sum.errors += part.errors ?? 0;
  sum.running += part.running ?? 0;
  sum.promptTokens = plus(sum.promptTokens, part.promptTokens);
  sum.outputTokens = plus(sum.outputTokens, part.outputTokens);
  sum.cost = plus(sum.cost, part.cost);
  if (part.firstInput && part.firstInputRank && !(sum.firstInputRank && sum.firstInputRank <= part.firstInputRank)) {
    [sum.firstInput, sum.firstInputRank] = [part.firstInput, part.firstInputRank];
  }
  if (part.lastOutput && part.lastOutputRank && !(sum.lastOutputRank && sum.lastOutputRank > part.lastOutputRank)) {
    [sum.lastOutput, sum.lastOutputRank] = [part.lastOutput, part.lastOutputRank];
    sum.lastIsError = part.lastIsError ?? false;
  }
  return sum;
}

/** Before all times: what is added without a log does not say that the session went on, and feedback does not change it. */
export const NEVER = '0001-01-01T00:00:00.000000Z';
/** After all times: nor does it say that the session began before logs of an app whose clock is ahead. */
const LAST_TIME = '9999-12-31T23:59:59.999999Z';

/** One literal: to put it together costs more than all that is added to it. */
// biome-ignore format: a line for each would be a page.
function newSum(key: string, bucket: number, part: SumPart, now: string): SessionSum {
  return {
    key, bucket, id: null, referenceId: null, logId: null, firstDay: part.day, lastDay: part.day,
    createdAt: now, updatedAt: part.updatedAt ?? now, logs: 0, errors: 0, running: 0,
    promptTokens: null, outputTokens: null, cost: null,
    startedAt: part.startedAt ?? LAST_TIME, endedAt: part.endedAt ?? part.startedAt ?? NEVER,
    firstInput: null, firstInputRank: null, lastOutput: null, lastOutputRank: null, lastIsError: null,
  };
}

export function plus(sum: number | null, part: number | null | undefined): number | null {
  if (part === null || part === undefined) return sum;
  return (sum ?? 0) + part;
}

const KEEP_FIRST = 'sessions.first_input_rank < excluded.first_input_rank';
const KEEP_LAST = 'sessions.last_output_rank > excluded.last_output_rank';
const sum = (column: string) =>
  `${column} = coalesce(sessions.${column} + excluded.${column}, sessions.${column}, excluded.${column})`;
const least = (column: string) => `${column} = least(sessions.${column}, excluded.${column})`;
/** Each change has a time of its own, by which open pages are told of it, also where the clock was set back. */
const LATER = `changed_at = greatest(sessions.changed_at + interval '1 microsecond', excluded.changed_at)`;
const greatest = (column: string) => `${column} = greatest(sessions.${column}, excluded.${column})`;

/**
 * Fails where the session was merged into another one: the commit may be sent behind it, before its answer is there. See
 * `isMerged`.
 */
const FAIL_IF_MERGED = `CASE WHEN sessions.merged_into IS NOT NULL
      THEN (sessions.key::text || ' ' || sessions.merged_into::text)::int END`;
const MERGED = /([0-9a-f-]{36}) ([0-9a-f-]{36})/;
const NOT_A_NUMBER = '22P02';

/** Whether it is the error of `ADD_SUMS`, in whatever language. */
export function isMerged(error: unknown): boolean {
  return codeOf(error) === NOT_A_NUMBER && MERGED.test((error as Error).message);
}

/** The last but for what is written under the lock of the sessions' rows, which many turns write. */
export const ADD_SUMS: Insertion = {
  table: 'sessions',
  columns: [
    ...['bucket::smallint', 'key::uuid', 'id::text', 'reference_id::text', 'log_id::text'],
    ...['first_day::date', 'last_day::date', 'created_at::timestamptz', 'updated_at::timestamptz'],
    ...['logs::bigint', 'errors::bigint', 'running::bigint', 'prompt_tokens::float8', 'output_tokens::float8'],
    ...['cost::float8', 'started_at::timestamptz', 'ended_at::timestamptz', 'first_input::text'],
    ...['first_input_rank::text', 'last_output::text', 'last_output_rank::text', 'last_is_error::boolean'],
  ],
  // The clock of the database, since clocks of servers differ. It is read on the node that is asked.
  expressions: { changed_at: 'clock_timestamp()', keys: 'ARRAY[{key}]', buckets: 'ARRAY[{bucket}]' },
  rest: `ON CONFLICT (bucket, key) DO UPDATE SET
      id = coalesce(sessions.id, excluded.id), reference_id = coalesce(sessions.reference_id, excluded.reference_id),
      log_id = coalesce(sessions.log_id, excluded.log_id),
      logs = sessions.logs + excluded.logs, errors = sessions.errors + excluded.errors,
      running = sessions.running + excluded.running,
      ${[sum('prompt_tokens'), sum('output_tokens'), sum('cost'), least('first_day'), greatest('last_day')].join(', ')},
      started_at = CASE WHEN sessions.logs = 0 AND excluded.logs > 0 THEN excluded.started_at
        ELSE least(sessions.started_at, excluded.started_at) END,
      ended_at = CASE WHEN sessions.logs = 0 AND excluded.logs > 0 THEN excluded.ended_at
        ELSE greatest(sessions.ended_at, excluded.ended_at) END,
      ${[greatest('updated_at'), LATER].join(', ')},
      first_input = CASE WHEN ${KEEP_FIRST} THEN sessions.first_input
        ELSE coalesce(excluded.first_input, sessions.first_input) END,
      first_input_rank = least(sessions.first_input_rank, excluded.first_input_rank),
      last_output = CASE WHEN ${KEEP_LAST} THEN sessions.last_output
        ELSE coalesce(excluded.last_output, sessions.last_output) END,
      last_is_error = CASE WHEN ${KEEP_LAST} THEN sessions.last_is_error
        ELSE coalesce(excluded.last_is_error, sessions.last_is_error) END,
      last_output_rank = greatest(sessions.last_output_rank, excluded.last_output_rank)
    RETURNING key, id, reference_id, ${FAIL_IF_MERGED} AS merged`,
};

/** The values of `ADD_SUMS`. */
export function toSumRow(each: SessionSum): Value[] {
  return [
    ...[each.bucket, each.key, each.id, each.referenceId, each.logId],
    ...[each.firstDay, each.lastDay, toSqlTime(each.createdAt), toSqlTime(each.updatedAt)],
    ...[each.logs, each.errors, each.running, each.promptTokens, each.outputTokens, each.cost],
    ...[toSqlTime(each.startedAt), toSqlTime(each.endedAt), each.firstInput, each.firstInputRank],
    ...[each.lastOutput, each.lastOutputRank, each.lastIsError],
  ];
}

const LAST_MILLIS = Date.parse('9999-12-31T23:59:59.999Z');
const FIRST_MILLIS = Date.parse('0001-01-01T00:00:00Z');

/** In the form of `toTimestamp`, within its years. */
export function addSeconds(timestamp: string, seconds: number | null | undefined): string {
  if (!seconds) return timestamp;
  const micros = Number(timestamp.slice(23, 26)) + seconds * 1e6;
  const millis = Date.parse(timestamp) + Math.floor(micros / 1000);
  if (!(millis < LAST_MILLIS)) return LAST_TIME;
  if (millis < FIRST_MILLIS) return timestamp;
  const rest = Math.floor(micros - Math.floor(micros / 1000) * 1000);
  return `${new Date(millis).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
