/**
 * The JSON of a stored log. Most of it is JSON already, as it was stored: it goes into an answer as it is, and is parsed
 * only if somebody reads the field. To parse it, and to write it again, would take longer than all else of an answer.
 */

/** The text of the fields of a log that are JSON, by the log. */
const storedTexts = new WeakMap<object, ReadonlyMap<string, string>>();

/** Adds the fields to a log, which has others as well. Whoever changes one of them makes another log of it. */
export function addStoredFields(log: Record<string, unknown>, texts: ReadonlyMap<string, string>): void {
  storedTexts.set(log, texts);
  for (const [name, text] of texts) {
    const set = (value: unknown) =>
      Object.defineProperty(log, name, { value, enumerable: true, configurable: true, writable: true });
    const get = () => {
      const value: unknown = JSON.parse(text);
      set(value);
      return value;
    };
    Object.defineProperty(log, name, { get, set, enumerable: true, configurable: true });
  }
}

/** Returns what `JSON.stringify` would, but for spaces and the order of keys. */
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
