/** What a turn has of its store. */
import type { Catalog } from './catalog.ts';
import type { Layout } from './layout.ts';
import type { Merges } from './merges.ts';
import type { TurnWords, Vocabulary } from './vocabulary.ts';

export interface TurnParts {
  readonly layout: Layout;
  readonly catalog: Catalog;
  readonly merges: Merges;
  readonly vocabulary: TurnWords;
  /** `index`: words are written with the log. */
  readonly search: 'index' | 'off';
}

/** What all turns of a store have. */
export interface StoreParts extends Omit<TurnParts, 'vocabulary'> {
  readonly vocabulary: Vocabulary;
}

export function partsOfTurn(parts: StoreParts): TurnParts {
  return { ...parts, vocabulary: parts.vocabulary.ofTurn() };
}
