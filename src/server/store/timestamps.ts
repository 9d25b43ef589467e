/**
 * Times are stored as text of one width, UTC with microseconds: text order is time order in every database, and a
 * reader of the file needs no conversion.
 */
const DATE_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const FIRST_MILLIS = Date.parse('0000-01-01T00:00:00Z');
const LAST_MILLIS = Date.parse('9999-12-31T23:59:59.999Z');

export function timestampNow(): string {
  return withMicros(Date.now(), '');
}

/**
 * Takes an RFC 3339 date-time; one without an offset is UTC. Returns `undefined` if it is not a time, or not of the
 * years 0 to 9999 in UTC: others have another width.
 */
export function toTimestamp(text: string): string | undefined {
  if (text.length === 24 && isIso(text)) return `${text.slice(0, -1)}000Z`;
  const [, seconds, fraction = '', offset = 'Z'] = DATE_TIME.exec(text) ?? [];
  if (seconds === undefined || !isDate(seconds)) return undefined;
  const millis = Date.parse(seconds + offset.toUpperCase());
  return millis >= FIRST_MILLIS && millis <= LAST_MILLIS ? withMicros(millis, fraction) : undefined;
}

/**
 * Returns the first or last instant of a filter's value, which may be a date alone; `undefined` if it is not a time.
 */
export function toTimestampBound(text: string, bound: 'first' | 'last'): string | undefined {
  if (!DATE.test(text)) return toTimestamp(text);
  return toTimestamp(bound === 'first' ? `${text}T00:00:00Z` : `${text}T23:59:59.999999Z`);
}

/** Whether JavaScript writes this time just so, as most clients do. */
function isIso(text: string): boolean {
  const millis = Date.parse(text);
  return !Number.isNaN(millis) && new Date(millis).toISOString() === text;
}

/** `Date.parse` takes the 31st of February for a day of March. */
function isDate(text: string): boolean {
  const date = text.slice(0, 10);
  const millis = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(millis) && new Date(millis).toISOString().startsWith(date);
}

function withMicros(millis: number, fraction: string): string {
  const text = new Date(millis).toISOString();
  return fraction === '' ? `${text.slice(0, -1)}000Z` : `${text.slice(0, -4)}${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
