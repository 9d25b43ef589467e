/** The words that a turn adds to the index. */

import type { TurnWords } from '../search/vocabulary.ts';
import { insertWords, type LogWords } from '../search/word-rows.ts';
import type { Statement } from '../tables/connection.ts';
import type { Draft } from '../tables/drafts.ts';
import type { Layout } from '../tables/layout.ts';
import { toTexts, wordsOf } from '../tables/log-facts.ts';
import type { KnownLog, OldLog } from './known-logs.ts';
import { addedColumns, columnsOf, factsOf } from './log-rows.ts';

/** A log that was there before, as it was found. */
export interface FoundKnown {
  readonly log: KnownLog;
  readonly old: OldLog;
}

interface WordParts {
  readonly layout: Layout;
  readonly vocabulary: TurnWords;
  readonly search: 'index' | 'off';
}

export function wordsOfTurn(
  { search, vocabulary, layout }: WordParts,
  fresh: readonly Draft[],
  known: readonly FoundKnown[],
): Statement[] {
  if (search === 'off') return [];
  const rows: LogWords[] = fresh.map((draft) => {
    const columns = columnsOf(draft);
    const words = wordsOf(columns, toTexts(columns, draft.config), factsOf(draft), vocabulary.add);
    return { id: draft.id, session: draft.group!.key, words, isAdded: false };
  });
  for (const { log, old } of known) {
    const columns = addedColumns(log, old);
    const config = old.no_config ? log.draft?.config : undefined;
    const facts = log.draft && !old.has_feedback ? factsOf(log.draft) : [];
    const words = wordsOf(columns, toTexts(columns, config), facts, vocabulary.add);
    if (words.size > 0) rows.push({ id: log.place.id, session: old.session, words, isAdded: true });
  }
  return insertWords(rows, layout);
}
