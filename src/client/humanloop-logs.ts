/** The client of the v4 logs API, with one method per operation, for scripts and for logs that have no span. */

import { HumanloopError, optionError } from '../errors.ts';
import { type HumanloopOptions, resolveOptions } from '../options.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../transport/transport.ts';
import type { CreatedLog, Feedback, FeedbackRequest, LogRequest, LogResponse, LogUpdate, Page } from '../wire/v4.ts';
import { type HumanloopResult, toResult, unexpectedBodyError } from './api-result.ts';
import { type ListArguments, toListQuery } from './list-query.ts';

/**
 * The span processor's options, with its environment variables and defaults. `timeoutMillis` applies to each request.
 */
export type HumanloopLogsOptions = Pick<HumanloopOptions, 'apiKey' | 'baseUrl' | 'timeoutMillis'>;

type WithDates<Fields> = { [Name in keyof Fields]: Name extends 'created_at' ? Date | Fields[Name] : Fields[Name] };

/**
 * A datapoint to log. All fields have the names of the v4 API; `created_at` may also be a Date, `duration` is in
 * seconds.
 */
export type LogArguments = WithDates<LogRequest>;

/** The log's id, and the fields to change. `duration` is in seconds. */
export type UpdateArguments = Pick<LogUpdate, 'output' | 'error' | 'duration'> & { id: string };

/** The log's reference id under either name, and the fields to change. `duration` is in seconds. */
export type UpdateByRefArguments = Pick<LogUpdate, 'output' | 'error' | 'duration'> &
  ({ referenceId: string; reference_id?: undefined } | { reference_id: string; referenceId?: undefined });

/** Feedback on the log with the id `data_id`. `created_at` may also be a Date. */
export type FeedbackArguments = WithDates<FeedbackRequest> & { data_id: string };

/**
 * Client of the v4 logs API. Every method resolves to a `HumanloopResult`. It rejects with a `HumanloopApiError` if the
 * request fails, and with a plain `HumanloopError` if the arguments cannot be sent. Failed requests are not repeated.
 */
export class HumanloopLogs {
  readonly #transport: Transport;
  readonly #baseUrl: string;
  readonly #apiKey: string | undefined;

  /** @throws {HumanloopError} on a wrong option; the message names it, what was expected and what was given. */
  constructor({ apiKey, baseUrl, timeoutMillis, ...unknown }: HumanloopLogsOptions = {}) {
    const [name] = Object.keys(unknown);
    if (name)
      throw optionError(name, 'one of apiKey, baseUrl, timeoutMillis', Object.values(unknown)[0], 'unknown option');
    const options = resolveOptions({ apiKey, baseUrl, timeoutMillis });
    this.#apiKey = options.apiKey?.trim();
    this.#baseUrl = options.baseUrl;
    this.#transport = createHttpTransport(options);
  }

  /** `POST /logs`: stores one or several logs. The created logs have the order of the datapoints. */
  log(datapoint: LogArguments): Promise<HumanloopResult<CreatedLog>>;
  log(datapoints: readonly LogArguments[]): Promise<HumanloopResult<CreatedLog[]>>;
  async log(
    datapoints: LogArguments | readonly LogArguments[],
  ): Promise<HumanloopResult<CreatedLog> | HumanloopResult<CreatedLog[]>> {
    const request: TransportRequest = { method: 'POST', path: '/logs', body: encodeJson('log', datapoints) };
    const result = await this.#send<CreatedLog & CreatedLog[]>(request);
    const isCreated = (log: unknown) => typeof (log as CreatedLog | null)?.id === 'string';
    const { body } = result;
    if (!Array.isArray(datapoints)) {
      if (!isCreated(body)) throw unexpectedBodyError(request, this.#url(request), result, 'the id of the log');
    } else if (!Array.isArray(body) || body.length !== datapoints.length || !body.every(isCreated)) {
      throw unexpectedBodyError(request, this.#url(request), result, `the ids of ${datapoints.length} logs`);
    }
    return result;
  }

  /** `PATCH /logs/{id}`: changes output, error or duration, the only fields that v4 allows to change. */
  async update({ id, output, error, duration }: UpdateArguments): Promise<HumanloopResult<LogResponse>> {
    const body = encodeJson('update', { output, error, duration });
    return this.#send({ method: 'PATCH', path: `/logs/${toPathSegment('update', id)}`, body });
  }

  /** `PATCH /logs?reference_id=`: like `update`, for the log that was posted with this reference id. */
  async updateByRef(update: UpdateByRefArguments): Promise<HumanloopResult<LogResponse>> {
    const { output, error, duration } = update;
    const referenceId = requireText('updateByRef', 'referenceId', update.referenceId ?? update.reference_id);
    const query = new URLSearchParams({ reference_id: referenceId });
    const body = encodeJson('updateByRef', { output, error, duration });
    return this.#send({ method: 'PATCH', path: `/logs?${query}`, body });
  }

  /** `GET /logs/{id}`: reads one log. */
  async get(id: string): Promise<HumanloopResult<LogResponse>> {
    return this.#send({ method: 'GET', path: `/logs/${toPathSegment('get', id)}` });
  }

  /** `GET /logs`: reads one page of a project's logs. */
  async list(list: ListArguments): Promise<HumanloopResult<Page<LogResponse>>> {
    requireText('list', 'projectId', list?.projectId);
    return this.#send({ method: 'GET', path: `/logs?${toListQuery(list)}` });
  }

  /** `POST /feedback`: adds feedback to logs, which `data_id` names, or takes it back with `unset`. */
  feedback(feedback: FeedbackArguments): Promise<HumanloopResult<Feedback>>;
  feedback(feedback: readonly FeedbackArguments[]): Promise<HumanloopResult<Feedback[]>>;
  async feedback(
    feedback: FeedbackArguments | readonly FeedbackArguments[],
  ): Promise<HumanloopResult<Feedback> | HumanloopResult<Feedback[]>> {
    return this.#send<Feedback & Feedback[]>({
      method: 'POST',
      path: '/feedback',
      body: encodeJson('feedback', feedback),
    });
  }

  /** `DELETE /logs`: deletes logs by their ids. */
  async delete(ids: string | readonly string[]): Promise<HumanloopResult<undefined>> {
    const query = new URLSearchParams();
    for (const id of Array.isArray(ids) ? ids : [ids]) query.append('id', requireText('delete', 'id', id));
    if (query.size === 0) throw new HumanloopError('delete: expected at least one id');
    return this.#send({ method: 'DELETE', path: `/logs?${query}` });
  }

  /** Closes the connections. Requests in flight fail. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  #url(request: TransportRequest): string {
    return this.#baseUrl + request.path;
  }

  async #send<Body>(request: TransportRequest): Promise<HumanloopResult<Body>> {
    const outcome = await this.#transport.send(request);
    return toResult<Body>(request, this.#url(request), this.#withoutKey(outcome));
  }

  /** A server that rejects a key may quote it, and answers end up in logs. A short key is a word, not a secret. */
  #withoutKey(outcome: TransportOutcome): TransportOutcome {
    const key = this.#apiKey;
    if (!key || key.length < 8 || outcome.kind !== 'answered' || outcome.status < 300) return outcome;
    const conceal = (value: string) => value.replaceAll(key, '[API key]');
    const headers = Object.fromEntries(Object.entries(outcome.headers).map(([name, value]) => [name, conceal(value)]));
    return { ...outcome, text: conceal(outcome.text), headers };
  }
}

/** Returns JSON in UTF-8. A Date becomes its ISO text, undefined is left out, null is kept. */
function encodeJson(method: string, value: unknown): Buffer {
  if (typeof value !== 'object' || value === null) {
    throw new HumanloopError(`${method}: expected an object, got ${value === null ? 'null' : typeof value}`);
  }
  try {
    return Buffer.from(JSON.stringify(value, rejectInvalidDate));
  } catch (cause) {
    throw new HumanloopError(`${method}: cannot be written as JSON: ${(cause as Error).message}`, { cause });
  }
}

/** `JSON.stringify` turns an invalid Date into null, which the API takes for absent. */
function rejectInvalidDate(this: Record<string, unknown>, name: string, value: unknown): unknown {
  if (value === null && this[name] instanceof Date) throw new RangeError(`${name} is an invalid Date`);
  return value;
}

function requireText(method: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value) return value;
  throw new HumanloopError(`${method}: expected ${name} as a non-empty string, got ${typeof value}`);
}

function toPathSegment(method: string, value: unknown): string {
  const id = requireText(method, 'id', value);
  // Servers and proxies resolve dot segments, also percent-encoded ones, so these would address another resource.
  if (/^\.\.?$/.test(id)) throw new HumanloopError(`${method}: expected the id of a log, got '${id}'`);
  return encodeURIComponent(id);
}
