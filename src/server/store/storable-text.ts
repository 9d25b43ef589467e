/** What a database can store as text. */

/**
 * Replaces NUL by the replacement character: some readers of a database end a text there, and PostgreSQL refuses it.
 * What is searched for has to be changed in the same way.
 */
export function storableText(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text;
}
