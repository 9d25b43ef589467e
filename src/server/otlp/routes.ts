/** OTLP over HTTP: `/v1/traces`, `/v1/logs` and `/v1/metrics`, answered when all is committed. */
import type { IncomingHttpHeaders } from 'node:http';
import { type BodyFormat, jsonBytes, rawBody } from '../http/body-format.ts';
import { HttpError } from '../http/http-error.ts';
import type { Operation, RouteRequest, Routes } from '../http/route.ts';
import { failed, JSON_TYPE, mediaTypeOf, PROTOBUF, type RejectedField, taken } from './answers.ts';
import { countPoints, decodeLogs, decodeTraces, isProtobuf } from './decode-request.ts';
import type { Decoded } from './decoding/decoded.ts';
import type { IntakeResult, OtlpIntake } from './decoding/received.ts';

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

/**
 * What is still read while the store writes is kept until the answer. So the functions here are no `async` ones, which
 * keep their arguments: a request is let go when it is decoded, and its spans when they are read.
 */
export function createOtlpRoutes(intake: OtlpIntake, { maxBodyBytes, onTaken = () => {} }: OtlpLimits): Routes {
  const formats: ReadonlyMap<string, BodyFormat> = new Map([
    [PROTOBUF, rawBody({ maxBytes: maxBodyBytes })],
    [JSON_TYPE, jsonBytes({ maxBytes: maxBodyBytes, maxWeight: MAX_JSON_WEIGHT })],
  ]);
  const chooseFormat = (headers: IncomingHttpHeaders): BodyFormat => {
    const type = mediaTypeOf(headers);
    const format = formats.get(type);
    if (format) return format;
    throw new HttpError(415, `content type ${type || 'none'}: expected ${[...formats.keys()].join(' or ')}`);
  };
  const count = (signal: TakenItems['signal'], all: number, result: IntakeResult): IntakeResult => {
    const { rejected, unused = 0 } = result;
    onTaken({ signal, accepted: Math.max(0, all - rejected - unused), rejected, unused });
    return result;
  };
  const receive = (field: RejectedField, take: (request: RouteRequest) => Promise<IntakeResult>): Operation => ({
    needs: 'write',
    chooseFormat,
    explain: failed,
    run: (request) => {
      const answersInProtobuf = isProtobuf(request.headers);
      return take(request).then((result) => taken(answersInProtobuf, field, result));
    },
  });

  return {
    '/v1': {},
    '/v1/traces': {
      POST: receive('rejectedSpans', (request) =>
        decodeTraces(request).then(({ spans, rejections }) => {
          const given = spans.length + rejections.count;
          const taking = spans.length > 0 ? intake.takeSpans(spans) : NONE;
          return taking.then((result) => count('traces', given, together(rejections, result)));
        }),
      ),
    },
    '/v1/logs': {
      POST: receive('rejectedLogRecords', (request) =>
        decodeLogs(request).then(({ events, rejections }) => {
          const given = events.length + rejections.count;
          const taking = events.length > 0 ? intake.takeEvents(events) : NONE;
          return taking.then((result) => count('logs', given, together(rejections, result)));
        }),
      ),
    },
    '/v1/metrics': {
      POST: receive('rejectedDataPoints', async (request) => {
        const rejected = await countPoints(request);
        return count('metrics', rejected, rejected > 0 ? { rejected, message: METRICS_MESSAGE } : NOTHING);
      }),
    },
  };
}

const NOTHING: IntakeResult = { rejected: 0 };
const NONE = Promise.resolve(NOTHING);

function together(decoded: Decoded['rejections'], taken: IntakeResult): IntakeResult {
  const rejected = decoded.count + taken.rejected;
  const message = [decoded.message, taken.message].filter(Boolean).join('; ');
  return { ...taken, rejected, ...(message && { message }) };
}
