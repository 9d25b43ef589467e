/**
 * Times are stored as text of one width, UTC with microseconds: text order is time order in every database, and a
 * reader of the file needs no conversion.
 */
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?: ?(Z|[+-]\d{2}(?::?\d{2})?))?$/i;
const NUMBER = /^[+-]?\d{1,20}(?:\.\d+)?$/;
const FIRST_MILLIS = Date.parse('0000-01-01T00:00:00Z');
const LAST_MILLIS = Date.parse('9999-12-31T23:59:59.999Z');
/** As a number of seconds, a larger one would be after the year 2603: it counts milliseconds, or smaller units. */
const MOST_SECONDS = 2e10;

export function timestampNow(): string {
  return withMicros(Date.now(), '');
}

/**
 * Takes what the servers of v4 took for a time: RFC 3339 with `T` or a space, and with seconds and offset or without; a
 * date, which is its first instant; seconds since 1970, or thousandths of them. A time without an offset is UTC. Returns
 * `undefined` if it is not a time, or not of the years 0 to 9999 in UTC: others have another width.
 */
export function toTimestamp(text: string): string | undefined {
  if (isIsoTime(text)) return `${text.slice(0, -1)}000Z`;
  if (NUMBER.test(text)) return fromNumber(Number(text));
  const date = DATE.exec(text);
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', fraction = '', offset] =
    date ?? DATE_TIME.exec(text) ?? [];
  if (year === undefined) return undefined;
  const millis = toMillis([year, month, day, hours, minutes, seconds].map(Number), offset);
  return millis === undefined || millis < FIRST_MILLIS || millis > LAST_MILLIS
    ? undefined
    : withMicros(millis, fraction);
}

/**
 * Returns the first or last instant of a filter's value, which may be a date alone; `undefined` if it is not a time. In
 * a query that is not encoded, the `+` of an offset has become a space.
 */
export function toTimestampBound(text: string, bound: 'first' | 'last'): string | undefined {
  if (bound === 'last' && DATE.test(text)) return toTimestamp(`${text}T23:59:59.999999Z`);
  return toTimestamp(text.replace(/(:\d{2}(?:\.\d+)?) (\d{2}(?::?\d{2})?)$/, '$1+$2'));
}

/** Whether JavaScript writes this time just so, as most clients do. It is asked for each log, and `Date` takes longer. */
export function isIsoTime(text: unknown): boolean {
  if (typeof text !== 'string' || text.length !== 24) return false;
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  const [hours, minutes, seconds] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const hasMarks =
    text[4] === '-' && text[7] === '-' && text[10] === 'T' && text[13] === ':' && text[16] === ':' && text[19] === '.';
  if (!hasMarks || text[23] !== 'Z' || digits(text, 20, 23) < 0 || year < 0) return false;
  if (!(hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && seconds >= 0 && seconds <= 59)) return false;
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
}

/** Returns a negative number where anything else is in between. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = 10 * value + digit;
  }
  return value;
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function fromNumber(given: number): string | undefined {
  let seconds = given;
  while (Math.abs(seconds) > MOST_SECONDS) seconds /= 1000;
  const millis = Math.floor(seconds * 1000);
  if (!(millis >= FIRST_MILLIS && millis <= LAST_MILLIS)) return undefined;
  const micros = Math.round(seconds * 1e6 - Math.floor(seconds) * 1e6);
  return withMicros(millis, String(Math.min(micros, 999_999)).padStart(6, '0'));
}

/** Returns undefined for a day or an hour that does not exist. `Date.parse` takes the 31st of February for one of March. */
function toMillis(
  [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0]: readonly number[],
  offset: string | undefined,
): number | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const offsetMinutes = toMinutes(offset);
  if (offsetMinutes === undefined) return undefined;
  return date.getTime() + ((hours * 60 + minutes - offsetMinutes) * 60 + seconds) * 1000;
}

function toMinutes(offset: string | undefined): number | undefined {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset ?? '') ?? [];
  if (sign === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

function withMicros(millis: number, fraction: string): string {
  const text = new Date(millis).toISOString();
  return fraction === '' ? `${text.slice(0, -1)}000Z` : `${text.slice(0, -4)}${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}
