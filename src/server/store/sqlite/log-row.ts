/** Converts a log between its two forms: nested JSON on the wire, and a row with one column for each field. Pure. */
import { createHash } from 'node:crypto';
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { LogConfig, LogRequest, LogResponse } from '../../../wire/v4.ts';
import { timestampNow, toTimestamp } from '../timestamps.ts';

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

const JSON_COLUMNS: ReadonlySet<string> = new Set([
  'judgment',
  'metadata',
  'inputs',
  'messages',
  'output_message',
  'provider_request',
  'provider_response',
]);

export const GIVEN_COLUMNS = [...PLAIN_COLUMNS, ...CONTENT_COLUMNS] as const;

type GivenColumn = (typeof GIVEN_COLUMNS)[number];

export interface LogRow {
  readonly given: Readonly<Record<GivenColumn, SqliteValue>>;
  readonly createdAt: string;
  readonly save: 0 | 1;
  readonly config?: ConfigRow;
}

interface ConfigRow {
  readonly type: string;
  readonly model: string | null;
  /** JSON with sorted keys: equal configs are equal texts. */
  readonly content: string;
  /** SHA-256 of the content. */
  readonly digest: Uint8Array;
}

/** Throws a `RangeError` where the request is nested too deeply to be written as JSON. */
export function toLogRow(request: LogRequest): LogRow {
  const save = request.save !== false;
  const given = {} as Record<GivenColumn, SqliteValue>;
  for (const column of PLAIN_COLUMNS) given[column] = toColumn(column, request[column]);
  for (const column of CONTENT_COLUMNS) given[column] = save ? toColumn(column, request[column]) : null;
  return {
    given,
    createdAt: (request.created_at && toTimestamp(request.created_at)) || timestampNow(),
    save: save ? 1 : 0,
    ...(request.config && { config: toConfigRow(request.config) }),
  };
}

function toColumn(column: string, value: unknown): SqliteValue {
  if (value === undefined || value === null) return null;
  if (JSON_COLUMNS.has(column)) return JSON.stringify(value);
  return typeof value === 'string' ? storableText(value) : (value as number);
}

/**
 * Replaces NUL by the replacement character: some readers of a database end a text there, and PostgreSQL refuses it.
 */
export function storableText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}

function toConfigRow(config: LogConfig): ConfigRow {
  const content = JSON.stringify(withSortedKeys(config));
  const model = config.type === 'model' ? config.model : config.type === 'agent' ? config.model_config.model : null;
  return { type: config.type, model, content, digest: createHash('sha256').update(content).digest() };
}

function withSortedKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withSortedKeys);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, withSortedKeys((value as Record<string, unknown>)[key])]));
}

/** Takes a row of the statement `readLog`. Leaves out unknown fields, except those that v4 requires. */
export function toLogResponse(row: SqliteRow): LogResponse {
  const log: Record<string, unknown> = {};
  for (const name of ANSWERED) {
    const value = row[name];
    if (value !== null) log[name] = JSON_COLUMNS.has(name) ? JSON.parse(value as string) : value;
  }
  const parentReferenceId = row['parent_reference_id'] ?? row['parents_own_reference_id'];
  if (parentReferenceId !== null) log['parent_reference_id'] = parentReferenceId;
  log['inputs'] ??= {};
  log['save'] = row['save'] === 1;
  const tokens = Number(row['prompt_tokens'] ?? 0) + Number(row['output_tokens'] ?? 0);
  if (row['prompt_tokens'] !== null || row['output_tokens'] !== null) log['tokens'] = tokens;
  const config = row['config'] === null ? null : toConfigResponse(row);
  log['config'] = config;
  if (config) {
    log['model_config'] = {
      project_id: row['project_id'],
      project_name: row['project'],
      created_at: row['config_created_at'],
      updated_at: row['config_created_at'],
      last_used: row['config_last_used'],
      config,
    };
  }
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

function toConfigResponse(row: SqliteRow): Record<string, unknown> {
  const config = JSON.parse(row['config'] as string) as Record<string, unknown>;
  config['id'] = row['config_id'];
  // v4 requires these of every type but `model`, whose schema forbids `status`.
  if (config['type'] !== 'model') {
    config['status'] = 'uncommitted';
    config['name'] ??= config['agent_class'] ?? config['type'];
  }
  return config;
}

function toFeedback(row: SqliteRow): unknown[] {
  const entries = JSON.parse(row['feedback'] as string) as Record<string, unknown>[];
  return entries.map(({ user, ...entry }) => ({ ...entry, data_id: row['id'], ...(user !== null && { user }) }));
}
