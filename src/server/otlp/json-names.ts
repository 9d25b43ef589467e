/**
 * The names of fields as the schema of OTLP has them: `resource_spans`. OTLP's JSON has `resourceSpans` alone, but readers
 * of protobuf's JSON take both, and tools that keep the schema's names write these. Names of attributes are no keys of
 * OTLP's objects: nothing else is renamed.
 */
import { isObject } from '../../wire/json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Returns what a field has, under either name, and whether it was that of the schema. */
export function fieldOf(fields: Fields, name: string): { readonly value: unknown; readonly isOfSchema: boolean } {
  const value = fields[name];
  const ofSchema = value === undefined ? fields[schemaNameOf(name)] : undefined;
  return ofSchema === undefined ? { value, isOfSchema: false } : { value: ofSchema, isOfSchema: true };
}

/** Returns a copy with the names of JSON, also of all fields within. */
export function withJsonNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withJsonNames);
  if (!isObject(value)) return value;
  const renamed: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    renamed[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] = withJsonNames(field);
  }
  return renamed;
}

function schemaNameOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
