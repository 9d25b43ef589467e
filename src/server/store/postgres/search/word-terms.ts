/** What a search asks of the index: one term for each word or phrase, and one for all metadata together. */
import { hasMetadata, metadataPhrase } from '../../rows/log-labels.ts';
import { hasWord, searchTerms } from '../../search-query.ts';
import { storableText } from '../../storable-text.ts';
import type { SessionQuery } from '../../viewer-store.ts';
import { hashWord, hasPhrase, inOrder, toWords } from '../tables/words.ts';
import type { Vocabulary } from './vocabulary.ts';

export const MAX_TERMS = 10;
/** In characters; the shorter a term, the more words begin with it. */
const SHORTEST_BEGINNING = 3;

export interface Term {
  readonly words: readonly number[];
  /** Any of these too: words that begin like the last one. */
  readonly beginnings?: readonly number[];
  /** What the words of a log do not say: their order, and what belongs to which name. */
  readonly verify?: (log: { readonly text: string; readonly metadata: string | null }) => boolean;
}

/** As they are written; with `vocabulary`, the last one as the beginning of a word: empty if there is no such word. */
export async function toTerms(query: SessionQuery, vocabulary?: Vocabulary): Promise<Term[]> {
  const metadata = query.metadata ?? [];
  // The index has no such entry.
  if (!metadata.every((filter) => hasWord(metadataPhrase(filter)))) return [];
  const terms: Term[] = [];
  // All of them must hold for the same log.
  if (metadata.length > 0) {
    terms.push({
      words: [...toWords(storableText(metadata.map(metadataPhrase).join(' ')))],
      verify: (log) => hasMetadata(log.metadata, metadata),
    });
  }
  const texts = searchTerms(storableText(query.search ?? '')).slice(0, MAX_TERMS - terms.length);
  const last = vocabulary ? texts.pop() : undefined;
  for (const text of texts) {
    const words = [...toWords(text)];
    terms.push(words.length > 1 ? { words, verify: (log) => hasPhrase(log.text, text) } : { words });
  }
  if (vocabulary) {
    const words = inOrder(last ?? '');
    const beginning = words.pop();
    if (last === undefined || last.length < SHORTEST_BEGINNING || beginning === undefined) return [];
    const beginnings = await vocabulary.numbersOf(beginning);
    const verify = (log: { readonly text: string }) => hasPhrase(log.text, last, true);
    terms.push({ words: words.map(hashWord), beginnings, ...(words.length > 0 && { verify }) });
  }
  return terms.filter(({ words, beginnings }) => words.length > 0 || beginnings);
}
