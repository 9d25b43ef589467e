/** Texts of which each line is JSON of its own, as some APIs stream their answers. */

/** Whether a text begins as such lines: with an object, and another one. Nothing was cut, but perhaps the last line. */
export function areJsonLines(text: string): boolean {
  if (!text.startsWith('{"')) return false;
  // A line may have megabytes, which a pattern would look at twice.
  const newline = text.indexOf('\n');
  if (newline < 0 || !text.startsWith('{"', newline + 1)) return false;
  const end = text[newline - 1] === '\r' ? newline - 1 : newline;
  return text[end - 1] === '}' && !text.slice(0, end).includes('\r');
}
