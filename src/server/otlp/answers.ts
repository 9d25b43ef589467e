/** Answers of OTLP, in the request's own type: protobuf or JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import protobuf from 'protobufjs/minimal.js';
import { type Answer, bytes } from '../http/answer.ts';
import type { HttpError } from '../http/http-error.ts';
import type { IntakeResult } from './decoding/received.ts';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';

/** Returns the media type, without parameters and in lower case; empty if there is none. */
export function mediaTypeOf(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** The fields of `partial_success` for traces, logs and metrics, which have the same numbers. */
export type RejectedField = 'rejectedSpans' | 'rejectedLogRecords' | 'rejectedDataPoints';

/** Returns the 200 for a request whose data is committed. */
export function taken(isProtobuf: boolean, field: RejectedField, { rejected, message }: IntakeResult): Answer {
  const isWhole = rejected === 0 && message === undefined;
  if (!isProtobuf) {
    // 64-bit numbers are texts, as protobuf's mapping to JSON has it.
    const partialSuccess = { [field]: String(rejected), errorMessage: message ?? '' };
    return bytes(200, JSON_TYPE, Buffer.from(JSON.stringify(isWhole ? {} : { partialSuccess })));
  }
  const writer = protobuf.Writer.create();
  if (!isWhole) {
    writer.uint32(10).fork();
    // A varint of 32 bits is one of 64 bits, too.
    if (rejected > 0) writer.uint32(8).uint32(rejected);
    if (message) writer.uint32(18).string(message);
    writer.ldelim();
  }
  return bytes(200, PROTOBUF, Buffer.from(writer.finish()));
}

/** By HTTP status, the codes of google.rpc. */
const CODES: Readonly<Record<number, number>> = { 401: 16, 403: 7, 408: 4, 413: 8, 503: 14 };
const INVALID_ARGUMENT = 3;

/**
 * By HTTP status of the v4 API, those of OTLP that mean the same: what is unprocessable is a bad request, and senders
 * give a batch up after a 500, though the next attempt may succeed.
 */
const OWN_STATUSES: Readonly<Record<number, number>> = { 422: 400, 500: 503 };
const RETRY_SOON = { 'Retry-After': '1' };

/** Returns the answer for a failure: a `google.rpc.Status`. */
export function failed({ status, message, headers }: HttpError, requestHeaders: IncomingHttpHeaders): Answer {
  const own = OWN_STATUSES[status] ?? status;
  const all = own === 503 ? { ...RETRY_SOON, ...headers } : headers;
  const code = CODES[own] ?? INVALID_ARGUMENT;
  if (mediaTypeOf(requestHeaders) !== PROTOBUF) {
    return bytes(own, JSON_TYPE, Buffer.from(JSON.stringify({ code, message })), all);
  }
  const writer = protobuf.Writer.create().uint32(8).int32(code).uint32(18).string(message);
  return bytes(own, PROTOBUF, Buffer.from(writer.finish()), all);
}
