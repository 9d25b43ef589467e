/** The outcome of a request for callers of the client: a result or a `HumanloopApiError`. */

import { HumanloopApiError } from '../errors.ts';
import type { TransportOutcome, TransportRequest } from '../transport/transport.ts';
import { parseJson } from '../wire/json.ts';
import type { ValidationDetail } from '../wire/v4.ts';

export interface HumanloopResult<Body> {
  /** The parsed answer; undefined for a 204, which has no body. */
  readonly body: Body;
  readonly status: number;
  /** Names in lower case. The values of a repeated header are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds from the call to the last byte of the answer. */
  readonly roundTripTime: number;
}

/** An error message quotes at most this many characters of the answer. The error's `body` has all of it. */
const QUOTED = 300;

/**
 * @param url without credentials; it becomes part of the error.
 * @throws {HumanloopApiError} unless the answer is a 2xx with JSON, or a 204.
 */
export function toResult<Body>(
  request: TransportRequest,
  url: string,
  outcome: TransportOutcome,
): HumanloopResult<Body> {
  const { roundTripTime } = outcome;
  const call = { method: request.method, url, roundTripTime };
  if (outcome.kind !== 'answered') {
    const { cause } = outcome;
    const fate = outcome.kind === 'unsent' ? 'the request was not sent' : 'the server may have received the request';
    const fields = { ...call, status: 0, reason: describe(cause), headers: {}, body: undefined };
    throw new HumanloopApiError(`${request.method} ${url}: ${fields.reason} (${fate})`, fields, { cause });
  }

  const { status, headers, text, truncated } = outcome;
  const json = parseJson(text);
  const body = json === undefined ? text : json;
  const fail = (reason: string, quote: string) => {
    const detail = status === 422 ? readValidationDetail(body) : undefined;
    const fields = { ...call, status, reason, headers, body, ...(detail && { detail }) };
    const message = `${request.method} ${url}: ${status} ${reason}`.trimEnd();
    return new HumanloopApiError(quote ? `${message}: ${quote}` : message, fields);
  };
  if (status >= 300 && status < 400) throw fail(outcome.reason ?? '', 'redirects are not followed');
  if (status < 200 || status >= 300) throw fail(outcome.reason ?? '', quoteOf(body, text));
  if (truncated) throw fail('the answer is too long', `it was cut after ${text.length} characters`);
  if (status === 204) return { body: undefined as Body, status, headers, roundTripTime };
  if (json === undefined) throw fail('the answer is not JSON; is this the address of a v4 API?', text.slice(0, QUOTED));
  return { body: json as Body, status, headers, roundTripTime };
}

/** Returns the error for an answer of the wrong shape; `expected` completes "expected … in the answer". */
export function unexpectedBodyError(
  request: TransportRequest,
  url: string,
  { body, ...rest }: HumanloopResult<unknown>,
  expected: string,
): HumanloopApiError {
  const reason = `expected ${expected} in the answer`;
  const message = `${request.method} ${url}: ${rest.status}, but ${reason}: ${JSON.stringify(body)?.slice(0, QUOTED)}`;
  return new HumanloopApiError(message, { method: request.method, url, reason, body, ...rest });
}

/** If several addresses were tried, a network error of Node has an empty message, so its code is added. */
function describe(cause: Error & { code?: unknown }): string {
  const code = typeof cause.code === 'string' ? cause.code : '';
  if (!cause.message) return code || cause.name;
  return code && !cause.message.includes(code) ? `${cause.message} (${code})` : cause.message;
}

/** Returns `body.0.project: field required; …` for a validation error, else the text of the answer. */
function quoteOf(body: unknown, text: string): string {
  const detail = readValidationDetail(body);
  const quote = detail?.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ') ?? text;
  return quote.length > QUOTED ? `${quote.slice(0, QUOTED)}…` : quote;
}

/** `detail` may also be a string or an object; these stay in `body`. */
function readValidationDetail(body: unknown): ValidationDetail[] | undefined {
  const detail = (body as { detail?: unknown } | null | undefined)?.detail;
  if (!Array.isArray(detail)) return undefined;
  const isEntry = (entry: unknown) => Array.isArray((entry as Partial<ValidationDetail> | null)?.loc);
  return detail.every(isEntry) ? detail : undefined;
}
