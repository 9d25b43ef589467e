/** Converts sessions and projects, the two containers of logs, from their rows to the wire's form. */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { type StoredFeedbackType, toFeedbackType } from '../feedback-types.ts';
import type { ProjectResponse } from '../project-store.ts';
import { toProjectConfigJson, toProjectType } from '../rows/config-response.ts';
import { addStoredFields } from '../rows/log-json.ts';
import type { SessionResponse } from '../store.ts';

export function toSession(row: SqliteRow): SessionResponse {
  const session: Record<string, unknown> = {
    id: row['id'],
    ...(row['reference_id'] !== null && { reference_id: row['reference_id'] }),
    projects: (JSON.parse(row['projects'] as string) as SqliteRow[]).map(({ id, name, type }) => {
      return { id, name, type: toProjectType(type) };
    }),
    datapoints_count: Number(row['datapoints_count']),
    ...(row['last_output'] !== null && { last_output: row['last_output'] }),
    created_at: row['created_at'],
    updated_at: row['updated_at'],
  };
  const inputs = row['first_inputs'] as string | null;
  addStoredFields(session, new Map(inputs === null ? [] : [['first_inputs', inputs]]));
  return session as unknown as SessionResponse;
}

/** @param activeConfig the row of the active config, if there is one, which is prepared. */
export function toProject(row: SqliteRow, activeConfig?: SqliteRow): ProjectResponse {
  const defined = JSON.parse(row['defined_feedback_types'] as string) as StoredFeedbackType[];
  const names = new Set(defined.map(({ type }) => type));
  const logged = (JSON.parse(row['feedback_types'] as string) as string[]).filter((type) => !names.has(type));
  const project: ProjectResponse = {
    id: row['id'] as string,
    name: row['name'] as string,
    users: [],
    data_count: Number(row['data_count']),
    feedback_types: [...defined.map(toFeedbackType), ...logged.map((type) => ({ type }))],
    team_id: 'tm_local',
    ...(row['config_type'] !== null && { config_type: row['config_type'] as string }),
    created_at: row['created_at'] as string,
    updated_at: row['updated_at'] as string,
  };
  if (activeConfig) addStoredFields(project, new Map([['active_config', toProjectConfigJson(activeConfig)]]));
  return project;
}
