/** What callbacks and instrumentations put around what a step was given and returned. */
import { isObject } from '../../../wire/json.ts';

/** Of Python's callbacks of LangChain: `{ inputs, tags, metadata, kwargs }`, `{ outputs, kwargs }`. */
const ENVELOPE: ReadonlySet<string> = new Set([
  ...['inputs', 'input_str', 'outputs', 'output'],
  ...['tags', 'metadata', 'kwargs', 'name'],
]);
const VALUE_KEYS = ['inputs', 'input_str', 'outputs', 'output'] as const;

/** A request of the Model Context Protocol is put around the arguments of its tool. */
const MCP_CALL: ReadonlySet<string> = new Set(['tool_name', 'arguments']);

/** Returns the value in its envelope, null if that is empty, and any other value as it is. */
export function openEnvelope(value: unknown): unknown {
  if (!isObject(value)) return value;
  const keys = Object.keys(value);
  if (keys.every((key) => MCP_CALL.has(key)) && isObject(value['arguments'])) return value['arguments'];
  const named = VALUE_KEYS.filter((key) => key in value);
  if (named.length === 0 || !keys.every((key) => ENVELOPE.has(key))) return value;
  const found = named.find((key) => value[key] !== null);
  // The envelope of nothing may have nothing else in it.
  if (found === undefined) return null;
  return keys.length > 1 && 'kwargs' in value ? value[found] : value;
}
