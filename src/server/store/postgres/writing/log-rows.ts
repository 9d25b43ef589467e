/** New logs as rows. Pure. */
import { GIVEN_COLUMNS } from '../../rows/log-row.ts';
import { toSqlTime, type Value } from '../tables/connection.ts';
import type { Draft } from '../tables/drafts.ts';
import { placeOf } from '../tables/identifiers.ts';
import type { Insertion } from '../tables/insert-rows.ts';
import type { LogColumns } from '../tables/log-facts.ts';
import type { KnownLog, OldLog } from './known-logs.ts';

export const LOGS: Insertion = {
  table: 'logs',
  columns: [
    ...['day', 'bucket', 'id', 'reference_id', 'session', 'in_session', 'project', 'config', 'parent_id'],
    ...['parent_reference_id', 'created_at', 'updated_at', 'save', 'trace', 'called', ...GIVEN_COLUMNS],
  ],
};

export function factsOf(draft: Draft) {
  return draft.feedback.map(({ type, value }) => ({ type, value: JSON.parse(value) as unknown }));
}

export function columnsOf(draft: Draft): LogColumns {
  const text = (column: (typeof GIVEN_COLUMNS)[number]) => draft.valueOf(column) as string | null;
  return {
    inputs: draft.readOf('inputs'),
    messages: draft.readOf('messages'),
    metadata: draft.readOf('metadata'),
    output: text('output'),
    output_message: draft.readOf('output_message'),
    error: text('error'),
    environment: text('environment'),
    source: text('source'),
    trace: draft.trace,
  };
}

/** Whether the output of a log that was there says nothing, as it is afterwards but for one that was missing. */
export function hasSilentOutput({ forced }: KnownLog, { save, is_silent: isSilent }: OldLog): boolean {
  return save && forced.output !== undefined ? forced.output === '' : isSilent;
}

/**
 * What a log that was there is given: what it has stays, but for what `updateLog` replaces. Without an output that says
 * something, its message and its error count again.
 */
export function addedColumns(log: KnownLog, old: OldLog): LogColumns {
  const { draft, forced } = log;
  const given = (column: keyof Draft['given'], isFree: boolean) =>
    isFree ? (draft?.given[column] as string | null | undefined) : undefined;
  const { save } = old;
  const isSilent = hasSilentOutput(log, old);
  // One literal: an object that is put together from others takes many times as long.
  return {
    inputs: given('inputs', save && old.no_inputs),
    messages: given('messages', save && old.no_messages),
    output_message: isSilent ? (old.old_message ?? given('output_message', save && old.no_output_message)) : undefined,
    output: (save ? forced.output : undefined) ?? given('output', save && old.no_output),
    error: forced.error ?? given('error', old.no_error) ?? old.old_error,
    metadata: given('metadata', old.no_metadata),
    environment: given('environment', old.no_environment),
    source: given('source', old.no_source),
    trace: old.no_trace ? draft?.trace : undefined,
  };
}

/** The values of `LOGS`. */
export function toLogValues(draft: Draft, now: string): Value[] {
  const place = placeOf(draft.id)!;
  return [
    ...[place.day, place.bucket, place.id, draft.referenceId, draft.group!.key, draft.session !== undefined],
    ...[draft.project.key, draft.config?.key ?? null, draft.parent.id, draft.parent.referenceId],
    ...[toSqlTime(draft.createdAt), now, draft.save, draft.trace, draft.called],
    ...GIVEN_COLUMNS.map((column) => draft.valueOf(column) as Value),
  ];
}
