/** Encodes logs as rows. JSON of long texts is written before their transaction, on another thread. */
import type { LogRequest } from '../../../../wire/v4.ts';
import { RejectedFieldError } from '../../rejected-item.ts';
import { sourceOf } from '../../rows/json-source.ts';
import { hasLongTexts, stringifyElsewhere } from '../../rows/json-thread.ts';
import { CONTENT_COLUMNS, JSON_COLUMNS, type LogRow, toLogRow, type WrittenColumns } from '../../rows/log-row.ts';

export type WrittenLogs = ReadonlyMap<LogRequest, WrittenColumns>;

export interface LongTexts {
  /** Filled one by one. */
  readonly written: WrittenLogs;
  /** Resolves when all are there that will be. Undefined where nothing has to be waited for. */
  readonly ready: Promise<void> | undefined;
}

const WRITTEN_COLUMNS = [...CONTENT_COLUMNS.filter((column) => JSON_COLUMNS.has(column)), 'metadata'] as const;

const NOTHING: LongTexts = { written: new Map(), ready: undefined };

/** Leaves out what has no long texts, and what cannot be written: the transaction says why. */
export function writeLongTexts(requests: readonly LogRequest[]): LongTexts {
  if (!requests.some(hasToBeWritten) || !hasLongTexts(requests)) return NOTHING;
  const written = new Map<LogRequest, WrittenColumns>();
  return { written, ready: writeInto(written, requests.filter(hasLongTexts)) };
}

/** Most logs are stored as they came: to ask for that is far less than to look into all of their fields. */
function hasToBeWritten(request: LogRequest): boolean {
  for (const column of WRITTEN_COLUMNS) {
    const value = request[column];
    if (value !== undefined && value !== null && sourceOf(value) === undefined) return true;
  }
  return false;
}

async function writeInto(written: Map<LogRequest, WrittenColumns>, requests: readonly LogRequest[]): Promise<void> {
  for (const request of requests) {
    const columns = new Map<string, Uint8Array>();
    for (const column of WRITTEN_COLUMNS) {
      const value = request[column];
      if (!hasLongTexts(value)) continue;
      try {
        columns.set(column, await stringifyElsewhere(value));
      } catch {
        // It is nested too deeply, and the request is rejected: nothing else has to be written.
        return;
      }
    }
    written.set(request, columns);
  }
}

/** Throws a `RejectedFieldError`. */
export function encodeLog(request: LogRequest, written?: WrittenColumns): LogRow {
  try {
    return toLogRow(request, written);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RejectedFieldError('inputs', 'the datapoint is nested too deeply to be stored');
  }
}

/** Returns undefined where `encodeLog` throws. */
export function tryToEncode(request: LogRequest): LogRow | undefined {
  try {
    return encodeLog(request);
  } catch {
    return undefined;
  }
}
