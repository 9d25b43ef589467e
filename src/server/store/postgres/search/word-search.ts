/**
 * Full-text search: sessions in whose logs all words are, the one with the newest log first. The beginning of the last
 * word is enough where no whole word is found.
 *
 * One of the terms leads: its logs are read from the newest day on, and of their sessions those are kept that have the
 * other terms too. The fewer logs have it, the more earlier days are asked at once. Each request looks for a bounded time;
 * the cursor says where it stopped.
 */
import type pg from 'pg';
import type { SessionQuery } from '../../viewer-store.ts';
import { type Conditions, type FoundSessions, keepWantedOf } from '../reading/session-list.ts';
import { dayOf, firstIdOf } from '../tables/identifiers.ts';
import type { Uuid } from '../tables/keys.ts';
import { type FoundSession, findCurrentSessions } from '../tables/lookups.ts';
import { DaySpans } from './day-spans.ts';
import { readTexts } from './match-texts.ts';
import { countHits, OtherTerms } from './other-terms.ts';
import { findPossibleHits } from './possible-hits.ts';
import { findFewSessions, findLogsOfTerms, readHitsOf } from './session-hits.ts';
import type { Vocabulary } from './vocabulary.ts';
import { type Hit, LAST_ID, listDays, readHits, readHitsOfDays } from './word-hits.ts';
import { MAX_TERMS, type Term, toTerms } from './word-terms.ts';

const MAX_MILLIS = 2_000;
/**
 * After so much work, a page that has something is answered, though it is not full: whoever searches sees it, and asks
 * for the next one. A hit counts one, and as a text that is read as much as so many.
 */
const FIRST_PAGE_WORK = 4_000;
const NEXT_PAGE_WORK = 20_000;
const WORK_OF_TEXT = 20;
const FIRST_DAY = '1970-01-01';
/** Hits whose sessions are looked at together, and whose texts are read. */
const CHECKED = 100;
const VERIFIED = 40;
/** The first of them is tomorrow. */
const COUNTED_DAYS = 3;
/** Logs of one session in which a phrase is looked for. */
const MAX_PHRASE_LOGS = 20;

interface SearchParts {
  readonly pool: pg.Pool;
  readonly vocabulary: Vocabulary;
  readonly conditions: Conditions;
  readonly excluded: ReadonlySet<Uuid>;
}

/** What a cursor adds to the number of the leading term where the last word is the beginning of one. */
const BEGINNING = MAX_TERMS;

export async function searchWords(parts: SearchParts, query: SessionQuery): Promise<FoundSessions> {
  const [given, before = LAST_ID] = query.cursor?.split(' ') ?? [];
  const few = await findFewSessions(parts.pool, parts.conditions);
  if (given !== undefined) {
    const isBeginning = Number(given) >= BEGINNING;
    const terms = await toTerms(query, isBeginning ? parts.vocabulary : undefined);
    return searchFrom({ ...parts, few }, query, terms, { leading: Number(given) % BEGINNING, isBeginning, before });
  }
  let first: FoundSessions | undefined;
  for (const isBeginning of [false, true]) {
    const terms = await toTerms(query, isBeginning ? parts.vocabulary : undefined);
    if (terms.length === 0) continue;
    if (isBeginning && first?.next === null && !hasBeginnings(terms)) break;
    const leading = few ? 0 : await chooseLeading(parts.pool, terms);
    const result = await searchFrom({ ...parts, few }, query, terms, { leading, isBeginning, before });
    // The beginning of a word is tried only if no whole word is found: more logs have it. It finds whole words, too, so
    // nothing is lost where there was no time to look through all of them.
    if (result.found.length > 0 || (isBeginning && result.next !== null)) return result;
    first ??= result;
  }
  return first ?? { found: [], next: null };
}

/** Whether other words than the last one itself begin like it. */
function hasBeginnings(terms: readonly Term[]): boolean {
  const { words, beginnings = [] } = terms.at(-1)!;
  return words.length > 0 || beginnings.length > 1;
}

/** The term of the fewest logs on the newest days; metadata always lead, since one log has them all. */
async function chooseLeading(pool: pg.Pool, terms: readonly Term[]): Promise<number> {
  if (terms.length === 1 || terms[0]?.verify) return 0;
  const end = performance.now() + MAX_MILLIS;
  const days = (await listDays(pool)).slice(0, COUNTED_DAYS);
  const counts = await countHits(pool, { first: days.at(-1)!, last: days[0]! }, terms, end);
  return counts.indexOf(Math.min(...counts));
}

interface Place {
  readonly leading: number;
  readonly isBeginning: boolean;
  readonly before: string;
}

async function searchFrom(
  { pool, conditions, excluded, few }: SearchParts & { readonly few: readonly FoundSession[] | undefined },
  query: SessionQuery,
  terms: readonly Term[],
  { leading, isBeginning, before }: Place,
): Promise<FoundSessions> {
  const end = performance.now() + MAX_MILLIS;
  let work = before === LAST_ID ? FIRST_PAGE_WORK : NEXT_PAGE_WORK;
  const cursorOf = (id: string) => `${leading + (isBeginning ? BEGINNING : 0)} ${id}`;
  const lead = terms[leading];
  if (!lead) return { found: [], next: null };
  const found = new Map<Uuid, string>();
  const seen = new Set<Uuid>();
  let last = before;
  const today = dayOf(Date.now());
  const others = new OtherTerms(pool, few ? [] : terms.filter((_, index) => index !== leading));
  const spans = new DaySpans();
  let span = 1;
  // Those of a few sessions are read at once, whatever their days.
  const days = few ? [FIRST_DAY] : (await listDays(pool)).filter((day) => startOf(day) < before);
  for (let at = 0; at < days.length; ) {
    const day = days[at]!;
    let range = { first: days[Math.min(at + span, days.length) - 1]!, last: day };
    const earlier = span > 1 ? await readHitsOfDays(pool, range, lead) : undefined;
    if (span > 1 && !earlier) {
      spans.noteTooMany(span);
      [span, range] = [1, { first: day, last: day }];
    }
    // Of few hits, their own sessions are sooner looked at than all that have another term on so many days.
    const areFew = earlier !== undefined && earlier.rows.length <= CHECKED;
    const sessionsOf = areFew ? [] : await others.sessionsOf(range, end, earlier?.rows.length);
    // A session that is among all of these has all of the words.
    const areAllKnown = sessionsOf.length === terms.length - 1 && terms.every((term) => term === lead || !term.verify);
    let hits = 0;
    for (let isWhole = false; !isWhole; ) {
      const read = few
        ? await readHitsOf(pool, few, lead, last)
        : (earlier ?? (await readHits(pool, day, lead, last, sessionsOf.length > 0)));
      isWhole = read.isWhole;
      hits += read.rows.length;
      const portions = findPossibleHits(pool, read.rows, sessionsOf, lead.verify ? VERIFIED : CHECKED);
      for await (const portion of portions) {
        const slice = portion.hits.filter(({ session }) => !seen.has(session));
        const candidates = { terms, leading, hits: slice, before, conditions, excluded };
        const sessions = await keepMatching(pool, candidates, areAllKnown ? sessionsOf : []);
        for (const { id, session } of slice) {
          last = id;
          const key = sessions.get(session);
          if (key === undefined || found.has(key) || !sessions.isVerified(id)) continue;
          found.set(key, id);
          if (found.size === query.size) return { found: toFound(found), next: cursorOf(last) };
        }
        last = portion.last;
        // Of a term that its words do not decide, another log of the session may be the one.
        if (!lead.verify) for (const { session } of slice) seen.add(session);
        work -= portion.leftOut + slice.length * (lead.verify ? WORK_OF_TEXT : 1);
        const isEnough = found.size > 0 && work <= 0;
        // However long it took to find them, some are looked at, so that the next request goes on behind them.
        if (isEnough || performance.now() > end) return { found: toFound(found), next: cursorOf(last) };
      }
      last = isWhole ? startOf(range.first) : (read.next ?? last);
      if (performance.now() > end) return { found: toFound(found), next: cursorOf(last) };
    }
    at += span;
    // There is nothing yet on the day that is made ahead.
    if (day <= today) {
      span = spans.next({ days: span, hits, found: found.size, missing: query.size - found.size });
    }
  }
  return { found: toFound(found), next: null };
}

/** An id that sorts below those of the day, and above those of the days before. */
function startOf(day: string): string {
  return firstIdOf(Date.parse(`${day}T00:00:00Z`)).padEnd(LAST_ID.length, '0');
}

function toFound(found: ReadonlyMap<Uuid, string>): FoundSessions['found'] {
  return [...found].map(([key, logId]) => ({ key, logId }));
}

interface Candidates {
  readonly terms: readonly Term[];
  readonly leading: number;
  readonly hits: readonly Hit[];
  readonly before: string;
  readonly conditions: Conditions;
  readonly excluded: ReadonlySet<Uuid>;
}

/**
 * Resolves to the session that is shown, by that of the hit, for those that have all terms and meet the conditions.
 *
 * @param sessionsOf where they are known, that have each of the other terms: whoever is among them is not looked at again.
 */
async function keepMatching(pool: pg.Pool, candidates: Candidates, sessionsOf: readonly ReadonlySet<Uuid>[]) {
  const { terms, leading, hits, before, conditions, excluded } = candidates;
  const lead = terms[leading]!;
  const current = await findCurrentSessions(pool, new Set(hits.map(({ session }) => session)));
  const wanted = await keepWantedOf(pool, current.values(), conditions);
  for (const key of excluded) wanted.delete(key);
  const verified = lead.verify
    ? await verifyLogs(
        pool,
        lead,
        hits.filter(({ session }) => wanted.has(current.get(session)?.key ?? '')).map(({ id }) => id),
      )
    : undefined;
  const others = terms.filter((_, index) => index !== leading);
  const isNew = before === LAST_ID;
  const isKnown = (session: Uuid) => isNew && sessionsOf.length > 0 && sessionsOf.every((each) => each.has(session));
  const haveAll = new Set(hits.flatMap(({ session }) => (isKnown(session) ? (current.get(session)?.key ?? []) : [])));
  const open = [...new Set(current.values())].filter(({ key }) => wanted.has(key) && !haveAll.has(key));
  if (open.length > 0 && (others.length > 0 || !isNew)) {
    const logsOf = await findLogsOfTerms(pool, open, [lead, ...others]);
    for (const { key, keys } of open) {
      const [own, ...theirs] = [lead, ...others].map((_, index) =>
        keys.flatMap((each) => logsOf.get(each)?.[index] ?? []),
      );
      // A log of it that has the term was on an earlier page.
      const earlier = isNew ? [] : own!.filter((id) => id >= before);
      let hasAll = !(await hasTerm(pool, lead, earlier));
      for (const [index, term] of others.entries()) {
        if (!hasAll) break;
        hasAll = await hasTerm(pool, term, theirs[index]!);
      }
      if (!hasAll) wanted.delete(key);
    }
  }
  return {
    get: (session: Uuid) => {
      const key = current.get(session)?.key;
      return key !== undefined && wanted.has(key) ? key : undefined;
    },
    isVerified: (id: string) => verified === undefined || verified.has(id),
  };
}

/** Whether one of the logs, which have its words, has the term. */
async function hasTerm(pool: pg.Pool, term: Term, ids: readonly string[]): Promise<boolean> {
  if (!term.verify || ids.length === 0) return ids.length > 0;
  return (await verifyLogs(pool, term, ids.slice(-MAX_PHRASE_LOGS))).size > 0;
}

async function verifyLogs(pool: pg.Pool, term: Term, ids: readonly string[]): Promise<Set<string>> {
  const texts = await readTexts(pool, ids);
  return new Set(ids.filter((id) => texts.has(id) && term.verify!(texts.get(id)!)));
}
