/** Answers of OTLP, in the request's own type: protobuf or JSON. */
import type { IncomingHttpHeaders } from 'node:http';
import protobuf from 'protobufjs/minimal.js';
import { type Answer, bytes } from '../http/answer.ts';
import type { HttpError } from '../http/http-error.ts';
import type { IntakeResult } from './received.ts';

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
const CODES: Readonly<Record<number, number>> = { 401: 16, 403: 7, 404: 5, 408: 4, 413: 8, 429: 8, 503: 14, 500: 13 };
const INVALID_ARGUMENT = 3;

/** Returns the answer for a failure: a `google.rpc.Status`. */
export function failed({ status, message, headers }: HttpError, requestHeaders: IncomingHttpHeaders): Answer {
  // What the v4 API calls unprocessable is a bad request here.
  const own = status === 422 ? 400 : status;
  const code = CODES[own] ?? INVALID_ARGUMENT;
  if (mediaTypeOf(requestHeaders) !== PROTOBUF) {
    return bytes(own, JSON_TYPE, Buffer.from(JSON.stringify({ code, message })), headers);
  }
  const writer = protobuf.Writer.create().uint32(8).int32(code).uint32(18).string(message);
  return bytes(own, PROTOBUF, Buffer.from(writer.finish()), headers);
}
