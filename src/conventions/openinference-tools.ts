/** Definitions of tools, in the forms of every provider that OpenInference passes on → v4 tools. */
import type { ModelTool } from '../datapoint/datapoint.ts';
import { type Damage, isObject, listOf, objectOf, stringOf } from './attributes.ts';
import type { IndexedGroup } from './indexed-groups.ts';
import { plainObject } from './plain-json.ts';

/** `llm.tools.N`, else the request's own list, which is there when content is hidden. */
export function readTools(
  groups: readonly IndexedGroup[],
  parameters: Record<string, unknown> | undefined,
  damage: Damage,
): ModelTool[] | undefined {
  const requested = listOf(parameters?.['tools']) ?? listOf(parameters?.['functions']) ?? [];
  const isCut = damage.has('llm.invocation_parameters');
  const tools =
    groups.length > 0
      ? groups.map(({ index, fields }) => toTool(...schemaOf(index, fields, damage)))
      : requested.map((schema) => toTool(schema, isCut));
  const known = tools.filter((tool) => tool !== undefined);
  return known.length > 0 ? known : undefined;
}

/**
 * OpenAI's nested and flat forms, Anthropic's, Bedrock's `toolSpec`; a tool of the provider may have a type only. Of a definition
 * that was cut the schema is left out: half a schema is a wrong one.
 */
export function toTool(schema: unknown, isCut = false): ModelTool | undefined {
  if (!isObject(schema)) return undefined;
  const body = [schema['function'], schema['toolSpec']].find(isObject) ?? schema;
  const type = stringOf(schema['type']);
  const name = stringOf(body['name']) ?? (type === 'function' ? undefined : type);
  if (name === undefined) return undefined;
  const description = stringOf(body['description']);
  const inputSchema = objectOf(body['inputSchema'])?.['json'] ?? body['inputSchema'];
  const parameters = isCut ? undefined : plainObject(body['parameters'] ?? body['input_schema'] ?? inputSchema);
  const strict = body['strict'] ?? schema['strict'];
  return {
    name,
    ...(description && { description }),
    ...(parameters && { parameters }),
    ...(typeof strict === 'boolean' && { strict }),
  };
}

function schemaOf(index: number, fields: Record<string, unknown>, damage: Damage): [schema: unknown, isCut: boolean] {
  const key = `llm.tools.${index}.tool.json_schema`;
  const schema = objectOf(fields['tool.json_schema'], damage, key);
  if (schema) return [schema, damage.has(key)];
  const { 'tool.name': name, 'tool.description': description, 'tool.parameters': parameters } = fields;
  return [{ name, description, parameters: objectOf(parameters) }, false];
}
