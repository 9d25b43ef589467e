/** Encodes logs as rows. Those with long texts are encoded before their transaction, their JSON on another thread. */
import type { LogRequest } from '../../../wire/v4.ts';
import { hasLongTexts, stringifyElsewhere } from '../json-thread.ts';
import { CONTENT_COLUMNS, JSON_COLUMNS, type LogRow, toLogRow } from '../log-row.ts';
import { RejectedFieldError } from '../rejected-item.ts';

export type EncodedLogs = ReadonlyMap<LogRequest, LogRow>;

export interface Encoding {
  /** Filled one by one. */
  readonly encoded: EncodedLogs;
  /** Resolves when all are there that will be. Undefined where nothing has to be waited for. */
  readonly ready: Promise<void> | undefined;
}

const NOTHING: Encoding = { encoded: new Map(), ready: undefined };

/** Leaves out logs without long texts, and those that cannot be encoded: the transaction says why. */
export function encodeLongLogs(requests: readonly LogRequest[]): Encoding {
  if (!hasLongTexts(requests)) return NOTHING;
  const encoded = new Map<LogRequest, LogRow>();
  return { encoded, ready: encodeInto(encoded, requests.filter(hasLongTexts)) };
}

async function encodeInto(encoded: Map<LogRequest, LogRow>, requests: readonly LogRequest[]): Promise<void> {
  for (const request of requests) {
    const written = new Map<string, Uint8Array>();
    try {
      for (const column of CONTENT_COLUMNS) {
        const value = request[column];
        if (!JSON_COLUMNS.has(column) || !hasLongTexts(value)) continue;
        written.set(column, await stringifyElsewhere(value));
      }
      encoded.set(request, toLogRow(request, written));
    } catch {
      // It is nested too deeply. The others are not waited for either: the request is rejected.
      return;
    }
  }
}

/** Throws a `RejectedFieldError`. */
export function encodeLog(request: LogRequest): LogRow {
  try {
    return toLogRow(request);
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
