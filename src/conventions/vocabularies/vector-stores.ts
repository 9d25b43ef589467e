/**
 * Searches in vector databases, as OpenLLMetry's packages record them: an event for each result, and the rest under keys of
 * each database. Vectors are left out. What else is done to a database is no log.
 */
import { type Attributes, type SpanSlice, scopeOf } from '../../otel/span-slice.ts';
import { readError } from '../content/read-error.ts';
import type { Convention, Reading, SpanKind } from '../convention.ts';
import {
  firstString,
  integerOf,
  jsonOf,
  nameOf,
  omitUndefined,
  stringOf,
  tokenOf,
  unquotedText,
} from '../values/attributes.ts';
import { toPlainJson, toText } from '../values/json/plain-json.ts';
import { parsePythonLiteral } from '../values/printed/python-literal.ts';
import type { SpanFields } from '../values/span-fields.ts';

const DATABASES = ['chromadb', 'lancedb', 'marqo', 'milvus', 'pinecone', 'qdrant', 'weaviate'] as const;
const SCOPES: readonly string[] = DATABASES.flatMap((name) => [
  `opentelemetry.instrumentation.${name}`,
  `@traceloop/instrumentation-${name}`,
]);

/** What the packages for Python call their searches, and Chroma's within itself, which has only the vectors. */
const SEARCH =
  /(?:^|[._])(?:query|search|hybrid_search|search_groups|recommend|recommend_groups|discover|query_points|get|peek|raw)$/i;
const WITHIN = /segment\._query$/;
const NO_SEARCH = /\.schema\./;

export const vectorStores: Convention = {
  name: 'vector-stores',
  title: 'Vector databases of OpenLLMetry',
  signs: { scopes: SCOPES },

  classify(span: SpanSlice): SpanKind | undefined {
    if (!SCOPES.includes(scopeOf(span).name)) return undefined;
    if (WITHIN.test(span.name)) return 'plumbing';
    return hasResults(span) || (SEARCH.test(span.name) && !NO_SEARCH.test(span.name)) ? 'generic' : undefined;
  },

  read(span: SpanSlice, _kind: SpanKind, fields: SpanFields): Reading {
    const { attributes } = fields;
    const database = databaseOf(span);
    const at = (...names: readonly string[]) => valueAt(attributes, database, names);
    const found = resultsOf(span);
    // It writes what was searched for at Milvus' key of the filter.
    const isLance = database === 'lancedb';
    return {
      inputs: unlessNothing({
        query: textOf(at('query', 'gql_query') ?? (isLance ? at('filter') : undefined)),
        filter: isLance ? undefined : toPlainJson(opened(at('filter', 'where'))),
        where_document: toPlainJson(opened(at('where_document'))),
        id: stringOf(at('id')),
      }),
      output: found.length > 0 ? toText(found) : undefined,
      other: {
        retrieval_top_k: integerOf(attributes['db.vector.query.top_k'] ?? at('top_k', 'n_results', 'limit')),
      },
      error: readError(span),
      metadata: {
        db_system: nameOf(firstString(attributes, 'db.system', 'db.system.name')),
        db_operation: nameOf(firstString(attributes, 'db.operation', 'db.operation.name')),
        db_collection: tokenOf(at('collection_name', 'class_name', 'namespace', 'index_name')),
        db_returned_rows: found.length > 0 ? found.length : undefined,
      },
    };
  },

  isStep: () => true,
};

const RESULT = /^db\.(?:query|search)\.result$/;

const RESULT_KEY = /^db\.(?:query|search)\.result\.|^db\.search\.(?=query\.id$)/;

function hasResults({ events }: SpanSlice): boolean {
  return events.some(({ name }) => typeof name === 'string' && RESULT.test(name));
}

function databaseOf(span: SpanSlice): string {
  const scope = scopeOf(span).name;
  return DATABASES.find((name) => scope.endsWith(name)) ?? '';
}

/** The keys are `db.chroma.query.n_results`, `pinecone.query.top_k`, `qdrant.search.collection_name`. LanceDB writes Milvus'. */
function valueAt(attributes: Attributes, database: string, names: readonly string[]): unknown {
  const name = database === 'chromadb' ? 'chroma' : database;
  const keys = Object.keys(attributes).filter((key) => key.includes(`${name}.`) || key.startsWith('db.milvus.search.'));
  for (const wanted of names) {
    const key = keys.find((key) => key.endsWith(`.${wanted}`));
    if (key !== undefined) return attributes[key];
  }
  return undefined;
}

/** Numbers in brackets, as JSON or NumPy writes them, also cut off. */
const VECTOR = /^[[\s]+[-+\d.eE,\s[\]]*$/;

/** Returns a text, without the quotes of JSON, unless it is a vector. */
function textOf(value: unknown): string | undefined {
  const text = stringOf(value);
  return text === undefined || (text.startsWith('[') && VECTOR.test(text)) ? undefined : unquotedText(text);
}

/** Filters are JSON, or as Python prints them. */
function opened(value: unknown): unknown {
  return typeof value === 'string' ? (jsonOf(value) ?? parsePythonLiteral(value) ?? value) : value;
}

/** Milvus' and Marqo's results have the fields of the app. */
function resultsOf({ events }: SpanSlice): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  for (const { name, attributes } of events) {
    if (typeof name !== 'string' || !RESULT.test(name) || !attributes) continue;
    const result: Record<string, unknown> = {};
    for (const key in attributes) {
      const field = key.replace(RESULT_KEY, '').replace('.', '_');
      if (field === '__proto__' || field === 'vector' || isVector(attributes[key])) continue;
      result[field] = toPlainJson(
        field === 'metadata' || field === 'entity' ? opened(attributes[key]) : attributes[key],
      );
    }
    found.push(omitUndefined(result));
  }
  return found;
}

function isVector(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number');
}

function unlessNothing(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const said = omitUndefined(fields);
  return Object.keys(said).length > 0 ? said : undefined;
}
