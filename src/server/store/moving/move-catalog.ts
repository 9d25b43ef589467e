/** Moves projects and configs, of which there are few. All of it can be done again. */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { pipelined, type Statement, toSqlTime } from '../postgres/tables/connection.ts';
import { configKey, fromId, sessionKey, type Uuid } from '../postgres/tables/keys.ts';
import { withProjectName } from '../postgres/tables/project-rows.ts';
import { storableText } from '../storable-text.ts';
import type { Source } from './source.ts';
import type { Target } from './target.ts';

/** Keys of the target, by the ids of the file. */
export interface MovedCatalog {
  readonly projects: ReadonlyMap<string, number>;
  /** Names of projects that the target has under another id. */
  readonly renamed: readonly string[];
}

export function configKeyOf(id: string): Uuid {
  return fromId('config', id) ?? sessionKey(`config ${id}`).key;
}

export async function moveCatalog(source: Source, target: Target): Promise<MovedCatalog> {
  const projects = new Map<string, number>();
  const renamed: string[] = [];
  const active: Statement[] = [];
  for (const rows of source.portions('listProjects')) {
    await target.write(target.place, async (client) => {
      for (const row of rows) {
        const insert = client.query(INSERT_PROJECT, toProjectValues(source, row));
        const found = await withProjectName('name', row['name'] as string, insert);
        projects.set(row['id'] as string, found.rows[0]['key']);
        if (found.rows[0]['id'] !== row['id']) renamed.push(row['name'] as string);
        if (row['active_config_id'] === null) continue;
        active.push({
          text: 'UPDATE projects SET active_config = $2::uuid WHERE key = $1 AND active_config IS NULL',
          values: [found.rows[0]['key'], configKeyOf(row['active_config_id'] as string)],
        });
      }
    });
  }
  for (const rows of source.portions('listConfigs')) {
    await target.write(target.place, async (client) => {
      await pipelined(
        client,
        rows.flatMap((row) => toConfigStatements(row, projects.get(row['project_id'] as string)!)),
      );
    });
  }
  await target.write(target.place, async (client) => void (await pipelined(client, active)));
  return { projects, renamed: [...new Set(renamed)] };
}

/** A project of that name may be there already. */
const INSERT_PROJECT = `INSERT INTO projects (id, name, config_type, feedback_types, given_feedback, created_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (name) DO UPDATE SET config_type = coalesce(projects.config_type, excluded.config_type),
    feedback_types = CASE WHEN projects.feedback_types = '[]' THEN excluded.feedback_types
      ELSE projects.feedback_types END,
    given_feedback = ARRAY(SELECT DISTINCT unnest(projects.given_feedback || excluded.given_feedback) ORDER BY 1 LIMIT 500),
    created_at = least(projects.created_at, excluded.created_at),
    updated_at = greatest(projects.updated_at, excluded.updated_at)
  RETURNING key, id`;

function toProjectValues({ statements }: Source, row: SqliteRow): unknown[] {
  const types = statements.listFeedbackTypes.all(row['key']!).map(({ type, class: kind, labels }) => ({
    ...{ type, class: kind, labels: JSON.parse(labels as string) },
  }));
  const given = statements.listGivenFeedback.all(row['key']!).map(({ type }) => storableText(type as string));
  return [
    ...[row['id'], storableText(row['name'] as string), row['config_type'], JSON.stringify(types), given],
    ...[toSqlTime(row['created_at'] as string), toSqlTime(row['updated_at'] as string)],
  ];
}

/** The second leads from the content to the config. */
function toConfigStatements(row: SqliteRow, project: number): Statement[] {
  const key = configKeyOf(row['id'] as string);
  const content = storableText(row['content'] as string);
  const byContent = configKey(project, content);
  const type = row['type'] as string;
  const times = [toSqlTime(row['created_at'] as string), toSqlTime(row['last_used'] as string)];
  const text = (column: string) => (row[column] === null ? null : storableText(row[column] as string));
  return [
    {
      name: 'move config',
      text: `INSERT INTO configs (key, project, type, model, label, content, created_at, last_used)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO NOTHING`,
      values: [key, project, type, text('model'), text('label'), content, ...times],
    },
    {
      name: 'find moved config',
      text: `INSERT INTO configs (key, project, type, content, created_at, last_used, same_as)
        VALUES ($1, $2, $3, '', $4, $5, $6) ON CONFLICT (key) DO NOTHING`,
      values: [byContent, project, type, ...times, key],
    },
  ];
}
