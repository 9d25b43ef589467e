/** How much an answer grows by a row. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';

/** Returns the number of characters in all texts of the row, or of bytes where a text is in UTF-8. */
export function countCharacters(row: SqliteRow | readonly SqliteValue[]): number {
  let characters = 0;
  for (const value of Object.values(row)) {
    if (typeof value === 'string' || value instanceof Uint8Array) characters += value.length;
  }
  return characters;
}
