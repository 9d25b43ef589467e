/** Logs that were there before a turn: what was found, and what the turn changes of their sums. Pure. */
import type { Row } from '../tables/connection.ts';
import type { Draft, Forced } from '../tables/drafts.ts';
import type { LogPlace } from '../tables/identifiers.ts';
import type { Layout } from '../tables/layout.ts';

export interface KnownLog {
  readonly place: LogPlace;
  readonly forced: Forced;
  /** What it is completed with. */
  readonly draft?: Draft;
  /** Whether its id is only remembered: another log may have its reference by now. */
  readonly isRemembered?: boolean;
}

/** What was there before. */
export interface OldLog {
  readonly session: string;
  readonly in_session: boolean;
  readonly project: number;
  /** Of a log that was completed. */
  readonly project_id?: string;
  readonly reference_id: string | null;
  readonly no_config: boolean;
  readonly no_parent: boolean;
  readonly created_at: string;
  readonly save: boolean;
  readonly old_duration: number | null;
  readonly prompt_tokens: number | null;
  readonly output_tokens: number | null;
  readonly prompt_cost: number | null;
  readonly output_cost: number | null;
  readonly no_error: boolean;
  /** Where the output is replaced. */
  readonly old_error: string | null;
  /** Where the output is emptied, or an error given. */
  readonly old_message: string | null;
  readonly no_output: boolean;
  /** Whether the output says nothing. */
  readonly is_silent: boolean;
  readonly no_output_message: boolean;
  readonly no_inputs: boolean;
  readonly no_messages: boolean;
  readonly no_metadata: boolean;
  readonly no_environment: boolean;
  readonly no_source: boolean;
  /** Of a log that was completed. */
  readonly no_trace?: boolean;
  readonly has_feedback: boolean;
}

/**
 * Takes what the update of a log has returned: the log but for what is new in it, with the `duration` and `error` that it
 * had, and whether it had no output. Makes the row that of the log as it is now, and returns what was there before.
 */
export function takeUpdate(row: Row, { output, error, duration }: Forced, now: string): OldLog {
  const has = (column: string) => row[column] !== null;
  const old = {
    session: row['session'],
    in_session: row['in_session'],
    project: row['project'],
    reference_id: row['reference_id'],
    created_at: row['created_at'],
    save: row['save'],
    old_duration: row['duration'],
    prompt_tokens: row['prompt_tokens'],
    output_tokens: row['output_tokens'],
    prompt_cost: row['prompt_cost'],
    output_cost: row['output_cost'],
    no_config: !has('config'),
    no_parent: !has('parent_id') && !has('parent_reference_id'),
    no_error: !has('error'),
    old_error: output === undefined ? null : row['error'],
    old_message: output === '' || error !== undefined ? row['output_message'] : null,
    no_output: row['no_output'],
    is_silent: row['no_output'] || row['output'] === '',
    no_output_message: !has('output_message'),
    no_inputs: !has('inputs'),
    no_messages: !has('messages'),
    no_metadata: !has('metadata'),
    no_environment: !has('environment'),
    no_source: !has('source'),
    has_feedback: row['has_feedback'],
  };
  // As the driver writes it: halves of pairs of surrogates are no UTF-8.
  if (output !== undefined && row['save']) row['output'] = output.toWellFormed();
  if (error !== undefined) row['error'] = error.toWellFormed();
  if (duration !== undefined) row['duration'] = duration;
  row['updated_at'] = now;
  return old as OldLog;
}

/** Ids of logs that were not there, though their reference or their own id said so. Kept over the repeats of a turn. */
export type MissingLogs = Map<string, number>;

/**
 * Looks for a log of which an id or a reference says that it is there, before it counts as deleted. On one server a log is
 * committed with its reference, and its id is given out afterwards. The nodes of a distributed one commit one by one.
 */
export function toMaxLooks({ isDistributed }: Layout): number {
  return isDistributed ? 3 : 1;
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
  const hadNoEnd = old.old_duration === null && old.no_error && old.no_output;
  const duration = forced.duration ?? old.old_duration ?? (given?.duration as number | null | undefined) ?? null;
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
