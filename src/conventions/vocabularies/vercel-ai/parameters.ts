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
  type Damage,
  firstNumber,
  firstString,
  integerOf,
  jsonOf,
  objectOf,
  put,
  stringListOf,
  stringOf,
  unlessEmpty,
} from '../../values/attributes.ts';
import { toPlainJson } from '../../values/plain-json.ts';

const SETTINGS = 'ai.settings.';
const METADATA = 'ai.telemetry.metadata.';

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

export function readModelAndProvider(attributes: Attributes, into: Reading): void {
  put(into, 'model', firstString(attributes, 'gen_ai.request.model', 'ai.model.id'));
  put(into, 'provider', firstString(attributes, 'gen_ai.provider.name', 'gen_ai.system', 'ai.model.provider'));
}

export function readParameters(
  attributes: Attributes,
  settings: Record<string, unknown>,
  operation: string,
  damage: Damage,
  into: Reading,
): void {
  const maxTokens = firstNumber(
    attributes,
    'gen_ai.request.max_tokens',
    'ai.settings.maxOutputTokens',
    'ai.settings.maxTokens',
  );
  put(into, 'maxTokens', integerOf(maxTokens));
  put(into, 'temperature', firstNumber(attributes, 'gen_ai.request.temperature', 'ai.settings.temperature'));
  put(into, 'topP', firstNumber(attributes, 'gen_ai.request.top_p', 'ai.settings.topP'));
  put(
    into,
    'presencePenalty',
    firstNumber(attributes, 'gen_ai.request.presence_penalty', 'ai.settings.presencePenalty'),
  );
  put(
    into,
    'frequencyPenalty',
    firstNumber(attributes, 'gen_ai.request.frequency_penalty', 'ai.settings.frequencyPenalty'),
  );
  put(into, 'seed', integerOf(firstNumber(attributes, 'gen_ai.request.seed', 'ai.settings.seed')));
  put(
    into,
    'stop',
    stringListOf(attributes['gen_ai.request.stop_sequences']) ?? stringListOf(attributes['ai.settings.stopSequences']),
  );
  if (asksForObject(attributes, operation)) into.responseFormat = { type: 'json_object' };
  put(into, 'tools', readTools(attributes, damage));
  readOther(attributes, damage, settings);
  put(into, 'other', unlessEmpty(settings));
}

function readOther(attributes: Attributes, damage: Damage, other: Record<string, unknown>): void {
  put(other, 'top_k', firstNumber(attributes, 'gen_ai.request.top_k', 'ai.settings.topK'));
  put(other, 'tool_choice', toPlainJson(jsonOf(attributes['ai.prompt.toolChoice'], damage, 'ai.prompt.toolChoice')));
  put(other, 'schema', toPlainJson(objectOf(attributes['ai.schema'], damage, 'ai.schema')));
  put(other, 'schema_name', stringOf(attributes['ai.schema.name']));
  put(other, 'schema_description', stringOf(attributes['ai.schema.description']));
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
function readTools(attributes: Attributes, damage: Damage): ModelTool[] | undefined {
  const value = attributes['ai.prompt.tools'];
  const list = typeof value === 'string' ? jsonOf(value, damage, 'ai.prompt.tools') : value;
  if (!Array.isArray(list)) return undefined;
  const tools: ModelTool[] = [];
  for (const item of list) {
    const tool = readToolDefinition(item, damage);
    if (tool) tools.push(tool);
  }
  return tools.length > 0 ? tools : undefined;
}

function readToolDefinition(item: unknown, damage: Damage): ModelTool | undefined {
  const cut: Damage = new Set();
  const parsed = objectOf(item, cut, 'ai.prompt.tools');
  const tool = toModelTool(parsed);
  if (!isObject(parsed) || !tool) return undefined;
  for (const key of cut) {
    damage.add(key);
    // A cut schema would be wrong.
    delete tool.parameters;
  }
  const other: Record<string, unknown> = {};
  put(other, 'id', stringOf(parsed['id']));
  put(other, 'args', toPlainJson(parsed['args']));
  put(tool, 'other', unlessEmpty(other));
  return tool;
}

export interface AppAttributes {
  /** Settings without a field of their own: `maxRetries`, `maxSteps`, `mode`, … */
  readonly settings: Record<string, unknown>;
  /** Metadata of the app; version 7 calls it runtime context. Headers are left out, since they may contain keys. */
  readonly context: Record<string, unknown>;
}

export function readAppAttributes(attributes: Attributes): AppAttributes {
  const settings: Record<string, unknown> = {};
  const context: Record<string, unknown> = {};
  for (const key in attributes) {
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
  if (name !== '' && name !== '__proto__') put(into, name, toPlainJson(value));
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
