/** What a database can store as text. */

const NUL = 0;
const REPLACEMENT = 0xfffd;
/** The engine makes a part of the text for each character that it replaces. */
const MANY_CHARACTERS = 100_000;

/**
 * Replaces NUL by the replacement character: some readers of a database end a text there, and PostgreSQL refuses it. And
 * halves of surrogate pairs, as their encoding in a database does: else a text would not be found under its own name.
 * What is searched for has to be changed in the same way.
 */
export function storableText(text: string): string {
  const whole = text.toWellFormed();
  if (!whole.includes('\0')) return whole;
  return whole.length > MANY_CHARACTERS ? withoutNul(whole) : whole.replaceAll('\0', '\uFFFD');
}

function withoutNul(text: string): string {
  const bytes = Buffer.from(text, 'utf16le');
  const units = new Uint16Array(bytes.buffer, bytes.byteOffset, text.length);
  for (let at = 0; at < units.length; at += 1) if (units[at] === NUL) units[at] = REPLACEMENT;
  return bytes.toString('utf16le');
}
