/** Memory operations of the GenAI conventions: a search finds records, all others write or delete them. */
import { textOfDocuments } from '../../content/documents.ts';
import type { Reading } from '../../convention.ts';
import { unlessEmpty } from '../../values/attributes.ts';
import { toPlainJson } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const QUERY = 'gen_ai.memory.query.text';
const QUERIES = [QUERY, 'gen_ai.memory.query', 'gen_ai.memory.search.query'] as const;
const RECORDS = 'gen_ai.memory.records';
/** Alibaba's instrumentations have one operation for all, and name what it did. */
const WRITTEN = 'gen_ai.memory.input.messages';
const FOUND = 'gen_ai.memory.output.messages';

const WRITES = /^(create|add|insert|update|upsert|write|save|delete)_/;

/** Returns nothing if the span has neither a query nor records. */
export function readMemory(fields: SpanFields): Reading {
  const { attributes } = fields;
  if (attributes['gen_ai.memory.operation'] !== undefined) {
    const written = fields.json(WRITTEN) ?? attributes[WRITTEN];
    const asked = fields.firstString(...QUERIES);
    const key = attributes['gen_ai.memory.operation'] === 'search' ? 'query' : 'records';
    return {
      inputs: unlessEmpty({ query: asked, ...(written !== undefined && { [key]: toPlainJson(written) }) }),
      output: textOfDocuments(attributes[FOUND]),
    };
  }
  const records = fields.attributes[RECORDS];
  const query = fields.firstString(...QUERIES);
  if (!WRITES.test(fields.string('gen_ai.operation.name') ?? '')) {
    return { inputs: unlessEmpty({ query }), output: textOfDocuments(records) };
  }
  return { inputs: unlessEmpty({ query, records: toPlainJson(fields.json(RECORDS) ?? records) }) };
}
