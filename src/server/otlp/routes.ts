/** OTLP over HTTP: `/v1/traces`, `/v1/logs` and `/v1/metrics`, answered when all is committed. */
import type { IncomingHttpHeaders } from 'node:http';
import { type BodyFormat, jsonBody, rawBody } from '../http/body-format.ts';
import { HttpError } from '../http/http-error.ts';
import type { Operation, RouteRequest, Routes } from '../http/route.ts';
import { takeSteps } from '../store/steps.ts';
import { failed, JSON_TYPE, mediaTypeOf, PROTOBUF, type RejectedField, taken } from './answers.ts';
import { TooMuchError } from './budget.ts';
import { countPointsInJson, countPointsInProtobuf } from './count-points.ts';
import * as fromJson from './decode-json.ts';
import * as fromProtobuf from './decode-protobuf.ts';
import type { Decoded } from './decoded.ts';
import { projectOfHeaders } from './project.ts';
import type { IntakeResult, OtlpIntake } from './received.ts';

export interface OtlpLimits {
  /** The largest body, unpacked; a larger one is a 413. */
  readonly maxBodyBytes: number;
  /** Called for each request that is answered with success. */
  readonly onTaken?: (items: TakenItems) => void;
}

export interface TakenItems {
  readonly signal: 'traces' | 'logs' | 'metrics';
  readonly accepted: number;
  readonly rejected: number;
  /** Log records that are about nothing that a log has. */
  readonly unused: number;
}

/** Ten times what the v4 API takes: each attribute of a span is three objects in OTLP's JSON. */
const MAX_JSON_WEIGHT = 5_000_000;
const METRICS_MESSAGE = 'metrics are not stored here; set OTEL_METRICS_EXPORTER=none to send none';

export function createOtlpRoutes(intake: OtlpIntake, { maxBodyBytes, onTaken = () => {} }: OtlpLimits): Routes {
  const formats: ReadonlyMap<string, BodyFormat> = new Map([
    [PROTOBUF, rawBody({ maxBytes: maxBodyBytes })],
    [JSON_TYPE, jsonBody({ maxBytes: maxBodyBytes, maxWeight: MAX_JSON_WEIGHT })],
  ]);
  const chooseFormat = (headers: IncomingHttpHeaders): BodyFormat => {
    const type = mediaTypeOf(headers);
    const format = formats.get(type);
    if (format) return format;
    throw new HttpError(415, `content type ${type || 'none'}: expected ${[...formats.keys()].join(' or ')}`);
  };
  const count = (signal: TakenItems['signal'], all: number, { rejected, unused = 0 }: IntakeResult): void =>
    onTaken({ signal, accepted: Math.max(0, all - rejected - unused), rejected, unused });
  const receive = (field: RejectedField, take: (request: RouteRequest) => Promise<IntakeResult>): Operation => ({
    needs: 'write',
    chooseFormat,
    explain: failed,
    run: async (request) => taken(Buffer.isBuffer(request.body), field, await take(request)),
  });

  return {
    '/v1': {},
    '/v1/traces': {
      POST: receive('rejectedSpans', async (request) => {
        const { spans, rejections } = await decode(
          request,
          fromProtobuf.decodeTracesInSteps,
          fromJson.decodeTracesInSteps,
        );
        const result = together(rejections, spans.length > 0 ? await intake.takeSpans(spans) : NOTHING);
        count('traces', spans.length + rejections.count, result);
        return result;
      }),
    },
    '/v1/logs': {
      POST: receive('rejectedLogRecords', async (request) => {
        const { events, rejections } = await decode(
          request,
          fromProtobuf.decodeLogsInSteps,
          fromJson.decodeLogsInSteps,
        );
        const result = together(rejections, events.length > 0 ? await intake.takeEvents(events) : NOTHING);
        count('logs', events.length + rejections.count, result);
        return result;
      }),
    },
    '/v1/metrics': {
      POST: receive('rejectedDataPoints', async ({ body }) => {
        const rejected = await inSteps(Buffer.isBuffer(body) ? countPointsInProtobuf(body) : countPointsInJson(body));
        const result = rejected > 0 ? { rejected, message: METRICS_MESSAGE } : NOTHING;
        count('metrics', rejected, result);
        return result;
      }),
    },
  };
}

const NOTHING: IntakeResult = { rejected: 0 };

function together(decoded: Decoded['rejections'], taken: IntakeResult): IntakeResult {
  const rejected = decoded.count + taken.rejected;
  const message = [decoded.message, taken.message].filter(Boolean).join('; ');
  return { ...taken, rejected, ...(message && { message }) };
}

function decode(
  { body, headers }: RouteRequest,
  decodeProtobuf: (bytes: Buffer, projectName?: string) => Generator<void, Decoded>,
  decodeJson: (body: unknown, projectName?: string) => Generator<void, Decoded>,
): Promise<Decoded> {
  const project = projectOfHeaders(headers);
  return inSteps(Buffer.isBuffer(body) ? decodeProtobuf(body, project) : decodeJson(body, project));
}

/** What a decoder throws is the sender's fault. */
async function inSteps<Result>(steps: Generator<void, Result>): Promise<Result> {
  try {
    return await takeSteps(steps);
  } catch (error) {
    if (error instanceof TooMuchError) throw new HttpError(413, error.message);
    throw new HttpError(400, `the body cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
