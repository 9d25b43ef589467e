/**
 * Trip 2 of a turn: completes and updates logs that are there. One statement for each, by its full key, which locks the
 * row, writes it, and returns what was there before: the sums of the session change by the difference.
 */
import { CONTENT_COLUMNS, GIVEN_COLUMNS } from '../log-row.ts';
import type { Row, Statement, Value } from './connection.ts';
import type { Draft, Forced } from './drafts.ts';
import type { LogPlace } from './identifiers.ts';
import { tableOf } from './partitions.ts';

export interface KnownLog {
  readonly place: LogPlace;
  readonly forced: Forced;
  /** What it is completed with. */
  readonly draft?: Draft;
}

/** What was there before. After `updateLog`, the row has all that an answer has of the log itself as well. */
export interface OldLog {
  readonly session: string;
  readonly in_session: boolean;
  readonly project: number;
  /** Not after `updateLog`. */
  readonly project_id: string;
  readonly reference_id: string | null;
  readonly no_config: boolean;
  readonly no_parent: boolean;
  readonly created_at: string;
  readonly save: boolean;
  readonly duration: number | null;
  readonly prompt_tokens: number | null;
  readonly output_tokens: number | null;
  readonly prompt_cost: number | null;
  readonly output_cost: number | null;
  readonly no_error: boolean;
  readonly no_output: boolean;
  readonly no_output_message: boolean;
  readonly no_inputs: boolean;
  readonly no_messages: boolean;
  readonly no_metadata: boolean;
  readonly no_environment: boolean;
  readonly has_feedback: boolean;
}

const CONTENT: ReadonlySet<string> = new Set(CONTENT_COLUMNS);
const NUMBERS: ReadonlySet<string> = new Set([
  ...['duration', 'prompt_tokens', 'output_tokens', 'prompt_cost', 'output_cost'],
]);
const FORCED = ['output', 'error', 'duration'] as const;
const KEY = 'day = $1::date AND bucket = $2::smallint AND id = $3::text';

const OLD = `WITH old AS MATERIALIZED (
  SELECT session, in_session, project, reference_id, config IS NULL AS no_config,
    parent_id IS NULL AND parent_reference_id IS NULL AS no_parent, created_at, save, duration, prompt_tokens,
    output_tokens, prompt_cost, output_cost, error IS NULL AS no_error, output IS NULL AS no_output,
    output_message IS NULL AS no_output_message, inputs IS NULL AS no_inputs, messages IS NULL AS no_messages,
    metadata IS NULL AS no_metadata, environment IS NULL AS no_environment,
    EXISTS (SELECT 1 FROM {feedback} AS feedback WHERE feedback.day = $1::date AND feedback.bucket = $2::smallint
      AND feedback.log_id = $3::text) AS has_feedback`;
const LOCKED = `FROM {logs} AS logs WHERE ${KEY} FOR UPDATE)`;
const PROJECT = '(SELECT id FROM projects WHERE key = logs.project) AS project_id';

const WHERE = `FROM old WHERE logs.day = $1::date AND logs.bucket = $2::smallint AND logs.id = $3::text RETURNING old.*`;

/** What is now, where `old` has not got the same. */
const NEW = [
  ...['id', 'config', 'parent_id', 'parent_reference_id', 'parent_cut', 'updated_at', 'duration AS new_duration'],
  ...GIVEN_COLUMNS.filter((column) => !NUMBERS.has(column)),
].map((column) => `logs.${column}`);

/** Values that are there stay when a log is completed; `updateLog` replaces them. */
const UPDATE = `${OLD} ${LOCKED} UPDATE {logs} AS logs SET updated_at = $4::timestamptz,
    output = CASE WHEN logs.save THEN coalesce($5::text, logs.output) END,
    error = coalesce($6::text, logs.error), duration = coalesce($7::float8, logs.duration) ${WHERE}, ${NEW.join(', ')}`;

const COMPLETE = `${OLD}, ${PROJECT} ${LOCKED} UPDATE {logs} AS logs SET updated_at = $4::timestamptz,
    in_session = logs.in_session OR $8::boolean, config = coalesce(logs.config, $9::uuid),
    parent_id = CASE WHEN logs.parent_id IS NULL AND logs.parent_reference_id IS NULL THEN $10::text
      ELSE logs.parent_id END,
    parent_reference_id = CASE WHEN logs.parent_id IS NULL THEN coalesce(logs.parent_reference_id, $11::text) END,
    trace = coalesce(logs.trace, $12::text),
    called = CASE WHEN logs.save THEN coalesce(logs.called, $13::text) END,
    ${GIVEN_COLUMNS.map(completeColumn).join(', ')} ${WHERE}`;

function completeColumn(column: string, index: number): string {
  const type = NUMBERS.has(column) ? 'float8' : 'text';
  const forced = FORCED.indexOf(column as 'output');
  const values = [
    ...(forced < 0 ? [] : [`$${5 + forced}::${type}`]),
    ...[`logs.${column}`, `$${14 + index}::${type}`],
  ].join(', ');
  return `${column} = ${CONTENT.has(column) ? `CASE WHEN logs.save THEN coalesce(${values}) END` : `coalesce(${values})`}`;
}

export function toKnownStatement({ place, forced, draft }: KnownLog, now: string): Statement {
  const values: Value[] = [place.day, place.bucket, place.id, now];
  values.push(forced.output ?? null, forced.error ?? null, forced.duration ?? null);
  const tables = { logs: tableOf('logs', place.day), feedback: tableOf('feedback', place.day) };
  if (!draft) return { name: `update log in ${tables.logs}`, text: inTables(UPDATE, tables), values };
  values.push(draft.session !== undefined, draft.config?.key ?? null, draft.parent.id, draft.parent.referenceId);
  values.push(draft.trace, draft.called, ...GIVEN_COLUMNS.map((column) => draft.given[column] as Value));
  return { name: `complete log in ${tables.logs}`, text: inTables(COMPLETE, tables), values };
}

function inTables(text: string, tables: { readonly logs: string; readonly feedback: string }): string {
  return text.replaceAll('{logs}', tables.logs).replaceAll('{feedback}', tables.feedback);
}

export function toOldLog(row: Row | undefined): OldLog | undefined {
  return row as unknown as OldLog | undefined;
}

/** The row of a log as it is after `updateLog`, in the form of `LogReads`, but for its project. */
export function toNewRow(row: Row): Row {
  return { ...row, duration: row['new_duration'] };
}

export interface Difference {
  readonly errors: number;
  readonly running: number;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: number | null;
  /** Seconds, as it is afterwards. */
  readonly duration: number | null;
}

export function differenceOf({ forced, draft }: KnownLog, old: OldLog): Difference {
  const given = draft?.given;
  const hasContent = old.save && (forced.output ?? given?.output ?? null) !== null;
  const hadNoEnd = old.duration === null && old.no_error && old.no_output;
  const duration = forced.duration ?? old.duration ?? (given?.duration as number | null | undefined) ?? null;
  const hasError = !old.no_error || (forced.error ?? given?.error ?? null) !== null;
  const isRunning = duration === null && !hasError && old.no_output && !hasContent;
  const added = (column: 'prompt_tokens' | 'output_tokens' | 'prompt_cost' | 'output_cost') =>
    old[column] === null ? ((given?.[column] as number | null | undefined) ?? null) : null;
  const [promptCost, outputCost] = [added('prompt_cost'), added('output_cost')];
  return {
    errors: Number(hasError) - Number(!old.no_error),
    running: Number(isRunning) - Number(hadNoEnd),
    promptTokens: added('prompt_tokens'),
    outputTokens: added('output_tokens'),
    cost: promptCost === null && outputCost === null ? null : (promptCost ?? 0) + (outputCost ?? 0),
    duration,
  };
}
