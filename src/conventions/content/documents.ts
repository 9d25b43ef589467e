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
  if (typeof value !== 'string') return Array.isArray(value) ? value.map(toDocument) : undefined;
  if (LIST_OF_OBJECTS.test(value)) return undefined;
  const list = listIn(value);
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const documents = list.map(toDocument);
  return documents.every(isObject) ? documents : undefined;
}

function toDocument(item: unknown): unknown {
  return typeof item === 'string' ? (objectOf(item) ?? item) : item;
}

/** Returns undefined for a list that was cut: its text says more than what can be saved of it. */
function listIn(text: string): unknown {
  let isCut = false;
  const onCut = () => {
    isCut = true;
  };
  const list = withoutQuotes(jsonOf(text, onCut) ?? parsePythonLiteral(text), onCut);
  return isCut ? undefined : list;
}
