/**
 * How the AI SDK was called: `ai.settings.*`, `gen_ai.request.*`, tools and schema.
 *
 * The SDK repeats part of the settings as `gen_ai.request.*` on the model call; the seed and everything on the outer span
 * stand under `ai.settings.*` only.
 */
import type { ModelTool } from '../datapoint/datapoint.ts';
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  defined,
  definedOrNone,
  firstNumber,
  firstString,
  integerOf,
  isObject,
  jsonOf,
  objectOf,
  stringListOf,
  stringOf,
} from './attributes.ts';
import type { Reading } from './convention.ts';
import { prefixed } from './indexed-groups.ts';
import { toModelTool } from './model-tools.ts';
import { plainJson } from './plain-json.ts';

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

export function readModelName(attributes: Attributes): Reading {
  return defined<Reading>({
    model: firstString(attributes, 'gen_ai.request.model', 'ai.model.id'),
    provider: firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system', 'ai.model.provider'),
  });
}

export function readParameters(attributes: Attributes, operation: string, damage: Damage): Reading {
  const number = (name: string, ...settings: string[]) =>
    firstNumber(attributes, `gen_ai.request.${name}`, ...settings.map((setting) => `ai.settings.${setting}`));
  return defined<Reading>({
    maxTokens: integerOf(number('max_tokens', 'maxOutputTokens', 'maxTokens')),
    temperature: number('temperature', 'temperature'),
    topP: number('top_p', 'topP'),
    presencePenalty: number('presence_penalty', 'presencePenalty'),
    frequencyPenalty: number('frequency_penalty', 'frequencyPenalty'),
    seed: integerOf(number('seed', 'seed')),
    stop:
      stringListOf(attributes['gen_ai.request.stop_sequences']) ??
      stringListOf(attributes['ai.settings.stopSequences']),
    responseFormat: asksForObject(attributes, operation) ? { type: 'json_object' } : undefined,
    tools: readTools(attributes, damage),
    other: definedOrNone<Record<string, unknown>>({
      ...readSettings(attributes),
      top_k: number('top_k', 'topK'),
      tool_choice: plainJson(jsonOf(attributes['ai.prompt.toolChoice'], damage, 'ai.prompt.toolChoice')),
      schema: plainJson(objectOf(attributes['ai.schema'], damage, 'ai.schema')),
      schema_name: stringOf(attributes['ai.schema.name']),
      schema_description: stringOf(attributes['ai.schema.description']),
    }),
  });
}

/** `generateObject` and `streamObject` ask for JSON by their nature; the schema stands on the outer span only. */
function asksForObject(attributes: Attributes, operation: string): boolean {
  return /^ai\.(generate|stream)Object\b/.test(operation) || attributes['ai.schema'] !== undefined;
}

/** A list of JSON texts; tools of the provider have an `id` and `args` in place of a schema. */
function readTools(attributes: Attributes, damage: Damage): ModelTool[] | undefined {
  const value = attributes['ai.prompt.tools'];
  const list = typeof value === 'string' ? jsonOf(value, damage, 'ai.prompt.tools') : value;
  if (!Array.isArray(list)) return undefined;
  const tools = list.flatMap((item) => readTool(item, damage) ?? []);
  return tools.length > 0 ? tools : undefined;
}

function readTool(item: unknown, damage: Damage): ModelTool | undefined {
  const cut: Damage = new Set();
  const parsed = objectOf(item, cut, 'ai.prompt.tools');
  const tool = toModelTool(parsed);
  if (!isObject(parsed) || !tool) return undefined;
  for (const key of cut) {
    damage.add(key);
    // Half a schema is a wrong one.
    delete tool.parameters;
  }
  const other = definedOrNone<Record<string, unknown>>({
    id: stringOf(parsed['id']),
    args: plainJson(parsed['args']),
  });
  if (other) tool.other = other;
  return tool;
}

/** `maxRetries`, `maxSteps`, `mode`, … The runtime context of version 7 belongs to the trace. */
function readSettings(attributes: Attributes): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(prefixed(attributes, 'ai.settings.') ?? {})) {
    if (!NAMED_SETTINGS.has(name) && !name.startsWith('context.')) settings[snakeCase(name)] = plainJson(value);
  }
  return settings;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
