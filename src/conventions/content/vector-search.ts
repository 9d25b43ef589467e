/**
 * Spans of vector databases that take part in a trace of LLM calls: what was searched for is the input, and what was found the
 * output. Spring AI writes both, OpenLIT the query and the number of what was found.
 */
import type { Reading } from '../convention.ts';
import { integerOf, nameOf, stringOf, unlessEmpty } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import type { SpanFields } from '../values/span-fields.ts';

const QUERIES = ['db.vector.query.content', 'db.query.text'] as const;
const COUNTS = ['db.response.returned_rows', 'db.n_results'] as const;

export function readVectorSearch(fields: SpanFields): Reading {
  const { attributes } = fields;
  const query = fields.firstName(...QUERIES);
  const filter = stringOf(attributes['db.filter']) ?? stringOf(attributes['db.vector.query.filter']);
  const found = fields.firstKey(...COUNTS);
  return {
    inputs: query === undefined ? undefined : unlessEmpty({ query, filter: nameOf(filter) }),
    output: toOptionalText(attributes['db.vector.query.response.documents']),
    other: { retrieval_top_k: fields.integer('db.vector.query.top_k') },
    metadata: {
      db_system: fields.firstName('db.system', 'db.system.name'),
      db_operation: fields.firstName('db.operation.name'),
      db_collection: fields.firstName('db.collection.name', 'db.namespace'),
      db_returned_rows: found && integerOf(attributes[found]),
    },
  };
}
