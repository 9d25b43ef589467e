/**
 * The JSON of stored logs. Most of it is JSON already, as it was stored: it goes into an answer as it is, and is parsed
 * only if somebody reads the field. To parse it, and to write it again, would take longer than all else of an answer.
 */
import type { LogResponse } from '../../../wire/v4.ts';

/** The text of those fields of a log that are JSON and that nobody has read or set, by the log. */
const storedTexts = new WeakMap<object, ReadonlyMap<string, string>>();

/** Adds the fields to a log, which has others as well. */
export function addStoredFields(log: Record<string, unknown>, texts: ReadonlyMap<string, string>): void {
  const unread = new Map(texts);
  storedTexts.set(log, unread);
  for (const [name, text] of texts) {
    // From now on, the value counts: whoever has it may change what is in it.
    const set = (value: unknown) => {
      unread.delete(name);
      Object.defineProperty(log, name, { value, enumerable: true, configurable: true, writable: true });
    };
    const get = () => {
      const value: unknown = JSON.parse(text);
      set(value);
      return value;
    };
    Object.defineProperty(log, name, { get, set, enumerable: true, configurable: true });
  }
}

/** Returns what `JSON.stringify` would, but for the order of keys. */
export function toLogJson(log: object): string {
  const texts = storedTexts.get(log);
  if (!texts) return JSON.stringify(log);
  // Of a field that is JSON, the value is not asked for.
  const others: Record<string, unknown> = {};
  for (const name of Object.keys(log)) if (!texts.has(name)) others[name] = log[name as keyof typeof log];
  let json = JSON.stringify(others).slice(0, -1);
  for (const [name, text] of texts) json += `,"${name}":${text}`;
  return `${json}}`;
}

/** The same for what has a list of logs. */
export function toRecordsJson<Rest extends object>({ records, ...rest }: Rest & { records: LogResponse[] }): string {
  return `{"records":[${records.map(toLogJson).join(',')}],${JSON.stringify(rest).slice(1)}`;
}
