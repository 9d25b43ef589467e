/** Pages of what is listed, none of them larger than an answer may be. */
import type { SqliteRow, SqliteValue } from '../../../sqlite/open.ts';
import type { Page } from '../../../wire/v4.ts';
import { createPauses, nextHeavyTurn } from '../heavy-turns.ts';
import type { ProjectResponse } from '../project-store.ts';
import { prepareConfig } from '../rows/config-response.ts';
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
  readRow: (key: SqliteValue) => Promise<SqliteRow | undefined>,
  toItem: (row: SqliteRow) => Item,
): Promise<Item[]> {
  const items: Item[] = [];
  let characters = 0;
  // Other pages may be at their first row in this turn.
  await nextHeavyTurn();
  const pause = createPauses();
  for (const { key } of keys) {
    const row = await readRow(key!);
    await pause();
    if (!row) continue;
    characters += countCharacters(row);
    if (items.length > 0 && characters > MAX_PAGE_CHARACTERS) break;
    await prepareConfig(row);
    items.push(toItem(row));
  }
  await pause();
  return items;
}

/** Of one read on another thread. */
const MAX_PROJECTS_READ = 50;

/**
 * The same for projects, which are read on another thread, and whose active configs can be large. `keys` have the `bytes`
 * of their types of feedback.
 */
export async function readProjectsWithin(
  keys: readonly SqliteRow[],
  read: (keys: readonly SqliteValue[]) => Promise<SqliteRow[]>,
  { readConfigRow }: SqliteProjectStore,
): Promise<ProjectResponse[]> {
  const projects: ProjectResponse[] = [];
  let characters = 0;
  const pause = createPauses();
  for (let at = 0; at < keys.length; ) {
    const portion: SqliteValue[] = [];
    for (let bytes = 0; at < keys.length && portion.length < MAX_PROJECTS_READ; at += 1) {
      bytes += Number(keys[at]!['bytes']);
      if (portion.length > 0 && bytes > MAX_PAGE_CHARACTERS) break;
      portion.push(keys[at]!['key']!);
    }
    for (const row of await read(portion)) {
      await pause();
      const config = await activeConfigOf(row, readConfigRow);
      characters += countCharacters(row) + (config ? countCharacters(config) : 0);
      if (projects.length > 0 && characters > MAX_PAGE_CHARACTERS) return projects;
      projects.push(toProject(row, config));
    }
  }
  await pause();
  return projects;
}

export async function activeConfigOf(
  row: SqliteRow,
  readConfigRow: SqliteProjectStore['readConfigRow'],
): Promise<SqliteRow | undefined> {
  const key = row['active_config_key']!;
  return key === null ? undefined : readConfigRow(key);
}

export function toPage<Item>(
  records: Item[],
  { page, size }: { page: number; size: number },
  total: SqliteRow[],
): Page<Item> {
  return { records, page, size, total: Number(total[0]!['total']) };
}
