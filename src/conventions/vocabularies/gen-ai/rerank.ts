/** Reranking: what was to be put in order, by which question, and the documents in their order. */
import type { Reading } from '../../convention.ts';
import { unlessEmpty } from '../../values/attributes.ts';
import { toOptionalText, toPlainJson } from '../../values/json/plain-json.ts';
import type { SpanFields } from '../../values/span-fields.ts';

const QUERIES = ['gen_ai.rerank.query', 'gen_ai.rerank.query.text', 'gen_ai.rerank.query_text'] as const;
const DOCUMENTS = ['gen_ai.rerank.input_documents', 'gen_ai.rerank.documents'] as const;
const RESULTS = ['gen_ai.rerank.output_documents', 'gen_ai.rerank.results'] as const;

/** Returns nothing if the span has none of these. */
export function readRerank(fields: SpanFields): Reading {
  const documents = fields.firstKey(...DOCUMENTS);
  const results = fields.firstKey(...RESULTS);
  return {
    inputs: unlessEmpty({
      query: fields.firstString(...QUERIES),
      documents: documents && toPlainJson(fields.json(documents) ?? fields.attributes[documents]),
    }),
    output: results && toOptionalText(fields.attributes[results]),
  };
}
