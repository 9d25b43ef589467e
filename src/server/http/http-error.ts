import type { ValidationDetail } from '../../wire/v4.ts';

/** An answer repeats keys and values of the request, which may have megabytes. */
const MAX_KEY_CHARACTERS = 200;
const MAX_MESSAGE_CHARACTERS = 1_000;

/**
 * A failure that is answered with its status. Thrown anywhere below the HTTP edge; `detail` becomes the body's
 * `detail`.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly detail: string | ValidationDetail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, given: string | ValidationDetail[], headers: Record<string, string> = {}) {
    const detail = typeof given === 'string' ? cut(given, MAX_MESSAGE_CHARACTERS) : given.map(cutDetail);
    super(typeof detail === 'string' ? detail : detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '));
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

export function invalid(loc: (string | number)[], msg: string, type = 'value_error'): HttpError {
  return new HttpError(422, [{ loc, msg, type }]);
}

function cutDetail({ loc, msg, ...more }: ValidationDetail): ValidationDetail {
  const keys = loc.map((key) => (typeof key === 'string' ? cut(key, MAX_KEY_CHARACTERS) : key));
  return { loc: keys, msg: cut(msg, MAX_MESSAGE_CHARACTERS), ...more };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}
