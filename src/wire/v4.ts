/**
 * The wire schema of the v4 logs API. The server validates with it, and the client takes its types from it.
 *
 * It accepts the union of all v4 versions: the four config types of the early API description and the fields of the
 * last one. The app half imports only types from here, so that an app that exports never loads zod.
 */
import { z } from 'zod';
import { isObject } from './json.ts';

/** Any object. A `z.record` would copy it, key by key. */
const jsonObject = z.custom<Record<string, unknown>>(isObject, 'value is not a valid dict').meta({ type: 'object' });
export const dateTime = z.iso.datetime({ offset: true, local: true });
/** Names and ids stand in lists, of which each answer has many. */
const name = z.string().max(10_000);
/** Of 32 bits, so that the sum over any session is exact. */
const tokenCount = z.int32();
/** Larger numbers are faults of a client, and sums of them would be infinite. */
const seconds = z.number().min(-1e11).max(1e11);
const cost = z.number().min(-1e12).max(1e12);

export const textContent = z.object({ type: z.literal('text'), text: z.string() });
export const imageContent = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string(), detail: z.string().optional() }),
});

const functionCall = z.object({ name: z.string(), arguments: z.string().optional() });
const toolCall = z.object({ id: z.string(), type: z.literal('function'), function: functionCall });

export const chatMessage = z.object({
  role: z.enum(['user', 'assistant', 'system', 'tool']),
  content: z
    .union([z.string(), z.array(z.discriminatedUnion('type', [textContent, imageContent]))])
    .nullable()
    .optional(),
  name: z.string().nullable().optional(),
  tool_call_id: z.string().nullable().optional(),
  tool_calls: z.array(toolCall).nullable().optional(),
  /** Deprecated single call. In the first versions its arguments may have any form. */
  tool_call: z.object({ name: z.string(), arguments: z.unknown() }).nullable().optional(),
});

/** The providers listed by any v4 version. An unlisted one is left out and its name kept under `other`. */
export const MODEL_PROVIDERS = [
  'openai',
  'openai_azure',
  'ai21',
  'mock',
  'anthropic',
  'langchain',
  'bedrock',
  'cohere',
  'replicate',
  'google',
  'groq',
] as const;

/** Fields of a tool, besides its name, in any version. */
const toolFields = {
  description: z.string().optional(),
  parameters: jsonObject.optional(),
  strict: z.boolean().optional(),
  /** The tool's code in the first versions; `organization` or `inline` in the later ones. */
  source: z.string().optional(),
  source_code: z.string().optional(),
  other: jsonObject.optional(),
  preset_name: z.string().optional(),
};

const modelTool = z.object({ ...toolFields, name: z.string() });

const linkedTool = z.object({
  id: z.string(),
  source: z.literal('organization'),
  name: z.string().optional(),
  description: z.string().optional(),
  strict: z.boolean().optional(),
  parameters: jsonObject.optional(),
});

const named = { name: z.string().optional(), description: z.string().optional(), other: jsonObject.optional() };

export const modelConfig = z.strictObject({
  ...named,
  type: z.literal('model').optional(),
  provider: z.enum(MODEL_PROVIDERS).optional(),
  model: name,
  max_tokens: z.int().optional(),
  temperature: z.number().optional(),
  top_p: z.number().optional(),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  presence_penalty: z.number().optional(),
  frequency_penalty: z.number().optional(),
  seed: z.int().optional(),
  response_format: z
    .object({ type: z.enum(['json_object', 'json_schema']), json_schema: jsonObject.optional() })
    .optional(),
  endpoint: z.enum(['complete', 'chat', 'edit']).optional(),
  prompt_template: z.string().optional(),
  chat_template: z.array(chatMessage).optional(),
  tools: z.array(z.union([linkedTool, modelTool])).optional(),
});

export const toolConfig = z.looseObject({ ...toolFields, type: z.literal('tool'), name: z.string() });

export const agentConfig = z.strictObject({
  ...named,
  type: z.literal('agent'),
  agent_class: z.string(),
  model_config: modelConfig,
  tools: z.array(toolConfig).optional(),
});

export const genericConfig = z.strictObject({ ...named, type: z.literal('generic') });

/** A config without `type` is a model config, as in the schema of every version. */
const config = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('type' in value)
      ? { ...value, type: 'model' }
      : value,
  z.discriminatedUnion('type', [
    modelConfig.extend({ type: z.literal('model') }),
    toolConfig,
    agentConfig,
    genericConfig,
  ]),
);

export const feedback = z.object({
  type: name,
  value: z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]),
  data_id: name.optional(),
  user: name.optional(),
  created_at: dateTime.optional(),
});

const judgment = z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]);

/** One datapoint of `POST /logs`. `null` means absent: the official clients send it so. */
export const logRequest = z.looseObject({
  project: name.min(1).nullish(),
  project_id: name.nullish(),
  session_id: name.nullish(),
  session_reference_id: name.nullish(),
  parent_id: name.nullish(),
  parent_reference_id: name.nullish(),
  inputs: jsonObject.nullish(),
  source: name.nullish(),
  metadata: jsonObject.nullish(),
  save: z.boolean().nullish(),
  source_datapoint_id: name.nullish(),
  reference_id: name.nullish(),
  trial_id: name.nullish(),
  messages: z.array(chatMessage).nullish(),
  output: z.string().nullish(),
  judgment: judgment.nullish(),
  config_id: name.nullish(),
  config: config.nullish(),
  environment: name.nullish(),
  feedback: z.union([feedback, z.array(feedback)]).nullish(),
  created_at: dateTime.nullish(),
  error: z.string().nullish(),
  stdout: z.string().nullish(),
  /** Seconds. */
  duration: seconds.nullish(),
  output_message: chatMessage.nullish(),
  prompt_tokens: tokenCount.nullish(),
  output_tokens: tokenCount.nullish(),
  prompt_cost: cost.nullish(),
  output_cost: cost.nullish(),
  provider_request: jsonObject.nullish(),
  provider_response: z.union([jsonObject, z.string()]).nullish(),
});

/** The body of `PATCH /logs`: the only fields that v4 allows to change once a log is stored. */
export const logUpdate = z.looseObject({
  output: z.string().nullish(),
  error: z.string().nullish(),
  /** Seconds. */
  duration: seconds.nullish(),
});

/** One annotation of `POST /feedback`. */
export const feedbackRequest = feedback.extend({
  value: feedback.shape.value.optional(),
  unset: z.boolean().optional(),
});

/** The body of `POST /model-configs`: a model config and the project that it is for. */
export const modelConfigRequest = modelConfig.extend({
  project: name.min(1).optional(),
  project_id: name.optional(),
});

export const feedbackLabel = z.object({
  value: name,
  sentiment: z.enum(['positive', 'negative', 'neutral', 'unset']).optional(),
});

/** One type of `POST` and `PATCH /projects/{id}/feedback-types`. */
export const feedbackTypeRequest = z.object({
  type: name.min(1),
  class: z.enum(['select', 'multi_select', 'text', 'number']).optional(),
  values: z.array(feedbackLabel).max(1_000).optional(),
});

/** The body of `POST /projects`. */
export const projectRequest = z.looseObject({ name: name.min(1) });

/** The body of `PATCH /projects/{id}`. */
export const projectUpdate = z.looseObject({
  name: name.min(1).nullish(),
  active_config_id: name.nullish(),
});

/** The body of `PATCH /projects/{id}/deploy-config`. */
export const deployRequest = z.looseObject({
  config_id: name,
  environments: z
    .array(z.looseObject({ id: name }))
    .max(100)
    .nullish(),
});

export type ChatMessage = z.infer<typeof chatMessage>;
export type TextContent = z.infer<typeof textContent>;
export type ImageContent = z.infer<typeof imageContent>;
export type ModelProvider = (typeof MODEL_PROVIDERS)[number];
export type ModelTool = z.infer<typeof modelTool>;
export type ModelConfig = z.infer<typeof modelConfig>;
export type ToolConfig = z.infer<typeof toolConfig>;
export type AgentConfig = z.infer<typeof agentConfig>;
export type GenericConfig = z.infer<typeof genericConfig>;
export type LogConfig = z.infer<typeof config>;
export type LogRequest = z.infer<typeof logRequest>;
export type LogUpdate = z.infer<typeof logUpdate>;
export type Feedback = z.infer<typeof feedback>;
export type FeedbackRequest = z.infer<typeof feedbackRequest>;
export type FeedbackLabel = z.infer<typeof feedbackLabel>;
export type FeedbackClass = NonNullable<z.infer<typeof feedbackTypeRequest>['class']>;

/** One entry of the reply to `POST /logs`. It is matched by position, since it does not repeat the reference id. */
export interface CreatedLog {
  id: string;
  project_id: string;
  /** Present only if the datapoint was logged with a session. */
  session_id?: string | null;
}

/** A stored log, as `GET` and `PATCH` return it. */
export interface LogResponse extends LogRequest {
  id: string;
  evaluation_results: unknown[];
  observability_status: 'pending' | 'running' | 'completed' | 'failed';
  /** ISO date and time. */
  updated_at: string;
}

/** One page of a v4 list. `total` counts the records of all pages; `page` starts from 0. */
export interface Page<Item> {
  records: Item[];
  page: number;
  size: number;
  total: number;
}

/** One entry of the `detail` list of a 422. `loc` is the path of the field: `['body', 3, 'config', 'model']`. */
export interface ValidationDetail {
  loc: (string | number)[];
  msg: string;
  type: string;
}
