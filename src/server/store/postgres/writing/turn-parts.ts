/** What a turn has of its store. */

import type { TurnWords, Vocabulary } from '../search/vocabulary.ts';
import type { Catalog } from '../tables/catalog.ts';
import type { Layout } from '../tables/layout.ts';
import type { Merges, TurnMerges } from '../tables/merges.ts';

export interface TurnParts {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly merges: TurnMerges;
  readonly vocabulary: TurnWords;
  /** `index`: words are written with the log. */
  readonly search: 'index' | 'off';
}

/** What all turns of a store have. */
export interface StoreParts extends Omit<TurnParts, 'merges' | 'vocabulary'> {
  readonly merges: Merges;
  readonly vocabulary: Vocabulary;
}

export function partsOfTurn(parts: StoreParts): TurnParts {
  return { ...parts, merges: parts.merges.ofTurn(), vocabulary: parts.vocabulary.ofTurn() };
}
