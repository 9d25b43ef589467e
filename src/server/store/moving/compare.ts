/** Looks for everything of the file in the database, by its ids. */
import type { Row, Statement } from '../postgres/tables/connection.ts';
import { byPlaces, findCurrentSessions, findReferences } from '../postgres/tables/lookups.ts';
import { storableText } from '../storable-text.ts';
import { logIdOf, sessionKeys } from './ids.ts';
import { configKeyOf } from './move-catalog.ts';
import type { Source, SourceCounts } from './source.ts';
import type { Target } from './target.ts';

export type Compared = Omit<SourceCounts, 'traces'>;

export interface Comparison {
  /** What the file has. */
  readonly file: Compared;
  /** How much of it the database has. */
  readonly database: Compared;
  /** Logs of the file whose reference is that of another log in the database, and their feedback. */
  readonly elsewhere: { readonly logs: number; readonly feedback: number };
}

export async function compare(source: Source, target: Target): Promise<Comparison> {
  const { reads } = target.connections;
  const run = async (statement: Statement | undefined): Promise<Row[]> =>
    statement ? (await reads.query<Row>(statement.text, [...(statement.values ?? [])])).rows : [];

  let [logs, sessions, feedback, projects, configs, feedbackElsewhere] = [0, 0, 0, 0, 0, 0];
  const elsewhere = new Set<string>();
  for (const rows of source.portions('listIds')) {
    const idOf = new Map(rows.map((row) => [row, logIdOf(row['id'] as string, row['updated_at'] as string)]));
    const present = byPlaces({ name: 'moved logs', columns: 'id', table: 'logs' }, idOf.values());
    const found = new Set((await run(present)).map(({ id }) => id));
    const missing = rows.filter((row) => !found.has(idOf.get(row)));
    const references = missing.flatMap((row) =>
      row['reference_id'] === null ? [] : [storableText(row['reference_id'] as string)],
    );
    const known = await findReferences(reads, references);
    for (const row of missing) {
      if (known.has(storableText((row['reference_id'] as string | null) ?? ''))) elsewhere.add(idOf.get(row)!);
    }
    logs += found.size;
  }
  for (const rows of source.portions('listFeedbackIds')) {
    const logOf = (row: (typeof rows)[number]) => logIdOf(row['log_id'] as string, row['log_updated_at'] as string);
    const statement = byPlaces({ name: 'moved feedback', columns: 'log_id, id', table: 'feedback' }, rows.map(logOf));
    const found = new Set((await run(statement)).map((row) => `${row['log_id']} ${row['id']}`));
    for (const row of rows) {
      if (found.has(`${logOf(row)} ${row['id']}`)) feedback += 1;
      else if (elsewhere.has(logOf(row))) feedbackElsewhere += 1;
    }
  }
  for (const rows of source.portions('listSessions')) {
    const keys = rows.map((row) => {
      const { key, alias = key } = sessionKeys(row['id'] as string, row['reference_id'] as string | null);
      return alias.key;
    });
    const found = await findCurrentSessions(reads, keys);
    sessions += keys.filter((key) => found.has(key)).length;
  }
  for (const rows of source.portions('listProjects')) {
    const names = rows.map(({ name }) => storableText(name as string));
    projects += (await run({ text: 'SELECT 1 FROM projects WHERE name = ANY($1)', values: [names] })).length;
  }
  for (const rows of source.portions('listConfigs')) {
    const keys = rows.map(({ id }) => configKeyOf(id as string));
    configs += (await run({ text: 'SELECT 1 FROM configs WHERE key = ANY($1::uuid[])', values: [keys] })).length;
  }
  const { traces: _, ...file } = source.counts();
  return {
    file,
    database: { logs, sessions, feedback, projects, configs },
    elsewhere: { logs: elsewhere.size, feedback: feedbackElsewhere },
  };
}

/** Whether everything of the file is in the database, under its own id or as another log of the same reference. */
export function isComplete({ file, database, elsewhere }: Comparison): boolean {
  return (
    database.logs + elsewhere.logs === file.logs &&
    database.feedback + elsewhere.feedback === file.feedback &&
    database.sessions === file.sessions &&
    database.projects === file.projects &&
    database.configs === file.configs
  );
}
