/** The schemas of bodies and answers by the names that the description of the API has for them. */
import { z } from 'zod';
import * as wire from '../../wire/v4.ts';
import type { Schema } from '../http/route.ts';

const time = z.iso.datetime();
const object = z.looseObject({});

const Config = z.looseObject({ id: z.string(), type: z.enum(['model', 'tool', 'agent', 'generic']) });

const ProjectConfig = z.object({
  ...{ project_id: z.string(), project_name: z.string(), created_at: time, updated_at: time, last_used: time },
  config: Config,
});

const FeedbackType = z.object({ type: z.string(), values: z.array(wire.feedbackLabel.required()).optional() });

const Feedback = wire.feedback.extend({ id: z.string() });

const Log = z.looseObject({
  ...wire.logRequest.omit({ config: true, feedback: true, project: true, project_id: true }).shape,
  ...{ id: z.string(), project: z.string(), project_id: z.string(), inputs: object, save: z.boolean() },
  ...{ created_at: time, updated_at: time, tokens: z.int().optional() },
  config: Config.nullable(),
  model_config: ProjectConfig.optional(),
  feedback: z.array(Feedback),
  evaluation_results: z.array(object),
  observability_status: z.enum(['pending', 'running', 'completed', 'failed']),
});

const Project = z.object({
  ...{ id: z.string(), name: z.string(), users: z.array(object), data_count: z.int(), team_id: z.string() },
  feedback_types: z.array(FeedbackType),
  active_config: ProjectConfig.optional(),
  config_type: z.string().optional(),
  ...{ created_at: time, updated_at: time },
});

const Session = z.object({
  ...{ id: z.string(), reference_id: z.string().optional(), datapoints_count: z.int() },
  projects: z.array(z.object({ id: z.string(), name: z.string(), type: z.enum(['prompt', 'tool', 'flow']) })),
  ...{ first_inputs: object.optional(), last_output: z.string().optional(), created_at: time, updated_at: time },
});

const ValidationDetail = z.object({
  ...{ loc: z.array(z.union([z.string(), z.int()])), msg: z.string(), type: z.string() },
});

const toPage = (item: z.ZodType) => z.object({ records: z.array(item), page: z.int(), size: z.int(), total: z.int() });

const SCHEMAS = {
  LogRequest: wire.logRequest,
  LogUpdate: wire.logUpdate,
  CreatedLog: z.object({ id: z.string(), project_id: z.string(), session_id: z.string().nullable() }),
  Log,
  LogPage: toPage(Log),
  FeedbackRequest: wire.feedbackRequest,
  Feedback,
  CreatedSession: z.object({ id: z.string() }),
  Session,
  SessionPage: toPage(Session),
  ProjectRequest: wire.projectRequest,
  ProjectUpdate: wire.projectUpdate,
  Project,
  ProjectPage: toPage(Project),
  ModelConfigRequest: wire.modelConfigRequest,
  DeployRequest: wire.deployRequest,
  Config,
  ProjectConfig,
  ActiveConfig: ProjectConfig.extend({ environment_id: z.string() }),
  DeployedConfig: z.object({
    ...{ project_id: z.string(), project_name: z.string() },
    ...{ model_config_id: z.string().optional(), model_config_name: z.string().optional() },
    ...{ environment_id: z.string(), environment_name: z.string(), environment_tag: z.string() },
  }),
  FeedbackTypeRequest: wire.feedbackTypeRequest,
  FeedbackType,
  Health: z.object({ status: z.enum(['ok', 'full', 'gone', 'failed', 'unavailable']), message: z.string().optional() }),
  Description: z.looseObject({ openapi: z.string() }),
  ValidationDetail,
  Fault: z.object({ detail: z.union([z.string(), z.array(ValidationDetail)]) }),
} as const;

export type SchemaName = keyof typeof SCHEMAS;

export function schema(name: SchemaName): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function listOf(name: SchemaName): Schema {
  return { type: 'array', items: schema(name) };
}

export function oneOrMany(name: SchemaName): Schema {
  return { anyOf: [listOf(name), schema(name)] };
}

/** Returns JSON Schemas by their names, as JSON on the wire has to be. */
export function describeSchemas(): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, each] of Object.entries(SCHEMAS)) registry.add(each, { id });
  const { schemas } = z.toJSONSchema(registry, {
    ...{ io: 'input', unrepresentable: 'any' },
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodISODateTime) {
        delete jsonSchema.pattern;
        jsonSchema.format = 'date-time';
      }
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...each }]) => [name, each as Schema]),
  );
}
