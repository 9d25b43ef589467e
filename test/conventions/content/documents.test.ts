import { expect, test } from 'vitest';
import { printedDocumentsIn, textOfDocuments } from '../../../src/conventions/content/documents.ts';

const FOUND = [{ id: 'a', text: 'Oslo' }, { id: 'b' }];

test.each<[string, unknown]>([
  ['objects', FOUND],
  ['JSON', JSON.stringify(FOUND)],
  ['JSON of JSON', JSON.stringify(JSON.stringify(FOUND))],
  ['texts of JSON', FOUND.map((document) => JSON.stringify(document))],
  ['JSON of texts of JSON', JSON.stringify(FOUND.map((document) => JSON.stringify(document)))],
  ['Python', "[{'id': 'a', 'text': 'Oslo'}, {'id': 'b'}]"],
])('a list as %s is the list', (_name, value) => {
  expect(textOfDocuments(value)).toBe(JSON.stringify(FOUND));
});

test('an item that is no object stands as it is beside the others', () => {
  expect(textOfDocuments(['{"id":"a"}', 'Oslo'])).toBe('[{"id":"a"},"Oslo"]');
});

test.each([
  'Oslo',
  '"Oslo"',
  '[]',
  '["Oslo","Bergen"]',
  '["{\\"id\\":\\"a\\"}","Oslo"]',
  '{"documents":[{"id":"a"}]}',
  "['Oslo', None]",
  // Cut by a limit of lengths.
  '["{\\"id\\":\\"a\\"}","{\\"id\\":\\"b\\",\\"text\\":\\"Os',
  '"[{\\"id\\":\\"a\\"},{\\"id\\":\\"b\\",\\"text\\":\\"Os',
  "[{'id': 'a'}, {'id': 'b', 'text': 'Os",
])('%s stays as it is', (text) => {
  expect(textOfDocuments(text)).toBe(text);
});

test.each<[string, boolean]>([
  ["[Document(page_content='Oak.')]", true],
  ["[NodeWithScore(node=TextNode(text='Oak.'), score=0.5)]", true],
  // The app's own class.
  ["[Document(title='Oak.', pages=3)]", false],
  ["[Document(page_content='Oak.')] was found", false],
  ["[Document(page_content='Oak.'), Document(title='Ash.')]", false],
])('%s in any step: documents %s', (text, areDocuments) => {
  expect(printedDocumentsIn(text) !== undefined).toBe(areDocuments);
});
