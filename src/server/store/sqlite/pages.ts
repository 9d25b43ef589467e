/** Pages of what is listed, none of them larger than an answer may be. */
import type { SqliteRow, SqliteStatement } from '../../../sqlite/open.ts';
import type { Page } from '../../../wire/v4.ts';
import { createPauses } from '../heavy-turns.ts';
import type { ProjectResponse } from '../project-store.ts';
import { countCharacters } from '../rows/row-size.ts';
import { toProject } from './container-row.ts';
import type { SqliteProjectStore } from './project-store.ts';

/** In all texts of one page. */
const MAX_PAGE_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads the rows of a page one by one, until they have more text than one answer may have: the page then has fewer
 * records, and the same `total`. It has at least one. Rows that were deleted meanwhile are left out.
 */
export async function readWithin<Item>(
  keys: readonly SqliteRow[],
  statement: SqliteStatement,
  toItem: (row: SqliteRow) => Item,
): Promise<Item[]> {
  const items: Item[] = [];
  let characters = 0;
  const pause = createPauses();
  for (const { key } of keys) {
    await pause();
    const row = statement.get(key!);
    if (!row) continue;
    characters += countCharacters(row);
    if (items.length > 0 && characters > MAX_PAGE_CHARACTERS) break;
    await pause();
    items.push(toItem(row));
  }
  await pause();
  return items;
}

/** The same for projects, whose active configs can be large. */
export function withActiveConfigs(
  rows: readonly SqliteRow[],
  { readConfigRow }: SqliteProjectStore,
): ProjectResponse[] {
  const projects: ProjectResponse[] = [];
  let characters = 0;
  for (const row of rows) {
    const key = row['active_config_key']!;
    const config = key === null ? undefined : readConfigRow(key);
    characters += countCharacters(row) + (config ? countCharacters(config) : 0);
    if (projects.length > 0 && characters > MAX_PAGE_CHARACTERS) break;
    projects.push(toProject(row, config));
  }
  return projects;
}

export function toPage<Item>(
  records: Item[],
  { page, size }: { page: number; size: number },
  total: SqliteRow[],
): Page<Item> {
  return { records, page, size, total: Number(total[0]!['total']) };
}
