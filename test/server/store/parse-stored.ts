/** Parses JSON as the server parses a body whose fields it stores as they came. */
import { JsonPlaces } from '../../../src/server/http/bytes/json-places.ts';
import { JsonStructure } from '../../../src/server/http/bytes/json-structure.ts';

/** `size` is that of the pieces in which the body comes. */
export function parseStored(text: string, fields: ReadonlySet<string>, size = 64 * 1024) {
  const bytes = Buffer.from(text);
  const places = new JsonPlaces(fields);
  const structure = new JsonStructure(undefined, places);
  for (let at = 0; at < bytes.length; at += size) structure.read(bytes.subarray(at, at + size));
  // biome-ignore lint/suspicious/noExplicitAny: as of `JSON.parse`.
  return places.parse(bytes) as any;
}
