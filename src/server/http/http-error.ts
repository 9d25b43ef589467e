import type { ValidationDetail } from '../../wire/v4.ts';

/**
 * A failure that is answered with its status. Thrown anywhere below the HTTP edge; `detail` becomes the body's
 * `detail`.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly detail: string | ValidationDetail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string | ValidationDetail[], headers: Record<string, string> = {}) {
    super(typeof detail === 'string' ? detail : detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '));
    this.status = status;
    this.detail = detail;
    this.headers = headers;
  }
}

export function invalid(loc: (string | number)[], msg: string, type = 'value_error'): HttpError {
  return new HttpError(422, [{ loc, msg, type }]);
}
