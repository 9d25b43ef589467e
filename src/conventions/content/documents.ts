/** Documents and records that a search has found, as text: a list of objects, however its source has encoded them. */
import { isObject } from '../../wire/json.ts';
import { jsonOf, objectOf, withoutQuotes } from '../values/attributes.ts';
import { toOptionalText } from '../values/plain-json.ts';
import { parsePythonLiteral } from '../values/python-literal.ts';

/** Any other value stays as it is. */
export function textOfDocuments(value: unknown): string | undefined {
  return toOptionalText(documentsIn(value) ?? value);
}

/** JSON of the list itself needs no opening. */
const LIST_OF_OBJECTS = /^\s*\[\s*\{\s*"/;

function documentsIn(value: unknown): unknown[] | undefined {
  if (typeof value === 'string' && LIST_OF_OBJECTS.test(value)) return undefined;
  const list = typeof value === 'string' ? withoutQuotes(jsonOf(value) ?? parsePythonLiteral(value)) : value;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const documents = list.map((item: unknown) => (typeof item === 'string' ? objectOf(item) : item));
  return documents.every(isObject) ? documents : undefined;
}
