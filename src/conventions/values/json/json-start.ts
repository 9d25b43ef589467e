/** How the JSON of an object or a list begins, also if it was encoded twice or three times: `{`, `"{`, `"\"{`. */
const START = /^(?:"(?:\\")?)?[{[]/;

/** Whether a text may be such JSON. */
export function startsStructure(text: string): boolean {
  return START.test(text);
}
