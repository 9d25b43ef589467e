/**
 * Times are stored as text of one width, UTC with microseconds: text order is time order in every database, and a
 * reader of the file needs no conversion.
 */
const DATE_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export function timestampNow(): string {
  return withMicros(Date.now(), '');
}

/** Takes an RFC 3339 date-time; one without an offset is UTC. Returns `undefined` if it is not a time. */
export function toTimestamp(text: string): string | undefined {
  const [, seconds, fraction = '', offset = 'Z'] = DATE_TIME.exec(text) ?? [];
  if (seconds === undefined) return undefined;
  const millis = Date.parse(seconds + offset.toUpperCase());
  return Number.isNaN(millis) ? undefined : withMicros(millis, fraction);
}

/**
 * Returns the first or last instant of a filter's value, which may be a date alone; `undefined` if it is not a time.
 */
export function toTimestampBound(text: string, bound: 'first' | 'last'): string | undefined {
  if (!DATE.test(text)) return toTimestamp(text);
  return toTimestamp(bound === 'first' ? `${text}T00:00:00Z` : `${text}T23:59:59.999999Z`);
}

function withMicros(millis: number, fraction: string): string {
  const text = new Date(millis).toISOString();
  return fraction === '' ? `${text.slice(0, -1)}000Z` : `${text.slice(0, -4)}${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
