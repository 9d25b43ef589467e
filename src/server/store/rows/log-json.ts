/**
 * The JSON of stored logs. Most of it is JSON already, as it was stored: it goes into an answer as it is, and is parsed
 * only if somebody reads the field. To parse it, and to write it again, would take longer than all else of an answer.
 */
import { createPauses } from '../heavy-turns.ts';
import { hasLongTexts, stringifyElsewhere } from './json-thread.ts';

const NONE_STORED: ReadonlyMap<string, string> = new Map();

/** Of a log, the text of those fields that are JSON and that nobody has read or set. A copy of a log has none. */
const UNREAD = Symbol('unread');

interface StoredLog {
  [UNREAD]?: Map<string, string>;
}

/** Adds the fields to a log, or to what else has others as well, and takes the map for its own. */
export function addStoredFields(log: object, texts: Map<string, string>): void {
  Object.defineProperty(log, UNREAD, { value: texts });
  for (const name of texts.keys()) Object.defineProperty(log, name, accessorOf(name));
}

/** The same for all logs: with functions of its own, each log would be another kind of object for V8. */
const accessors = new Map<string, PropertyDescriptor>();

function accessorOf(name: string): PropertyDescriptor {
  const known = accessors.get(name);
  if (known) return known;
  // From now on, the value counts: whoever has it may change what is in it.
  const set = (log: StoredLog, value: unknown) => {
    log[UNREAD]?.delete(name);
    Object.defineProperty(log, name, { value, enumerable: true, configurable: true, writable: true });
  };
  const accessor = {
    get(this: StoredLog): unknown {
      const value: unknown = JSON.parse(this[UNREAD]!.get(name)!);
      set(this, value);
      return value;
    },
    set(this: StoredLog, value: unknown) {
      set(this, value);
    },
    ...{ enumerable: true, configurable: true },
  };
  accessors.set(name, accessor);
  return accessor;
}

/** Returns what `JSON.stringify` would, but for the order of keys. */
export function toLogJson(log: object): string {
  const [others, stored] = divide(log);
  return join(JSON.stringify(others), stored);
}

/** The same for an answer: what is long in the log is written on another thread. */
export async function writeLogJson(log: object): Promise<string> {
  const [others, stored] = divide(log);
  const isLong = hasLongTexts(others);
  return join(isLong ? (await stringifyElsewhere(others)).toString() : JSON.stringify(others), stored);
}

/** The same for what has a list of logs, or of what else has stored fields. */
export async function writeRecordsJson<Rest extends object>(
  page: Rest & { readonly records: readonly object[] },
): Promise<string> {
  const { records, ...rest } = page;
  return `{"records":${await writeListJson(records)},${JSON.stringify(rest).slice(1)}`;
}

export async function writeListJson(records: readonly object[]): Promise<string> {
  const texts: string[] = [];
  const pause = createPauses();
  for (const record of records) {
    texts.push(await writeLogJson(record));
    await pause();
  }
  return `[${texts.join(',')}]`;
}

/** Returns how many characters its texts have, and what is JSON in it. */
export function countLogCharacters(log: object): number {
  const [others, stored] = divide(log);
  let characters = 0;
  for (const value of [...Object.values(others), ...stored.values()]) {
    if (typeof value === 'string') characters += value.length;
  }
  return characters;
}

/** Of a field that is JSON, the value is not asked for. */
function divide(log: object): [others: object, stored: ReadonlyMap<string, string>] {
  const stored = (log as StoredLog)[UNREAD];
  if (!stored) return [log, NONE_STORED];
  const others: Record<string, unknown> = {};
  for (const name of Object.keys(log)) if (!stored.has(name)) others[name] = log[name as keyof typeof log];
  return [others, stored];
}

function join(othersJson: string, stored: ReadonlyMap<string, string>): string {
  if (stored.size === 0) return othersJson;
  let json = othersJson.slice(0, -1);
  for (const [name, text] of stored) json += `,"${name}":${text}`;
  return `${json}}`;
}
