/** Parses the bodies of operations on projects, as request-body.ts does those on logs. */
import { isObject } from '../../wire/json.ts';
import {
  deployRequest,
  feedbackTypeRequest,
  type ModelConfig,
  modelConfigRequest,
  projectRequest,
  projectUpdate,
  type ValidationDetail,
} from '../../wire/v4.ts';
import { HttpError, invalid } from '../http/http-error.ts';
import { createPauses } from '../store/heavy-turns.ts';
import type { FeedbackTypeDefinition, ProjectChange, ProjectSelector } from '../store/project-store.ts';
import { checkInParts } from './check-in-parts.ts';
import { checkItem, parseOne, rejectIfAny, rejectIfMany, toItems, withoutNulls } from './checked-body.ts';

/** Fields of a project that v4 could change, and that no project has here. To take them would be to lose them. */
const UNSUPPORTED_FIELDS = ['active_experiment_id', 'directory_id', 'positive_labels'] as const;

export function parseProjectName(body: unknown): string {
  return parseOne(projectRequest, body).name;
}

export function parseProjectUpdate(body: unknown): ProjectChange {
  const { name, active_config_id: activeConfigId, ...rest } = parseOne(projectUpdate, body);
  const field = UNSUPPORTED_FIELDS.find((each) => rest[each] !== undefined && rest[each] !== null);
  if (field) throw invalid(['body', field], 'this server has nothing of the kind');
  return { ...(name && { name }), ...(activeConfigId && { activeConfigId }) };
}

export async function parseModelConfig(body: unknown): Promise<{ project: ProjectSelector; config: ModelConfig }> {
  const item = isObject(body) ? withoutNulls(body) : body;
  const checked = await checkInParts(modelConfigRequest, item, ['body'], createPauses());
  if (checked.details) throw new HttpError(422, checked.details);
  const { project: name, project_id: id, ...config } = modelConfigRequest.parse(item);
  // By the official description either must be there; by its id a project is meant more exactly.
  if (id) return { project: { id }, config };
  if (name) return { project: { name }, config };
  throw invalid(['body', 'project'], 'either project or project_id must be provided', 'value_error.missing');
}

export function parseDeployment(body: unknown): { configId: string; environmentIds: readonly string[] } {
  const { config_id: configId, environments } = parseOne(deployRequest, body);
  return { configId, environmentIds: environments?.map(({ id }) => id) ?? [] };
}

export function parseFeedbackType(body: unknown): FeedbackTypeDefinition {
  return parseOne(feedbackTypeRequest, isObject(body) ? withoutNulls(body) : body) as FeedbackTypeDefinition;
}

export function parseFeedbackTypes(body: unknown, maxItems: number): FeedbackTypeDefinition[] {
  const details: ValidationDetail[] = [];
  const types = toItems(body, maxItems).map(({ value, loc }) => {
    rejectIfMany(details);
    const checked = checkItem(feedbackTypeRequest, isObject(value) ? withoutNulls(value) : value, loc);
    if (!checked.details) return checked.data;
    details.push(...checked.details);
    return { type: '' };
  });
  rejectIfAny(details);
  return types as FeedbackTypeDefinition[];
}
