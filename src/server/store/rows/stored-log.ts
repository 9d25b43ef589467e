/** What `ingest` reads and changes of logs that are stored, whichever the engine. Pure. */
import { parseJson } from '../../../wire/json.ts';
import type { LogRequest } from '../../../wire/v4.ts';
import { CONTENT_COLUMNS, GIVEN_COLUMNS } from './log-row.ts';

const JSON_FIELDS = ['inputs', 'messages', 'metadata', 'output_message', 'provider_request', 'provider_response'];
const STORED_FIELDS = ['project', 'session_reference_id', 'reference_id', 'parent_reference_id', 'created_at'];
const KEPT_COLUMNS: ReadonlySet<string> = new Set([
  ...['source', 'environment', 'trial_id', 'source_datapoint_id', 'duration', 'judgment', 'stdout'],
]);
const CONTENT: ReadonlySet<string> = new Set(CONTENT_COLUMNS);

/** What a log says by itself. The other columns say when and where it was. */
export const REVISED_COLUMNS = GIVEN_COLUMNS.filter((column) => !KEPT_COLUMNS.has(column));

/** Whether the column is left empty in a log that keeps no content. */
export function isContent(column: string): boolean {
  return CONTENT.has(column);
}

/** Returns the log as it was requested. `row` has its columns, with the content of its config as JSON. */
export function toLogRequest(row: Readonly<Record<string, unknown>>): LogRequest {
  const request: Record<string, unknown> = {};
  for (const field of [...STORED_FIELDS, ...GIVEN_COLUMNS]) {
    const value = row[field];
    if (value === null || value === undefined) continue;
    request[field] = JSON_FIELDS.includes(field) ? parseJson(value as string) : value;
  }
  if (typeof row['config'] === 'string') request['config'] = parseJson(row['config']);
  return request;
}

/** Returns the metadata with these entries; null removes one. */
export function withEntries(json: string | null, entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const metadata = { ...((json === null ? undefined : parseJson(json)) as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(entries)) {
    if (value === null) delete metadata[key];
    else metadata[key] = value;
  }
  return metadata;
}
