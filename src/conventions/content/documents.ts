/** Documents and records that a search has found, as text: a list of objects, however its source has encoded them. */
import { isObject } from '../../wire/json.ts';
import { jsonOf, objectOf, withoutQuotes } from '../values/attributes.ts';
import { toOptionalText } from '../values/json/plain-json.ts';
import { mayParse } from '../values/json/text-weight.ts';
import { parsePrintedFields, parsePythonLiteral } from '../values/printed/python-literal.ts';

/** Any other value stays as it is. */
export function textOfDocuments(value: unknown): string | undefined {
  return toOptionalText(documentsIn(value) ?? value);
}

/** A list of LangChain's or LlamaIndex's documents as Python prints it. */
const PRINTED_LIST = /^\[(?:Document|NodeWithScore)\(\w+=/;

/** Returns documents that can be nothing else, whatever step has returned them. */
export function printedDocumentsIn(value: unknown): unknown[] | undefined {
  const arePrinted = Array.isArray(value)
    ? value.length > 0 && value.every(isPrintedDocument)
    : typeof value === 'string' && PRINTED_LIST.test(value);
  const documents = arePrinted ? documentsIn(value) : undefined;
  // An app's own class may have the same name.
  return documents?.every((item) => isObject(item) && ('page_content' in item || 'node' in item))
    ? documents
    : undefined;
}

/** JSON of the list itself needs no opening. */
const LIST_OF_OBJECTS = /^\s*\[\s*\{\s*"/;

function documentsIn(value: unknown): unknown[] | undefined {
  if (typeof value !== 'string') return Array.isArray(value) ? value.map(toDocument) : undefined;
  if (LIST_OF_OBJECTS.test(value)) return undefined;
  const documents = documentsIn(listIn(value));
  return documents && documents.length > 0 && documents.every(isObject) ? documents : undefined;
}

/** LangChain's document as a text. */
const PRINTED_DOCUMENT = /^page_content=['"]/;

function isPrintedDocument(item: unknown): item is string {
  return typeof item === 'string' && PRINTED_DOCUMENT.test(item);
}

function toDocument(item: unknown): unknown {
  if (typeof item !== 'string') return item;
  return objectOf(item) ?? (isPrintedDocument(item) && mayParse(item) ? parsePrintedFields(item) : undefined) ?? item;
}

/** Returns undefined for a list that was cut: its text says more than what can be saved of it. */
function listIn(text: string): unknown[] | undefined {
  let isCut = false;
  const onCut = () => {
    isCut = true;
  };
  const list = withoutQuotes(jsonOf(text, onCut) ?? parsePythonLiteral(text), onCut);
  return !isCut && Array.isArray(list) ? list : undefined;
}
