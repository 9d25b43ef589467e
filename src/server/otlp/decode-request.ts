/** Decodes a request, whatever type it has, and lets other work of the process run between its spans. */
import { parseJsonBytes } from '../http/body-format.ts';
import { HttpError } from '../http/http-error.ts';
import type { RouteRequest } from '../http/route.ts';
import { createPauses } from '../store/heavy-turns.ts';
import { mediaTypeOf, PROTOBUF } from './answers.ts';
import { TooMuchError } from './budget.ts';
import { countPointsInJson, countPointsInProtobuf } from './count-points.ts';
import * as fromJson from './decode-json.ts';
import * as fromJsonBytes from './decode-json-bytes.ts';
import * as fromProtobuf from './decode-protobuf.ts';
import type { Decoded } from './decoded.ts';
import { projectOfHeaders } from './project.ts';

/** Steps are taken one after the other for so long, since most are far shorter. */
const STEPS_MILLIS = 5;

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
  if (isProtobuf(headers)) return decodable(() => countPointsInProtobuf(bytes));
  return countPointsInJson(await parseJsonBytes(bytes));
}

export function isProtobuf(headers: Request['headers']): boolean {
  return mediaTypeOf(headers) === PROTOBUF;
}

async function decode({ body, headers }: Request, { protobuf, jsonBytes, json }: Decoders): Promise<Decoded> {
  const project = projectOfHeaders(headers);
  const bytes = body as Buffer;
  if (isProtobuf(headers)) return runSteps(protobuf(bytes, project));
  return (await runSteps(jsonBytes(bytes, project))) ?? (await runSteps(json(await parseJsonBytes(bytes), project)));
}

async function runSteps<Result>(steps: Generator<void, Result>): Promise<Result> {
  const pause = createPauses();
  for (;;) {
    const step = decodable(() => advance(steps));
    // Also at the end: what is decoded is then read, which may take as long.
    await pause();
    if (step.done) return step.value;
  }
}

function advance<Result>(steps: Generator<void, Result>): IteratorResult<void, Result> {
  const until = performance.now() + STEPS_MILLIS;
  let step = steps.next();
  while (!step.done && performance.now() < until) step = steps.next();
  return step;
}

/** What a decoder throws is the sender's fault. */
function decodable<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof TooMuchError) throw new HttpError(413, error.message);
    throw new HttpError(400, `the body cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
