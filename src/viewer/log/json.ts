/** Questions about JSON that others have written. Pure. */

const MAX_PARSED_CHARACTERS = 2_000_000;

/** Whether the value is an object: neither `null` nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the parsed value if the text is a JSON object or list, else the text. */
export function parseIfJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text) || text.length > MAX_PARSED_CHARACTERS) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
