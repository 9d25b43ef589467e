/** Converts sessions and projects, the two containers of logs, from their rows to the wire's form. */
import type { SqliteRow } from '../../../sqlite/open.ts';
import { type StoredFeedbackType, toFeedbackType } from '../feedback-types.ts';
import type { ProjectResponse } from '../project-store.ts';
import { toProjectConfig } from '../rows/config-response.ts';
import type { SessionResponse } from '../store.ts';
import type { Statements } from './writing/statements.ts';

export function toSession(row: SqliteRow, statements: Statements): SessionResponse {
  const projects = statements.listProjectsOfSession.all(row['key']!).map((project) => ({
    id: project['id'] as string,
    name: project['name'] as string,
    type: ({ model: 'prompt', tool: 'tool' } as const)[project['config_type'] as 'model' | 'tool'] ?? ('flow' as const),
  }));
  return {
    id: row['id'] as string,
    ...(row['reference_id'] !== null && { reference_id: row['reference_id'] as string }),
    projects,
    datapoints_count: Number(row['datapoints_count']),
    ...(row['first_inputs'] !== null && { first_inputs: JSON.parse(row['first_inputs'] as string) }),
    ...(row['last_output'] !== null && { last_output: row['last_output'] as string }),
    created_at: row['created_at'] as string,
    updated_at: row['updated_at'] as string,
  };
}

/** @param activeConfig the row of the active config, if there is one. */
export function toProject(row: SqliteRow, activeConfig?: SqliteRow): ProjectResponse {
  const defined = JSON.parse(row['defined_feedback_types'] as string) as StoredFeedbackType[];
  const names = new Set(defined.map(({ type }) => type));
  const logged = (JSON.parse(row['feedback_types'] as string) as string[]).filter((type) => !names.has(type));
  return {
    id: row['id'] as string,
    name: row['name'] as string,
    users: [],
    data_count: Number(row['data_count']),
    feedback_types: [...defined.map(toFeedbackType), ...logged.map((type) => ({ type }))],
    team_id: 'tm_local',
    ...(row['config_type'] !== null && { config_type: row['config_type'] as string }),
    ...(activeConfig && { active_config: toProjectConfig(activeConfig) }),
    created_at: row['created_at'] as string,
    updated_at: row['updated_at'] as string,
  };
}
