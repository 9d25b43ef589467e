/**
 * How the AI SDK was called: `ai.settings.*`, `gen_ai.request.*`, tools and schema.
 *
 * The SDK repeats part of the settings as `gen_ai.request.*` on the model call; the seed and everything on the outer span stand
 * under `ai.settings.*` only.
 */
import type { ModelTool } from '../datapoint/datapoint.ts';
import type { Attributes } from '../otel.ts';
import {
  type Damage,
  firstNumber,
  firstString,
  integerOf,
  jsonOf,
  objectOf,
  stringListOf,
  stringOf,
} from './attributes.ts';
import type { Reading } from './convention.ts';
import { prefixed } from './indexed-groups.ts';
import { plainJson, plainObject } from './plain-json.ts';

/** Settings with a field of their own, and what belongs to the trace instead of the call. */
const NAMED_SETTINGS: ReadonlySet<string> = new Set([
  'maxTokens',
  'maxOutputTokens',
  'temperature',
  'topP',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'stopSequences',
]);

export function readModelName(attributes: Attributes): Reading {
  const model = firstString(attributes, 'gen_ai.request.model', 'ai.model.id');
  const provider = firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system', 'ai.model.provider');
  return { ...(model && { model }), ...(provider && { provider }) };
}

export function readParameters(attributes: Attributes, operation: string, damage: Damage): Reading {
  const reading: Reading = {};
  set(
    reading,
    'maxTokens',
    integerOf(
      firstNumber(attributes, 'gen_ai.request.max_tokens', 'ai.settings.maxOutputTokens', 'ai.settings.maxTokens'),
    ),
  );
  set(reading, 'temperature', firstNumber(attributes, 'gen_ai.request.temperature', 'ai.settings.temperature'));
  set(reading, 'topP', firstNumber(attributes, 'gen_ai.request.top_p', 'ai.settings.topP'));
  set(
    reading,
    'presencePenalty',
    firstNumber(attributes, 'gen_ai.request.presence_penalty', 'ai.settings.presencePenalty'),
  );
  set(
    reading,
    'frequencyPenalty',
    firstNumber(attributes, 'gen_ai.request.frequency_penalty', 'ai.settings.frequencyPenalty'),
  );
  set(reading, 'seed', integerOf(firstNumber(attributes, 'gen_ai.request.seed', 'ai.settings.seed')));
  set(
    reading,
    'stop',
    stringListOf(attributes['gen_ai.request.stop_sequences']) ?? stringListOf(attributes['ai.settings.stopSequences']),
  );
  set(reading, 'tools', readTools(attributes, damage));
  if (asksForObject(attributes, operation)) reading.responseFormat = { type: 'json_object' };
  set(reading, 'other', readOther(attributes, damage));
  return reading;
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
  const tools = list.flatMap((item) => {
    const cut: Damage = new Set();
    const tool = objectOf(item, cut, 'ai.prompt.tools');
    for (const key of cut) damage.add(key);
    const name = stringOf(tool?.['name']) ?? stringOf(tool?.['id']);
    if (!tool || name === undefined) return [];
    const description = stringOf(tool['description']);
    // Half a schema is a wrong one.
    const parameters = cut.size > 0 ? undefined : plainObject(tool['inputSchema'] ?? tool['parameters']);
    const id = stringOf(tool['id']);
    const args = plainJson(tool['args']);
    const other = { ...(id && { id }), ...(args !== undefined && { args }) };
    return [
      {
        name,
        ...(description && { description }),
        ...(parameters && { parameters }),
        ...(Object.keys(other).length > 0 && { other }),
      },
    ];
  });
  return tools.length > 0 ? tools : undefined;
}

function readOther(attributes: Attributes, damage: Damage): Record<string, unknown> | undefined {
  const other: Record<string, unknown> = {};
  const settings = prefixed(attributes, 'ai.settings.') ?? {};
  for (const [name, value] of Object.entries(settings)) {
    if (NAMED_SETTINGS.has(name) || name.startsWith('context.')) continue;
    other[snakeCase(name)] = plainJson(value);
  }
  const topK = firstNumber(attributes, 'gen_ai.request.top_k', 'ai.settings.topK');
  if (topK !== undefined) other['top_k'] = topK;
  const schema = objectOf(attributes['ai.schema'], damage, 'ai.schema');
  if (schema) other['schema'] = plainJson(schema);
  const schemaName = stringOf(attributes['ai.schema.name']);
  if (schemaName) other['schema_name'] = schemaName;
  const schemaDescription = stringOf(attributes['ai.schema.description']);
  if (schemaDescription) other['schema_description'] = schemaDescription;
  const toolChoice = jsonOf(attributes['ai.prompt.toolChoice'], damage, 'ai.prompt.toolChoice');
  if (toolChoice !== undefined) other['tool_choice'] = plainJson(toolChoice);
  return Object.keys(other).length > 0 ? other : undefined;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function set<Key extends keyof Reading>(reading: Reading, key: Key, value: Reading[Key] | undefined): void {
  if (value !== undefined) reading[key] = value;
}
