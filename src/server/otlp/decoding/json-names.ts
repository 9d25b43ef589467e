/**
 * The names of fields as the schema of OTLP has them: `resource_spans`. OTLP's JSON has `resourceSpans` alone, but readers
 * of protobuf's JSON take both, and tools that keep the schema's names write these. Names of attributes are no keys of
 * OTLP's objects: nothing else is renamed.
 */

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the fields under the names of JSON, in a copy if one has that of the schema. A field that is given under both
 * names is that of JSON's, unless it is null, which is as good as absent. What is within the fields is not renamed.
 */
export function withJsonNames(fields: Fields): Fields {
  let renamed: Record<string, unknown> | undefined;
  for (const name in fields) {
    if (!name.includes('_')) continue;
    renamed ??= { ...fields };
    renamed[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())] ??= fields[name];
  }
  return renamed ?? fields;
}
