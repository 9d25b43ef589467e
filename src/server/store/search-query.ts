/** Reads what is typed into the search of the viewer: words, and filters such as `user:ada`. Pure. */
import type { MetadataFilter } from './viewer-store.ts';

export interface ParsedSearch {
  /** What is left without the filters, as it was typed. */
  readonly words: string;
  readonly user?: string;
  readonly environment?: string;
  readonly metadata: readonly MetadataFilter[];
}

/** A name and a colon, then a text without spaces or in quotes. The viewer's mark-words.ts leaves out the same. */
const FILTER = /(?<=^|\s)(user|env|environment|metadata\.[^\s:"]+):(?:"([^"]*)"|([^\s"]+))(?=\s|$)/g;

export function parseSearch(search: string): ParsedSearch {
  let user: string | undefined;
  let environment: string | undefined;
  const metadata: MetadataFilter[] = [];
  const words = search.replaceAll(FILTER, (whole, name: string, quoted?: string, plain?: string) => {
    const value = quoted ?? plain ?? '';
    if (value === '') return whole;
    if (name === 'user') user = value;
    else if (name.startsWith('metadata.')) metadata.push({ key: name.slice('metadata.'.length), value });
    else environment = value;
    return ' ';
  });
  return {
    words: words.trim(),
    ...(user !== undefined && { user }),
    ...(environment !== undefined && { environment }),
    metadata,
  };
}

/** Splits like `toWords` in the viewer's mark-words.ts, which marks what was found: a test holds the two together. */
export function searchTerms(search: string): string[] {
  const terms = [...search.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([text, phrase]) => phrase ?? text);
  // A term without a letter or digit has no word in it, and the engine would find nothing at all.
  return terms.filter(hasWord);
}

export function hasWord(term: string): boolean {
  return /[\p{L}\p{N}]/u.test(term);
}
