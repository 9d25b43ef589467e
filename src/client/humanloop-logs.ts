/** The client of the v4 logs API: one method per operation, for scripts and for what no span tells. */

import { HumanloopError, optionError } from '../errors.ts';
import { type HumanloopOptions, resolveOptions } from '../options.ts';
import { createHttpTransport } from '../transport/http-transport.ts';
import type { Transport, TransportOutcome, TransportRequest } from '../transport/transport.ts';
import type { CreatedLog, LogRequest, LogResponse, LogUpdate, Page } from '../wire/v4.ts';
import { type HumanloopResult, toResult, unexpectedBody } from './api-result.ts';
import { type ListArguments, toListQuery } from './list-query.ts';

/** Environment variables and defaults as for the span processor; `timeoutMillis` is per request, 10,000. */
export type HumanloopLogsOptions = Pick<HumanloopOptions, 'apiKey' | 'baseUrl' | 'timeoutMillis'>;

type WithDates<Fields> = { [Name in keyof Fields]: Name extends 'created_at' ? Date | Fields[Name] : Fields[Name] };

/** A datapoint to log. All fields have their names of the v4 API; `created_at` may be a Date. */
export type LogArguments = WithDates<LogRequest>;

export type UpdateArguments = Pick<LogUpdate, 'output' | 'error' | 'duration'> & { id: string };

export type UpdateByRefArguments = Pick<LogUpdate, 'output' | 'error' | 'duration'> &
  ({ referenceId: string; reference_id?: undefined } | { reference_id: string; referenceId?: undefined });

/**
 * Every method resolves to a `HumanloopResult`. It rejects with a `HumanloopApiError` for a failed request, which is
 * never repeated, and with a plain `HumanloopError` for arguments that cannot be sent.
 */
export class HumanloopLogs {
  readonly #transport: Transport;
  readonly #baseUrl: string;
  readonly #apiKey: string | undefined;

  /** @throws {HumanloopError} on a wrong option; it says which, what was expected and what came. */
  constructor({ apiKey, baseUrl, timeoutMillis, ...unknown }: HumanloopLogsOptions = {}) {
    const [name] = Object.keys(unknown);
    if (name)
      throw optionError(name, 'one of apiKey, baseUrl, timeoutMillis', Object.values(unknown)[0], 'unknown option');
    const options = resolveOptions({ apiKey, baseUrl, timeoutMillis });
    this.#apiKey = options.apiKey?.trim();
    this.#baseUrl = options.baseUrl;
    this.#transport = createHttpTransport(options);
  }

  /** `POST /logs`. The reply does not echo the reference ids: it is matched by position. */
  log(datapoint: LogArguments): Promise<HumanloopResult<CreatedLog>>;
  log(datapoints: readonly LogArguments[]): Promise<HumanloopResult<CreatedLog[]>>;
  async log(
    datapoints: LogArguments | readonly LogArguments[],
  ): Promise<HumanloopResult<CreatedLog> | HumanloopResult<CreatedLog[]>> {
    const request: TransportRequest = { method: 'POST', path: '/logs', body: encode('log', datapoints) };
    const result = await this.#send<CreatedLog & CreatedLog[]>(request);
    const isCreated = (log: unknown) => typeof (log as CreatedLog | null)?.id === 'string';
    const { body } = result;
    if (!Array.isArray(datapoints)) {
      if (!isCreated(body)) throw unexpectedBody(request, this.#url(request), result, 'the id of the log');
    } else if (!Array.isArray(body) || body.length !== datapoints.length || !body.every(isCreated)) {
      throw unexpectedBody(request, this.#url(request), result, `the ids of ${datapoints.length} logs`);
    }
    return result;
  }

  /** `PATCH /logs/{id}`. Only the output, the error and the duration (in seconds) of a log can change. */
  async update({ id, output, error, duration }: UpdateArguments): Promise<HumanloopResult<LogResponse>> {
    const body = encode('update', { output, error, duration });
    return this.#send({ method: 'PATCH', path: `/logs/${pathSegment('update', id)}`, body });
  }

  /** `PATCH /logs?reference_id=`: an update of the log that was posted with this reference. */
  async updateByRef(update: UpdateByRefArguments): Promise<HumanloopResult<LogResponse>> {
    const { output, error, duration } = update;
    const referenceId = text('updateByRef', 'referenceId', update.referenceId ?? update.reference_id);
    const query = new URLSearchParams({ reference_id: referenceId });
    const body = encode('updateByRef', { output, error, duration });
    return this.#send({ method: 'PATCH', path: `/logs?${query}`, body });
  }

  /** `GET /logs/{id}`. */
  async get(id: string): Promise<HumanloopResult<LogResponse>> {
    return this.#send({ method: 'GET', path: `/logs/${pathSegment('get', id)}` });
  }

  /** `GET /logs`: one page of a project's logs. */
  async list(list: ListArguments): Promise<HumanloopResult<Page<LogResponse>>> {
    text('list', 'projectId', list?.projectId);
    return this.#send({ method: 'GET', path: `/logs?${toListQuery(list)}` });
  }

  /** `DELETE /logs`. */
  async delete(ids: string | readonly string[]): Promise<HumanloopResult<undefined>> {
    const query = new URLSearchParams();
    for (const id of Array.isArray(ids) ? ids : [ids]) query.append('id', text('delete', 'id', id));
    if (query.size === 0) throw new HumanloopError('delete: expected at least one id');
    return this.#send({ method: 'DELETE', path: `/logs?${query}` });
  }

  /** Closes the connections; requests in flight fail. */
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

  /** A server that rejects a key may quote it, and answers end up in logs. Short keys are no secrets but words. */
  #withoutKey(outcome: TransportOutcome): TransportOutcome {
    const key = this.#apiKey;
    if (!key || key.length < 8 || outcome.kind !== 'answered' || outcome.status < 300) return outcome;
    const conceal = (value: string) => value.replaceAll(key, '[API key]');
    const headers = Object.fromEntries(Object.entries(outcome.headers).map(([name, value]) => [name, conceal(value)]));
    return { ...outcome, text: conceal(outcome.text), headers };
  }
}

/** JSON in UTF-8. A Date becomes its ISO text, `undefined` is left out, `null` is kept. */
function encode(method: string, value: unknown): Buffer {
  if (typeof value !== 'object' || value === null) {
    throw new HumanloopError(`${method}: expected an object, got ${value === null ? 'null' : typeof value}`);
  }
  try {
    return Buffer.from(JSON.stringify(value, rejectInvalidDate));
  } catch (cause) {
    throw new HumanloopError(`${method}: cannot be written as JSON: ${(cause as Error).message}`, { cause });
  }
}

/** JSON turns an invalid Date into `null`, which the API takes for absent. */
function rejectInvalidDate(this: Record<string, unknown>, name: string, value: unknown): unknown {
  if (value === null && this[name] instanceof Date) throw new RangeError(`${name} is an invalid Date`);
  return value;
}

function text(method: string, name: string, value: unknown): string {
  if (typeof value === 'string' && value) return value;
  throw new HumanloopError(`${method}: expected ${name} as a non-empty string, got ${typeof value}`);
}

function pathSegment(method: string, value: unknown): string {
  const id = text(method, 'id', value);
  // Servers and proxies resolve dot segments, also percent-encoded ones: they would address another resource.
  if (/^\.\.?$/.test(id)) throw new HumanloopError(`${method}: expected the id of a log, got '${id}'`);
  return encodeURIComponent(id);
}
