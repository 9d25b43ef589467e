/** Decodes a request, whatever type it has, and lets other work of the process run between its spans. */
import { parseJsonBytes } from '../http/body-format.ts';
import { HttpError } from '../http/http-error.ts';
import type { RouteRequest } from '../http/route.ts';
import { takeSteps } from '../store/steps.ts';
import { mediaTypeOf, PROTOBUF } from './answers.ts';
import { TooMuchError } from './decoding/budget.ts';
import { countPointsInJson, countPointsInProtobuf } from './decoding/count-points.ts';
import * as fromJson from './decoding/decode-json.ts';
import * as fromJsonBytes from './decoding/decode-json-bytes.ts';
import * as fromProtobuf from './decoding/decode-protobuf.ts';
import type { Decoded } from './decoding/decoded.ts';
import { projectOfHeaders } from './decoding/project.ts';

type Request = Pick<RouteRequest, 'body' | 'headers'>;
type Steps<Input, Result> = (input: Input, projectName?: string) => Generator<void, Result>;

interface Decoders {
  readonly protobuf: Steps<Buffer, Decoded>;
  /** Returns undefined for what has to go the other way. */
  readonly jsonBytes: Steps<Buffer, Decoded | undefined>;
  readonly json: Steps<unknown, Decoded>;
}

export function decodeTraces(request: Request): Promise<Decoded> {
  return decode(request, {
    protobuf: fromProtobuf.decodeTracesInSteps,
    jsonBytes: fromJsonBytes.decodeTracesInSteps,
    json: fromJson.decodeTracesInSteps,
  });
}

export function decodeLogs(request: Request): Promise<Decoded> {
  return decode(request, {
    protobuf: fromProtobuf.decodeLogsInSteps,
    jsonBytes: fromJsonBytes.decodeLogsInSteps,
    json: fromJson.decodeLogsInSteps,
  });
}

export async function countPoints({ body, headers }: Request): Promise<number> {
  const bytes = body as Buffer;
  return decodable(isProtobuf(headers) ? countPointsInProtobuf(bytes) : countPointsInJson(await parseJsonBytes(bytes)));
}

export function isProtobuf(headers: Request['headers']): boolean {
  return mediaTypeOf(headers) === PROTOBUF;
}

async function decode({ body, headers }: Request, { protobuf, jsonBytes, json }: Decoders): Promise<Decoded> {
  const project = projectOfHeaders(headers);
  const bytes = body as Buffer;
  if (isProtobuf(headers)) return decodable(protobuf(bytes, project));
  return (await decodable(jsonBytes(bytes, project))) ?? (await decodable(json(await parseJsonBytes(bytes), project)));
}

/** What a decoder throws is the sender's fault. */
function decodable<Result>(steps: Generator<void, Result>): Promise<Result> {
  return takeSteps(steps).catch((error: unknown) => {
    if (error instanceof TooMuchError) throw new HttpError(413, error.message);
    throw new HttpError(400, `the body cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  });
}
