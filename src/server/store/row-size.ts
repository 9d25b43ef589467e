/** How much an answer grows by a row. */
import type { SqliteRow, SqliteValue } from '../../sqlite/open.ts';

/** Returns the number of characters in all texts of the row. */
export function countCharacters(row: SqliteRow | readonly SqliteValue[]): number {
  let characters = 0;
  for (const value of Object.values(row)) if (typeof value === 'string') characters += value.length;
  return characters;
}
