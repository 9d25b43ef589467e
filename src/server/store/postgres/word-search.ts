/**
 * Full-text search: sessions in whose logs all words are, the one with the newest log first. The beginning of the last
 * word is enough where no whole word is found.
 *
 * One of the terms leads: its logs are read from the newest day on, and of their sessions those are kept that have the
 * other terms too. Each request looks for a bounded time; the cursor says where it stopped.
 */
import type pg from 'pg';
import { hasMetadata, metadataPhrase } from '../log-labels.ts';
import { hasWord, searchTerms } from '../search-query.ts';
import { storableText } from '../storable-text.ts';
import type { SessionQuery } from '../viewer-store.ts';
import type { Row } from './connection.ts';
import { dayOf, placeOf } from './identifiers.ts';
import type { Uuid } from './keys.ts';
import { type FoundSession, findCurrentSessions } from './lookups.ts';
import { readTexts } from './match-texts.ts';
import { type Conditions, type FoundSessions, keepWanted } from './session-list.ts';
import type { Vocabulary } from './vocabulary.ts';
import { logOfWords, wordRowsOf } from './word-rows.ts';
import { hashWord, hasPhrase, inOrder, toWords } from './words.ts';

const MAX_MILLIS = 2_000;
/** Hits whose sessions are looked at together. */
const CHECKED = 100;
/** Read from the index of words at once, and sorted here; a word in more logs is looked for log by log. */
const MAX_HITS = 2_000;
const WALKED = 200;
const MAX_TERMS = 10;
/** Logs of one session in which a phrase is looked for. */
const MAX_PHRASE_LOGS = 20;
const LAST_ID = 'data_zzzzzzzzzzzzzzzzzzzzz';

/** In characters; the shorter a term, the more words begin with it. */
const SHORTEST_BEGINNING = 3;

interface Term {
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
      verify: (log) => metadata.every((filter) => hasMetadata(log.metadata, filter)),
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
  if (given !== undefined) {
    const isBeginning = Number(given) >= BEGINNING;
    const terms = await toTerms(query, isBeginning ? parts.vocabulary : undefined);
    return searchFrom(parts, query, terms, { leading: Number(given) % BEGINNING, isBeginning, before });
  }
  for (const isBeginning of [false, true]) {
    const terms = await toTerms(query, isBeginning ? parts.vocabulary : undefined);
    if (terms.length === 0) continue;
    const leading = await chooseLeading(parts.pool, terms);
    const result = await searchFrom(parts, query, terms, { leading, isBeginning, before });
    // The beginning of a word is tried only if no whole word is found: more logs have it.
    if (result.found.length > 0 || result.next !== null) return result;
  }
  return { found: [], next: null };
}

interface Place {
  readonly leading: number;
  readonly isBeginning: boolean;
  readonly before: string;
}

async function searchFrom(
  { pool, conditions, excluded }: SearchParts,
  query: SessionQuery,
  terms: readonly Term[],
  { leading, isBeginning, before }: Place,
): Promise<FoundSessions> {
  const end = performance.now() + MAX_MILLIS;
  const cursorOf = (id: string) => `${leading + (isBeginning ? BEGINNING : 0)} ${id}`;
  const lead = terms[leading];
  if (!lead) return { found: [], next: null };
  const found = new Map<Uuid, string>();
  const seen = new Set<Uuid>();
  let last = before;
  for (const day of await listDays(pool)) {
    if (placeOf(before) && day > placeOf(before)!.day) continue;
    for (let isWhole = false; !isWhole; ) {
      const hits = await readHits(pool, day, lead, last);
      isWhole = hits.isWhole;
      for (let at = 0; at < hits.rows.length && performance.now() <= end; at += CHECKED) {
        const slice = hits.rows.slice(at, at + CHECKED).filter(({ session }) => !seen.has(session));
        const sessions = await keepMatching(pool, { terms, leading, hits: slice, before, conditions, excluded });
        for (const { id, session } of hits.rows.slice(at, at + CHECKED)) {
          last = id;
          const key = sessions.get(session);
          if (key === undefined || found.has(key) || !sessions.isVerified(id)) continue;
          found.set(key, id);
          if (found.size === query.size) return { found: toFound(found), next: cursorOf(last) };
        }
        // Of a term that its words do not decide, another log of the session may be the one.
        if (!lead.verify) for (const { session } of slice) seen.add(session);
      }
      if (performance.now() > end) {
        return { found: toFound(found), next: last === LAST_ID ? null : cursorOf(last) };
      }
    }
  }
  return { found: toFound(found), next: null };
}

function toFound(found: ReadonlyMap<Uuid, string>): FoundSessions['found'] {
  return [...found].map(([key, logId]) => ({ key, logId }));
}

interface Hit {
  readonly id: string;
  readonly session: Uuid;
}

function toHit(row: Row): Hit {
  return { id: logOfWords(row['id'] as string), session: row['session'] as Uuid };
}

/** The term of the fewest logs on the newest days that have any; metadata always lead, since one log has them all. */
async function chooseLeading(pool: pg.Pool, terms: readonly Term[]): Promise<number> {
  if (terms.length === 1 || terms[0]?.verify) return 0;
  const days = (await listDays(pool)).slice(0, 3);
  const counts = await Promise.all(
    terms.map(async (term) => {
      let count = 0;
      for (const day of days) count += (await readFromIndex(pool, day, term, LAST_ID)).length;
      return count;
    }),
  );
  return counts.indexOf(Math.min(...counts));
}

/** Newest first. */
async function listDays(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<Row>({
    name: 'days',
    text: `SELECT right(inhrelid::regclass::text, 8) AS day FROM pg_inherits WHERE inhparent = 'log_words'::regclass`,
  });
  const today = dayOf(Date.now() + 86_400_000);
  return rows
    .map((row) => String(row['day']).replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3'))
    .filter((day) => day <= today)
    .sort()
    .reverse();
}

/** A statement for each of the three, since an empty list of words would be one that every log has. */
function toHitsSql({ words, beginnings }: Term, rest: string) {
  const conditions = [
    ...(words.length > 0 ? ['words @> $3::int4[]'] : []),
    ...(beginnings ? [`words && $${words.length > 0 ? 4 : 3}::int4[]`] : []),
  ];
  return {
    kind: conditions.join(' '),
    text: `SELECT id, session FROM log_words WHERE day = $1::date AND id < $2::text AND ${conditions.join(' AND ')} ${rest}`,
    values: [...(words.length > 0 ? [words] : []), ...(beginnings ? [beginnings] : [])],
  };
}

async function readHits(
  pool: pg.Pool,
  day: string,
  term: Term,
  before: string,
): Promise<{ rows: Hit[]; isWhole: boolean }> {
  const rows = await readFromIndex(pool, day, term, before);
  if (rows.length <= MAX_HITS) {
    return { rows: rows.sort((left, right) => (left.id < right.id ? 1 : -1)), isWhole: true };
  }
  const { kind, text, values } = toHitsSql(term, `ORDER BY id DESC LIMIT ${WALKED}`);
  const walked = await pool.query<Row>({ name: `walk ${kind}`, text, values: [day, before, ...values] });
  return { rows: walked.rows.map(toHit), isWhole: walked.rows.length < WALKED };
}

/** Asked for an order, the planner would walk along the primary key for a rare word. */
async function readFromIndex(pool: pg.Pool, day: string, term: Term, before: string): Promise<Hit[]> {
  const client = await pool.connect();
  try {
    const begin = client.query(
      `BEGIN READ ONLY; SET LOCAL citus.propagate_set_commands TO 'local'; SET LOCAL enable_seqscan TO off;
       SET LOCAL enable_indexscan TO off; SET LOCAL statement_timeout TO '3s'`,
    );
    const { kind, text, values } = toHitsSql(term, `LIMIT ${MAX_HITS + 1}`);
    const hits = client.query<Row>({ name: `find ${kind}`, text, values: [day, before, ...values] });
    const results = await Promise.allSettled([begin, hits, client.query('COMMIT')]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    client.release();
    return (await hits).rows.map(toHit);
  } catch (error) {
    client.release(true);
    throw error;
  }
}

interface Candidates {
  readonly terms: readonly Term[];
  readonly leading: number;
  readonly hits: readonly Hit[];
  readonly before: string;
  readonly conditions: Conditions;
  readonly excluded: ReadonlySet<Uuid>;
}

/** Resolves to the session that is shown, by that of the hit, for those that have all terms and meet the conditions. */
async function keepMatching(pool: pg.Pool, { terms, leading, hits, before, conditions, excluded }: Candidates) {
  const lead = terms[leading]!;
  const current = await findCurrentSessions(pool, new Set(hits.map(({ session }) => session)));
  const wanted = await keepWanted(pool, [...new Set([...current.values()].map(({ key }) => key))], conditions);
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
  if (wanted.size > 0 && (others.length > 0 || !isNew)) {
    const candidates = [...new Set(current.values())].filter(({ key }) => wanted.has(key));
    const logsOf = await findLogsOfTerms(pool, candidates, [lead, ...others]);
    for (const { key, keys } of candidates) {
      const [own, ...theirs] = [lead, ...others].map((_, index) =>
        keys.flatMap((each) => logsOf.get(each)?.[index] ?? []),
      );
      // Its newest log with the term was on an earlier page.
      let hasAll = isNew || !own!.some((id) => id >= before);
      for (const [index, term] of others.entries()) {
        if (!hasAll) break;
        const ids = theirs[index]!;
        hasAll = term.verify ? (await verifyLogs(pool, term, ids.slice(-MAX_PHRASE_LOGS))).size > 0 : ids.length > 0;
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

/** Resolves to the ids of the logs that have the words of each term, by the session that they are stored under. */
async function findLogsOfTerms(
  pool: pg.Pool,
  sessions: readonly FoundSession[],
  terms: readonly Term[],
): Promise<Map<Uuid, string[][]>> {
  const parts = terms.map(
    (_, index) =>
      `array_agg(DISTINCT log.id ORDER BY log.id) FILTER (WHERE part.words @> $${2 * index + 3}::int4[]
        AND ($${2 * index + 4}::int4[] IS NULL OR part.words && $${2 * index + 4}::int4[])) AS found_${index}`,
  );
  const { rows } = await pool.query<Row>({
    name: `logs of ${terms.length} terms`,
    text: `SELECT log.session, ${parts.join(', ')} FROM logs AS log
      JOIN log_words AS part ON part.day = log.day AND part.bucket = log.bucket AND part.id IN ${wordRowsOf('log.id')}
      WHERE log.bucket = ANY($1::smallint[]) AND log.session = ANY($2::uuid[]) GROUP BY log.session`,
    values: [
      [...new Set(sessions.flatMap(({ buckets }) => buckets))],
      sessions.flatMap(({ keys }) => keys),
      ...terms.flatMap(({ words, beginnings }) => [words, beginnings ?? null]),
    ],
  });
  return new Map(
    rows.map((row) => [
      row['session'] as Uuid,
      terms.map((_, index) => (row[`found_${index}`] as string[] | null) ?? []),
    ]),
  );
}

async function verifyLogs(pool: pg.Pool, term: Term, ids: readonly string[]): Promise<Set<string>> {
  const texts = await readTexts(pool, ids);
  return new Set(ids.filter((id) => texts.has(id) && term.verify!(texts.get(id)!)));
}
