/**
 * How many days a search asks at once: a word of few logs is looked for on many, since each day costs a question and its
 * answer, however little is found; a word of many logs on one, since the newest of them fill the page. Pure.
 */
import { MAX_EARLIER } from './word-hits.ts';

/** Their tables and indexes are locked, of which the locks of the database are for all that is done at that time. */
const DAYS_AT_ONCE = 32;
/** The page is rather filled by one more day than by one more question. */
const SPARE = 1.5;
/** A day alone is asked twice: for its newest logs, in case a word is frequent, and for what the index has. */
const LEAST_OF_FEW = 2;

export class DaySpans {
  #most = DAYS_AT_ONCE;
  #days = 0;

  /** Called for days of which more was found than can be read at once. */
  noteTooMany(days: number): void {
    this.#most = Math.max(1, Math.floor(days / 4));
  }

  /**
   * Returns how many days are asked next.
   *
   * @param days that were asked, on which there were so many `hits` of the leading term.
   * @param found sessions so far, of all days.
   * @param missing sessions that the page has room for.
   */
  next({ days, hits, found, missing }: { days: number; hits: number; found: number; missing: number }): number {
    this.#days += days;
    const byHits = (MAX_EARLIER / 2) * (days / Math.max(1, hits));
    const byPage = found === 0 ? DAYS_AT_ONCE : SPARE * missing * (this.#days / found);
    return Math.max(1, Math.floor(Math.min(this.#most, byHits, Math.max(LEAST_OF_FEW, byPage))));
  }
}
