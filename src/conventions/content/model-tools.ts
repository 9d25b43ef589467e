/** Tools offered to a model, as providers and frameworks write them → v4 tools. */

import { isObject } from '../../wire/json.ts';
import type { ModelTool } from '../../wire/v4.ts';
import { booleanOf, jsonOf, listOf, objectOf, stringOf, withoutQuotes } from '../values/attributes.ts';
import { toPlainSchema } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

type Fields = Record<string, unknown>;

/**
 * Reads a list, its JSON, or a list of JSON texts. The tools may have OpenAI's nested or flat form, Anthropic's, be
 * Gemini's declarations, Bedrock's `toolSpec`, Genkit's or the AI SDK's `inputSchema`, or names only. A provider's own
 * tool, which has no schema, is named by its name or type.
 */
export function toModelTools(value: unknown): ModelTool[] | undefined {
  return readList(withoutQuotes(jsonOf(value)), jsonOf);
}

/** The same of the value at a key. */
export function modelToolsAt(fields: SpanFields, key: string): ModelTool[] | undefined {
  const value = fields.structure(key) ?? joinedNamesIn(fields.attributes[key]);
  return readList(value, (text) => fields.jsonWithin(key, text));
}

/** VoltAgent and others join names of tools: `get_weather, get_time`. */
function joinedNamesIn(text: unknown): string[] | undefined {
  return typeof text === 'string' && /^[\w.-]{1,64}(?:, ?[\w.-]{1,64}){1,200}$/.test(text)
    ? text.split(/, ?/)
    : undefined;
}

function readList(value: unknown, parse: (text: string) => unknown): ModelTool[] | undefined {
  const list = isObject(value) ? (toolsByName(value) ?? value['tools']) : value;
  if (!Array.isArray(list)) return undefined;
  const tools: ModelTool[] = [];
  for (const item of list) {
    const parsed = typeof item === 'string' ? (withoutQuotes(parse(item)) ?? item) : item;
    const declarations = isObject(parsed)
      ? (parsed['functionDeclarations'] ?? parsed['function_declarations'] ?? toolsOfNamespace(parsed))
      : undefined;
    if (isObject(parsed)) tools.push(...geminisOwnTools(parsed));
    // One of the texts may hold the whole list.
    for (const tool of listOf(declarations ?? parsed) ?? [parsed]) {
      const read = toModelTool(tool);
      if (read) tools.push(read);
    }
  }
  return tools.length > 0 ? tools : undefined;
}

/** The AI SDK's and Mastra's set of tools is an object, `{ weather: { description, inputSchema } }`. */
function toolsByName(set: Fields): Fields[] | undefined {
  const tools = Object.entries(set);
  const areTools = tools.every(([, tool]) => {
    return isObject(tool) && tool['name'] === undefined && SET_SCHEMAS.some((key) => isObject(tool[key]));
  });
  return areTools && tools.length > 0 ? tools.map(([name, tool]) => ({ ...(tool as Fields), name })) : undefined;
}

const SET_SCHEMAS = ['inputSchema', 'parameters', 'input_schema'] as const;

/** OpenAI's tools may be in a namespace, from which the model searches for those that it needs. */
function toolsOfNamespace({ type, tools }: Fields): unknown {
  return type === 'namespace' && Array.isArray(tools) ? tools : undefined;
}

/** Gemini's own tools have no name: they are the keys beside its declarations, `{ google_search: {} }`. */
function geminisOwnTools(tool: Fields): ModelTool[] {
  if (tool['name'] !== undefined || tool['type'] !== undefined) return [];
  return Object.keys(tool)
    .filter((key) => GEMINIS_OWN.test(key) && isObject(tool[key]))
    .map((name) => ({ name }));
}

const GEMINIS_OWN =
  /^(?:google_?search(?:_?retrieval)?|enterprise_?web_?search|google_?maps|code_?execution|url_?context|computer_?use|file_?search|retrieval)$/i;

export function toModelTool(value: unknown): ModelTool | undefined {
  const name = stringOf(value);
  if (name !== undefined) return { name };
  if (!isObject(value)) return undefined;
  const body = innerOf(value['Function'] === undefined && value['Name'] === undefined ? value : uncapitalised(value));
  if (value['name'] === undefined && isBareSchema(body)) return toolOfSchema(body);
  const toolName =
    stringOf(body['name']) ??
    stringOf(value['name']) ??
    nameOfSchema(body) ??
    stringOf(body['tool_name']) ??
    stringOf(value['type']);
  if (toolName === undefined) return undefined;
  const tool: ModelTool = { name: toolName };
  const description = stringOf(body['description']);
  if (description !== undefined) tool.description = description;
  const parameters = toSchema(
    body['parameters'] ??
      body['input_schema'] ??
      body['inputSchema'] ??
      body['parametersJsonSchema'] ??
      body['parameters_json_schema'] ??
      // OpenAI's agents.
      body['params_json_schema'] ??
      body['json_schema'] ??
      body['jsonSchema'] ??
      body['args_schema'] ??
      jsonSchemaOf(body['schema']) ??
      schemaOfCohere(body['parameter_definitions']),
  );
  if (parameters) tool.parameters = parameters;
  const strict = booleanOf(body['strict'] ?? value['strict']);
  if (strict !== undefined) tool.strict = strict;
  return tool;
}

/** LangChain's tools for JavaScript have a schema of Zod there, too. */
function jsonSchemaOf(schema: unknown): unknown {
  return isObject(schema) && isObject(schema['properties']) ? schema : undefined;
}

/** .NET and Go write the names of fields as their code does. What is in a schema stays as it is. */
function uncapitalised(tool: Fields): Fields {
  const entries = Object.entries(tool).map(([key, value]) => {
    const name = key.charAt(0).toLowerCase() + key.slice(1);
    return [name, name === 'function' && isObject(value) ? uncapitalised(value) : value] as const;
  });
  return Object.fromEntries(entries.filter(([name]) => name !== '__proto__'));
}

/** Returns a JSON Schema from an object, its JSON, or Bedrock's `{ json }`. */
export function toSchema(value: unknown): Record<string, unknown> | undefined {
  const schema = objectOf(value);
  if (!schema) return undefined;
  return toPlainSchema(isObject(schema['json']) ? schema['json'] : schema);
}

/** Whether this is the schema of what a tool takes, and not arguments that it was given: apps write either under one name. */
export function isSchema(value: unknown): value is Fields {
  if (!isObject(value)) return false;
  const schema = isObject(value['json']) ? value['json'] : value;
  if (isObject(schema['properties']) || schema['type'] === 'object') return true;
  const fields = Object.values(schema);
  return SCHEMA_KEYS.some((key) => key in schema) || (fields.length > 0 && fields.every(isTyped));
}

/** What a schema may have that says no type. */
const SCHEMA_KEYS = ['$schema', '$ref', 'anyOf', 'oneOf', 'allOf'] as const;
const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

/** Whether this is the schema of one field: some apps write the fields without the object that has them. */
function isTyped(field: unknown): boolean {
  return isObject(field) && TYPES.has(field['type']);
}

/** Whether this says which tool it defines, by a name or a provider's type, and is not only what that takes. */
export function isDefinition(definition: Fields): boolean {
  const type = stringOf(definition['type']);
  const isNamed = stringOf(innerOf(definition)['name']) !== undefined || nameOfSchema(definition) !== undefined;
  return isNamed || (type !== undefined && type !== 'object');
}

/** Whether this is the JSON Schema of a tool's arguments, with no tool around it. */
function isBareSchema({ name, type, properties }: Fields): boolean {
  return name === undefined && type === 'object' && isObject(properties);
}

/** Pydantic titles a schema with the name of its class. */
function toolOfSchema(schema: Fields): ModelTool | undefined {
  const name = stringOf(schema['title']);
  if (name === undefined) return undefined;
  const { title: _title, ...parameters } = schema;
  return { name, parameters: toPlainSchema(parameters) };
}

/** Mastra's tools have an id, which is the name. */
function nameOfSchema({ id, inputSchema }: Fields): string | undefined {
  return isObject(inputSchema) ? stringOf(id) : undefined;
}

/** The types of Python that Cohere's first API has. */
const PYTHON_TYPES: ReadonlyMap<unknown, string> = new Map([
  ['str', 'string'],
  ['int', 'integer'],
  ['float', 'number'],
  ['bool', 'boolean'],
  ['list', 'array'],
  ['dict', 'object'],
]);

function schemaOfCohere(definitions: unknown): Fields | undefined {
  if (!isObject(definitions)) return undefined;
  const parameters = Object.entries(definitions).filter((entry): entry is [string, Fields] => isObject(entry[1]));
  const properties = parameters.map(([name, { required: _required, type, ...rest }]) => [
    name,
    { type: PYTHON_TYPES.get(type) ?? type, ...rest },
  ]);
  const required = parameters.filter(([, { required }]) => required === true).map(([name]) => name);
  return { type: 'object', properties: Object.fromEntries(properties), ...(required.length > 0 && { required }) };
}

/** LangChain serialises a tool as its arguments or, if it cannot, as Python prints it. */
function fromLangChain({ kwargs, repr }: Fields): Fields | undefined {
  if (isObject(kwargs)) return kwargs;
  const [, name] = (typeof repr === 'string' && /\bname='([^']{1,200})'/.exec(repr)) || [];
  const [, description] = (typeof repr === 'string' && /\bdescription='([^']*)'/.exec(repr)) || [];
  return name === undefined ? undefined : { name, description };
}

function innerOf(tool: Fields): Fields {
  const serialised = tool['lc'] === 1 ? fromLangChain(tool) : undefined;
  if (serialised) return serialised;
  // OpenInference's envelope, if its tools were not flattened.
  const written = isObject(tool['tool']) ? objectOf(tool['tool']['json_schema']) : undefined;
  if (written) return innerOf(written);
  if (isObject(tool['function'])) return tool['function'];
  if (isObject(tool['toolSpec'])) return tool['toolSpec'];
  // A tool of Chat Completions that takes free text.
  if (isObject(tool['custom'])) return tool['custom'];
  // Haystack serialises a tool as its class name and `data`.
  if (isObject(tool['data']) && tool['name'] === undefined) return tool['data'];
  if (tool['name'] !== undefined) return tool;
  // Envelopes of other providers, such as Bedrock's `systemTool`: a key for the sort of tool, with its definition.
  const definition = Object.values(tool).find((value) => isObject(value) && stringOf(value['name']) !== undefined);
  return isObject(definition) ? definition : tool;
}
