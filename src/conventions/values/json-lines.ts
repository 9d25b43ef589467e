/** Texts of which each line is JSON of its own, as some APIs stream their answers. */

/** One line that is an object, and the beginning of another one. */
const START = /^\{"[^\r\n]*\}\r?\n\{"/;

/** Whether a text begins as such lines. Nothing in it was cut, but perhaps its last line. */
export function areJsonLines(text: string): boolean {
  return text.startsWith('{"') && START.test(text);
}
