/** The errors of this package. Whatever callers may distinguish is a field, not a word in the message. */
import { isObject } from './wire/json.ts';
import type { ValidationDetail } from './wire/v4.ts';

/** The base class of every error that this package throws or rejects with. */
export class HumanloopError extends Error {
  override readonly name: string = 'HumanloopError';
}

export interface ApiErrorFields {
  readonly method: string;
  /** Has no credentials and no API key, which is sent in a header. */
  readonly url: string;
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The status text, or why there was no usable answer. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed body; its text if it is not JSON. */
  readonly body: unknown;
  /** Milliseconds from the call to the last byte. */
  readonly roundTripTime: number;
  /** The `detail` list of a 422 answer. */
  readonly detail?: readonly ValidationDetail[];
}

/** A failed request to the v4 API. */
export class HumanloopApiError extends HumanloopError implements ApiErrorFields {
  override readonly name = 'HumanloopApiError';
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly roundTripTime: number;
  readonly detail?: readonly ValidationDetail[];

  constructor(message: string, fields: ApiErrorFields, options?: { cause?: unknown }) {
    super(message, options);
    this.method = fields.method;
    this.url = fields.url;
    this.status = fields.status;
    this.reason = fields.reason;
    this.headers = fields.headers;
    this.body = fields.body;
    this.roundTripTime = fields.roundTripTime;
    if (fields.detail) this.detail = fields.detail;
  }
}

/** Options whose value must not end up in a log: keys, and addresses that may have credentials. */
const SECRET = /key|url|database/i;

/** A wrong option. Callers see a `HumanloopError`; the command line names its own option instead. */
export class OptionError extends HumanloopError {
  // Private, since errors are printed with their fields.
  readonly #option: string;
  readonly #fault: string;

  constructor(what: string, option: string, fault: string) {
    super(`${what} ${option}: ${fault}`);
    this.#option = option;
    this.#fault = fault;
  }

  get option(): string {
    return this.#option;
  }

  /** `expected a function, got 3` */
  get fault(): string {
    return this.#fault;
  }
}

/** Returns the error for a wrong option, or what `what` names: `option x: expected a function, got 3`. */
export function optionError(name: string, expected: string, value: unknown, what = 'option'): OptionError {
  return new OptionError(what, name, `expected ${expected}, got ${describe(name, value)}`);
}

export type OptionCheck = readonly [
  expected: string,
  isValid: (value: unknown) => boolean,
  /** Returns what is wrong with a value that is not valid, without its secrets; undefined if nothing more is known. */
  explain?: (value: unknown) => string | undefined,
];

/** Returns the error for a value that is not valid. */
export function checkError(name: string, check: OptionCheck, value: unknown, what = 'option'): OptionError {
  const [expected, , explain] = check;
  const error = optionError(name, expected, value, what);
  const why = explain?.(value);
  return why ? new OptionError(what, name, `${error.fault}: ${why}`) : error;
}

/** @throws {HumanloopError} for the first option that is not in the list, or is given and not valid. */
export function checkOptions(given: object, checks: Readonly<Record<string, OptionCheck>>, prefix = ''): void {
  if (!isObject(given)) throw optionError(prefix || 'options', 'an object', given);
  for (const [name, value] of Object.entries(given)) {
    const known = checks[name];
    if (!known) throw optionError(prefix + name, `one of ${Object.keys(checks).join(', ')}`, value, 'unknown option');
    if (value !== undefined && !known[1](value)) throw checkError(prefix + name, known, value);
  }
}

function describe(name: string, value: unknown): string {
  if (typeof value === 'string') {
    return SECRET.test(name) && value ? `a string of ${value.length} characters` : JSON.stringify(value.slice(0, 100));
  }
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
