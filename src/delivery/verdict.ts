/**
 * Decides what an outcome means for the logs of a request. The verdict separates logs that the server has certainly not
 * stored from logs that it may have stored: only the latter need a probe before they are sent again.
 */
import { ServiceClosedError } from '../transport/closed-service.ts';
import type { TransportOutcome } from '../transport/transport.ts';
import { isObject, parseJson } from '../wire/json.ts';
import type { CreatedLog, ValidationDetail } from '../wire/v4.ts';

export type Verdict =
  | { readonly kind: 'stored' }
  /** Not stored; the same request may succeed later. */
  | { readonly kind: 'later'; readonly why: string; readonly retryAfterMillis?: number }
  /** Nothing is ever sent to this address. */
  | { readonly kind: 'closed'; readonly why: string }
  /** Address or key are wrong: no request can succeed until somebody fixes that, so try rarely and keep the logs. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Perhaps stored. */
  | {
      readonly kind: 'unsure';
      readonly why: string;
      /** The server itself reports the failure, not the network. */
      readonly isServerError: boolean;
      /** The server says that it was too busy to work on the request. */
      readonly isUnlikely: boolean;
      readonly retryAfterMillis?: number;
    }
  /** A datapoint of the request is invalid. `indices` has the invalid ones, if the server named them. */
  | { readonly kind: 'invalid'; readonly why: string; readonly indices?: readonly number[] }
  | { readonly kind: 'tooLarge'; readonly why: string }
  /** The server does not know the reference of the update. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Longest pause that `Retry-After` can cause. */
const MAX_RETRY_AFTER_MILLIS = 15 * 60_000;

export function judgePost(outcome: TransportOutcome, itemCount: number): Verdict {
  const common = judgeCommon(outcome);
  if (common) return common;
  const answer = outcome as Extract<TransportOutcome, { kind: 'answered' }>;
  const { status } = answer;
  if (status >= 200 && status < 300) {
    return hasEveryId(answer.text, itemCount)
      ? { kind: 'stored' }
      : {
          kind: 'unsure',
          why: `HTTP ${status} without an id for each of ${itemCount} logs`,
          isServerError: false,
          isUnlikely: false,
        };
  }
  // The server says that it has the log, whoever sent it.
  if (status === 409) return { kind: 'stored' };
  if (status === 413) return { kind: 'tooLarge', why: 'HTTP 413' };
  if (status === 400 || status === 422) {
    const detail = readDetail(answer.text);
    const indices = badIndices(detail, itemCount);
    return { kind: 'invalid', why: explain(status, detail), ...(indices.length > 0 && { indices }) };
  }
  return { kind: 'refused', why: `HTTP ${status}` };
}

/** Judges an update. `isAnswer` tells the body of a log server from the page of a proxy. */
export function judgeUpdate(outcome: TransportOutcome, isAnswer: (body: unknown) => boolean = isObject): Verdict {
  const common = judgeCommon(outcome);
  if (common) return common;
  const { status, text } = outcome as Extract<TransportOutcome, { kind: 'answered' }>;
  if (status >= 200 && status < 300) {
    return isAnswer(parseJson(text))
      ? { kind: 'stored' }
      : { kind: 'unsure', why: `HTTP ${status} without a log`, isServerError: false, isUnlikely: false };
  }
  if (status === 404) return { kind: 'unknown', why: 'HTTP 404' };
  if (status === 413) return { kind: 'tooLarge', why: 'HTTP 413' };
  if (status === 400 || status === 422) return { kind: 'invalid', why: explain(status, readDetail(text)) };
  return { kind: 'refused', why: `HTTP ${status}` };
}

/** Whether the body answers a request with a list. */
export function isListAnswer(body: unknown): boolean {
  return Array.isArray(body);
}

function judgeCommon(outcome: TransportOutcome): Verdict | undefined {
  if (outcome.kind === 'unsent' && outcome.cause instanceof ServiceClosedError) {
    return { kind: 'closed', why: outcome.cause.message };
  }
  if (outcome.kind === 'unsent') return { kind: 'later', why: outcome.cause.message };
  if (outcome.kind === 'lost')
    return { kind: 'unsure', why: outcome.cause.message, isServerError: false, isUnlikely: false };
  const { status } = outcome;
  const delay = retryAfterMillis(outcome.headers);
  const retryAfter = delay === undefined ? {} : { retryAfterMillis: delay };
  if (status === 429) return { kind: 'later', why: 'HTTP 429', ...retryAfter };
  if (status === 408 || status >= 500) {
    return { kind: 'unsure', why: `HTTP ${status}`, isServerError: true, isUnlikely: status === 503, ...retryAfter };
  }
  return undefined;
}

/**
 * Reads `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3). Returns undefined for anything else or a past date.
 */
function retryAfterMillis(headers: Readonly<Record<string, string>>): number | undefined {
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  const millis = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return millis > 0 ? Math.min(millis, MAX_RETRY_AFTER_MILLIS) : undefined;
}

function hasEveryId(text: string, itemCount: number): boolean {
  const body = parseJson(text);
  return Array.isArray(body) && body.length === itemCount && body.every((log: CreatedLog) => log?.id !== undefined);
}

function readDetail(text: string): ValidationDetail[] {
  const detail = (parseJson(text) as { detail?: unknown } | undefined)?.detail;
  return Array.isArray(detail) ? detail.filter((entry) => Array.isArray(entry?.loc)) : [];
}

/** Returns array indices: the first number in each `loc`, such as 3 in `['body', 3, 'config']`. */
function badIndices(detail: readonly ValidationDetail[], itemCount: number): number[] {
  const indices = new Set<number>();
  for (const { loc } of detail) {
    const index = loc.find((step) => typeof step === 'number');
    if (typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < itemCount) indices.add(index);
  }
  return [...indices];
}

/** Returns a message with the field and the rule, never the value. */
function explain(status: number, detail: readonly ValidationDetail[]): string {
  const first = detail[0];
  return first ? `HTTP ${status}: ${first.loc.join('.')}: ${String(first.msg).slice(0, 200)}` : `HTTP ${status}`;
}
