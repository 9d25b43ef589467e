/** Converts a log between its two forms: nested JSON on the wire, and a row with one column for each field. Pure. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { LogRequest, LogResponse } from '../../../wire/v4.ts';
import { toLabel } from '../label.ts';
import { storableText } from '../storable-text.ts';
import { timestampNow, toTimestamp } from '../timestamps.ts';
import { toConfigJson, toProjectConfigJson } from './config-response.ts';
import { type ConfigRow, toConfigRowOfLog } from './config-row.ts';
import { sourceOf } from './json-source.ts';
import { addStoredFields } from './log-json.ts';

/** Columns that store a request's field of the same name, as it is. */
export const PLAIN_COLUMNS = [
  'source',
  'environment',
  'trial_id',
  'source_datapoint_id',
  'error',
  'duration',
  'prompt_tokens',
  'output_tokens',
  'prompt_cost',
  'output_cost',
  'judgment',
  'metadata',
] as const;

/** The payloads. A request with `save: false` asks not to keep them. */
export const CONTENT_COLUMNS = [
  'inputs',
  'messages',
  'output',
  'output_message',
  'stdout',
  'provider_request',
  'provider_response',
] as const;

/** Columns that were written as JSON before, in UTF-8, by their names. */
export type WrittenColumns = ReadonlyMap<string, Uint8Array>;

export const JSON_COLUMNS: ReadonlySet<string> = new Set([
  'judgment',
  'metadata',
  'inputs',
  'messages',
  'output_message',
  'provider_request',
  'provider_response',
]);

export const GIVEN_COLUMNS = [...PLAIN_COLUMNS, ...CONTENT_COLUMNS] as const;

export interface LogRow {
  /** In the order of `GIVEN_COLUMNS`. */
  readonly given: readonly SqliteValue[];
  readonly counted: CountedFields;
  readonly createdAt: string;
  readonly save: 0 | 1;
  /** `trace_id` of the metadata. */
  readonly traceId: string | null;
  /** The first tool that the answer calls. */
  readonly called: string | null;
  readonly config?: ConfigRow;
}

/** What the sums of a session are made of. */
export interface CountedFields {
  readonly hasError: boolean;
  readonly isRunning: boolean;
  /** Seconds; 0 if it is not known. */
  readonly duration: number;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly promptCost: number | null;
  readonly outputCost: number | null;
}

/** What is asked of each column of each log. */
const ENCODED = GIVEN_COLUMNS.map((column) => ({
  column,
  isJson: JSON_COLUMNS.has(column),
  isContent: CONTENT_COLUMNS.some((content) => content === column),
}));

/** Throws a `RangeError` where the request is nested too deeply to be written as JSON. */
export function toLogRow(request: LogRequest, written?: WrittenColumns): LogRow {
  const save = request.save !== false;
  const given: SqliteValue[] = [];
  for (const { column, isJson, isContent } of ENCODED) {
    given.push(isContent && !save ? null : (written?.get(column) ?? toColumn(request[column], isJson)));
  }
  const hasError = typeof request.error === 'string';
  return {
    given,
    counted: {
      hasError,
      isRunning: typeof request.duration !== 'number' && !(save && typeof request.output === 'string') && !hasError,
      duration: request.duration ?? 0,
      promptTokens: request.prompt_tokens ?? null,
      outputTokens: request.output_tokens ?? null,
      promptCost: request.prompt_cost ?? null,
      outputCost: request.output_cost ?? null,
    },
    createdAt: (request.created_at && toTimestamp(request.created_at)) || timestampNow(),
    save: save ? 1 : 0,
    traceId: toLabel(request.metadata?.['trace_id']),
    called: save ? toLabel(request.output_message?.tool_calls?.[0]?.function.name) : null,
    ...(request.config && { config: toConfigRowOfLog(request.config) }),
  };
}

function toColumn(value: unknown, isJson: boolean): SqliteValue {
  if (value === undefined || value === null) return null;
  if (isJson) return sourceOf(value) ?? JSON.stringify(value);
  return typeof value === 'string' ? storableText(value) : (value as number);
}

/** Takes a row of the statement `readLog`. Leaves out unknown fields, except those that v4 requires. */
export function toLogResponse(row: SqliteRow): LogResponse {
  const log: Record<string, unknown> = {};
  const texts = new Map<string, string>();
  for (const name of ANSWERED) {
    const value = row[name];
    if (value === null) continue;
    if (JSON_COLUMNS.has(name)) texts.set(name, value as string);
    else log[name] = value;
  }
  if (row['config'] === null) {
    log['config'] = null;
  } else {
    const config = toConfigJson(row);
    texts.set('config', config);
    texts.set('model_config', toProjectConfigJson(row, config));
  }
  if (!texts.has('inputs')) log['inputs'] = {};
  addStoredFields(log, texts);
  const parentReferenceId = row['parent_reference_id'] ?? row['parents_own_reference_id'];
  if (parentReferenceId !== null) log['parent_reference_id'] = parentReferenceId;
  log['save'] = row['save'] === 1;
  const tokens = Number(row['prompt_tokens'] ?? 0) + Number(row['output_tokens'] ?? 0);
  if (row['prompt_tokens'] !== null || row['output_tokens'] !== null) log['tokens'] = tokens;
  log['feedback'] = toFeedback(row);
  log['evaluation_results'] = [];
  // The state of v4's monitoring evaluators. This server has none, so nothing is ever outstanding.
  log['observability_status'] = 'completed';
  return log as unknown as LogResponse;
}

const ANSWERED = [
  ...['id', 'reference_id', 'project', 'project_id', 'session_id', 'session_reference_id'],
  ...['parent_id', 'config_id', 'created_at', 'updated_at'],
  ...GIVEN_COLUMNS,
] as const;

function toFeedback(row: SqliteRow): unknown[] {
  const entries = JSON.parse(row['feedback'] as string) as Record<string, unknown>[];
  return entries.map(({ user, ...entry }) => ({ ...entry, data_id: row['id'], ...(user !== null && { user }) }));
}
