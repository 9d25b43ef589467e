/**
 * Trip 2 of a turn: statements that complete and update logs that are there. They lock each row, write it, and return what
 * was there before: the sums of the session change by the difference. Pure.
 */
import { CONTENT_COLUMNS, GIVEN_COLUMNS } from '../../rows/log-row.ts';
import type { Statement, Value } from '../tables/connection.ts';
import type { Layout } from '../tables/layout.ts';
import { inTables } from '../tables/partitions.ts';
import { withBucket } from '../tables/row-keys.ts';
import type { KnownLog } from './known-logs.ts';

const CONTENT: ReadonlySet<string> = new Set(CONTENT_COLUMNS);
const TOKENS_AND_COSTS = ['prompt_tokens', 'output_tokens', 'prompt_cost', 'output_cost'];
const NUMBERS: ReadonlySet<string> = new Set(['duration', ...TOKENS_AND_COSTS]);
const FORCED: readonly string[] = ['output', 'error', 'duration'];
/** The parameter of the first of the columns that a log is completed with. */
const FIRST_GIVEN = 14;

/** What a log was, as SQL. */
const OLD: Readonly<Record<string, string>> = {
  ...namedLike('session', 'in_session', 'project', 'reference_id', 'created_at', 'save', ...TOKENS_AND_COSTS),
  // An answer has the one that is now.
  old_duration: 'duration',
  no_config: 'config IS NULL',
  no_parent: 'parent_id IS NULL AND parent_reference_id IS NULL',
  no_error: 'error IS NULL',
  old_error: 'CASE WHEN $5::text IS NOT NULL THEN error END',
  old_message: `CASE WHEN $5::text = '' OR $6::text IS NOT NULL OR $${FIRST_GIVEN + GIVEN_COLUMNS.indexOf('error')}::text IS NOT NULL
    THEN output_message END`,
  no_output: 'output IS NULL',
  is_silent: `coalesce(output, '') = ''`,
  no_output_message: 'output_message IS NULL',
  no_inputs: 'inputs IS NULL',
  no_messages: 'messages IS NULL',
  no_metadata: 'metadata IS NULL',
  no_environment: 'environment IS NULL',
  no_source: 'source IS NULL',
  no_trace: 'trace IS NULL',
  has_feedback: `EXISTS (SELECT 1 FROM {feedback} AS feedback WHERE feedback.day = $1::date
    AND feedback.bucket = logs.bucket AND feedback.log_id = logs.id)`,
};
/** Known after a completion only. */
const PROJECT = { project_id: '(SELECT id FROM projects WHERE key = logs.project)' };

/** What an update replaces, as it was. The output stays where it is: only whether there was one is asked. */
const REPLACED = { ...namedLike('duration', 'error'), ...pick(OLD, 'no_output', 'has_feedback') };

/** What an answer has of a log beside these, and what says the rest of what the log was: an update leaves it as it is. */
const KEPT = [
  ...['session', 'in_session', 'project', 'reference_id', 'created_at', 'save'],
  ...['config', 'parent_id', 'parent_reference_id', 'parent_cut'],
  ...GIVEN_COLUMNS.filter((column) => !isForced(column)),
].map((column) => `logs.${column}`);

/** Values that are there stay when a log is completed; `updateLog` replaces them. See `takeUpdate` for what it returns. */
const UPDATE = toOne(
  REPLACED,
  `output = CASE WHEN logs.save THEN coalesce($5::text, logs.output) END, error = coalesce($6::text, logs.error),
    duration = coalesce($7::float8, logs.duration)`,
  [...KEPT, outputUnless('$5::text')],
);

const COMPLETE = toOne(
  { ...OLD, ...PROJECT },
  `in_session = logs.in_session OR $8::boolean, config = coalesce(logs.config, $9::uuid),
    parent_id = CASE WHEN logs.parent_id IS NULL AND logs.parent_reference_id IS NULL THEN $10::text
      ELSE logs.parent_id END,
    parent_reference_id = CASE WHEN logs.parent_id IS NULL THEN coalesce(logs.parent_reference_id, $11::text) END,
    trace = coalesce(logs.trace, $12::text),
    called = CASE WHEN logs.save THEN coalesce(logs.called, $13::text) END,
    ${GIVEN_COLUMNS.map(completeColumn).join(', ')}`,
  [],
);

function completeColumn(column: string, index: number): string {
  const type = NUMBERS.has(column) ? 'float8' : 'text';
  const values = [
    ...(isForced(column) ? [`$${5 + FORCED.indexOf(column)}::${type}`] : []),
    ...[`logs.${column}`, `$${FIRST_GIVEN + index}::${type}`],
  ].join(', ');
  return `${column} = ${CONTENT.has(column) ? `CASE WHEN logs.save THEN coalesce(${values}) END` : `coalesce(${values})`}`;
}

/** Of one log, whose day, bucket and id are the first parameters. */
function toOne(old: Readonly<Record<string, string>>, assignments: string, now: readonly string[]): string {
  return `WITH old AS MATERIALIZED (${lockOne(old, '{bucket} AND logs.id = $3::text')})
    UPDATE {logs} AS logs SET updated_at = $4::timestamptz, ${assignments}
    FROM old WHERE logs.day = $1::date AND {bucket} AND logs.id = $3::text ${toReturning(old, now)}`;
}

/**
 * Of several logs of one day. They are locked in the order of the rows: a subquery that locks is not moved, so that it is
 * run for one row after the other. On a day that was empty when the statement was planned, any index seems as good as
 * that of the ids: hence the list of the ids, without which it reads all logs of the day, and no bucket, which they have
 * within them, and with which it reads all of the bucket.
 */
function toMany(size: number): string {
  const types = ['text', 'text', 'text', 'float8'];
  const rows = Array.from(
    { length: size },
    (_, row) => `(${types.map((type, column) => `$${3 + row * types.length + column}::${type}`).join(', ')})`,
  );
  const ids = rows.map((_, row) => `$${3 + row * types.length}`);
  return `WITH old AS MATERIALIZED (SELECT given.*, locked.*
      FROM (VALUES ${rows.join(', ')}) AS given (new_id, new_output, new_error, new_duration)
      CROSS JOIN LATERAL (${lockOne(REPLACED, 'id = given.new_id')}) AS locked)
    UPDATE {logs} AS logs SET updated_at = $2::timestamptz,
      output = CASE WHEN logs.save THEN coalesce(old.new_output, logs.output) END,
      error = coalesce(old.new_error, logs.error), duration = coalesce(old.new_duration, logs.duration)
    FROM old WHERE logs.day = $1::date AND logs.id = old.new_id
      AND logs.id = ANY(ARRAY[${ids.join(', ')}]::text[])
    ${toReturning(REPLACED, [...KEPT, outputUnless('old.new_output')])}`;
}

function lockOne(old: Readonly<Record<string, string>>, condition: string): string {
  const columns = Object.entries(old).map(([name, sql]) => `${sql} AS ${name}`);
  return `SELECT ${columns.join(', ')} FROM {logs} AS logs WHERE day = $1::date AND ${condition} FOR UPDATE`;
}

function toReturning(old: Readonly<Record<string, string>>, now: readonly string[]): string {
  return `RETURNING ${['logs.id', ...Object.keys(old).map((name) => `old.${name}`), ...now].join(', ')}`;
}

/** A new one is known here. */
function outputUnless(given: string): string {
  return `CASE WHEN ${given} IS NULL THEN logs.output END AS output`;
}

function isForced(column: string): boolean {
  return FORCED.includes(column);
}

function pick(record: Readonly<Record<string, string>>, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, record[name]!]));
}

function namedLike(...columns: readonly string[]): Record<string, string> {
  return Object.fromEntries(columns.map((column) => [column, column]));
}

/** So many updates are one statement, of which each size is prepared once. */
const SIZES = [2, 4, 8, 16, 32];
const MAX_SIZE = SIZES.at(-1)!;
/** A statement is one message, of which the driver makes one buffer. */
const MAX_CHARACTERS = 1024 * 1024;
const UPDATES = new Map(SIZES.map((size) => [size, toMany(size)]));

/**
 * In the order of the logs, which is the one in which they are locked. The rows that are returned have the `id` of their
 * log. On a distributed table only one row at a time can be locked.
 */
export function toKnownStatements(logs: readonly KnownLog[], now: string, layout: Layout): Statement[] {
  const statements: Statement[] = [];
  for (let at = 0; at < logs.length; ) {
    const { draft, place } = logs[at]!;
    let end = at + 1;
    if (!draft && !layout.isDistributed) {
      for (let characters = lengthOf(logs[at]!); end < logs.length && end - at < MAX_SIZE; end += 1) {
        const next = logs[end]!;
        characters += lengthOf(next);
        if (next.draft || next.place.day !== place.day || characters > MAX_CHARACTERS) break;
      }
    }
    const group = logs.slice(at, end);
    statements.push(group.length === 1 ? toStatement(group[0]!, now, layout) : toGroupStatement(group, now));
    at = end;
  }
  return statements;
}

function lengthOf({ forced: { output, error } }: KnownLog): number {
  return (output?.length ?? 0) + (error?.length ?? 0);
}

function toStatement({ place, forced, draft }: KnownLog, now: string, layout: Layout): Statement {
  const values: Value[] = [place.day, place.bucket, place.id, now];
  values.push(forced.output ?? null, forced.error ?? null, forced.duration ?? null);
  if (!draft) return inTables('update log', withBucket(UPDATE, layout), place.day, values);
  values.push(draft.session !== undefined, draft.config?.key ?? null, draft.parent.id, draft.parent.referenceId);
  values.push(draft.trace, draft.called, ...GIVEN_COLUMNS.map((column) => draft.given[column] as Value));
  return inTables('complete log', withBucket(COMPLETE, layout), place.day, values);
}

/** Rows without an id, of which there is no log, make the group as large as one of the sizes. */
function toGroupStatement(logs: readonly KnownLog[], now: string): Statement {
  const { day } = logs[0]!.place;
  const size = SIZES.find((each) => each >= logs.length)!;
  const values: Value[] = [day, now];
  for (const { place, forced } of logs) {
    values.push(place.id, forced.output ?? null, forced.error ?? null, forced.duration ?? null);
  }
  for (let row = logs.length; row < size; row += 1) values.push(null, null, null, null);
  return inTables(`update ${size} logs`, UPDATES.get(size)!, day, values);
}
