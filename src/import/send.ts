/** Sends a request of OTLP to a server, and again where the server asks for that. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HumanloopError } from '../errors.ts';
import { isObject, parseJson } from '../wire/json.ts';
import type { OtlpRequest } from './otlp-requests.ts';

export interface Target {
  /** The server's address, without a path. */
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** Project of all logs; default that of their resource. */
  readonly project?: string | undefined;
}

export interface Sent {
  readonly rejected: number;
  /** Why; empty if all were used. */
  readonly message: string;
}

const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MAX_ATTEMPTS = 30;
const MAX_WAIT_MILLIS = 10_000;

/** @throws {HumanloopError} if the server cannot be reached, or takes nothing of the kind. */
export async function send({ path, body, count }: OtlpRequest, { url, apiKey, project }: Target): Promise<Sent> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (apiKey !== undefined) headers['x-api-key'] = apiKey;
  // The bytes of UTF-8, as a header can have them.
  if (project !== undefined) headers['x-humanloop-project'] = Buffer.from(project).toString('latin1');
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(url + path, { method: 'POST', headers, body, redirect: 'error' }).catch((error) => {
      const cause = (error as { cause?: Error }).cause ?? (error as Error);
      throw new HumanloopError(`no server answers at ${url}: ${cause.message || String(cause)}`, { cause: error });
    });
    const text = await response.text();
    const answer = parseJson(text);
    if (response.ok) return partialSuccessIn(answer);
    if (!RETRIED.has(response.status) || attempt === MAX_ATTEMPTS) {
      const why = isObject(answer) ? (answer['message'] ?? answer['detail']) : text.slice(0, 200);
      const said = `${response.status} ${typeof why === 'string' ? why : ''}`.trim();
      // The next request may be better.
      if (response.status === 400 || response.status === 413) return { rejected: count, message: said };
      throw new HumanloopError(`POST ${url}${path}: ${said}`);
    }
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    await sleep(Math.min(MAX_WAIT_MILLIS, (Number.isFinite(seconds) ? seconds : 1) * 1000));
  }
}

function partialSuccessIn(answer: unknown): Sent {
  const partial = isObject(answer) && isObject(answer['partialSuccess']) ? answer['partialSuccess'] : {};
  const rejected = Number(partial['rejectedSpans'] ?? partial['rejectedLogRecords'] ?? 0);
  return { rejected, message: typeof partial['errorMessage'] === 'string' ? partial['errorMessage'] : '' };
}
