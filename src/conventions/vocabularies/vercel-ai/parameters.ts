/**
 * Parameters of AI SDK calls: `ai.settings.*`, `gen_ai.request.*`, tools and schema.
 *
 * The SDK repeats some settings as `gen_ai.request.*` on the model call; the seed, and everything on the outer span,
 * are only under `ai.settings.*`.
 */

import type { Attributes } from '../../../otel/span-slice.ts';
import { isObject } from '../../../wire/json.ts';
import type { ModelTool } from '../../../wire/v4.ts';
import { toModelTool } from '../../content/model-tools.ts';
import type { Reading } from '../../convention.ts';
import {
  addTo,
  integerOf,
  jsonOf,
  nameOf,
  numberOf,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { FieldTable } from '../../values/field-table.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const SETTINGS = 'ai.settings.';
const METADATA = 'ai.telemetry.metadata.';
const TOOLS = 'ai.prompt.tools';

/** Settings with a field of their own. */
const NAMED_SETTINGS: ReadonlySet<string> = new Set([
  'maxTokens',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'stopSequences',
]);

const PARAMETERS = new FieldTable<Reading>({
  model: [nameOf, 'gen_ai.request.model', 'ai.model.id'],
  provider: [nameOf, 'gen_ai.provider.name', 'gen_ai.system', 'ai.model.provider'],
  maxTokens: [integerOf, 'gen_ai.request.max_tokens', 'ai.settings.maxOutputTokens', 'ai.settings.maxTokens'],
  temperature: [numberOf, 'gen_ai.request.temperature', 'ai.settings.temperature'],
  topP: [numberOf, 'gen_ai.request.top_p', 'ai.settings.topP'],
  presencePenalty: [numberOf, 'gen_ai.request.presence_penalty', 'ai.settings.presencePenalty'],
  frequencyPenalty: [numberOf, 'gen_ai.request.frequency_penalty', 'ai.settings.frequencyPenalty'],
  seed: [integerOf, 'gen_ai.request.seed', 'ai.settings.seed'],
  stop: [stringListOf, 'gen_ai.request.stop_sequences', 'ai.settings.stopSequences'],
});

const OTHER = new FieldTable<Record<string, unknown>>({
  top_k: [numberOf, 'gen_ai.request.top_k', 'ai.settings.topK'],
  schema_name: [stringOf, 'ai.schema.name'],
  schema_description: [stringOf, 'ai.schema.description'],
});

/** `settings` are those that have no field of their own; the other parameters join them. */
export function readParameters(fields: SpanFields, settings: Record<string, unknown>, operation: string): Reading {
  const { attributes, keys } = fields;
  const reading: Reading = PARAMETERS.read(attributes, keys);
  if (asksForObject(attributes, operation)) reading.responseFormat = { type: 'json_object' };
  reading.tools = readTools(fields);
  addTo(settings, OTHER.read(attributes, keys));
  addTo(settings, {
    tool_choice: toPlainJson(fields.json('ai.prompt.toolChoice')),
    schema: toPlainJson(fields.object('ai.schema')),
  });
  reading.other = settings;
  return reading;
}

/** `generateObject` and `streamObject` always ask for JSON; the schema is only on the outer span. */
function asksForObject(attributes: Attributes, operation: string): boolean {
  return (
    operation.startsWith('ai.generateObject') ||
    operation.startsWith('ai.streamObject') ||
    attributes['ai.schema'] !== undefined
  );
}

/** Reads a list of JSON texts. A provider's own tools have an `id` and `args` instead of a schema. */
export function readTools(fields: SpanFields): ModelTool[] | undefined {
  const tools: ModelTool[] = [];
  for (const item of fields.list(TOOLS) ?? []) {
    const tool = readToolDefinition(fields, item);
    if (tool) tools.push(tool);
  }
  return tools.length > 0 ? tools : undefined;
}

function readToolDefinition(fields: SpanFields, item: unknown): ModelTool | undefined {
  let isCut = false;
  const parsed = jsonOf(item, () => {
    isCut = true;
  });
  const tool = toModelTool(parsed);
  if (!isObject(parsed) || !tool) return undefined;
  if (isCut) {
    fields.truncated.add(TOOLS);
    // A cut schema would be wrong.
    delete tool.parameters;
  }
  const other = unlessEmpty({ id: stringOf(parsed['id']), args: toPlainJson(parsed['args']) });
  if (other) tool.other = other;
  return tool;
}

export interface AppAttributes {
  /** Settings without a field of their own: `maxRetries`, `maxSteps`, `mode`, … */
  readonly settings: Record<string, unknown>;
  /** Metadata of the app; version 7 calls it runtime context. Headers are left out, since they may contain keys. */
  readonly context: Record<string, unknown>;
}

export function readAppAttributes({ attributes, keys }: Pick<SpanFields, 'attributes' | 'keys'>): AppAttributes {
  const settings: Record<string, unknown> = {};
  const context: Record<string, unknown> = {};
  for (const key of keys) {
    if (key.startsWith(METADATA)) {
      set(context, key.slice(METADATA.length), attributes[key]);
    } else if (key.startsWith(SETTINGS)) {
      const name = key.slice(SETTINGS.length);
      if (name.startsWith('context.')) set(context, name.slice('context.'.length), attributes[key]);
      else if (!NAMED_SETTINGS.has(name)) set(settings, toSnakeCase(name), attributes[key]);
    }
  }
  return { settings, context };
}

function set(into: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '' && name !== '__proto__') into[name] = toPlainJson(value);
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
